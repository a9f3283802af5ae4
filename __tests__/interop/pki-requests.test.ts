import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer } from 'portcullis';
import {
  type Authority,
  createAuthority,
  createRequest,
  exportPkcs12,
  type IssuedPublicCertificate,
  type KeyType,
  loadAuthority,
  readRequest,
} from 'portcullis/pki';
import { request } from 'portcullis/testing';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import { Recording } from '../listener/harness.ts';
import { LoopbackResponder } from '../support/ocsp.ts';
import { type Outcome, run } from './support/program.ts';
import { factsApp, setUpStand, type Stand } from './support/stand.ts';

let stand: Stand;
let directory: string;
let root: Authority;
let intermediate: Authority;

beforeAll(async () => {
  stand = setUpStand();
  root = await createAuthority({ subject: { O: 'Interop', CN: 'Request root' }, pathLength: 1 });
  intermediate = await root.issueIntermediate({
    subject: { O: 'Interop', CN: 'Request intermediate' },
    crlDistributionPoints: ['http://pki.example.org/root.crl'],
    caIssuers: ['http://pki.example.org/root.cer'],
    certificatePolicies: ['1.3.6.1.4.1.99999.1'],
  });
  directory = dirname(stand.write('root.pem', root.root));
});

afterAll(() => stand.close());

/** As strict as `openssl verify` can be. */
const verify = (authority: Authority, issued: IssuedPublicCertificate, ...args: string[]): Promise<Outcome> =>
  run('openssl', [
    'verify',
    '-x509_strict',
    '-check_ss_sig',
    '-auth_level',
    '2',
    '-CAfile',
    stand.write('ca.pem', authority.root),
    '-untrusted',
    stand.write('untrusted.pem', issued.chain),
    ...args,
    stand.write('issued.pem', issued.certificate),
  ]);

const keyTypes: readonly KeyType[] = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ecdsa-p521',
  'rsa-2048',
  'rsa-pss-2048',
  'ed25519',
];

describe('a request that is made here', () => {
  test.each(keyTypes)('of %s is verified and read by OpenSSL, and signed', async (keyType) => {
    const { request: pem } = await createRequest({
      keyType,
      subject: { C: 'DE', O: 'Exämple', CN: 'alice' },
      names: {
        dns: ['a.example.org'],
        email: ['alice@example.org'],
        uri: ['spiffe://example.org/a'],
        ip: ['::1'],
      },
    });
    const file = stand.write('made.csr', pem);
    const seen = await run('openssl', ['req', '-in', file, '-verify', '-noout', '-text', '-nameopt', 'utf8']);
    expect(seen.status).toBe(0);
    expect(seen.stdout + seen.stderr).toMatch(/verify OK/);
    expect(seen.stdout).toMatch(/Subject: C ?= ?DE, O ?= ?Exämple, CN ?= ?alice\n/);
    expect(seen.stdout).toContain(
      'DNS:a.example.org, email:alice@example.org, URI:spiffe://example.org/a, IP Address:0:0:0:0:0:0:0:1',
    );
    const issued = await intermediate.signRequest(pem, {
      purpose: 'client',
      namesFromRequest: true,
      crlDistributionPoints: ['http://pki.example.org/intermediate.crl'],
      ocsp: ['http://ocsp.example.org/'],
      certificatePolicies: ['1.3.6.1.4.1.99999.1'],
    });
    expect(
      await verify(
        root,
        issued,
        '-purpose',
        'sslclient',
        '-policy',
        '1.3.6.1.4.1.99999.1',
        '-explicit_policy',
      ),
    ).toMatchObject({ status: 0 });
    expect((await verify(root, issued, '-purpose', 'sslserver')).stderr).toContain(
      'unsuitable certificate purpose',
    );
    const text = await run('openssl', [
      'x509',
      '-in',
      stand.write('x.pem', issued.certificate),
      '-noout',
      '-text',
    ]);
    expect(text.stdout).toContain('URI:http://pki.example.org/intermediate.crl');
    expect(text.stdout).toContain('OCSP - URI:http://ocsp.example.org/');
  });

  test('is verified by GnuTLS', async () => {
    const { request: pem } = await createRequest({ subject: 'alice', names: ['example.org'] });
    const { status, stdout } = await run('certtool', ['--crq-info', '--infile', stand.write('g.csr', pem)]);
    expect(status).toBe(0);
    expect(stdout).toContain('Self signature: verified');
    expect(stdout).toContain('DNSname: example.org');
  });
});

describe('a request of', () => {
  const openssl = async (...args: string[]): Promise<string> => {
    const made = await run('openssl', ['req', '-new', '-noenc', '-keyout', '/dev/null', ...args]);
    expect(made.status).toBe(0);
    return made.stdout;
  };
  const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const rsaPss = ['-newkey', 'rsa:2048', '-sigopt', 'rsa_padding_mode:pss'];

  test.each<[string, readonly string[]]>([
    ['an EC key', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384']],
    ['an RSA key', ['-newkey', 'rsa:2048', '-sha512']],
    ['an RSA key by RSA-PSS', [...rsaPss, '-sigopt', 'rsa_pss_saltlen:digest', '-sha256']],
    ['an Ed25519 key', ['-newkey', 'ed25519']],
  ])('OpenSSL with %s is read, signed and verified', async (_what, args) => {
    const names = 'subjectAltName=DNS:a.example.org,IP:192.0.2.7';
    const pem = await openssl(...args, '-subj', '/C=DE/O=Example/CN=alice', '-addext', names);
    expect(readRequest(pem)).toMatchObject({
      subject: { C: ['DE'], O: ['Example'], CN: ['alice'] },
      names: { dns: ['a.example.org'], ip: ['192.0.2.7'] },
    });
    const issued = await intermediate.signRequest(pem, { purpose: 'server', namesFromRequest: true });
    const check = ['-purpose', 'sslserver', '-verify_hostname', 'a.example.org'];
    expect(await verify(root, issued, ...check)).toMatchObject({ status: 0, stderr: '' });
  });

  test('OpenSSL for a CA becomes none', async () => {
    const pem = await openssl(
      ...p256,
      '-subj',
      '/CN=evil',
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'keyUsage=keyCertSign',
    );
    expect(readRequest(pem).requestedExtensions).toEqual(['2.5.29.19', '2.5.29.15']);
    const { certificate } = await root.signRequest(pem, { purpose: 'client', namesFromRequest: true });
    const { stdout } = await run('openssl', [
      'x509',
      '-noout',
      '-ext',
      'basicConstraints,keyUsage',
      '-in',
      stand.write('e.pem', certificate),
    ]);
    expect(stdout).toContain('CA:FALSE');
    expect(stdout).not.toContain('Certificate Sign');
  });

  test('OpenSSL that is weak is refused: 1024 bits, SHA-1, a described curve', async () => {
    const weak = await openssl('-newkey', 'rsa:1024', '-subj', '/CN=a');
    const sha1 = await openssl('-newkey', 'rsa:2048', '-sha1', '-subj', '/CN=a');
    const described = await openssl(...p256, '-pkeyopt', 'ec_param_enc:explicit', '-subj', '/CN=a');
    expect(() => readRequest(weak)).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
    expect(() => readRequest(sha1)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
    expect(() => readRequest(described)).toThrow(expect.objectContaining({ code: 'KEY_INVALID' }));
  });

  test('keytool and certtool are read', async () => {
    const store = join(directory, 'store.p12');
    const { key: javaKey, certificate } = await root.issueClientCertificate({ subject: 'java' });
    const options = { key: javaKey, certificate, passphrase: 'secret1', friendlyName: 'a' };
    await writeFile(store, await exportPkcs12(options), { mode: 0o600 });
    const common = ['-alias', 'a', '-keystore', store, '-storepass', 'secret1'];
    const java = await run('keytool', ['-certreq', '-ext', 'san=dns:java.example.org', ...common]);
    expect(java.stdout).toContain('BEGIN NEW CERTIFICATE REQUEST');
    expect(readRequest(java.stdout)).toMatchObject({
      subject: { CN: ['java'] },
      names: { dns: ['java.example.org'] },
    });

    const key = stand.write('gnutls.key', root.key);
    const template = stand.write(
      'gnutls.cfg',
      'cn = gnutls\ndns_name = gnutls.example.org\nchallenge_password = 123456\n',
    );
    const gnutls = await run('certtool', [
      '--generate-request',
      '--load-privkey',
      key,
      '--template',
      template,
    ]);
    expect(readRequest(gnutls.stdout)).toMatchObject({
      subject: { CN: ['gnutls'] },
      names: { dns: ['gnutls.example.org'] },
    });
    expect(JSON.stringify(readRequest(gnutls.stdout))).not.toContain('123456');
  });
});

describe('what is renewed', () => {
  test('verifies below the old and the new authorities, at its strictest', async () => {
    const names = ['a.example.org'];
    const before = await intermediate.issueServerCertificate({ names });
    const newRoot = await root.renew();
    const newIntermediate = await intermediate.renew({ issuer: newRoot });
    const after = await newIntermediate.renewCertificate(before.certificate);
    const mixed = { ...before, chain: before.certificate + newIntermediate.chain };
    for (const authority of [root, newRoot]) {
      for (const issued of [before, mixed, after]) {
        const check = ['-purpose', 'sslserver', '-verify_hostname', 'a.example.org'];
        expect(await verify(authority, issued, ...check)).toMatchObject({ status: 0, stderr: '' });
      }
    }
    const { certificate } = newIntermediate;
    const text = await run('openssl', ['x509', '-noout', '-text', '-in', stand.write('i.pem', certificate)]);
    expect(text.stdout).toContain('URI:http://pki.example.org/root.crl');
    expect(text.stdout).toContain('CA Issuers - URI:http://pki.example.org/root.cer');
    expect(text.stdout).toContain('Policy: 1.3.6.1.4.1.99999.1');
  });
});

describe('a list that is the next one', () => {
  test('has the next number for OpenSSL, whoever made the last one, and lasts over a restart', async () => {
    const file = stand.write('first.crl', await root.crl({ revoked: [], number: 0x1000 }));
    const again = await loadAuthority({ certificate: root.certificate, key: root.key });
    const next = await again.crl({ revoked: [], after: readFileSync(file, 'latin1'), number: 0x1001 });
    const show = ['crl', '-noout', '-crlnumber', '-CAfile', stand.write('root.pem', root.root), '-in'];
    const seen = await run('openssl', [...show, stand.write('next.crl', next)]);
    expect(seen).toMatchObject({ status: 0, stdout: 'crlNumber=0x1001\n', stderr: 'verify OK\n' });
  });

  test('is fetched from where the certificate says, and revokes its owner', async () => {
    let list = '';
    const web = new LoopbackResponder((_request, reply) => void reply.end(list));
    const events = new Recording('portcullis:revocation');
    try {
      const { origin, host } = new URL(await web.listen());
      const { request: pem, key } = await createRequest();
      const { certificate, chain } = await root.signRequest(pem, {
        purpose: 'client',
        subject: 'alice',
        crlDistributionPoints: [`${origin}/root.crl`],
      });
      const serving = await root.issueServerCertificate({ names: ['localhost', '127.0.0.1'] });
      list = await root.crl({ revoked: [] });
      const clientAuth = {
        mode: 'optional',
        ca: root.root,
        revocation: { fetch: { hosts: [host] } },
      } as const;
      const server = createServer({ key: serving.key, cert: serving.chain, clientAuth }, factsApp());
      await stand.listen(server);
      const ask = async (): Promise<{ status: number; body: unknown }> =>
        request(server, { ca: root.root }).as({ key, cert: chain }).get('/admin');
      expect((await ask()).body).toMatchObject({ code: 'REVOCATION_STATUS_UNKNOWN' });
      expect(await events.take()).toMatchObject({ outcome: 'fetched', url: `${origin}/root.crl` });
      expect(await ask()).toMatchObject({ status: 200 });
      list = await root.crl({ revoked: [{ certificate, reason: 'keyCompromise' }], after: list });
      await server.reload();
      expect(await events.take(2)).toMatchObject({ outcome: 'fetched' });
      expect((await ask()).body).toMatchObject({ code: 'CLIENT_CERTIFICATE_REVOKED' });
      // The successor of a revoked certificate is another certificate.
      const successor = await root.renewCertificate(certificate);
      expect(readOneCertificate(successor.certificate, 'certificate').x509.ca).toBe(false);
      const renewed = request(server, { ca: root.root }).as({ key: successor.key, cert: successor.chain });
      await renewed.get('/admin').expect(200);
    } finally {
      events.stop();
      await web.close();
    }
  });
});
