import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { readSession, withoutName } from '../../lib/connection/session.ts';

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

/** A session made by hand: [tag, DER of what is in it] in turn. */
function made(...fields: ReadonlyArray<readonly [number, readonly number[]]>): Buffer {
  const content = Buffer.concat(
    fields.map(([tag, octets]) => Buffer.from([0xa0 + tag, octets.length].concat(octets))),
  );
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}
const integer = (...octets: readonly number[]): readonly number[] => [0x02, octets.length, ...octets];

describe('a session', () => {
  it('has each of its facts at a place of its own', () => {
    const session = made(
      [1, integer(0x65, 0x53, 0xf1, 0x00)],
      [3, [1, 2, 3]],
      [5, integer(10)],
      [13, integer(1)],
      [19, integer(29)],
    );
    expect(readSession(session)).toEqual({
      group: 29,
      establishedAt: 0x65_53_f1_00 * 1000,
      peerCertificate: Buffer.from([1, 2, 3]),
      verifyResult: 10,
      extendedMasterSecret: true,
    });
  });

  it('without any of them has no group, time or certificate', () => {
    expect(readSession(made([2, integer(7)], [4, integer(9)]))).toEqual({
      group: undefined,
      establishedAt: undefined,
      peerCertificate: undefined,
      verifyResult: 0,
      extendedMasterSecret: false,
    });
  });

  it('is told by the first of two fields, so that none that was added counts', () => {
    const session = made(
      ...[1, 5, 13, 19].flatMap((tag) => [[tag, integer(6)] as const, [tag, integer(7)] as const]),
      [3, [1]],
      [3, [2]],
    );
    expect(readSession(session)).toEqual({
      group: 6,
      establishedAt: 6000,
      peerCertificate: Buffer.from([1]),
      verifyResult: 6,
      extendedMasterSecret: false,
    });
  });

  it.each([
    [0, false],
    [1, true],
    [2, false],
    [3, true],
    [0x40, false],
  ])('with the flags %d says of the extended master secret: %s', (flags, expected) => {
    expect(readSession(made([13, integer(flags)]))?.extendedMasterSecret).toBe(expected);
  });

  it.each([1, 5, 13, 19])('with something else than one number in [%d] is not understood', (tag) => {
    for (const octets of [[], [0x04, 1, 1], [...integer(1), ...integer(1)], [...integer(1), 0]])
      expect(readSession(made([tag, octets]))).toBeUndefined();
  });
});

describe('a client’s session that is bound to a name', () => {
  const bound = (length: number): Buffer =>
    Buffer.concat([
      Buffer.from('\0nodejs:tls:session:1\0', 'latin1'),
      Buffer.from([length >> 8, length & 0xff]),
      Buffer.alloc(length, 'n'),
      made([5, integer(10)]),
    ]);

  it.each([0, 1, 255, 256, 300])('is read behind a name of %d octets, and wiped with it', (length) => {
    expect(withoutName(bound(length)).equals(made([5, integer(10)]))).toBe(true);
    const session = bound(length);
    expect(readSession(session)?.verifyResult).toBe(10);
    expect(session.every((octet) => octet === 0)).toBe(true);
  });

  it('is left as it is where no name stands in front', () => {
    for (const session of [copy(), Buffer.from('\0nodejs:tls:session:2\0\0\0', 'latin1'), Buffer.alloc(3)])
      expect(withoutName(session)).toBe(session);
  });
});
