import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Certificate } from '../../lib/x509/certificate.ts';
import { readPem } from '../../lib/x509/pem.ts';
import { oddAuthority, oddCertificate, type Overrides } from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { type OddKeyType, sharedKeys } from '../support/odd-keys.ts';
import { attribute, commonName, generalName, name } from '../support/odd-names.ts';

const keyTypes: readonly OddKeyType[] = [
  'dsa-1024',
  'ec-p224',
  'ec-p256',
  'ec-p384',
  'ec-p521',
  'ec-secp256k1',
  'ed25519',
  'ed448',
  'rsa-1024',
  'rsa-2048',
  'rsa-pss-2048',
];
const issuer = oddAuthority({ keys: sharedKeys('ec-p256') });

const read = (overrides: Overrides): [Certificate, X509Certificate] => {
  const { der } = oddCertificate({ issuer, keys: sharedKeys('ec-p256'), ...overrides });
  return [new Certificate(der), new X509Certificate(der)];
};
const second = (ms: number): number => Math.floor(ms / 1000) * 1000;

describe('a certificate is read as Node reads it', () => {
  it('in its serial number, dates, fingerprint and names, whatever they are', () => {
    const serial = fc.uint8Array({ minLength: 1, maxLength: 20 }).map(minimal);
    const label = fc.stringMatching(/^[a-z0-9]{1,20}$/);
    const date = fc.integer({ min: Date.UTC(1951), max: Date.UTC(2100) }).map((ms) => new Date(second(ms)));
    fc.assert(
      fc.property(
        serial,
        date,
        date,
        fc.array(label, { minLength: 1, maxLength: 5 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (serialNumber, notBefore, notAfter, labels, address) => {
          const names = [
            ...labels.map((text) => generalName.dns(`${text}.example`)),
            ...labels.map((text) => generalName.email(`${text}@example.org`)),
            ...labels.map((text) => generalName.uri(`spiffe://example.org/${text}`)),
            generalName.ip(Buffer.from(address.subarray(0, 4))),
          ];
          const [ours, nodes] = read({
            serialNumber,
            notBefore,
            notAfter,
            subject: name(...labels.map((text) => attribute('OU', text))),
            extensions: { subjectAltName: extension.subjectAltName(names) },
          });
          expect(ours.serialNumber).toBe(nodes.serialNumber);
          expect([ours.notBefore, ours.notAfter]).toEqual([
            Date.parse(nodes.validFrom),
            Date.parse(nodes.validTo),
          ]);
          expect(ours.fingerprint256).toBe(nodes.fingerprint256);
          expect(ours.subject['OU']).toEqual(labels);
          expect(nodes.subject.split('\n').map((line) => line.replace('OU=', ''))).toEqual(labels);
          expect(displayOf(ours)).toBe(nodes.subjectAltName);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('in a serial number of zero', () => {
    const [ours, nodes] = read({ serialNumber: Buffer.of(0) });
    expect(ours.serialNumber).toBe(nodes.serialNumber);
  });

  it.each(keyTypes)('in its key (%s)', (type) => {
    const { publicKey } = sharedKeys(type);
    const [ours] = read({ keys: sharedKeys(type) });
    expect(ours.publicKey).toEqual({
      type: publicKey.asymmetricKeyType,
      bits: bitsOf(publicKey),
      curve: ours.publicKey.type === 'ec' ? ours.publicKey.curve : undefined,
    });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    expect(ours.publicKeyRaw.equals(spki)).toBe(true);
    expect(ours.pin).toBe(`sha256/${createHash('sha256').update(spki).digest('base64')}`);
  });

  it.each([
    ['ec-p256', 'prime256v1'],
    ['ec-p384', 'secp384r1'],
    ['ec-p521', 'secp521r1'],
    ['ec-secp256k1', 'secp256k1'],
  ] as const)('in its curve (%s)', (type, curve) => {
    const [ours] = read({ keys: sharedKeys(type) });
    expect(ours.publicKey.curve).toBe(curve);
    expect(sharedKeys(type).publicKey.asymmetricKeyDetails?.namedCurve).toBe(curve);
  });

  it('in whether it is a CA, in its purposes and in its PEM', () => {
    for (const { der } of [issuer, oddCertificate({ issuer })]) {
      const [ours, nodes] = [new Certificate(der), new X509Certificate(der)];
      expect(ours.isCa).toBe(nodes.ca);
      expect(ours.extendedKeyUsage).toEqual(nodes.keyUsage);
      expect(ours.pem).toBe(nodes.toString());
      expect(readPem(ours.pem)?.[0]?.der.equals(der)).toBe(true);
    }
    const [several] = read({
      extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.any, purposes.codeSigning]) },
    });
    expect(several.extendedKeyUsage).toEqual([purposes.any, purposes.codeSigning]);
  });
});

describe('what Node cannot tell', () => {
  it('is a serial number below zero, which OpenSSL shows without octets that repeat the sign', () => {
    const [ours, nodes] = read({ serialNumber: Buffer.of(0xff, 0x00) });
    expect(ours.serialNumber).toBe('-0100');
    expect(ours.serialNumber).toBe(nodes.serialNumber);
  });

  it('is where one name ends and the next begins', () => {
    const hidden = 'a.example, DNS:admin.example';
    const [ours] = read({
      extensions: {
        subjectAltName: extension.subjectAltName([generalName.dns(hidden), generalName.dns('b\0c')]),
      },
    });
    expect(ours.subjectAltNames.dns).toEqual([hidden, 'b\0c']);
  });

  it('is which values an attribute has, in whatever RDN', () => {
    const [ours] = read({
      subject: name(
        attribute('CN', 'a'),
        [attribute('CN', 'b\nCN=admin'), attribute('O', 'x')],
        attribute('1.2.3.4', 'y'),
      ),
    });
    expect(ours.subject).toEqual({ CN: ['a', 'b\nCN=admin'], O: ['x'], '1.2.3.4': ['y'] });
  });

  it('is an attribute that is named like a member of every object', () => {
    const [ours] = read({ subject: commonName('__proto__') });
    expect(ours.subject['CN']).toEqual(['__proto__']);
    expect(Object.hasOwn(ours.subject, '__proto__')).toBe(false);
    expect(ours.subject['constructor']).not.toEqual(expect.any(Array));
  });

  it('is the key identifiers, for which issuers are looked for', () => {
    const [ours] = read({});
    expect(ours.authorityKeyId).toBe(issuer.keyId.toString('hex'));
    expect(new Certificate(issuer.der).subjectKeyId).toBe(issuer.keyId.toString('hex'));
  });

  it('is an address of IPv6 as RFC 5952 writes it', () => {
    const addresses = [
      '20010db8000000000000000000000001',
      '0'.repeat(32),
      '00000000000000000000ffff7f000001',
    ];
    const [ours] = read({
      extensions: {
        subjectAltName: extension.subjectAltName(
          addresses.map((hex) => generalName.ip(Buffer.from(hex, 'hex'))),
        ),
      },
    });
    expect(ours.subjectAltNames.ip).toEqual(['2001:db8::1', '::', '::ffff:7f00:1']);
  });
});

/** An INTEGER in the fewest octets, as DER has it. */
function minimal(octets: Uint8Array): Buffer {
  let start = 0;
  while (
    start < octets.length - 1 &&
    ((octets[start] === 0 && octets[start + 1]! < 0x80) ||
      (octets[start] === 0xff && octets[start + 1]! >= 0x80))
  ) {
    start++;
  }
  return Buffer.from(octets.subarray(start));
}

/** As OpenSSL displays names that need no quotes. */
const displayOf = ({ subjectAltNames: { dns, email, uri, ip } }: Certificate): string =>
  [
    ...dns.map((text) => `DNS:${text}`),
    ...email.map((text) => `email:${text}`),
    ...uri.map((text) => `URI:${text}`),
    ...ip.map((text) => `IP Address:${text}`),
  ].join(', ');

function bitsOf(key: KeyObject): number | undefined {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'dsa') return undefined;
  const curves: Readonly<Record<string, number>> = {
    prime256v1: 256,
    secp256k1: 256,
    secp384r1: 384,
    secp521r1: 521,
  };
  return modulusLength ?? curves[namedCurve ?? ''];
}
