import { once } from 'node:events';
import { type ConnectionOptions, createSecureContext, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { TlsState } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { type Endpoint, type Ends, guarded, plain } from './harness.ts';

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki({ serverNames: ['localhost', 'a.test', '127.0.0.1'] });
});
afterEach(() => {
  jest.restoreAllMocks();
});

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

type Make = (options: { ca?: string }) => Promise<Endpoint>;

const servers: ReadonlyArray<[string, Make]> = [
  [
    'a PortcullisServer',
    ({ ca }) => guarded(pki, ca === undefined ? {} : { clientAuth: { mode: 'optional', ca } }),
  ],
  [
    'a plain server',
    ({ ca }) => plain(pki, ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: false }),
  ],
];

describe.each(servers)('on %s', (_name, make) => {
  it.each(versions)('tells over %s what the client sees, too', async (version) => {
    const { connect } = await make(pki);
    // OpenSSL's seconds come from a clock that may lag by a tick, and so by one second.
    const before = Math.floor(Date.now() / 1000) * 1000 - 1000;
    const { facts, client } = await connect({
      ...pki.clients.good,
      servername: 'A.Test',
      maxVersion: version,
      minVersion: version,
    });
    const { name, standardName } = client.getCipher();
    expect(facts).toMatchObject({
      source: 'socket',
      protocol: version,
      cipher: { name, standardName },
      forwardSecrecy: true,
      alpn: 'http/1.1',
      serverName: 'a.test',
      resumed: false,
      clientCertificateError: undefined,
    });
    expect(standardName).toMatch(/^TLS_/);
    const at = facts.authenticatedAt!.getTime();
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
    client.destroy();
  });

  it.each(versions)('exports over %s the same key material as the client', async (version) => {
    const { connect } = await make(pki);
    const { facts, client } = await connect({ ca: pki.ca, maxVersion: version });
    const context = Buffer.from('context');
    expect(facts.exportKeyingMaterial(48, 'EXPERIMENTAL-test', context)).toEqual(
      client.exportKeyingMaterial(48, 'EXPERIMENTAL-test', context),
    );
    const withoutContext = client as unknown as Pick<TlsState, 'exportKeyingMaterial'>;
    expect(facts.exportKeyingMaterial(20, 'EXPERIMENTAL-test')).toEqual(
      withoutContext.exportKeyingMaterial(20, 'EXPERIMENTAL-test'),
    );
    const binding = facts.channelBinding();
    expect(binding).toEqual(client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)));
    expect(binding).toHaveLength(32);
    client.destroy();
  });

  it('keeps the facts after the connection is closed, but for the keys', async () => {
    const { connect } = await make(pki);
    const { facts, peer, client } = await connect(pki.clients.good);
    const before = JSON.stringify(facts);
    client.destroy();
    if (!peer.destroyed) await once(peer, 'close');
    expect(JSON.stringify(facts)).toBe(before);
    expect(facts.clientCertificate!.subject['CN']).toEqual(['good']);
    expect(() => facts.channelBinding()).toThrow(/exportKeyingMaterial/);
    expect(() => facts.exportKeyingMaterial(32, 'x')).toThrow(/exportKeyingMaterial/);
  });

  it('tells of nobody, and of whom nobody vouches for, why there is no certificate', async () => {
    const { connect } = await make(pki);
    const nobody = await connect({ ca: pki.ca });
    expect(nobody.facts).toMatchObject({
      authenticatedAt: undefined,
      clientCertificate: undefined,
      clientCertificateError: undefined,
      serverName: undefined,
    });
    const stranger = await connect(pki.clients.unknownCa);
    expect(stranger.facts).toMatchObject({
      authenticatedAt: undefined,
      clientCertificate: undefined,
      clientCertificateError: { code: 'CLIENT_CERTIFICATE_UNTRUSTED' },
    });
    nobody.client.destroy();
    stranger.client.destroy();
  });

  it('is frozen in depth, and whoever changes a Date changes his copy', async () => {
    const { connect } = await make(pki);
    const { facts, client } = await connect(pki.clients.good);
    expect(notFrozen(facts)).toEqual([]);
    const year = 365 * 86_400_000;
    for (const read of [
      () => facts.authenticatedAt!,
      () => facts.clientCertificate!.notBefore,
      () => facts.clientCertificate!.notAfter,
      () => facts.clientCertificate!.chain[0]!.notAfter,
    ]) {
      const date = read();
      const time = date.getTime();
      date.setTime(time + year);
      expect(read().getTime()).toBe(time);
    }
    client.destroy();
  });

  it('is safe to give to JSON, which leaves the functions out', async () => {
    const { connect } = await make(pki);
    const { facts, client } = await connect(pki.clients.good);
    const json = JSON.parse(JSON.stringify(facts));
    expect(json).toEqual({
      ...JSON.parse(JSON.stringify({ ...facts, clientCertificate: undefined })),
      clientCertificate: expect.objectContaining({
        subject: { O: ['Example'], CN: ['good'] },
        notAfter: facts.clientCertificate!.notAfter.toISOString(),
        chain: [expect.objectContaining({ subject: { O: ['Portcullis tests'], CN: ['Test root'] } })],
      }),
    });
    expect(Object.keys(json)).not.toContain('exportKeyingMaterial');
    expect(Object.keys(json)).not.toContain('channelBinding');
    client.destroy();
  });
});

describe('the group', () => {
  // Over TLS 1.2 an ECDSA certificate would need its own curve among the groups.
  let rsa: TestPki;
  beforeAll(async () => {
    rsa = await createTestPki({ keyType: 'rsa-2048' });
  });

  const offered: ReadonlyArray<[string, string]> = [
    ['X25519', 'x25519'],
    ['P-256', 'secp256r1'],
    ['P-384', 'secp384r1'],
    ['P-521', 'secp521r1'],
    ['X448', 'x448'],
    ...(hasHybrid() ? [['X25519MLKEM768', 'X25519MLKEM768'] satisfies [string, string]] : []),
  ];

  it.each(versions)("has IANA's name over %s", async (version) => {
    const seen: unknown[] = [];
    const wanted = offered.filter(([, name]) => version === 'TLSv1.3' || !name.includes('MLKEM'));
    for (const [ecdhCurve] of wanted) {
      const { connect } = await plain(rsa, { ecdhCurve, maxVersion: version });
      const { facts, client } = await connect({ ca: rsa.ca, ecdhCurve });
      seen.push([ecdhCurve, facts.group, facts.postQuantum]);
      client.destroy();
    }
    expect(seen).toEqual(wanted.map(([curve, name]) => [curve, name, name.includes('MLKEM')]));
  });

  it('is unknown where the key exchange has none, and then nothing is forward secret', async () => {
    const { connect } = await plain(rsa, { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' });
    const { facts, client } = await connect({ ca: rsa.ca });
    expect(facts).toMatchObject({ group: undefined, forwardSecrecy: false, postQuantum: false });
    expect(facts.cipher).toEqual({
      name: 'AES128-GCM-SHA256',
      standardName: 'TLS_RSA_WITH_AES_128_GCM_SHA256',
    });
    client.destroy();
  });
});

describe('the channel binding', () => {
  it('is refused over TLS 1.2 without the extended master secret, which a man in the middle can match', async () => {
    const { connect } = await plain(pki, { maxVersion: 'TLSv1.2' });
    // SSL_OP_NO_EXTENDED_MASTER_SECRET, which Node does not name.
    const { facts, client } = await connect({ ca: pki.ca, secureOptions: 1 });
    expect(() => facts.channelBinding()).toThrow(/extended master secret/);
    expect(facts.exportKeyingMaterial(32, 'x')).toHaveLength(32);
    client.destroy();
  });
});

describe('ALPN', () => {
  it('is undefined where the client does not speak it', async () => {
    const { connect } = await plain(pki, {});
    const { facts, client } = await connect({ ca: pki.ca, ALPNProtocols: [] });
    expect(facts.alpn).toBeUndefined();
    client.destroy();
  });
});

/** Two connections, the second with the first one's ticket. */
async function resume({ connect }: Endpoint, options: ConnectionOptions): Promise<[Ends, Ends]> {
  const first = await connect(options);
  first.client.destroy();
  const again = await connect({ ...options, session: first.ticket });
  expect(again.client.isSessionReused()).toBe(true);
  again.client.destroy();
  return [first, again];
}

describe('a resumed session', () => {
  it.each(servers)('is told as such on %s, with its name and group', async (_name, make) => {
    const endpoint = await make({});
    const options = { ca: pki.ca, servername: 'A.test' };
    const [first, again] = await resume(endpoint, options);
    expect([first.facts.resumed, again.facts.resumed]).toEqual([false, true]);
    expect(again.facts).toMatchObject({
      protocol: 'TLSv1.3',
      serverName: 'a.test',
      group: first.facts.group,
    });
    expect(again.facts.group).toEqual(expect.any(String));
  });

  it.each(['without a context', 'with a context of its own'])(
    'has no name over TLS 1.2, where Node knows none (%s): nobody guesses one',
    async (contexts) => {
      const endpoint = await plain(pki, { maxVersion: 'TLSv1.2' });
      if (contexts.startsWith('with a')) endpoint.server.addContext('a.test', pki.server);
      const [first, again] = await resume(endpoint, { ca: pki.ca, servername: 'A.test' });
      expect(first.facts).toMatchObject({ resumed: false, serverName: 'a.test' });
      expect(again.facts).toMatchObject({ resumed: true, serverName: undefined, group: first.facts.group });
    },
  );
});

describe('the session', () => {
  it('is read once for each connection, and wiped, as it holds the master secret', async () => {
    const sessions: Buffer[] = [];
    // oxlint-disable-next-line typescript/unbound-method -- it is called on its socket below
    const original = TLSSocket.prototype.getSession;
    jest.spyOn(TLSSocket.prototype, 'getSession').mockImplementation(function (this: TLSSocket) {
      const session = original.call(this)!;
      sessions.push(session);
      return session;
    });
    const { connect } = await guarded(pki, { clientAuth: { mode: 'optional', ca: pki.ca } });
    const { facts, client } = await connect(pki.clients.good);
    expect(sessions).toHaveLength(1);
    expect(sessions[0]!.length).toBeGreaterThan(500);
    expect(sessions[0]!.every((octet) => octet === 0)).toBe(true);
    // What was read from it stands on its own.
    expect(facts.clientCertificate!.pem).toBe(pki.clients.good.certificate);
    const more = once(client, 'data');
    client.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    client.on('error', () => {});
    await more;
    expect(sessions).toHaveLength(1);
    client.destroy();
  });
});

/** Paths of all objects in `value` that can be changed; functions aside. */
function notFrozen(value: unknown, path = 'facts'): string[] {
  if (typeof value !== 'object' || value === null || value instanceof Date) return [];
  const below = Object.entries(value).flatMap(([key, item]) => notFrozen(item, `${path}.${key}`));
  return Object.isFrozen(value) ? below : [path, ...below];
}

function hasHybrid(): boolean {
  try {
    createSecureContext({ ecdhCurve: 'X25519MLKEM768' });
    return true;
  } catch {
    return false;
  }
}
