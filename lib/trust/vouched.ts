import type { Certificate } from '../x509/certificate.ts';
import { oids } from '../x509/extensions.ts';

/** `SEQUENCE { [0] … }`: what stands around a key identifier that is alone in its extension. */
const aroundKeyId = 4;

/** How OpenSSL builds a path was read, and tried, in these versions. */
const isKnownOpenSsl = /^3\.[05]\./.test(process.versions.openssl);

/** Which keys sign so; by the whole AlgorithmIdentifier in hexadecimal, parameters included. */
const keyTypes: ReadonlyMap<string, string> = new Map([
  ['300a06082a8648ce3d040302', 'ec'],
  ['300a06082a8648ce3d040303', 'ec'],
  ['300a06082a8648ce3d040304', 'ec'],
  ['300d06092a864886f70d01010b0500', 'rsa'],
  ['300d06092a864886f70d01010c0500', 'rsa'],
  ['300d06092a864886f70d01010d0500', 'rsa'],
  ['300506032b6570', 'ed25519'],
  ['300506032b6571', 'ed448'],
]);

/**
 * Those of `anchors` that OpenSSL, where it knows these anchors and no others, cannot take another key for: roots, by
 * OpenSSL's own reading, where all anchors are of one key. With a second key among them it would matter which names
 * OpenSSL holds for equal: that is not foreseen here.
 */
export function unmistakable(anchors: readonly Certificate[]): ReadonlySet<Certificate> {
  const [first] = anchors;
  const areOfOneKey = anchors.every(({ publicKeyRaw }) => publicKeyRaw.equals(first!.publicKeyRaw));
  return new Set(isKnownOpenSsl && areOfOneKey ? anchors.filter(isOwnIssuer) : []);
}

/** X509_check_issued, by which OpenSSL chooses issuers: that it can read the certificate, too. */
const isOwnIssuer = ({ x509, isSelfIssued, subjectKeyId }: Certificate): boolean =>
  isSelfIssued && subjectKeyId !== undefined && x509.checkIssued(x509);

/**
 * Whether OpenSSL, which has verified `leaf` to anchors of which `anchor` is an unmistakable one, has done so by the key
 * of `anchor`. It looks for the issuer among the anchors first (X509_V_FLAG_TRUSTED_FIRST, build_chain in
 * crypto/x509/x509_vfy.c), takes whichever fits by name, key identifier and type of key, and never tries another one.
 * So whatever else the client sent: where the anchor fits without any doubt, there was no other choice.
 */
export function hasSignedVouched(anchor: Certificate, leaf: Certificate): boolean {
  const { authorityKeyId, extensions, signatureAlgorithm } = leaf;
  return (
    anchor.subjectRaw.equals(leaf.issuerRaw) &&
    authorityKeyId !== undefined &&
    authorityKeyId === anchor.subjectKeyId &&
    // No name and no serial number beside it, which would be one more thing to fit.
    extensions.get(oids.authorityKeyIdentifier)?.value.length === aroundKeyId + authorityKeyId.length / 2 &&
    keyTypes.get(signatureAlgorithm.raw.toString('hex')) === anchor.x509.publicKey.asymmetricKeyType
  );
}
