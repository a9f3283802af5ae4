import { createHash } from 'node:crypto';
import type { Certificate } from '../../x509/certificate.ts';
import { explicitTag, implicitTag, tags } from '../../x509/der.ts';
import { der, objectIdentifier, octetString, sequence, unsignedInteger } from '../der.ts';
import type { Encrypted } from '../password-encryption.ts';

const oids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
} as const;

const explicit = (n: number, content: Buffer): Buffer => der(explicitTag(n), content);

/** What ties a key to its certificate, and names both for people (RFC 7292 4.2). */
export function attributesOf(leaf: Certificate, friendlyName: string | undefined): readonly Buffer[] {
  const localKeyId = createHash('sha256').update(leaf.raw).digest().subarray(0, 20);
  return [
    ...(friendlyName === undefined ? [] : [attribute(oids.friendlyName, bmpString(friendlyName))]),
    attribute(oids.localKeyId, octetString(localKeyId)),
  ];
}

const bmpString = (text: string): Buffer => der(tags.bmpString, Buffer.from(text, 'utf16le').swap16());

const attribute = (oid: string, value: Buffer): Buffer =>
  sequence(objectIdentifier(oid), der(tags.set, value));

/** SafeBag (RFC 7292 4.2). DER sorts a SET OF by its octets. */
function safeBag(type: string, value: Buffer, attributes: readonly Buffer[]): Buffer {
  const sorted = attributes.toSorted((a, b) => Buffer.compare(a, b));
  return sequence(
    objectIdentifier(type),
    explicit(0, value),
    ...(sorted.length === 0 ? [] : [der(tags.set, ...sorted)]),
  );
}

export const certificateBag = ({ raw }: Certificate, attributes: readonly Buffer[] = []): Buffer =>
  safeBag(
    oids.certificateBag,
    sequence(objectIdentifier(oids.x509Certificate), explicit(0, octetString(raw))),
    attributes,
  );

/** An encrypted PrivateKeyInfo (RFC 5958 3). */
export const shroudedKeyBag = ({ algorithm, data }: Encrypted, attributes: readonly Buffer[]): Buffer =>
  safeBag(oids.shroudedKeyBag, sequence(algorithm, octetString(data)), attributes);

/** ContentInfo (RFC 5652 3) of octets that are not encrypted, or are already. */
export const dataContent = (content: Buffer): Buffer =>
  sequence(objectIdentifier(oids.data), explicit(0, octetString(content)));

/** ContentInfo of EncryptedData (RFC 5652 8). */
export const encryptedContent = ({ algorithm, data }: Encrypted): Buffer =>
  sequence(
    objectIdentifier(oids.encryptedData),
    explicit(
      0,
      sequence(
        unsignedInteger(0),
        sequence(objectIdentifier(oids.data), algorithm, der(implicitTag(0), data)),
      ),
    ),
  );
