import { createHash } from 'node:crypto';
import { der, extension, objectIdentifier, octetString, sequence } from '../../pki/der.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { expectTag, explicitTag, readBitString, readChildren, readElement, tags } from '../../x509/der.ts';

/** By what OCSP names a certificate (RFC 6960 4.1.1): SHA-1 of its issuer's name and key, and its serial number. */
export interface CertId {
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  /** The INTEGER in DER. */
  readonly serialNumber: Buffer;
}

/** SHA-1, as RFC 5019 2.1.1 demands of clients: it only finds the certificate, the signature covers all. */
export const sha1Oid = '1.3.14.3.2.26';

/** The name of `certificate`, which `issuer` has issued. */
export function certIdOf(certificate: Certificate, issuer: Certificate): CertId {
  const [body] = readChildren(readElement(certificate.raw, tags.sequence));
  const serialNumber = readChildren(body!).find(({ tag }) => tag !== explicitTag(0));
  return {
    issuerNameHash: sha1(certificate.issuerRaw),
    issuerKeyHash: keyHash(issuer),
    serialNumber: expectTag(serialNumber, tags.integer).raw,
  };
}

/** SHA-1 of the key alone, without the algorithm before it. */
export function keyHash({ publicKeyRaw }: Certificate): Buffer {
  const [, key] = readChildren(readElement(publicKeyRaw, tags.sequence));
  return sha1(readBitString(key));
}

export const nonceOid = '1.3.6.1.5.5.7.48.1.2';

/**
 * An OCSPRequest (RFC 6960 4.1.1) for one certificate, with a nonce (RFC 9654) where one is given. Without it the
 * answer is for many clients, and responders of public CAs sign in advance (RFC 5019 2.1.1).
 */
export function encodeOcspRequest(
  { issuerNameHash, issuerKeyHash, serialNumber }: CertId,
  nonce?: Buffer,
): Buffer {
  const certId = sequence(
    sequence(objectIdentifier(sha1Oid), der(0x05)),
    octetString(issuerNameHash),
    octetString(issuerKeyHash),
    serialNumber,
  );
  const extensions =
    nonce === undefined ? [] : [der(explicitTag(2), sequence(extension(nonceOid, octetString(nonce))))];
  return sequence(sequence(sequence(sequence(certId)), ...extensions));
}

const sha1 = (octets: Buffer): Buffer => createHash('sha1').update(octets).digest();
