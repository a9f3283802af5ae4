import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { readSession } from '../../lib/connection/session.ts';

/** A session as OpenSSL writes it, of a TLS 1.2 client with a certificate. */
let genuine: Buffer;
let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
  const { key, cert } = pki.server;
  const server = createServer({ key, cert, ca: pki.ca, requestCert: true, maxVersion: 'TLSv1.2' });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const client = connect({ host: '127.0.0.1', port, ...pki.clients.good });
  const [peer] = await accepted;
  genuine = peer.getSession()!;
  peer.on('error', () => {}).destroy();
  client.on('error', () => {}).destroy();
  server.close();
});

const copy = (): Buffer => Buffer.from(genuine);

it('reads what OpenSSL wrote', () => {
  const facts = readSession(copy())!;
  expect(facts).toMatchObject({ verifyResult: 0, extendedMasterSecret: true });
  expect(facts.group).toBeGreaterThan(0);
  expect(Math.abs(Date.now() - facts.establishedAt!)).toBeLessThan(60_000);
  expect(facts.peerCertificate!.toString('base64')).toBe(
    pki.clients.good.certificate.replaceAll(/-----[^-]+-----|\n/g, ''),
  );
});

it('has nothing to read without a session', () => {
  expect(readSession(undefined)).toBeUndefined();
});

/** Whether `session` is wiped, and what was read of it is nothing or makes sense. */
function isReadAndWiped(session: Buffer): boolean {
  const facts = readSession(session);
  const makesSense = facts === undefined || Number.isInteger(facts.verifyResult);
  return makesSense && session.every((octet) => octet === 0);
}

describe('throws at nothing, and wipes whatever it was given', () => {
  it('octets at random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        expect(isReadAndWiped(Buffer.from(octets))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('random octets that begin like a session', () => {
    const element = fc.tuple(fc.integer({ min: 0xa0, max: 0xbe }), fc.uint8Array({ maxLength: 20 }));
    fc.assert(
      fc.property(fc.array(element, { maxLength: 6 }), (elements) => {
        const content = Buffer.concat(
          elements.map(([tag, octets]) => Buffer.from([tag, octets.length, ...octets])),
        );
        const length = content.length < 0x80 ? [content.length] : [0x81, content.length];
        expect(isReadAndWiped(Buffer.from([0x30, ...length, ...content]))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('a genuine one with octets changed, cut off or added', () => {
    const change = fc.tuple(fc.nat({ max: 1 << 16 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 4 }),
        fc.nat(1 << 16),
        fc.uint8Array({ maxLength: 8 }),
        (changes, end, tail) => {
          const damaged = copy();
          for (const [at, octet] of changes) damaged[at % damaged.length] = octet;
          expect(isReadAndWiped(damaged)).toBe(true);
          const cut = copy().subarray(0, end % genuine.length);
          expect(readSession(Buffer.from(cut))).toBeUndefined();
          const longer = Buffer.concat([genuine, Buffer.from([0]), tail]);
          expect(readSession(longer)).toBeUndefined();
        },
      ),
      { numRuns: 300 },
    );
  });
});

it('trusts a verify result only where it says so: unreadable means nobody knows', () => {
  const tag = genuine.lastIndexOf(Buffer.from([0xa3, 0x82]));
  expect(tag).toBeGreaterThan(0);
  // [3] becomes [5], the verify result, which a certificate is not.
  const damaged = copy();
  damaged[tag] = 0xa5;
  expect(readSession(damaged)).toBeUndefined();
});
