import type { Certificate } from '../x509/certificate.ts';
import { oids } from '../x509/extensions.ts';
import { weaknessOfKey, weaknessOfSignature } from './algorithms.ts';
import { type CertificateProblem, untrusted } from './problem.ts';

/** Name constraints are not judged here: a certificate with some is refused, unless OpenSSL has judged them. */
export type NameConstraints = 'refuse' | 'judged by OpenSSL';

/** What a client's own certificate breaks, whoever issued it. */
export function problemOfLeaf(
  leaf: Certificate,
  at: number,
  nameConstraints: NameConstraints,
): CertificateProblem | undefined {
  if (leaf.version !== 3) return untrusted('it is an X.509 certificate of version 1 or 2');
  if (leaf.isCa || leaf.keyUsage?.has('keyCertSign') === true) return purpose('it is a CA certificate');
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.has('digitalSignature'))
    return purpose('its key usage lacks digitalSignature');
  if (!allowsClients(leaf)) return purpose('its extended key usage lacks clientAuth');
  return problemOfAny(leaf, 'it', at, nameConstraints);
}

/** What `issuer` breaks as the next certificate of `path`, its signature aside (RFC 5280 6.1.4). */
export function problemOfIssuer(
  issuer: Certificate,
  path: readonly Certificate[],
  at: number,
  nameConstraints: NameConstraints,
): CertificateProblem | undefined {
  const name = `its issuer '${labelOf(issuer)}'`;
  if (issuer.version !== 3 || !issuer.isCa) return untrusted(`${name} is no CA certificate`);
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.has('keyCertSign'))
    return untrusted(`${name} may not sign certificates`);
  // Self-issued intermediates do not count (6.1.4 l), and the leaf is none.
  const below = path.slice(1).filter((certificate) => !certificate.isSelfIssued).length;
  const { pathLength } = issuer.basicConstraints!;
  if (pathLength !== undefined && below > pathLength)
    return untrusted(`the path length of ${name} is exceeded`);
  if (!allowsClients(issuer)) return purpose(`${name} may not issue for client authentication`);
  return problemOfAny(issuer, name, at, nameConstraints);
}

/** What is weak about how a certificate was signed. */
export function problemOfSignature(certificate: Certificate): CertificateProblem | undefined {
  const weakness = weaknessOfSignature(certificate);
  return weakness === undefined
    ? undefined
    : untrusted(`'${labelOf(certificate)}' is signed with ${weakness}`);
}

/**
 * RFC 5280 4.2.1.12: without the extension any purpose; with it, clientAuth must be named.
 * anyExtendedKeyUsage counts in a CA only, as OpenSSL has it.
 */
function allowsClients({ extendedKeyUsage, isCa }: Certificate): boolean {
  if (extendedKeyUsage === undefined || extendedKeyUsage.includes(oids.clientAuth)) return true;
  return isCa && extendedKeyUsage.includes(oids.anyExtendedKeyUsage);
}

/** Extensions whose meaning is honoured here, or which restrict nothing that is asked of a client. */
const understood: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
  oids.certificatePolicies,
  oids.nameConstraints,
]);

function problemOfAny(
  certificate: Certificate,
  name: string,
  at: number,
  nameConstraints: NameConstraints,
): CertificateProblem | undefined {
  const { notBefore, notAfter, extensions } = certificate;
  if (at < notBefore)
    return { code: 'CLIENT_CERTIFICATE_NOT_YET_VALID', reason: `${name} is valid from ${iso(notBefore)}` };
  if (at > notAfter)
    return { code: 'CLIENT_CERTIFICATE_EXPIRED', reason: `${name} was valid until ${iso(notAfter)}` };
  if (extensions.has(oids.nameConstraints) && nameConstraints === 'refuse') {
    return untrusted(`${name} has name constraints, which are not judged here`);
  }
  for (const [oid, { critical }] of extensions) {
    if (critical && !understood.has(oid))
      return untrusted(`${name} has the unknown critical extension ${oid}`);
  }
  const weakness = weaknessOfKey(certificate.publicKey);
  return weakness === undefined ? undefined : untrusted(`${name} has ${weakness}`);
}

/** How a certificate is called in a message to the operator. */
const labelOf = ({ subject, fingerprint256 }: Certificate): string =>
  subject['CN']?.join('+') ?? fingerprint256;

const purpose = (reason: string): CertificateProblem => ({ code: 'CLIENT_CERTIFICATE_PURPOSE', reason });
const iso = (ms: number): string => new Date(ms).toISOString();
