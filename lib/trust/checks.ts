import { messageOf } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { readBitString, readElement, tags } from '../x509/der.ts';
import { oids } from '../x509/extensions.ts';
import type { CertificateProblem } from './problem.ts';
import { forClients, type Purpose } from './purpose.ts';
import { faultsOf } from './profile/faults.ts';
import { type Fault, fault, firstOf, refusalOf, type Relaxations, tell } from './profile/path-check.ts';
import { faultsOfSignature } from './profile/signature.ts';

/** What a client's own certificate, or a server's, breaks at first sight, whoever issued it. */
export function problemOfLeaf(
  leaf: Certificate,
  at: number,
  allowed: Relaxations,
  purpose: Purpose = forClients,
): CertificateProblem | undefined {
  const found = firstOf(faultsOfLeaf(leaf, purpose), allowed);
  if (found !== undefined) return refusalOf('it', found);
  return problemOfDates(leaf, 'it', at);
}

/**
 * What a client's own certificate breaks of the profile. Asked once its issuer is known, as strangers may send 100 KB
 * of names, and are refused without it.
 */
export const problemOfLeafProfile = (
  leaf: Certificate,
  allowed: Relaxations,
): CertificateProblem | undefined => problemOfProfile(leaf, 'it', allowed);

function* faultsOfLeaf(leaf: Certificate, { oid, name, ...netscape }: Purpose): Generator<Fault> {
  const { version, isCa, keyUsage } = leaf;
  if (version !== 3)
    yield fault('old-version', 'RFC 5280 4.1.2.1', 'is an X.509 certificate of version 1 or 2');
  if (isCa) yield purposeFault('4.2.1.9', 'is a CA certificate');
  if (keyUsage?.has('keyCertSign') === true || keyUsage?.has('cRLSign') === true)
    yield purposeFault('4.2.1.3', 'may sign certificates or revocation lists, and is no CA certificate');
  if (keyUsage?.has('digitalSignature') === false)
    yield purposeFault('4.2.1.3', 'has a key usage that lacks digitalSignature');
  if (!allows(leaf, oid)) yield purposeFault('4.2.1.12', `has an extended key usage that lacks ${name}`);
  if (!allowsByNetscape(leaf, netscape.netscapeBit))
    yield purposeFault('4.2.1.12', `has a Netscape certificate type that lacks ${netscape.netscapeName}`);
}

/** What `issuer` breaks as the next certificate of `path`, its signature aside (RFC 5280 6.1.4). */
export function problemOfIssuer(
  issuer: Certificate,
  path: readonly Certificate[],
  at: number,
  allowed: Relaxations,
  purpose: Purpose = forClients,
): CertificateProblem | undefined {
  const name = `its issuer '${labelOf(issuer)}'`;
  const found = firstOf(faultsOfIssuer(issuer, path, purpose), allowed);
  if (found !== undefined) return refusalOf(name, found);
  return problemOfDates(issuer, name, at) ?? problemOfProfile(issuer, name, allowed);
}

function* faultsOfIssuer(
  issuer: Certificate,
  path: readonly Certificate[],
  { oid, words }: Purpose,
): Generator<Fault> {
  if (issuer.version !== 3 || !issuer.isCa) yield fault('ca', 'RFC 5280 4.2.1.9', 'is no CA certificate');
  if (issuer.keyUsage?.has('keyCertSign') === false)
    yield fault('ca', 'RFC 5280 4.2.1.3', 'may not sign certificates');
  // Self-issued intermediates do not count (6.1.4 l), and the leaf is none.
  const below = path.slice(1).filter((certificate) => !certificate.isSelfIssued).length;
  const pathLength = issuer.basicConstraints?.pathLength;
  if (pathLength !== undefined && below > pathLength)
    yield fault('path-length-exceeded', 'RFC 5280 6.1.4', 'has a path length, which is exceeded');
  if (!allows(issuer, oid)) yield purposeFault('4.2.1.12', `may not issue for ${words}`);
}

/**
 * What a trust anchor breaks that no client's path can make good: read at the start. Its dates are looked at with each
 * path, as time goes on; its signature is nobody's to ask (RFC 5280 6.1.1 d: a name and a key are what is believed).
 */
export function faultOfAnchor(
  anchor: Certificate,
  allowed: Relaxations,
  purpose: Purpose = forClients,
): Fault | undefined {
  try {
    return firstOf(faultsOfIssuer(anchor, [], purpose), allowed) ?? firstOf(faultsOf(anchor), allowed);
  } catch (error) {
    return fault('malformed', 'RFC 5280 4.1', `cannot be read: ${messageOf(error)}`);
  }
}

/** What is weak about how a certificate was signed. */
export function problemOfSignature(
  certificate: Certificate,
  allowed: Relaxations,
): CertificateProblem | undefined {
  const found = firstOf(faultsOfSignature(certificate), allowed);
  return found && refusalOf(`'${labelOf(certificate)}'`, found);
}

/** What is wrong with a key, which is asked before it is used: a signature by a giant one costs time. */
export function problemOfKey(
  { publicKey: { type, bits } }: Certificate,
  allowed: Relaxations,
): CertificateProblem | undefined {
  if (type !== 'rsa' && type !== 'rsa-pss') return undefined;
  const isGiant = (bits ?? 0) > 16_384 || ((bits ?? 0) > 8192 && !allowed.has('large-key'));
  return isGiant
    ? refusalOf('its issuer', fault('large-key', 'RFC 8017 3.1', `has an RSA key of ${bits} bits`))
    : undefined;
}

/**
 * RFC 5280 4.2.1.12: without the extension any purpose; with it, this one must be named.
 * anyExtendedKeyUsage counts in a CA only, as OpenSSL has it.
 */
function allows({ extendedKeyUsage, isCa }: Certificate, oid: string): boolean {
  if (extendedKeyUsage === undefined || extendedKeyUsage.includes(oid)) return true;
  return isCa && extendedKeyUsage.includes(oids.anyExtendedKeyUsage);
}

/** Before there were extended key usages; OpenSSL obeys it still, in a leaf. */
function allowsByNetscape({ extensions }: Certificate, bit: number): boolean {
  const type = extensions.get(oids.netscapeCertType);
  if (type === undefined) return true;
  const [octet = 0] = readBitString(readElement(type.value, tags.bitString));
  return (octet & bit) !== 0;
}

function problemOfDates(
  { notBefore, notAfter }: Certificate,
  name: string,
  at: number,
): CertificateProblem | undefined {
  const told = (text: string): string => tell(name, fault('date', 'RFC 5280 6.1.3', text));
  if (at < notBefore)
    return {
      code: 'CLIENT_CERTIFICATE_NOT_YET_VALID',
      reason: told(`is valid from ${iso(notBefore)}`),
    };
  if (at > notAfter)
    return { code: 'CLIENT_CERTIFICATE_EXPIRED', reason: told(`was valid until ${iso(notAfter)}`) };
  return undefined;
}

function problemOfProfile(
  certificate: Certificate,
  name: string,
  allowed: Relaxations,
): CertificateProblem | undefined {
  const found = firstOf(faultsOf(certificate), allowed);
  return found && refusalOf(name, found);
}

/** How a certificate is called in a message to the operator. */
export const labelOf = ({ subject, fingerprint256 }: Certificate): string =>
  subject['CN']?.join('+') ?? fingerprint256;

const purposeFault = (section: string, text: string): Fault => fault('purpose', `RFC 5280 ${section}`, text);
const iso = (ms: number): string => new Date(ms).toISOString();
