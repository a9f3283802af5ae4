import { der, objectIdentifier, octetString, sequence, unsignedInteger } from '../../../lib/pki/der.ts';
import { explicitTag, implicitTag, tags } from '../../../lib/x509/der.ts';
import { oids } from '../../../lib/x509/extensions.ts';
import { oddAuthority, oddCertificate } from '../odd-certificates.ts';
import { extension, purposes } from '../odd-extensions.ts';
import { commonName, generalName } from '../odd-names.ts';
import { intermediate, odd, oddAt, type PathCase, root, unreadable } from './odd-path.ts';

const raw = extension.raw;
const empty = sequence();
const no = (): Buffer => der(tags.boolean, Buffer.of(0));
const yes = (): Buffer => der(tags.boolean, Buffer.of(0xff));
const keyUsage = (...content: number[]): Buffer =>
  raw(oids.keyUsage, der(tags.bitString, Buffer.from(content)), true);
const access = (...parts: Buffer[]): Buffer => sequence(sequence(...parts));
const caIssuers = objectIdentifier('1.3.6.1.5.5.7.48.2');
const ca = (keyId: Buffer, issuer?: Buffer, serial?: Buffer): Buffer =>
  raw(
    oids.authorityKeyIdentifier,
    sequence(
      der(implicitTag(0), keyId),
      ...(issuer === undefined ? [] : [der(explicitTag(1), generalName.directory(issuer))]),
      ...(serial === undefined ? [] : [der(implicitTag(2), serial)]),
    ),
  );
const named = commonName('A root that names itself');
const own = oddAuthority({ subject: named, serialNumber: Buffer.of(7) });
const naming = (issuer: Buffer, serial: number, keyId = own.keyId): PathCase['path'] =>
  oddAt('root', {
    subject: named,
    keys: own.keys,
    serialNumber: Buffer.of(7),
    extensions: { authorityKeyId: ca(keyId, issuer, Buffer.of(serial)) },
  });

/** netscape-cert-type: bit 0 is for clients, bit 1 for servers. */
const netscapeType = (bits: number): Buffer =>
  extension.raw(oids.netscapeCertType, der(tags.bitString, Buffer.of(6, bits)));

/** RFC 5280 4.2: extensions. */
export const oddExtensions: readonly PathCase[] = [
  odd('an extension twice', 'malformed', 'leaf', { moreExtensions: [extension.basicConstraints()] }),
  odd('an extension twice', 'its issuer is not known here', 'intermediate', {
    moreExtensions: [extension.basicConstraints({ ca: true })],
  }),
  odd('unknown, critical', 'unknown-critical-extension', 'leaf', {
    moreExtensions: [raw('1.2.3.4', empty, true)],
  }),
  odd('unknown, critical', 'unknown-critical-extension', 'intermediate', {
    moreExtensions: [raw('1.2.3.4', empty, true)],
  }),
  odd('unknown, critical', 'unknown-critical-extension', 'root', {
    moreExtensions: [raw('1.2.3.4', empty, true)],
  }),
  odd('unknown, not critical', 'in', 'leaf', { moreExtensions: [raw('1.2.3.4', Buffer.from('junk'))] }),
  odd('CA:true', 'purpose', 'leaf', {
    extensions: { basicConstraints: extension.basicConstraints({ ca: true }) },
  }),
  odd('keyCertSign', 'purpose', 'leaf', {
    extensions: { keyUsage: extension.keyUsage(['digitalSignature', 'keyCertSign']) },
  }),
  odd('cRLSign', 'purpose', 'leaf', {
    extensions: { keyUsage: extension.keyUsage(['digitalSignature', 'cRLSign']) },
  }),
  odd('no digitalSignature', 'purpose', 'leaf', {
    extensions: { keyUsage: extension.keyUsage(['keyEncipherment']) },
  }),
  odd('a key usage that allows nothing', 'purpose', 'leaf', { extensions: { keyUsage: keyUsage(0) } }),
  odd('no key usage', 'in', 'leaf', { extensions: { keyUsage: null } }),
  odd('a key usage that is not critical', 'in', 'leaf', {
    extensions: { keyUsage: extension.keyUsage(['digitalSignature'], false) },
  }),
  odd('a key usage with bits after its end', 'not-der', 'leaf', {
    extensions: { keyUsage: keyUsage(7, 0xc0) },
  }),
  odd('a key usage of 9 unused bits', 'malformed', 'leaf', { extensions: { keyUsage: keyUsage(9, 0x80) } }),
  odd('a key usage that is no bit string', 'malformed', 'leaf', {
    extensions: { keyUsage: raw(oids.keyUsage, empty, true) },
  }),
  odd('no basic constraints', 'in', 'leaf', { extensions: { basicConstraints: null } }),
  odd('no basic constraints', 'ca', 'intermediate', { extensions: { basicConstraints: null } }),
  odd('no basic constraints', 'ca', 'root', { extensions: { basicConstraints: null } }),
  odd('CA:false', 'ca', 'intermediate', {
    extensions: { basicConstraints: extension.basicConstraints() },
  }),
  odd('basic constraints not critical', 'critical-flag', 'root', {
    extensions: { basicConstraints: extension.basicConstraints({ ca: true, critical: false }) },
  }),
  odd('basic constraints not critical', 'critical-flag', 'intermediate', {
    extensions: { basicConstraints: extension.basicConstraints({ ca: true, critical: false }) },
  }),
  odd('basic constraints not critical', 'in', 'leaf', {
    extensions: { basicConstraints: extension.basicConstraints({ critical: false }) },
  }),
  odd('CA FALSE written out', 'encoded-default', 'leaf', {
    extensions: { basicConstraints: raw(oids.basicConstraints, sequence(no()), true) },
  }),
  odd('a path length without CA', 'path-length', 'leaf', {
    extensions: { basicConstraints: extension.basicConstraints({ pathLength: 0 }) },
  }),
  odd('a path length below zero', 'its issuer is not known here', 'intermediate', {
    extensions: {
      basicConstraints: raw(oids.basicConstraints, sequence(yes(), der(2, Buffer.of(0xff))), true),
    },
  }),
  odd('basic constraints of three parts', 'malformed-extension', 'intermediate', {
    extensions: {
      basicConstraints: raw(
        oids.basicConstraints,
        sequence(yes(), unsignedInteger(1), unsignedInteger(1)),
        true,
      ),
    },
  }),
  odd('CA TRUE as 01', 'not-der', 'intermediate', {
    extensions: {
      basicConstraints: raw(oids.basicConstraints, sequence(der(tags.boolean, Buffer.of(1))), true),
    },
  }),
  odd('no keyCertSign', 'ca', 'intermediate', {
    extensions: { keyUsage: extension.keyUsage(['cRLSign', 'digitalSignature']) },
  }),
  odd('no keyCertSign', 'ca', 'root', { extensions: { keyUsage: extension.keyUsage(['cRLSign']) } }),
  odd('no key usage', 'in', 'root', { extensions: { keyUsage: null } }),
  odd('no purposes', 'in', 'leaf', { extensions: { extendedKeyUsage: null } }),
  odd('an empty list of purposes', 'purpose', 'leaf', {
    extensions: { extendedKeyUsage: extension.extendedKeyUsage([]) },
  }),
  odd('another purpose', 'purpose', 'leaf', {
    extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]) },
  }),
  odd('a Netscape type of servers', 'purpose', 'leaf', { moreExtensions: [netscapeType(0x40)] }),
  odd('a Netscape type of servers, and no purposes', 'purpose', 'leaf', {
    extensions: { extendedKeyUsage: null },
    moreExtensions: [netscapeType(0x40)],
  }),
  odd('a Netscape type of clients', 'in', 'leaf', { moreExtensions: [netscapeType(0xc0)] }),
  odd('any purpose', 'purpose', 'leaf', {
    extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.any]) },
  }),
  odd('purposes critical', 'in', 'leaf', {
    extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.clientAuth], true) },
  }),
  odd('another purpose', 'purpose', 'intermediate', {
    extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]) },
  }),
  odd('another purpose', 'purpose', 'root', {
    extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.codeSigning]) },
  }),
  odd('no names in the list', 'empty-extension', 'leaf', {
    extensions: { subjectAltName: extension.subjectAltName([]) },
  }),
  odd('text for alternative names', 'malformed', 'leaf', {
    extensions: { subjectAltName: raw(oids.subjectAltName, Buffer.from('example.com')) },
  }),
  odd('an empty name', 'malformed-name', 'leaf', {
    extensions: { subjectAltName: extension.subjectAltName([generalName.dns('')]) },
  }),
  odd('a name beyond ASCII', 'malformed-name', 'leaf', {
    extensions: { subjectAltName: extension.subjectAltName([generalName.dns('b\u00fccher.example')]) },
  }),
  odd('an address of five octets', 'malformed', 'leaf', {
    extensions: { subjectAltName: extension.subjectAltName([generalName.ip(Buffer.alloc(5))]) },
  }),
  odd('a name of no known type', 'malformed-extension', 'leaf', {
    extensions: { subjectAltName: extension.subjectAltName([der(implicitTag(9), Buffer.of(1))]) },
  }),
  odd('no policies in the list', 'empty-extension', 'leaf', {
    extensions: { certificatePolicies: extension.certificatePolicies([]) },
  }),
  odd('a policy twice', 'malformed-extension', 'leaf', {
    extensions: { certificatePolicies: extension.certificatePolicies(['1.2.3', '1.2.3']) },
  }),
  odd('where its issuer is', 'in', 'leaf', {
    moreExtensions: [raw(oids.authorityInfoAccess, access(caIssuers, generalName.dns('example.com')))],
  }),
  odd('where its issuer is, critical', 'critical-flag', 'leaf', {
    moreExtensions: [raw(oids.authorityInfoAccess, access(caIssuers, generalName.dns('x')), true)],
  }),
  odd('where its issuer is, malformed', 'malformed-extension', 'leaf', {
    moreExtensions: [raw(oids.authorityInfoAccess, Buffer.from('malformed'))],
  }),
  odd('where its issuer is, empty', 'empty-extension', 'leaf', {
    moreExtensions: [raw(oids.authorityInfoAccess, empty)],
  }),
  odd('where its list is, critical', 'unknown-critical-extension', 'leaf', {
    moreExtensions: [
      raw(
        oids.crlDistributionPoints,
        access(der(explicitTag(0), der(explicitTag(0), generalName.uri('http://a')))),
        true,
      ),
    ],
  }),
  odd('name constraints', 'name-constraints', 'leaf', {
    extensions: { nameConstraints: extension.nameConstraints({ permitted: [generalName.dns('a')] }, false) },
  }),
  odd('no authority key identifier', 'missing-key-identifier', 'leaf', {
    extensions: { authorityKeyId: null },
  }),
  odd('no authority key identifier', 'missing-key-identifier', 'intermediate', {
    extensions: { authorityKeyId: null },
  }),
  odd('no authority key identifier', 'in', 'root', { extensions: { authorityKeyId: null } }),
  odd('an empty authority key identifier', 'missing-key-identifier', 'root', {
    extensions: { authorityKeyId: raw(oids.authorityKeyIdentifier, empty) },
  }),
  odd('an authority key identifier, critical', 'critical-flag', 'leaf', {
    extensions: {
      authorityKeyId: raw(
        oids.authorityKeyIdentifier,
        sequence(der(implicitTag(0), intermediate.keyId)),
        true,
      ),
    },
  }),
  odd('no subject key identifier', 'in', 'leaf', { extensions: { subjectKeyId: null } }),
  odd('no subject key identifier', 'missing-key-identifier', 'intermediate', {
    extensions: { subjectKeyId: null },
  }),
  odd('no subject key identifier', 'missing-key-identifier', 'root', { extensions: { subjectKeyId: null } }),
  odd('a subject key identifier, critical', 'critical-flag', 'root', {
    keyId: root.keyId,
    extensions: { subjectKeyId: raw(oids.subjectKeyIdentifier, octetString(root.keyId), true) },
  }),
  odd('a root with the key identifier of another', 'key-identifier', 'root', {
    extensions: { authorityKeyId: extension.authorityKeyId(Buffer.alloc(20, 1)) },
  }),
  { name: 'root: its own name and serial number', expected: 'in', path: naming(named, 7) },
  { name: 'root: the name of another', expected: 'key-identifier', path: naming(commonName('x'), 7) },
  { name: 'root: the serial number of another', expected: 'key-identifier', path: naming(named, 8) },
  odd('the name of its issuer without a serial number', 'key-identifier', 'root', {
    subject: named,
    keys: own.keys,
    extensions: { authorityKeyId: ca(own.keyId, named) },
  }),
  {
    name: 'leaf: its issuer by name and serial number',
    expected: 'in',
    path: {
      leaf: oddCertificate({
        issuer: own,
        extensions: { authorityKeyId: ca(own.keyId, named, Buffer.of(7)) },
      }),
      anchors: [own],
    },
  },
  {
    name: 'leaf: its issuer by another serial number',
    expected: 'its issuer is not known here',
    path: {
      leaf: oddCertificate({
        issuer: own,
        extensions: { authorityKeyId: ca(own.keyId, named, Buffer.of(9)) },
      }),
      anchors: [own],
    },
  },
  odd('an extension with critical FALSE written out', 'encoded-default', 'leaf', {
    moreExtensions: [sequence(objectIdentifier('1.2.3.4'), no(), octetString(empty))],
  }),
  odd('an extension of four parts', 'malformed', 'leaf', {
    moreExtensions: [sequence(objectIdentifier('1.2.3.4'), octetString(empty), octetString(empty))],
  }),
  odd('an object identifier with a zero too many', unreadable, 'leaf', {
    moreExtensions: [sequence(der(6, Buffer.of(0x2a, 0x80, 0x01)), octetString(empty))],
  }),
];
