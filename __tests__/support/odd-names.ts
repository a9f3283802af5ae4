import { isIPv4 } from 'node:net';
import { der, objectIdentifier, sequence } from '../../lib/pki/der.ts';
import { explicitTag, implicitTag, tags } from '../../lib/x509/der.ts';

/** ASN.1's character strings. */
export type StringType = 'bmp' | 'ia5' | 'printable' | 't61' | 'universal' | 'utf8';

const attributeOids: Readonly<Record<string, string>> = {
  C: '2.5.4.6',
  CN: '2.5.4.3',
  DC: '0.9.2342.19200300.100.1.25',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  UID: '0.9.2342.19200300.100.1.1',
  emailAddress: '1.2.840.113549.1.9.1',
  serialNumber: '2.5.4.5',
};

/** AttributeTypeAndValue; `type` is a short name or an OID. No character of `text` is refused. */
export const attribute = (type: string, text: string, encoding: StringType = 'utf8'): Buffer =>
  sequence(objectIdentifier(attributeOids[type] ?? type), encodeString(text, encoding));

/** A Name of RDNs, each of one attribute or of several: `name(attribute('O', 'x'), [attribute(…), attribute(…)])`. */
export const name = (...rdns: readonly (Buffer | readonly Buffer[])[]): Buffer =>
  sequence(
    ...rdns
      .map((rdn) => (Buffer.isBuffer(rdn) ? [rdn] : rdn.toSorted((a, b) => Buffer.compare(a, b))))
      .map((rdn) => der(tags.set, ...rdn)),
  );

/** `name` of one common name. */
export const commonName = (text: string, encoding?: StringType): Buffer =>
  name(attribute('CN', text, encoding));

/** GeneralNames (RFC 5280 4.2.1.6). No character is refused. */
export const generalName = {
  dns: (text: string): Buffer => der(implicitTag(2), Buffer.from(text, 'latin1')),
  email: (text: string): Buffer => der(implicitTag(1), Buffer.from(text, 'latin1')),
  uri: (text: string): Buffer => der(implicitTag(6), Buffer.from(text, 'latin1')),
  /** Octets as they are, or an IPv4 address. */
  ip: (address: Buffer | string): Buffer =>
    der(implicitTag(7), typeof address === 'string' ? ipv4(address) : address),
  directory: (of: Buffer): Buffer => der(explicitTag(4), of),
  /** `value` is a whole element of DER. */
  other: (oid: string, value: Buffer): Buffer =>
    der(explicitTag(0), objectIdentifier(oid), der(explicitTag(0), value)),
  registeredId: (oid: string): Buffer => der(implicitTag(8), objectIdentifier(oid).subarray(2)),
};

const encoders: Readonly<Record<StringType, (text: string) => Buffer>> = {
  bmp: (text) => der(tags.bmpString, Buffer.from(text, 'utf16le').swap16()),
  ia5: (text) => der(tags.ia5String, Buffer.from(text, 'latin1')),
  printable: (text) => der(tags.printableString, Buffer.from(text, 'latin1')),
  t61: (text) => der(tags.teletexString, Buffer.from(text, 'latin1')),
  universal: (text) => der(tags.universalString, ...Array.from(text, utf32)),
  utf8: (text) => der(tags.utf8String, Buffer.from(text, 'utf8')),
};

export const encodeString = (text: string, encoding: StringType): Buffer => encoders[encoding](text);

function utf32(character: string): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(character.codePointAt(0)!);
  return octets;
}

function ipv4(address: string): Buffer {
  if (!isIPv4(address)) throw new TypeError('give the octets of anything but an IPv4 address');
  return Buffer.from(address.split('.').map(Number));
}
