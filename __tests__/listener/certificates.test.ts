import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions } from 'portcullis';
import { type Authority, createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { plainPfx } from '../credentials/plain-pfx.ts';
import { closeAll, handshake, listen, Recording } from './harness.ts';

let root: Authority;
let ecdsa: IssuedCertificate;
let rsa: IssuedCertificate;
let pki: TestPki;

beforeAll(async () => {
  root = await createAuthority();
  const intermediate = await root.issueIntermediate();
  [ecdsa, rsa, pki] = await Promise.all([
    intermediate.issueServerCertificate({ names: ['localhost'] }),
    root.issueServerCertificate({ names: ['localhost'], keyType: 'rsa-2048' }),
    createTestPki(),
  ]);
});
afterEach(closeAll);

const fingerprint = (pem: string): string => new X509Certificate(pem).fingerprint256;

/** The certificate that a client is given, which it verifies. */
async function served(options: PortcullisOptions, client: ConnectionOptions = {}): Promise<string> {
  const port = await listen(createServer(options));
  const socket = await handshake(port, {
    ca: root.certificate,
    servername: 'localhost',
    rejectUnauthorized: true,
    ...client,
  });
  return socket.getPeerX509Certificate()!.fingerprint256;
}

const encrypted = (): string =>
  createPrivateKey(ecdsa.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct horse' })
    .toString();

const preferring = (...ciphers: string[]): ConnectionOptions => ({
  maxVersion: 'TLSv1.2',
  ciphers: ciphers.join(':'),
});

describe('a listener serves', () => {
  it.each<[string, () => PortcullisOptions]>([
    ['a PEM chain with its intermediate', () => ({ key: ecdsa.key, cert: ecdsa.chain })],
    ['a chain that ends in its root', () => ({ key: ecdsa.key, cert: ecdsa.chain + root.certificate })],
    ['an encrypted key', () => ({ key: encrypted(), cert: ecdsa.chain, passphrase: 'correct horse' })],
    ['a KeyObject', () => ({ key: createPrivateKey(ecdsa.key) as never, cert: ecdsa.chain })],
    [
      'a PFX in memory, in whatever order',
      () => {
        const [leaf, intermediate] = ecdsa.chain.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----\n/g)!;
        return { pfx: plainPfx(ecdsa.key, root.certificate, intermediate!, leaf) };
      },
    ],
  ])('%s', async (_what, options) => {
    await expect(served(options())).resolves.toBe(fingerprint(ecdsa.certificate));
    await expect(served(options(), { maxVersion: 'TLSv1.2' })).resolves.toBe(fingerprint(ecdsa.certificate));
  });

  it('RSA and ECDSA side by side, each to those who prefer it', async () => {
    const options = { key: [rsa.key, ecdsa.key], cert: [ecdsa.chain, rsa.chain] };
    const [ecdsaCipher, rsaCipher] = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'];
    await expect(served(options, preferring(ecdsaCipher, rsaCipher))).resolves.toBe(
      fingerprint(ecdsa.certificate),
    );
    await expect(served(options, preferring(rsaCipher, ecdsaCipher))).resolves.toBe(
      fingerprint(rsa.certificate),
    );
    const [ecdsaSignature, rsaSignature] = ['ecdsa_secp256r1_sha256', 'rsa_pss_rsae_sha256'];
    await expect(served(options, { sigalgs: `${ecdsaSignature}:${rsaSignature}` })).resolves.toBe(
      fingerprint(ecdsa.certificate),
    );
    await expect(served(options, { sigalgs: `${rsaSignature}:${ecdsaSignature}` })).resolves.toBe(
      fingerprint(rsa.certificate),
    );
  });

  it('no root that stands in its chain, as no client believes one', async () => {
    const server = createServer({ key: ecdsa.key, cert: ecdsa.chain + root.certificate });
    const socket = await handshake(await listen(server));
    const leaf = socket.getPeerCertificate(true);
    const { issuerCertificate } = leaf;
    expect(issuerCertificate.fingerprint256).not.toBe(fingerprint(root.certificate));
    expect(issuerCertificate.issuerCertificate).toBeUndefined();
  });
});

/** Whether a second connection resumes the first one's session. */
async function resumes(options: PortcullisOptions, client: ConnectionOptions = {}): Promise<boolean> {
  const server = createServer({ key: pki.server.key, cert: pki.server.cert, ...options });
  server.on('secureConnection', (socket: TLSSocket) => socket.end('.'));
  const port = await listen(server);
  const { cert, key } = pki.clients.good;
  const first = await handshake(port, { cert, key, ...client });
  let session: Buffer | undefined = first.getSession();
  first.on('session', (ticket: Buffer) => (session = ticket));
  first.resume();
  await once(first, 'end');
  const second = await handshake(port, { cert, key, ...client, ...(session && { session }) });
  return second.isSessionReused();
}

describe('a session', () => {
  const versions: Array<[string, ConnectionOptions]> = [
    ['TLS 1.3', { minVersion: 'TLSv1.3' }],
    ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
  ];

  it.each(versions)('of %s is resumed where no client is authenticated', async (_version, client) => {
    await expect(resumes({}, client)).resolves.toBe(true);
  });

  it.each(versions)('of %s is not resumed with tickets: false', async (_version, client) => {
    await expect(resumes({ tickets: false }, client)).resolves.toBe(false);
  });

  it.each(versions)('of %s is never resumed with clientAuth', async (_version, client) => {
    const ca = pki.ca;
    await expect(resumes({ clientAuth: { mode: 'optional', ca } }, client)).resolves.toBe(false);
    await expect(resumes({ clientAuth: { mode: 'required', ca } }, client)).resolves.toBe(false);
  });

  it('of a server without clientAuth does not resume at one with it that shares its ticket keys', async () => {
    const ticketKeys = Buffer.alloc(48, 1);
    const credentials = { key: pki.server.key, cert: pki.server.cert };
    const open = createServer({ ...credentials, ticketKeys });
    open.on('secureConnection', (socket: TLSSocket) => socket.end('.'));
    const first = await handshake(await listen(open));
    let session: Buffer | undefined;
    first.on('session', (ticket: Buffer) => (session = ticket));
    first.resume();
    await once(first, 'end');
    const guarded = createServer({ ...credentials, clientAuth: { mode: 'required', ca: pki.ca } });
    guarded.setTicketKeys(ticketKeys);
    let admitted = false;
    guarded.on('secureConnection', () => (admitted = true));
    const failures = new Recording('portcullis:handshake-error');
    // A client of TLS 1.3 has finished before the server has judged it.
    await handshake(await listen(guarded), { session: session! });
    expect((await failures.take()).code).toBe('ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE');
    expect(admitted).toBe(false);
  });
});
