import { X509Certificate } from 'node:crypto';
import type { Certificate } from '../x509/certificate.ts';

/**
 * A key that OpenSSL cannot use has signed nothing. Only the issuer keeps its X509Certificate: that of a leaf is not
 * asked again, and paths are remembered by the thousand.
 */
export function hasSigned(issuer: Certificate, certificate: Certificate): boolean {
  try {
    return new X509Certificate(certificate.raw).verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

/** More than the paths of any client need that are known; one by P-521 costs a millisecond. */
const maxSignatures = 20;

/** The signatures of one search: each is tried once, and no more than some are tried at all. */
export class Signatures {
  readonly #known = new Map<string, boolean>();

  /** Whether there were more to try than may be tried: then what was found missing may be there. */
  isExhausted = false;

  /** Whether `issuer` has signed `certificate`; not, once there is none left to be tried. */
  has(issuer: Certificate, certificate: Certificate): boolean {
    const question = `${issuer.publicKeyRaw.toString('latin1')} ${certificate.sha256}`;
    const known = this.#known.get(question);
    if (known !== undefined) return known;
    this.isExhausted ||= this.#known.size >= maxSignatures;
    if (this.isExhausted) return false;
    const outcome = hasSigned(issuer, certificate);
    this.#known.set(question, outcome);
    return outcome;
  }
}
