import { afterEach, expect, it } from '@jest/globals';
import {
  CertificateVerificationError,
  createAgent,
  HandshakeError,
  HostnameMismatchError,
  PinMismatchError,
  TlsClientError,
  type TlsClientErrorCode,
  type TlsClientOptions,
} from 'portcullis/client';
import { type BadServer, badServers } from './bad-servers.ts';
import type { OddCertificate } from '../support/odd-certificates.ts';
import { clientCertificate, intermediate, root, serverCertificate } from './pki.ts';
import { ways } from './requests.ts';
import { closeServers, startTcp, startTls, type Witness } from './servers.ts';

afterEach(closeServers);

const classes: Readonly<Record<TlsClientErrorCode, { readonly name: string; readonly prototype: object }>> = {
  CERTIFICATE_VERIFICATION_FAILED: CertificateVerificationError,
  HANDSHAKE_FAILED: HandshakeError,
  HOSTNAME_MISMATCH: HostnameMismatchError,
  PIN_MISMATCH: PinMismatchError,
};

function start({ server }: BadServer, version: 'TLSv1.2' | 'TLSv1.3'): Promise<Witness> {
  if (typeof server === 'function') return startTcp(server);
  return startTls({ minVersion: version, maxVersion: version, ...server });
}

/** What a client has told of a server, and the server has seen of the client. */
async function meet(bad: BadServer, way: keyof typeof ways, version: 'TLSv1.2' | 'TLSv1.3'): Promise<object> {
  const server = await start(bad, version);
  const options: TlsClientOptions = {
    ca: root.certificate,
    key: clientCertificate.key,
    cert: clientCertificate.certificate,
    ...bad.client,
  };
  const error: unknown = await ways[way](server.port, options).catch((caught: unknown) => caught);
  await server.quiet();
  const heard = server.heard();
  return {
    way,
    error,
    isClientError: error instanceof TlsClientError,
    isToldAll: error instanceof TlsClientError && error.port === server.port,
    // One that speaks no TLS has seen a ClientHello.
    heard: typeof bad.server === 'function' && !heard.includes('nobody-else') ? '' : heard,
    sawCertificate: server.sawCertificate(),
  };
}

/** What is told is printable, whatever the server has put into its certificate. */
const printable: unknown = expect.stringMatching(/^[ -~…]+$/);

function refused(bad: BadServer, way: keyof typeof ways): unknown {
  const { code, client, seen = /./ } = bad;
  const error = expect.objectContaining({
    name: classes[code].name,
    code,
    host: client?.servername ?? '127.0.0.1',
    message: printable,
    expected: printable,
    seen: expect.stringMatching(seen),
    ...(bad.reason !== undefined && { reason: bad.reason }),
    ...(bad.alert !== undefined && { alert: bad.alert }),
  });
  return { way, error, isClientError: true, isToldAll: true, heard: '', sawCertificate: false };
}

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

// Each way and each version by turns, as the kinds of a fault are many.
it.each(badServers.map((bad, index): [string, BadServer, number] => [bad.name, bad, index % 2]))(
  'a server that %s is told nothing',
  async (_name, bad, turn) => {
    const { version } = bad;
    const met = await Promise.all([
      meet(bad, 'agent', version ?? versions[turn]!),
      meet(bad, 'fetch', version ?? versions[1 - turn]!),
    ]);
    expect(met).toEqual([refused(bad, 'agent'), refused(bad, 'fetch')]);
  },
);

it.each(versions)(
  'a server that sent its intermediate yesterday, and not today, is told nothing over %s',
  async (version) => {
    const leaf = serverCertificate({ issuer: intermediate });
    const showing = (...shown: readonly OddCertificate[]): Promise<Witness> =>
      startTls({
        key: leaf.key,
        cert: shown.map(({ certificate }) => certificate).join(''),
        minVersion: version,
        maxVersion: version,
      });
    const [whole, bare] = await Promise.all([showing(leaf, intermediate), showing(leaf)]);
    const { key, certificate: cert } = clientCertificate;
    const agent = createAgent({ ca: root.certificate, key, cert, keepAlive: false });
    const ask = (server: Witness): Promise<unknown> => ways.agent(server.port, {}, { agent });
    await expect(ask(whole)).resolves.toMatchObject({ status: 200 });
    await expect(ask(bare)).rejects.toMatchObject({ reason: 'ISSUER_UNKNOWN' });
    await bare.quiet();
    expect([bare.heard(), bare.sawCertificate()]).toEqual(['', false]);
    agent.destroy();
  },
);

it('each of the four errors is a class of its own', () => {
  expect(new Set(Object.values(classes)).size).toBe(4);
  expect(Object.values(classes).every((one) => one.prototype instanceof TlsClientError)).toBe(true);
});
