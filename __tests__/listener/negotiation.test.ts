import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions, profiles } from 'portcullis';
import { createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { protocolOptions } from '../../lib/listener/protocol.ts';
import { closeAll, failedHandshake, handshake, listen, Recording } from './harness.ts';

/** ML-KEM is in OpenSSL since 3.5: in Node 22 and later, not in 20. */
const [major, minor] = process.versions.openssl.split('.').map(Number) as [number, number];
const hasMlKem = major > 3 || (major === 3 && minor >= 5);

let ecdsa: IssuedCertificate;
let rsa: IssuedCertificate;
let handshakes: Recording<'portcullis:handshake'>;
let failures: Recording<'portcullis:handshake-error'>;

beforeAll(async () => {
  const authority = await createAuthority();
  [ecdsa, rsa] = await Promise.all([
    authority.issueServerCertificate({ names: ['localhost'] }),
    authority.issueServerCertificate({ names: ['localhost'], keyType: 'rsa-2048' }),
  ]);
});
beforeEach(() => {
  handshakes = new Recording('portcullis:handshake');
  failures = new Recording('portcullis:handshake-error');
});
afterEach(closeAll);

const both = (): PortcullisOptions => ({ key: [ecdsa.key, rsa.key], cert: [ecdsa.chain, rsa.chain] });
const serve = (options: PortcullisOptions = {}): Promise<number> =>
  listen(createServer({ ...both(), ...options }));

const tls12: ConnectionOptions = { maxVersion: 'TLSv1.2' };
const tls13: ConnectionOptions = { minVersion: 'TLSv1.3' };

interface Spoken {
  readonly protocol: string;
  readonly cipher: string;
  readonly group: string | undefined;
}

/** What the listener says was negotiated; the client must have seen the same. */
async function negotiated(port: number, client: ConnectionOptions = {}): Promise<Spoken> {
  const before = handshakes.events.length;
  const socket = await handshake(port, client);
  const { protocol, cipher, group } = await handshakes.take(before + 1);
  expect({ protocol, cipher }).toEqual({
    protocol: socket.getProtocol(),
    cipher: socket.getCipher().standardName,
  });
  return { protocol, cipher, group };
}

describe('by default a listener', () => {
  it('speaks TLS 1.3 with whom can', async () => {
    await expect(negotiated(await serve())).resolves.toMatchObject({
      protocol: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_(AES|CHACHA20)/),
    });
  });

  it('speaks TLS 1.2 with an ephemeral key and an authenticated cipher', async () => {
    await expect(negotiated(await serve(), tls12)).resolves.toMatchObject({
      protocol: 'TLSv1.2',
      cipher: expect.stringMatching(/^TLS_ECDHE_(RSA|ECDSA)_WITH_(AES_(128|256)_GCM|CHACHA20_POLY1305)_SHA/),
    });
  });

  it.each([
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ])('speaks %s, of Mozilla’s list', async (ciphers) => {
    const socket = await handshake(await serve(), { ...tls12, ciphers });
    expect(socket.getCipher().name).toBe(ciphers);
  });

  it.each([
    [
      'TLS 1.1',
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
    ],
    [
      'TLS 1.0',
      { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' },
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
    ],
    [
      'CBC',
      { ...tls12, ciphers: 'ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA' },
      'ERR_SSL_NO_SHARED_CIPHER',
    ],
    ['static RSA', { ...tls12, ciphers: 'AES128-GCM-SHA256:AES256-GCM-SHA384' }, 'ERR_SSL_NO_SHARED_CIPHER'],
    ['DHE', { ...tls12, ciphers: 'DHE-RSA-AES128-GCM-SHA256' }, 'ERR_SSL_NO_SHARED_CIPHER'],
    ['CCM', { ...tls13, ciphers: 'TLS_AES_128_CCM_SHA256' }, 'ERR_SSL_NO_SHARED_CIPHER'],
    [
      'a group outside the profile',
      { ...tls13, ecdhCurve: 'secp521r1' },
      expect.stringMatching(/NO_SUITABLE_KEY_SHARE|NO_SUITABLE_GROUPS/),
    ],
    [
      'signatures over SHA-1',
      { ...tls12, sigalgs: 'ECDSA+SHA1:RSA+SHA1', ciphers: 'DEFAULT:@SECLEVEL=0' },
      expect.stringMatching(/SIGNATURE_ALGORITHM/),
    ],
  ] as Array<[string, ConnectionOptions, string]>)('refuses %s', async (_what, client, code) => {
    await failedHandshake(await serve(), client);
    expect((await failures.take()).code).toEqual(code);
    expect(handshakes.events).toEqual([]);
  });

  it.each([
    ['X25519', 'x25519'],
    ['prime256v1', 'secp256r1'],
    ['secp384r1', 'secp384r1'],
  ])('exchanges keys by %s and names it %s', async (ecdhCurve, group) => {
    const port = await serve();
    await expect(negotiated(port, { ...tls13, ecdhCurve })).resolves.toMatchObject({ group });
    await expect(negotiated(port, { ...tls12, ecdhCurve })).resolves.toMatchObject({ group });
  });

  it('exchanges keys by the hybrid group with whom has it, where its own OpenSSL has it', async () => {
    const group = hasMlKem ? 'X25519MLKEM768' : 'x25519';
    await expect(negotiated(await serve())).resolves.toMatchObject({ group });
  });

  it('asks a client for the hybrid group that first offers a classical share (HelloRetryRequest)', async () => {
    const client = { ecdhCurve: hasMlKem ? 'X25519:X25519MLKEM768' : 'X25519' };
    const group = hasMlKem ? 'X25519MLKEM768' : 'x25519';
    await expect(negotiated(await serve(), client)).resolves.toMatchObject({ group });
  });

  it('refuses renegotiation by the client, and the connection ends', async () => {
    const port = await serve();
    const socket = await handshake(port, tls12);
    const outcome = await new Promise<string>((settle) => {
      socket.renegotiate({}, (error) => settle(error === null ? 'renegotiated' : 'refused'));
      socket.once('close', () => settle('closed'));
    });
    expect(outcome).not.toBe('renegotiated');
    if (!socket.closed) await once(socket, 'close');
  });

  it('shares no signature algorithm over SHA-1 with a client that has some', async () => {
    const server = createServer(both());
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    await handshake(await listen(server), { ciphers: 'DEFAULT:@SECLEVEL=0' });
    const [socket] = await accepted;
    const shared = socket.getSharedSigalgs();
    expect(shared).toContain('RSA-PSS+SHA256');
    expect(shared.filter((name) => /SHA1|SHA224|DSA\+SHA1|MD5/.test(name))).toEqual([]);
  });

  it.each([
    ['a client that prefers CHACHA20', 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['a client that prefers AES', 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305'],
  ])('leaves the choice of the cipher to %s', async (_who, ciphers) => {
    const socket = await handshake(await serve(), { ...tls12, ciphers });
    expect(socket.getCipher().name).toBe(ciphers.split(':')[0]);
  });
});

describe('an option may narrow what is spoken:', () => {
  it('profile modern refuses TLS 1.2', async () => {
    const port = await serve({ profile: 'modern' });
    await failedHandshake(port, tls12);
    expect((await failures.take()).code).toBe('ERR_SSL_UNSUPPORTED_PROTOCOL');
    await expect(negotiated(port)).resolves.toMatchObject({ protocol: 'TLSv1.3' });
  });

  it('minVersion TLSv1.3 does', async () => {
    await failedHandshake(await serve({ minVersion: 'TLSv1.3' }), tls12);
    expect((await failures.take()).code).toBe('ERR_SSL_UNSUPPORTED_PROTOCOL');
  });

  it('ciphers of the profile, in either version', async () => {
    const port = await serve({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:TLS_AES_256_GCM_SHA384' });
    await expect(negotiated(port, tls12)).resolves.toMatchObject({
      cipher: 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    });
    await expect(negotiated(port, tls13)).resolves.toMatchObject({ cipher: 'TLS_AES_256_GCM_SHA384' });
    expect(await failedHandshake(port, { ...tls13, ciphers: 'TLS_AES_128_GCM_SHA256' })).toMatch(/^E/);
  });

  it.each([
    ['P-256', 'secp256r1'],
    ['secp256r1', 'secp256r1'],
    ['P-384', 'secp384r1'],
    ['x25519', 'x25519'],
  ])('a group of the profile by its other name, %s', async (ecdhCurve, group) => {
    const port = await serve({ ecdhCurve });
    await expect(negotiated(port)).resolves.toMatchObject({ group });
  });

  it('groups, signatures and preference of a profile of one’s own', async () => {
    const port = await serve({
      profile: {
        groups: ['secp384r1'],
        serverCipherPreference: true,
        signatureAlgorithms: ['ecdsa_secp256r1_sha256'],
      },
    });
    const ciphers = 'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256';
    await expect(negotiated(port, { ...tls12, ciphers })).resolves.toEqual({
      protocol: 'TLSv1.2',
      cipher: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
      group: 'secp384r1',
    });
  });
});

describe('a dangerously… option widens what is spoken, and nothing else:', () => {
  it('TLS 1.1 with its ciphers', async () => {
    const port = await serve({
      dangerouslyMinVersion: 'TLSv1.1',
      dangerouslySecurityLevel: 0,
      dangerouslyCiphers: ['ECDHE-RSA-AES128-SHA', 'ECDHE-RSA-AES128-GCM-SHA256'],
      dangerouslySignatureAlgorithms: ['rsa_pss_rsae_sha256', 'RSA+SHA1'],
    });
    const socket = await handshake(port, {
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
    });
    expect(socket.getProtocol()).toBe('TLSv1.1');
    await failedHandshake(port, { ...tls12, ciphers: 'AES128-GCM-SHA256' });
  });

  it('TLS 1.2 at most', async () => {
    const socket = await handshake(await serve({ dangerouslyMaxVersion: 'TLSv1.2' }));
    expect(socket.getProtocol()).toBe('TLSv1.2');
  });

  it('CBC for TLS 1.2, while TLS 1.3 stays as it is', async () => {
    const port = await serve({ dangerouslyCiphers: 'ECDHE-RSA-AES128-SHA256' });
    await expect(negotiated(port, tls12)).resolves.toMatchObject({
      cipher: 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256',
    });
    await expect(negotiated(port, tls13)).resolves.toMatchObject({
      cipher: expect.stringMatching(/^TLS_AES_/),
    });
  });

  it('a group', async () => {
    const port = await serve({ dangerouslyGroups: ['secp521r1'] });
    await expect(negotiated(port, { ecdhCurve: 'secp521r1' })).resolves.toMatchObject({ group: 'secp521r1' });
  });

  it('renegotiation by the client', async () => {
    const socket = await handshake(await serve({ dangerouslyAllowRenegotiation: true }), tls12);
    await expect(new Promise((settle) => socket.renegotiate({}, settle))).resolves.toBeNull();
  });

  it('OpenSSL’s work-arounds, and none of the switches above the 32nd', () => {
    const { secureOptions } = protocolOptions(
      { dangerouslySecureOptions: constants.SSL_OP_ALL },
      profiles.intermediate,
      true,
    );
    expect(secureOptions).toBe(
      constants.SSL_OP_ALL + constants.SSL_OP_NO_COMPRESSION + constants.SSL_OP_NO_RENEGOTIATION,
    );
  });
});
