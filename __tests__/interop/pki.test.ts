import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type TlsState } from 'portcullis';
import { type Authority, createAuthority, type KeyType } from 'portcullis/pki';
import { createTestPki, request, type TestPki } from 'portcullis/testing';
import { run } from './support/program.ts';
import { factsApp, setUpStand, type Stand } from './support/stand.ts';

const keyTypes: readonly KeyType[] = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'rsa-2048',
  'rsa-3072',
  'rsa-pss-2048',
  'ed25519',
];

let stand: Stand;

beforeAll(() => {
  stand = setUpStand();
});

afterAll(() => stand.close());

/** `openssl verify` as strict as it can be: RFC 5280 to the letter, and every certificate of the path in a CRL's reach. */
const verify = (
  args: readonly string[],
): Promise<{ status: number | null; stdout: string; stderr: string }> =>
  run('openssl', ['verify', '-x509_strict', '-check_ss_sig', '-auth_level', '2', ...args]);

describe.each(['ecdsa-p256', 'rsa-2048', 'ed25519'] as const)('an authority of %s', (keyType) => {
  let root: Authority;
  let intermediate: Authority;
  let files: Record<'root' | 'intermediate' | 'revoked' | 'rootCrl' | 'intermediateCrl' | 'crls', string>;

  beforeAll(async () => {
    root = await createAuthority({ keyType, subject: { O: 'Interop', CN: `Root ${keyType}` } });
    intermediate = await root.issueIntermediate({ keyType, subject: { O: 'Interop', CN: 'Intermediate' } });
    const revoked = await intermediate.issueClientCertificate({ subject: { CN: 'revoked' } });
    const rootCrl = await root.crl({ revoked: [] });
    const intermediateCrl = await intermediate.crl({
      revoked: [{ certificate: revoked.certificate, reason: 'keyCompromise' }],
    });
    const write = (name: string, content: string): string => stand.write(`${keyType}-${name}`, content);
    files = {
      root: write('root.pem', root.certificate),
      intermediate: write('intermediate.pem', intermediate.certificate),
      revoked: write('revoked.pem', revoked.certificate),
      rootCrl: write('root.crl', rootCrl),
      intermediateCrl: write('intermediate.crl', intermediateCrl),
      crls: write('crls.pem', rootCrl + intermediateCrl),
    };
  });

  const path = (): string[] => ['-CAfile', files.root, '-untrusted', files.intermediate];
  const revocation = (): string[] => ['-crl_check_all', '-CRLfile', files.crls];

  test.each(keyTypes)('issues clients of %s that openssl verifies, CRLs included', async (leafType) => {
    const { certificate } = await intermediate.issueClientCertificate({
      keyType: leafType,
      subject: { CN: 'client' },
      names: { email: ['client@example.org'] },
    });
    const file = stand.write(`${keyType}-${leafType}-client.pem`, certificate);
    const outcome = await verify([...path(), ...revocation(), '-purpose', 'sslclient', file]);
    expect(outcome).toEqual({ status: 0, stdout: `${file}: OK\n`, stderr: '' });
    const asServer = await verify([...path(), '-purpose', 'sslserver', file]);
    expect(asServer.stderr).toMatch(/unsuitable certificate purpose/);
  });

  test('issues servers that openssl verifies by DNS name, wildcard and address', async () => {
    const names = ['example.org', '*.example.net', '192.0.2.7', '2001:db8::7'];
    const { certificate } = await intermediate.issueServerCertificate({ names });
    const file = stand.write(`${keyType}-server.pem`, certificate);
    const check = async (...args: string[]): Promise<number | null> =>
      (await verify([...path(), ...revocation(), '-purpose', 'sslserver', ...args, file])).status;
    expect(await check('-verify_hostname', 'example.org')).toBe(0);
    expect(await check('-verify_hostname', 'www.example.net')).toBe(0);
    expect(await check('-verify_ip', '192.0.2.7')).toBe(0);
    expect(await check('-verify_ip', '2001:db8::7')).toBe(0);
    expect(await check('-verify_hostname', 'example.com')).toBe(2);
    expect(await check('-verify_ip', '192.0.2.8')).toBe(2);
  });

  test('revokes in a CRL that openssl accepts: the revoked client is refused as such', async () => {
    for (const [list, issuer] of [
      [files.rootCrl, files.root],
      [files.intermediateCrl, files.intermediate],
    ] as const) {
      const { stderr } = await run('openssl', ['crl', '-in', list, '-noout', '-verify', '-CAfile', issuer]);
      expect(stderr).toBe('verify OK\n');
    }
    const outcome = await verify([...path(), ...revocation(), '-purpose', 'sslclient', files.revoked]);
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain('certificate revoked');
    expect((await verify([...path(), '-purpose', 'sslclient', files.revoked])).status).toBe(0);
  });

  test('is accepted by GnuTLS, certificates and CRL', async () => {
    const { chain } = await intermediate.issueClientCertificate({ subject: { CN: 'client' } });
    const file = stand.write(`${keyType}-chain.pem`, chain);
    const verified = await run('certtool', [
      '--verify',
      `--load-ca-certificate=${files.root}`,
      `--infile=${file}`,
    ]);
    expect(verified.stdout).toContain('Chain verification output: Verified. The certificate is trusted.');
    const crl = await run('certtool', [
      '--verify-crl',
      `--load-ca-certificate=${files.root}`,
      `--infile=${files.rootCrl}`,
    ]);
    expect(crl.stdout).toMatch(/Verification output: Verified\./);
  });
});

describe('req.tls', () => {
  let pki: TestPki;

  beforeAll(async () => {
    pki = await createTestPki();
  });

  test.each(keyTypes)(
    'shows the identity that openssl and certtool read from a certificate of %s',
    async (keyType) => {
      const client = await pki.issueClient({ keyType, subject: { O: 'Interop', CN: keyType } });
      const server = createServer(
        { ...pki.server, clientAuth: { mode: 'optional', ca: pki.ca } },
        factsApp(),
      );
      const { body } = await request(server).as(client).get('/admin').expect(200);
      const { clientCertificate: shown } = (body as { tls: TlsState }).tls;

      const file = stand.write(`shown-${keyType}.pem`, client.certificate);
      const x509 = ['x509', '-in', file, '-noout', '-fingerprint', '-sha256', '-serial'];
      const { stdout } = await run('openssl', x509);
      const fingerprint = /Fingerprint=(\S+)/.exec(stdout)?.[1];
      expect(shown?.fingerprint256).toBe(fingerprint);
      expect(shown?.serialNumber).toBe(/serial=(\S+)/.exec(stdout)?.[1]);
      const thumbprint = Buffer.from(fingerprint!.replaceAll(':', ''), 'hex').toString('base64url');
      expect(shown?.thumbprint).toBe(thumbprint);

      const info = await run('certtool', ['--certificate-info', `--infile=${file}`]);
      expect(`sha256/${/pin-sha256:(\S+)/.exec(info.stdout)?.[1]}`).toBe(shown?.pin);
      const key = await run('openssl', ['x509', '-in', file, '-noout', '-pubkey']);
      const der = Buffer.from(key.stdout.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
      expect(shown?.pin).toBe(`sha256/${createHash('sha256').update(der).digest('base64')}`);
      expect(new X509Certificate(shown!.pem).fingerprint256).toBe(fingerprint);
    },
  );
});
