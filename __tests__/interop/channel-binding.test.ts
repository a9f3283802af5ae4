import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlainServer, type Server } from 'node:https';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type TlsState } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { connectionOf } from '../../lib/connection/index.ts';
import { closeAll, handshake, listen } from '../listener/harness.ts';
import { run } from './support/program.ts';

const label = 'EXPORTER-Channel-Binding';
const context = Buffer.from('a context');
let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(closeAll);

const servers: ReadonlyArray<[string, () => Server]> = [
  ['a PortcullisServer', () => createServer({ ...pki.server, logger: false }, () => {})],
  ['a plain https.Server', () => createPlainServer(pki.server, () => {})],
];
const versions = ['TLSv1.2', 'TLSv1.3'] as const;
type Version = (typeof versions)[number];

interface Bindings {
  readonly protocol: string;
  readonly binding: string;
  readonly withoutContext: string;
  readonly withEmptyContext: string;
  readonly withContext: string;
}

/** What the server makes of the next connection, and what stays the same however often it is asked. */
async function nextBindings(server: Server): Promise<Bindings> {
  const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
  const facts: TlsState = connectionOf(socket)!.stateAt(Date.now());
  expect(facts.channelBinding()).toEqual(facts.channelBinding());
  return {
    protocol: facts.protocol,
    binding: facts.channelBinding().toString('hex'),
    withoutContext: facts.exportKeyingMaterial(32, label).toString('hex'),
    withEmptyContext: facts.exportKeyingMaterial(32, label, Buffer.alloc(0)).toString('hex'),
    withContext: facts.exportKeyingMaterial(32, label, context).toString('hex'),
  };
}

/** The other implementations export without a context. */
const programs: Readonly<Record<string, (port: number, version: Version) => Promise<string>>> = {
  'openssl s_client': async (port, version) => {
    const only = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3';
    const { stdout } = await run('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      only,
      '-keymatexport',
      label,
      '-keymatexportlen',
      '32',
    ]);
    return /Keying material: ([0-9A-F]{64})/.exec(stdout)![1]!.toLowerCase();
  },
  'gnutls-cli': async (port, version) => {
    const { stdout } = await run('gnutls-cli', [
      '--insecure',
      `--port=${port}`,
      `--priority=NORMAL:-VERS-ALL:+VERS-${version.replace('v', '')}`,
      `--keymatexport=${label}`,
      '--keymatexportsize=32',
      '127.0.0.1',
    ]);
    return /Key material: ([0-9a-f]{64})/.exec(stdout)![1]!;
  },
};

describe.each(servers)('the channel binding of %s', (_name, make) => {
  it.each(Object.entries(programs))('is the exporter of %s', async (_program, exported) => {
    const server = make();
    const port = await listen(server);
    for (const version of versions) {
      const [here, there] = await Promise.all([nextBindings(server), exported(port, version)]);
      expect(here.protocol).toBe(version);
      expect(here.withoutContext).toBe(there);
      // RFC 9266 2 asks for an empty context. RFC 8446 7.5 knows none apart from that, RFC 5705 4 does.
      expect(here.binding).toBe(here.withEmptyContext);
      expect(here.binding === there).toBe(version === 'TLSv1.3');
    }
  });

  it.each(versions)('is computed from the secrets of %s as the RFCs say', async (version) => {
    const server = make();
    const secrets = new Secrets();
    server.on('keylog', (line: Buffer) => secrets.read(line));
    const tap = await tapped(await listen(server));
    const [{ binding, withContext }, client] = await Promise.all([
      nextBindings(server),
      handshake(tap.port, { minVersion: version, maxVersion: version }),
    ]);
    const { name } = client.getCipher();
    const hash = name.includes('SHA384') || name.includes('SHA_384') ? 'sha384' : 'sha256';
    const expected = (given: Buffer): string =>
      version === 'TLSv1.3'
        ? exporter13(hash, secrets.of('EXPORTER_SECRET'), given)
        : exporter12(hash, secrets.of('CLIENT_RANDOM'), tap.serverRandom(), given);
    expect([binding, withContext]).toEqual([expected(Buffer.alloc(0)), expected(context)]);
    expect(client.exportKeyingMaterial(32, label, Buffer.alloc(0)).toString('hex')).toBe(binding);
  });
});

/** A way to the server on which its first message can be seen: a record, a handshake message, a version, the random. */
async function tapped(port: number): Promise<{ readonly port: number; readonly serverRandom: () => Buffer }> {
  let seen = Buffer.alloc(0);
  const tap = createTcpServer((client) => {
    const server = connectTcp(port, '127.0.0.1');
    client.on('error', () => server.destroy()).pipe(server);
    server.on('error', () => client.destroy()).pipe(client);
    server.on('data', (chunk: Buffer) => (seen = Buffer.concat([seen, chunk])));
  });
  return { port: await listen(tap), serverRandom: () => seen.subarray(11, 43) };
}

/** The lines of the format of NSS: `LABEL client-random secret`. */
class Secrets {
  readonly #lines = new Map<string, Secret>();

  read(line: Buffer): void {
    const [name, random, secret] = line.toString().trim().split(' ');
    this.#lines.set(name!, { random: Buffer.from(random!, 'hex'), secret: Buffer.from(secret!, 'hex') });
  }

  of(name: string): Secret {
    return this.#lines.get(name)!;
  }
}

const hmac = (hash: string, key: Buffer, ...parts: Buffer[]): Buffer =>
  createHmac(hash, key).update(Buffer.concat(parts)).digest();

interface Secret {
  readonly random: Buffer;
  readonly secret: Buffer;
}

/** RFC 5705 4 with P_hash of RFC 5246 5: of a context the length is part of the seed, be it zero. */
function exporter12(hash: string, { random, secret }: Secret, server: Buffer, given: Buffer): string {
  const seed = Buffer.concat([Buffer.from(label), random, server, Buffer.from([0, given.length]), given]);
  const first = hmac(hash, secret, seed);
  return hmac(hash, secret, first, seed).subarray(0, 32).toString('hex');
}

/** RFC 8446 7.5. */
function exporter13(hash: string, { secret }: Secret, given: Buffer): string {
  const empty = createHash(hash).digest();
  const derived = expandLabel(hash, secret, label, empty, empty.length);
  const digest = createHash(hash).update(given).digest();
  return expandLabel(hash, derived, 'exporter', digest, 32).toString('hex');
}

/** RFC 8446 7.1, for a length within one block. */
function expandLabel(hash: string, key: Buffer, name: string, digest: Buffer, length: number): Buffer {
  const full = Buffer.from(`tls13 ${name}`);
  const info = Buffer.concat([
    Buffer.from([0, length, full.length]),
    full,
    Buffer.from([digest.length]),
    digest,
    Buffer.from([1]),
  ]);
  return hmac(hash, key, info).subarray(0, length);
}
