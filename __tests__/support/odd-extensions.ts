import { der, objectIdentifier, octetString, sequence, unsignedInteger } from '../../lib/pki/der.ts';
import { explicitTag, implicitTag, tags } from '../../lib/x509/der.ts';
import { oids } from '../../lib/x509/extensions.ts';

/** The named bits of KeyUsage (RFC 5280 4.2.1.3) in their order. */
const keyUsageBits = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
] as const;

/** Purposes (RFC 5280 4.2.1.12) by name. */
export const purposes = {
  any: '2.5.29.37.0',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

interface Subtrees {
  /** GeneralNames. */
  permitted?: readonly Buffer[];
  excluded?: readonly Buffer[];
}

/** Whole extensions (RFC 5280 4.2) in DER. */
export const extension = {
  /** Any extension: `value` is what the OCTET STRING holds. */
  raw: (oid: string, value: Buffer, critical = false): Buffer =>
    sequence(
      objectIdentifier(oid),
      ...(critical ? [der(tags.boolean, Buffer.of(0xff))] : []),
      octetString(value),
    ),

  basicConstraints: ({
    ca = false,
    pathLength,
    critical = true,
  }: { ca?: boolean; pathLength?: number; critical?: boolean } = {}): Buffer =>
    extension.raw(
      oids.basicConstraints,
      sequence(
        ...(ca ? [der(tags.boolean, Buffer.of(0xff))] : []),
        ...(pathLength === undefined ? [] : [unsignedInteger(pathLength)]),
      ),
      critical,
    ),

  keyUsage: (usages: readonly (typeof keyUsageBits)[number][], critical = true): Buffer =>
    extension.raw(
      oids.keyUsage,
      der(tags.bitString, ...bits(usages.map((usage) => keyUsageBits.indexOf(usage)))),
      critical,
    ),

  extendedKeyUsage: (usages: readonly string[], critical = false): Buffer =>
    extension.raw(oids.extendedKeyUsage, sequence(...usages.map(objectIdentifier)), critical),

  /** Of GeneralNames. */
  subjectAltName: (names: readonly Buffer[], critical = false): Buffer =>
    extension.raw(oids.subjectAltName, sequence(...names), critical),

  nameConstraints: ({ permitted, excluded }: Subtrees, critical = true): Buffer =>
    extension.raw(
      oids.nameConstraints,
      sequence(
        ...(permitted ? [der(explicitTag(0), ...permitted.map((base) => sequence(base)))] : []),
        ...(excluded ? [der(explicitTag(1), ...excluded.map((base) => sequence(base)))] : []),
      ),
      critical,
    ),

  certificatePolicies: (policies: readonly string[], critical = false): Buffer =>
    extension.raw(
      oids.certificatePolicies,
      sequence(...policies.map((oid) => sequence(objectIdentifier(oid)))),
      critical,
    ),

  subjectKeyId: (keyId: Buffer): Buffer => extension.raw(oids.subjectKeyIdentifier, octetString(keyId)),

  authorityKeyId: (keyId: Buffer): Buffer =>
    extension.raw(oids.authorityKeyIdentifier, sequence(der(implicitTag(0), keyId))),
};

/** A BIT STRING's content: how many bits are unused, and the octet, without zero bits at the end (X.690 11.2.2). */
function bits(set: readonly number[]): Buffer[] {
  if (set.length === 0) return [Buffer.of(0)];
  const octet = set.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  return [Buffer.of(7 - Math.max(...set), octet)];
}
