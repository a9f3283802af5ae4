import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Authority,
  type ClientCertificateOptions,
  type ClientPublicKeyOptions,
  createAuthority,
  type IssuedCertificate,
  type KeyType,
} from 'portcullis/pki';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import type { Certificate } from '../../lib/x509/certificate.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { type Handshake, handshake } from '../support/handshake.ts';
import { type OddKeyType, sharedKeys } from '../support/odd-keys.ts';

const read = (pem: string): Certificate => readOneCertificate(pem, 'certificate');
const dayMs = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * dayMs);

let root: Authority;
let server: IssuedCertificate;

beforeAll(async () => {
  root = await createAuthority({ notBefore: inDays(-100) });
  server = await root.issueServerCertificate({ names: ['localhost'] });
});

const connectAs = (
  { key, chain }: IssuedCertificate,
  version: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
): Promise<Handshake> =>
  handshake(
    { key: server.key, cert: server.chain, ca: root.root, minVersion: version, maxVersion: version },
    { key, cert: chain, ca: root.root, servername: 'localhost' },
  );

const publicKeyOf = (type: OddKeyType): string =>
  sharedKeys(type).publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** An RSA key with another modulus or exponent. */
const rsaOf = (other: { n?: string; e?: string }): string =>
  createPublicKey({
    key: { ...sharedKeys('rsa-2048').publicKey.export({ format: 'jwk' }), ...other },
    format: 'jwk',
  })
    .export({ type: 'spki', format: 'pem' })
    .toString();

const x25519 = (): string =>
  generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();

describe('a client certificate', () => {
  it.each<[KeyType, string, object]>([
    ['ecdsa-p256', 'ec', { namedCurve: 'prime256v1' }],
    ['ecdsa-p384', 'ec', { namedCurve: 'secp384r1' }],
    ['ecdsa-p521', 'ec', { namedCurve: 'secp521r1' }],
    ['rsa-2048', 'rsa', { modulusLength: 2048 }],
    ['rsa-pss-2048', 'rsa-pss', { modulusLength: 2048 }],
    ['ed25519', 'ed25519', {}],
  ])(
    'for %s has a key of that kind and is authorized over TLS 1.2 and 1.3',
    async (keyType, type, details) => {
      const client = await root.issueClientCertificate({ subject: 'alice', keyType });
      const { publicKey, raw } = new X509Certificate(client.certificate);
      expect(publicKey.asymmetricKeyType).toBe(type);
      expect(publicKey.asymmetricKeyDetails).toMatchObject(details);
      const [older, newer] = await Promise.all([connectAs(client, 'TLSv1.2'), connectAs(client, 'TLSv1.3')]);
      expect(older).toMatchObject({ authorized: true, authorizationError: null, protocol: 'TLSv1.2' });
      expect(newer).toMatchObject({ authorized: true, authorizationError: null, protocol: 'TLSv1.3' });
      expect(newer.clientCertificate).toEqual(raw);
    },
  );

  it('is authorized through its intermediates', async () => {
    const above = await root.issueIntermediate({ pathLength: 1 });
    const below = await above.issueIntermediate();
    const client = await below.issueClientCertificate({ subject: 'alice' });
    expect(await connectAs(client)).toMatchObject({ authorized: true });
    expect(await connectAs({ ...client, chain: client.certificate })).toMatchObject({
      authorized: false,
      authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
  });

  it.each<[string, ClientCertificateOptions, string]>([
    ['expired', { notBefore: inDays(-20), notAfter: inDays(-10) }, 'CERT_HAS_EXPIRED'],
    ['not yet valid', { notBefore: inDays(10), notAfter: inDays(20) }, 'CERT_NOT_YET_VALID'],
  ])('that is %s is not authorized', async (_what, options, authorizationError) => {
    const client = await root.issueClientCertificate({ subject: 'alice', ...options });
    expect(await connectAs(client)).toMatchObject({ authorized: false, authorizationError });
  });

  it('is for clients only: a server’s is not authorized, and a client’s does not serve', async () => {
    const client = await root.issueClientCertificate({ subject: 'alice', names: { dns: ['localhost'] } });
    expect(await connectAs(server)).toMatchObject({
      authorized: false,
      authorizationError: 'INVALID_PURPOSE',
    });
    const serving = handshake(
      { key: client.key, cert: client.chain },
      { ca: root.root, servername: 'localhost' },
    );
    await expect(serving).rejects.toMatchObject({ code: 'INVALID_PURPOSE' });
    const { basicConstraints, keyUsage, extendedKeyUsage } = read(client.certificate);
    expect(basicConstraints?.ca).toBe(false);
    expect(keyUsage).toEqual(new Set(['digitalSignature']));
    expect(extendedKeyUsage).toEqual([oids.clientAuth]);
  });

  it('has names of every type, and each attribute of its subject with all its values', async () => {
    const { certificate } = await root.issueClientCertificate({
      subject: {
        C: 'DE',
        O: 'Exämple, Inc.',
        OU: ['Ops', 'Night'],
        CN: 'alice',
        UID: '#7',
        emailAddress: 'a@example.org',
      },
      names: {
        dns: ['Client.example.org'],
        email: ['Alice.O+tag@Example.org', 'alice@example.org', 'alice@example.org'],
        uri: ['spiffe://example.org/ns/a', 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
        ip: ['192.0.2.1', '2001:DB8::1'],
      },
    });
    const { subject, subjectAltNames, extensions } = read(certificate);
    expect(subject).toEqual({
      C: ['DE'],
      O: ['Exämple, Inc.'],
      OU: ['Ops', 'Night'],
      CN: ['alice'],
      UID: ['#7'],
      emailAddress: ['a@example.org'],
    });
    expect(Object.keys(subject)).toEqual(['C', 'O', 'OU', 'CN', 'UID', 'emailAddress']);
    expect(subjectAltNames).toEqual({
      dns: ['client.example.org'],
      email: ['Alice.O+tag@example.org', 'alice@example.org'],
      uri: ['spiffe://example.org/ns/a', 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
      ip: ['192.0.2.1', '2001:db8::1'],
    });
    expect(extensions.get(oids.subjectAltName)?.critical).toBe(false);
  });

  it('may have names without a subject, which are critical then, and authorized', async () => {
    const client = await root.issueClientCertificate({ names: { uri: ['spiffe://example.org/workload'] } });
    expect(read(client.certificate).subject).toEqual({});
    expect(read(client.certificate).extensions.get(oids.subjectAltName)?.critical).toBe(true);
    expect(await connectAs(client)).toMatchObject({ authorized: true });
  });

  it('may last as long as its issuer', async () => {
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 1e10);
    const issuer = await createAuthority({ notAfter });
    const { certificate } = await issuer.issueClientCertificate({ subject: 'device', notAfter });
    expect(read(certificate).notAfter).toBe(notAfter.getTime());
    await expect(
      issuer.issueClientCertificate({ subject: 'device', notAfter: new Date(notAfter.getTime() + 1000) }),
    ).rejects.toMatchObject({ code: 'OPTION_INVALID', path: 'notAfter' });
  });

  it('may last 825 days to the second, and no longer', async () => {
    const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000);
    const limit = notBefore.getTime() + 825 * 86_400_000;
    const issue = (end: number): Promise<IssuedCertificate> =>
      root.issueClientCertificate({ subject: 'device', notBefore, notAfter: new Date(end) });
    expect(read((await issue(limit - 1000)).certificate).notAfter).toBe(limit - 1000);
    await expect(issue(limit)).rejects.toMatchObject({ code: 'OPTION_INVALID', path: 'notAfter' });
  });
});

describe('a certificate for a public key', () => {
  it.each<OddKeyType>(['ec-p256', 'ec-p521', 'ed25519', 'rsa-2048'])(
    'of the type %s is authorized with the private key that stayed away',
    async (type) => {
      const issued = await root.issueClientCertificate({ subject: 'device', publicKey: publicKeyOf(type) });
      expect(Object.keys(issued).toSorted()).toEqual(['ca', 'certificate', 'chain', 'serialNumber']);
      const key = sharedKeys(type).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      expect(await connectAs({ ...issued, key })).toMatchObject({ authorized: true });
    },
  );

  it.each<[string, () => unknown, string, string]>([
    ['a weak RSA key', () => ({ publicKey: publicKeyOf('rsa-1024') }), 'KEY_INVALID', 'publicKey'],
    ['an RSA key of exponent 3', () => ({ publicKey: rsaOf({ e: 'Aw' }) }), 'KEY_INVALID', 'publicKey'],
    [
      'an RSA key of 2049 bits',
      () => ({ publicKey: rsaOf({ n: Buffer.alloc(257, 1).toString('base64url') }) }),
      'KEY_INVALID',
      'publicKey',
    ],
    [
      'an RSA key of 8200 bits',
      () => ({ publicKey: rsaOf({ n: Buffer.alloc(1025, 0xff).toString('base64url') }) }),
      'KEY_INVALID',
      'publicKey',
    ],
    ['a foreign curve', () => ({ publicKey: publicKeyOf('ec-secp256k1') }), 'KEY_INVALID', 'publicKey'],
    ['a key that cannot sign', () => ({ publicKey: x25519() }), 'KEY_INVALID', 'publicKey'],
    ['garbage', () => ({ publicKey: 'garbage' }), 'KEY_INVALID', 'publicKey'],
    [
      'a damaged key',
      () => ({ publicKey: publicKeyOf('ec-p256').replace('MFk', 'MFj') }),
      'KEY_INVALID',
      'publicKey',
    ],
    ['a number', () => ({ publicKey: 7 }), 'KEY_INVALID', 'publicKey'],
    ['a private key', () => ({ publicKey: root.key }), 'KEY_INVALID', 'publicKey'],
    ['a certificate', () => ({ publicKey: root.certificate }), 'KEY_INVALID', 'publicKey'],
    [
      'a key type too',
      () => ({ publicKey: publicKeyOf('ec-p256'), keyType: 'ed25519' }),
      'OPTION_CONFLICT',
      'keyType',
    ],
  ])('is not made of %s', async (_what, options, code, path) => {
    const all = { subject: 'device', ...(options() as object) } as ClientPublicKeyOptions;
    await expect(root.issueClientCertificate(all)).rejects.toMatchObject({ name: 'ConfigError', code, path });
  });
});

describe('a client certificate is refused', () => {
  it.each<[string, unknown, string]>([
    ['without options', undefined, 'options'],
    ['without a name', {}, 'subject'],
    ['with an empty subject alone', { subject: {} }, 'subject'],
    ['with names of no type', { names: {} }, 'names'],
    ['with names as a list', { names: ['a.example'] }, 'names'],
    ['with a type of names nobody knows', { names: { url: ['https://a.example'] } }, 'names.url'],
    ['with an empty list of names', { names: { dns: [] } }, 'names.dns'],
    ['with an address for a DNS name', { names: { dns: ['127.0.0.1'] } }, 'names.dns[0]'],
    ['with a DNS name for an address', { names: { ip: ['localhost'] } }, 'names.ip[0]'],
    ['with an address in octal', { names: { ip: ['0127.0.0.1'] } }, 'names.ip[0]'],
    ['with a mail address without a host', { names: { email: ['alice'] } }, 'names.email[0]'],
    ['with a mail address without a local part', { names: { email: ['@example.org'] } }, 'names.email[0]'],
    ['with two at signs', { names: { email: ['a@b@example.org'] } }, 'names.email[0]'],
    ['with a display name', { names: { email: ['Alice <alice@example.org>'] } }, 'names.email[0]'],
    ['with a dot at the start', { names: { email: ['.a@example.org'] } }, 'names.email[0]'],
    ['with a comma in a mail address', { names: { email: ['a,b@example.org'] } }, 'names.email[0]'],
    [
      'with a line break in a mail address',
      { names: { email: ['a@example.org\nb@example.org'] } },
      'names.email[0]',
    ],
    [
      'with a local part of 65 characters',
      { names: { email: [`${'a'.repeat(65)}@example.org`] } },
      'names.email[0]',
    ],
    ['with a Unicode mail address', { names: { email: ['ä@example.org'] } }, 'names.email[0]'],
    ['with a bad mail host', { names: { email: ['a@-example.org'] } }, 'names.email[0]'],
    ['with a relative URI', { names: { uri: ['/workload'] } }, 'names.uri[0]'],
    ['with a scheme alone', { names: { uri: ['spiffe:'] } }, 'names.uri[0]'],
    ['with a space in a URI', { names: { uri: ['spiffe://example.org/a b'] } }, 'names.uri[0]'],
    ['with a line break in a URI', { names: { uri: ['spiffe://example.org/a\n'] } }, 'names.uri[0]'],
    ['with Unicode in a URI', { names: { uri: ['spiffe://example.org/ä'] } }, 'names.uri[0]'],
    ['with a URI that cannot be parsed', { names: { uri: ['https://[::1/'] } }, 'names.uri[0]'],
    [
      'with a mail address in Unicode in the subject',
      { subject: { emailAddress: 'ä@b.example' } },
      'subject.emailAddress',
    ],
    [
      'with a serial number that is not printable',
      { subject: { serialNumber: 'a_b' } },
      'subject.serialNumber',
    ],
    ['with a number for a name', { subject: 7 }, 'subject'],
    ['with a number among the values', { subject: { OU: ['a', 7] } }, 'subject.OU'],
    ['with a misspelt option', { subject: 'a', notafter: inDays(1) }, 'notafter'],
    ['with an end in the past', { subject: 'a', notAfter: inDays(-1) }, 'notAfter'],
  ])('%s', async (_what, options, path) => {
    await expect(root.issueClientCertificate(options as ClientCertificateOptions)).rejects.toMatchObject({
      name: 'ConfigError',
      path,
    });
  });
});
