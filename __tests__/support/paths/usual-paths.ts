import { der, objectIdentifier, sequence } from '../../../lib/pki/der.ts';
import { oids } from '../../../lib/x509/extensions.ts';
import { explicitTag } from '../../../lib/x509/der.ts';
import { oddAuthority, oddCertificate, type Overrides } from '../odd-certificates.ts';
import { extension, purposes } from '../odd-extensions.ts';
import { newKeys, sharedKeys } from '../odd-keys.ts';
import { attribute, commonName, generalName, name } from '../odd-names.ts';
import type { PathCase } from './odd-path.ts';

const { clientAuth, serverAuth, emailProtection } = purposes;
const printable = (type: string, text: string): Buffer => attribute(type, text, 'printable');
const access = (method: string, location: string): Buffer =>
  sequence(objectIdentifier(`1.3.6.1.5.5.7.48.${method}`), generalName.uri(location));
const point = (location: string): Buffer =>
  sequence(der(explicitTag(0), der(explicitTag(0), generalName.uri(location))));
const day = 86_400_000;

/** A client below a root, or below an intermediate of that. */
function usual(who: string, root: Overrides, between: Overrides | undefined, client: Overrides): PathCase {
  const anchor = oddAuthority(root);
  const middle = between && oddAuthority({ issuer: anchor, ...between });
  const leaf = oddCertificate({ issuer: middle ?? anchor, ...client });
  return {
    name: `as ${who} issues it`,
    expected: 'in',
    path: { leaf, hints: middle === undefined ? [] : [middle], anchors: [anchor] },
  };
}

/** What private CAs are known to put into clients' certificates and their own. */
export const usualPaths: readonly PathCase[] = [
  usual(
    'SPIRE',
    {
      subject: name(printable('C', 'US'), printable('O', 'SPIFFE'), printable('serialNumber', '1234567890')),
      extensions: {
        authorityKeyId: null,
        subjectAltName: extension.subjectAltName([generalName.uri('spiffe://example.org')]),
      },
    },
    {
      subject: name(printable('C', 'US'), printable('O', 'SPIRE')),
      extensions: {
        subjectAltName: extension.subjectAltName([generalName.uri('spiffe://example.org')]),
      },
    },
    {
      subject: name(printable('C', 'US'), printable('O', 'SPIRE')),
      extensions: {
        keyUsage: extension.keyUsage(['digitalSignature', 'keyEncipherment', 'keyAgreement']),
        extendedKeyUsage: extension.extendedKeyUsage([serverAuth, clientAuth]),
        subjectAltName: extension.subjectAltName([generalName.uri('spiffe://example.org/ns/a/sa/b')]),
      },
    },
  ),
  usual('cert-manager for a CSI volume', { extensions: { authorityKeyId: null } }, undefined, {
    subject: name(),
    extensions: {
      subjectKeyId: null,
      keyUsage: extension.keyUsage(['digitalSignature', 'keyEncipherment']),
      subjectAltName: extension.subjectAltName([generalName.uri('spiffe://cluster.local/ns/a/sa/b')], true),
    },
  }),
  usual(
    'mkcert',
    {
      keys: sharedKeys('rsa-2048'),
      extensions: {
        basicConstraints: extension.basicConstraints({ ca: true, pathLength: 0 }),
        keyUsage: extension.keyUsage(['keyCertSign']),
        authorityKeyId: null,
      },
    },
    undefined,
    {
      extensions: {
        basicConstraints: null,
        subjectKeyId: null,
        keyUsage: extension.keyUsage(['digitalSignature', 'keyEncipherment']),
        extendedKeyUsage: extension.extendedKeyUsage([clientAuth, serverAuth, emailProtection]),
        subjectAltName: extension.subjectAltName([
          generalName.email('me@example.org'),
          generalName.dns('me'),
        ]),
      },
    },
  ),
  usual(
    'step-ca',
    { extensions: { basicConstraints: extension.basicConstraints({ ca: true, pathLength: 1 }) } },
    { extensions: { basicConstraints: extension.basicConstraints({ ca: true, pathLength: 0 }) } },
    {
      extensions: {
        basicConstraints: null,
        extendedKeyUsage: extension.extendedKeyUsage([serverAuth, clientAuth]),
        subjectAltName: extension.subjectAltName([generalName.dns('device-1')]),
      },
      moreExtensions: [extension.raw('1.3.6.1.4.1.37476.9000.64.1', sequence())],
    },
  ),
  usual('Vault', { keys: sharedKeys('rsa-2048'), subject: commonName('example.org') }, undefined, {
    serialNumber: Buffer.alloc(20, 0x7a),
    extensions: {
      basicConstraints: null,
      keyUsage: extension.keyUsage(['digitalSignature', 'keyEncipherment', 'keyAgreement']),
      extendedKeyUsage: extension.extendedKeyUsage([serverAuth, clientAuth]),
      subjectAltName: extension.subjectAltName([generalName.dns('client.example.org')]),
    },
  }),
  usual(
    'AWS Private CA',
    { extensions: { authorityKeyId: null } },
    { extensions: { basicConstraints: extension.basicConstraints({ ca: true, pathLength: 0 }) } },
    {
      extensions: { basicConstraints: extension.basicConstraints({ critical: false }) },
      moreExtensions: [
        extension.raw(oids.crlDistributionPoints, sequence(point('http://example.org/crl/1.crl'))),
        extension.raw(
          oids.authorityInfoAccess,
          sequence(access('1', 'http://ocsp.example.org'), access('2', 'http://example.org/ca.cer')),
        ),
      ],
    },
  ),
  usual(
    'AD CS',
    {
      keys: sharedKeys('rsa-2048'),
      subject: name(
        attribute('DC', 'local', 'ia5'),
        attribute('DC', 'corp', 'ia5'),
        attribute('CN', 'corp-CA'),
      ),
      hash: 'sha1',
      extensions: {
        authorityKeyId: null,
        keyUsage: extension.keyUsage(['digitalSignature', 'keyCertSign', 'cRLSign'], false),
      },
      moreExtensions: [extension.raw('1.3.6.1.4.1.311.21.1', Buffer.of(2, 1, 0))],
    },
    undefined,
    {
      extensions: {
        basicConstraints: null,
        extendedKeyUsage: extension.extendedKeyUsage([clientAuth, emailProtection, '1.3.6.1.4.1.311.10.3.4']),
        subjectAltName: extension.subjectAltName([
          generalName.other('1.3.6.1.4.1.311.20.2.3', der(0x0c, Buffer.from('me@corp.local'))),
        ]),
        certificatePolicies: extension.certificatePolicies(['1.3.6.1.4.1.311.21.8.1']),
      },
      moreExtensions: [
        extension.raw('1.3.6.1.4.1.311.21.7', sequence()),
        extension.raw(oids.crlDistributionPoints, sequence(point('ldap:///CN=corp-CA,CN=pc,CN=CDP'))),
      ],
    },
  ),
  usual('a maker of devices, for good', { notAfter: new Date(Date.UTC(2055, 0, 1)) }, undefined, {
    keys: newKeys('ed25519'),
    subject: name(attribute('serialNumber', 'SN-1'), attribute('CN', 'device\u00a01')),
    notAfter: new Date(Date.UTC(2054, 0, 1)),
    notBefore: new Date(Date.now() - day),
    extensions: { extendedKeyUsage: null, keyUsage: null, subjectKeyId: null },
  }),
];
