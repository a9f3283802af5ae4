import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Certificate, signatureAlgorithmOid } from '../../lib/x509/certificate.ts';
import { readElement } from '../../lib/x509/der.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { handshake } from './handshake.ts';
import {
  algorithmOf,
  generalizedTime,
  impostorOf,
  oddAuthority,
  oddCertificate,
  type OddCertificate,
  type Overrides,
  utcTime,
} from './odd-certificates.ts';
import { extension, purposes } from './odd-extensions.ts';
import { type OddKeyType, sharedKeys } from './odd-keys.ts';
import { attribute, commonName, encodeString, generalName, name, type StringType } from './odd-names.ts';

let root: OddCertificate;
let server: OddCertificate;

beforeAll(() => {
  root = oddAuthority();
  server = oddCertificate({
    issuer: root,
    extensions: {
      extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]),
      subjectAltName: extension.subjectAltName([generalName.dns('localhost')]),
    },
  });
});

/** What OpenSSL says of a client that sends the leaf and these intermediates; `null` where it has no objection. */
async function verdict(
  leaf: OddCertificate,
  intermediates: readonly OddCertificate[] = [],
): Promise<string | null> {
  const cert = [leaf, ...intermediates].map(({ certificate }) => certificate).join('');
  // A client at the usual level does not even load a certificate that is signed with SHA-1.
  const ciphers = 'DEFAULT@SECLEVEL=0';
  const { authorizationError } = await handshake(
    { key: server.key, cert: server.certificate, ca: root.certificate },
    { key: leaf.key, cert, ca: root.certificate, ciphers, servername: 'localhost' },
  );
  return authorizationError;
}

const odd = (overrides: Overrides = {}): OddCertificate => oddCertificate({ issuer: root, ...overrides });
const withUnknown = (critical: boolean): OddCertificate =>
  odd({ moreExtensions: [extension.raw('1.2.3.4', Buffer.of(5, 0), critical)] });
const read = ({ der }: OddCertificate): Certificate => new Certificate(der);

describe('oddCertificate', () => {
  it('has nothing odd where it was not asked for', async () => {
    const plain = odd();
    expect(await verdict(plain)).toBeNull();
    expect(plain.certificate).toBe(read(plain).pem);
    expect(new X509Certificate(plain.certificate).raw).toEqual(plain.der);
    expect(read(plain).basicConstraints).toEqual({ ca: false, pathLength: undefined });
    expect(read(plain).keyUsage).toEqual(new Set(['digitalSignature']));
    expect(read(plain).extendedKeyUsage).toEqual([oids.clientAuth]);
    expect(read(plain).authorityKeyId).toBe(read(root).subjectKeyId);
  });

  it('signs itself where it has no issuer', async () => {
    expect(await verdict(oddCertificate())).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  });

  it('can be of version 1 or 2', async () => {
    expect(read(odd({ version: 1 }))).toMatchObject({ version: 1, extensions: new Map() });
    expect(read(odd({ version: 2 }))).toMatchObject({ version: 2, extensions: new Map() });
    expect(await verdict(odd({ version: 1 }))).toBeNull();
  });

  it('can be a CA, or may sign certificates', () => {
    const ca = odd({
      extensions: { basicConstraints: extension.basicConstraints({ ca: true, pathLength: 3 }) },
    });
    expect(read(ca).basicConstraints).toEqual({ ca: true, pathLength: 3 });
    const signer = odd({ extensions: { keyUsage: extension.keyUsage(['digitalSignature', 'keyCertSign']) } });
    expect(read(signer).keyUsage).toEqual(new Set(['digitalSignature', 'keyCertSign']));
    expect(read(signer).extensions.get(oids.keyUsage)?.value.toString('hex')).toBe('03020284');
  });

  it('can lack digitalSignature, and is not fit for TLS then', async () => {
    const encrypting = odd({ extensions: { keyUsage: extension.keyUsage(['keyEncipherment']) } });
    expect(await verdict(encrypting)).toBe('INVALID_PURPOSE');
    expect(read(odd({ extensions: { keyUsage: extension.keyUsage([]) } })).keyUsage).toEqual(new Set());
  });

  it('can have another purpose, any, or none', async () => {
    const withPurpose = (...oid: string[]): OddCertificate =>
      odd({ extensions: { extendedKeyUsage: extension.extendedKeyUsage(oid) } });
    expect(await verdict(withPurpose(purposes.serverAuth))).toBe('INVALID_PURPOSE');
    expect(await verdict(withPurpose(purposes.codeSigning, purposes.emailProtection))).toBe(
      'INVALID_PURPOSE',
    );
    expect(await verdict(withPurpose(purposes.any))).toBe('INVALID_PURPOSE');
    expect(await verdict(odd({ extensions: { extendedKeyUsage: null } }))).toBeNull();
  });

  it('can have an unknown extension, critical or not', async () => {
    expect(await verdict(withUnknown(false))).toBeNull();
    expect(await verdict(withUnknown(true))).toBe('UNSPECIFIED');
    expect(read(withUnknown(true)).extensions.get('1.2.3.4')).toEqual({
      critical: true,
      value: Buffer.of(5, 0),
    });
  });

  it('can have one extension twice', () => {
    const twice = odd({ moreExtensions: [extension.extendedKeyUsage([purposes.serverAuth])] });
    expect(() => read(twice)).toThrow(`extension ${oids.extendedKeyUsage} comes twice`);
  });

  it('can lack every extension', async () => {
    const bare = odd({
      extensions: {
        basicConstraints: null,
        keyUsage: null,
        extendedKeyUsage: null,
        subjectKeyId: null,
        authorityKeyId: null,
      },
    });
    expect(read(bare)).toMatchObject({ version: 3, subjectKeyId: undefined, authorityKeyId: undefined });
    expect(read(bare).extensions.size).toBe(0);
    expect(await verdict(bare)).toBeNull();
  });

  it.each<[string, Buffer, string]>([
    ['negative', Buffer.of(0xff), '-01'],
    ['zero', Buffer.of(0), '0'],
    ['of 21 octets', Buffer.alloc(21, 0x11), '11'.repeat(21)],
    ['of 64 octets', Buffer.alloc(64, 0x7f), '7F'.repeat(64)],
  ])('can have a serial number that is %s', (_what, serialNumber, expected) => {
    expect(read(odd({ serialNumber })).serialNumber).toBe(expected);
  });

  it('can have certificate policies', () => {
    const certificate = odd({ moreExtensions: [extension.certificatePolicies(['1.3.6.1.4.1.99999.1'])] });
    expect(read(certificate).certificatePolicies).toEqual(['1.3.6.1.4.1.99999.1']);
  });

  it('can name another issuer than its own', async () => {
    expect(await verdict(odd({ issuerName: commonName('somebody else') }))).toBe(
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    );
  });

  it('can have a damaged signature, or two algorithms', async () => {
    const damaged = odd({ damaged: true });
    expect(new X509Certificate(damaged.certificate).verify(root.keys.publicKey)).toBe(false);
    expect(await verdict(damaged)).toBe('CERT_SIGNATURE_FAILURE');
    const double = odd({ innerAlgorithm: algorithmOf(root.keys.privateKey, 'sha512') });
    expect(() => read(double)).toThrow('the two signature algorithms differ');
  });
});

describe('the names of an odd certificate', () => {
  it('can be none', async () => {
    expect(read(odd({ subject: name() })).subject).toEqual({});
    expect(await verdict(odd({ subject: name() }))).toBeNull();
  });

  it('can have several values, one after another or in one RDN', () => {
    const subject = name(
      attribute('CN', 'alice'),
      attribute('CN', 'bob'),
      [attribute('OU', 'b'), attribute('OU', 'a')],
      attribute('1.2.3.4', 'odd'),
    );
    expect(read(odd({ subject })).subject).toEqual({
      CN: ['alice', 'bob'],
      OU: ['a', 'b'],
      '1.2.3.4': ['odd'],
    });
  });

  it.each(['alice\nCN=admin', 'alice\0.example', 'a, CN=b', 'a"b\\', 'x/CN=admin', ' a+b=c; ', ''])(
    'can be %j',
    (text) => {
      const certificate = odd({ subject: commonName(text) });
      expect(read(certificate).subject).toEqual({ CN: [text] });
      expect(new X509Certificate(certificate.certificate).raw).toEqual(certificate.der);
    },
  );

  it.each<[StringType, number]>([
    ['bmp', 0x1e],
    ['ia5', 0x16],
    ['printable', 0x13],
    ['t61', 0x14],
    ['universal', 0x1c],
    ['utf8', 0x0c],
  ])('can be a string of the type %s', (type, tag) => {
    expect(readElement(encodeString('admin', type)).tag).toBe(tag);
    expect(read(odd({ subject: commonName('admin', type) })).subject).toEqual({ CN: ['admin'] });
    expect(new X509Certificate(odd({ subject: commonName('admin', type) }).certificate).subject).toBe(
      'CN=admin',
    );
  });

  it('can hold in a type what does not belong there', () => {
    const names = [
      generalName.dns('a.example, DNS:evil.example'),
      generalName.dns('good.example\0.evil.example'),
      generalName.dns('"quoted"'),
      generalName.uri('https://x/, DNS:evil.example'),
      generalName.email('a@b\n'),
      generalName.ip('192.0.2.1'),
      generalName.ip(Buffer.alloc(16, 1)),
      generalName.other('1.3.6.1.4.1.311.20.2.3', encodeString('admin@example.org', 'utf8')),
      generalName.directory(commonName('inner')),
      generalName.registeredId('1.2.3.4'),
    ];
    const certificate = odd({ extensions: { subjectAltName: extension.subjectAltName(names) } });
    expect(read(certificate).subjectAltNames).toEqual({
      dns: ['a.example, DNS:evil.example', 'good.example\0.evil.example', '"quoted"'],
      uri: ['https://x/, DNS:evil.example'],
      email: ['a@b\n'],
      ip: ['192.0.2.1', '101:101:101:101:101:101:101:101'],
    });
    // OpenSSL reads all of it, so that none is odd by accident.
    expect(new X509Certificate(certificate.certificate).subjectAltName).toMatch(
      /othername:.*DirName:.*Registered ID:1\.2\.3\.4/,
    );
  });
});

describe('the keys and signatures of an odd certificate', () => {
  it.each<[OddKeyType, string]>([
    ['ec-p521', 'ec'],
    ['ed25519', 'ed25519'],
    ['ed448', 'ed448'],
    ['rsa-1024', 'rsa'],
    ['rsa-2048', 'rsa'],
    ['rsa-pss-2048', 'rsa-pss'],
  ])('can be a key of the type %s', (type, nodeType) => {
    const certificate = odd({ keys: sharedKeys(type) });
    expect(read(certificate).publicKey.type).toBe(nodeType);
    expect(new X509Certificate(certificate.certificate).verify(root.keys.publicKey)).toBe(true);
  });

  it.each<[OddKeyType, Overrides, string]>([
    ['ec-p256', { hash: 'sha1' }, '1.2.840.10045.4.1'],
    ['ec-p256', { hash: 'sha512' }, '1.2.840.10045.4.3.4'],
    ['ec-p521', {}, '1.2.840.10045.4.3.2'],
    ['rsa-1024', {}, '1.2.840.113549.1.1.11'],
    ['rsa-2048', { hash: 'sha1' }, '1.2.840.113549.1.1.5'],
    ['rsa-2048', { pss: true }, '1.2.840.113549.1.1.10'],
    ['rsa-2048', { pss: true, hash: 'sha1' }, '1.2.840.113549.1.1.10'],
    ['rsa-pss-2048', { hash: 'sha384' }, '1.2.840.113549.1.1.10'],
    ['ed25519', {}, '1.3.101.112'],
    ['ed448', {}, '1.3.101.113'],
    ['dsa-1024', { hash: 'sha1' }, '1.2.840.10040.4.3'],
    ['dsa-1024', {}, '2.16.840.1.101.3.4.3.2'],
  ])('can be signed by %s with %j', (type, overrides, oid) => {
    const issuer = oddAuthority({ keys: sharedKeys(type) });
    const certificate = oddCertificate({ issuer, ...overrides });
    expect(signatureAlgorithmOid(read(certificate))).toBe(oid);
    expect(new X509Certificate(certificate.certificate).verify(issuer.keys.publicKey)).toBe(true);
    expect(new X509Certificate(certificate.certificate).verify(root.keys.publicKey)).toBe(false);
  });

  it('are refused by OpenSSL where the hash is SHA-1', async () => {
    expect(await verdict(odd({ hash: 'sha1' }))).not.toBeNull();
  });
});

describe('the dates of an odd certificate', () => {
  it('can be past or to come', async () => {
    const day = 86_400_000;
    const past = { notBefore: new Date(Date.now() - 2 * day), notAfter: new Date(Date.now() - day) };
    expect(await verdict(odd(past))).toBe('CERT_HAS_EXPIRED');
    expect(await verdict(odd({ notBefore: new Date(Date.now() + day / 2) }))).toBe('CERT_NOT_YET_VALID');
  });

  it('can be written in either form', async () => {
    const certificate = odd({
      notBefore: generalizedTime('20200101000000Z'),
      notAfter: generalizedTime('20991231235959Z'),
    });
    expect(read(certificate)).toMatchObject({
      notBefore: Date.UTC(2020, 0, 1),
      notAfter: Date.UTC(2099, 11, 31, 23, 59, 59),
    });
    expect(await verdict(certificate)).toBeNull();
    expect(read(odd({ notBefore: utcTime('500101000000Z') })).notBefore).toBe(Date.UTC(1950, 0, 1));
    expect(read(odd({ notAfter: new Date(Date.UTC(2060, 0, 1)) })).notAfter).toBe(Date.UTC(2060, 0, 1));
    expect(() => read(odd({ notAfter: utcTime('2001010000Z') }))).toThrow('bad time');
  });
});

describe('oddAuthority', () => {
  it('issues through intermediates', async () => {
    const intermediate = oddAuthority({ issuer: root });
    expect(await verdict(oddCertificate({ issuer: intermediate }), [intermediate])).toBeNull();
    expect(await verdict(oddCertificate({ issuer: intermediate }))).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  });

  it.each<[string, Overrides]>([
    ['without basicConstraints', { extensions: { basicConstraints: null } }],
    ['that is no CA', { extensions: { basicConstraints: extension.basicConstraints() } }],
    ['without keyCertSign', { extensions: { keyUsage: extension.keyUsage(['cRLSign']) } }],
    ['that has expired', { notAfter: new Date(Date.now() - 1000) }],
    ['of version 1', { version: 1 }],
    [
      'for servers only',
      { extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]) } },
    ],
  ])('can be an intermediate %s, which OpenSSL refuses', async (_what, overrides) => {
    const intermediate = oddAuthority({ issuer: root, ...overrides });
    const leaf = oddCertificate({ issuer: intermediate });
    expect(new X509Certificate(leaf.certificate).verify(intermediate.keys.publicKey)).toBe(true);
    expect(await verdict(leaf, [intermediate])).not.toBeNull();
  });

  it('can have a path length that is exceeded', async () => {
    const above = oddAuthority({
      issuer: root,
      extensions: { basicConstraints: extension.basicConstraints({ ca: true, pathLength: 0 }) },
    });
    const below = oddAuthority({ issuer: above, subject: commonName('below') });
    expect(await verdict(oddCertificate({ issuer: above }), [above])).toBeNull();
    expect(await verdict(oddCertificate({ issuer: below }), [below, above])).toBe('PATH_LENGTH_EXCEEDED');
  });

  it('can constrain names', async () => {
    const constrained = oddAuthority({
      issuer: root,
      extensions: {
        nameConstraints: extension.nameConstraints({ permitted: [generalName.dns('example.org')] }),
      },
    });
    const named = (dns: string): OddCertificate =>
      oddCertificate({
        issuer: constrained,
        subject: name(),
        extensions: { subjectAltName: extension.subjectAltName([generalName.dns(dns)], true) },
      });
    expect(await verdict(named('a.example.org'), [constrained])).toBeNull();
    expect(await verdict(named('a.example.com'), [constrained])).toBe('UNSPECIFIED');
  });

  it('can be an impostor: the same name and key identifier, and another key', async () => {
    const impostor = impostorOf(root);
    expect(read(impostor)).toMatchObject({
      subjectKeyId: read(root).subjectKeyId,
      authorityKeyId: read(root).authorityKeyId,
      subject: read(root).subject,
    });
    expect(read(impostor).pin).not.toBe(read(root).pin);
    const leaf = oddCertificate({ issuer: impostor });
    expect(read(leaf).authorityKeyId).toBe(read(odd()).authorityKeyId);
    expect(await verdict(leaf, [impostor])).not.toBeNull();
    expect(await verdict(leaf)).not.toBeNull();
  });
});
