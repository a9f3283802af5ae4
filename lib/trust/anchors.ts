import { ConfigError, messageOf } from '../errors.ts';
import { Certificate } from '../x509/certificate.ts';
import { faultOfAnchor, labelOf } from './checks.ts';
import { type InputKind, readInputs, type TrustInput, type TrustInputs } from './input.ts';
import { issuerOf, subjectOf } from './revocation/crl-name.ts';
import { isRelaxable, type Relaxations, tell } from './profile/path-check.ts';
import { forClients, forServers, type Purpose } from './purpose.ts';

/** Certificates as text or octets, PEM (one or a bundle) or DER, or where they lie. */
export type CertificateInput = TrustInput;
/** One or many of `CertificateInput`: CAs in PEM or DER, `{ file }`, `{ directory }`. */
export type CertificateInputs = TrustInputs;

const remedy = 'Give the CA certificates as PEM, as DER, or as { file } or { directory }.';

/** Whose CAs they are, and what to do where they are none. */
export interface AnchorKind extends InputKind {
  readonly leafRemedy: string;
  readonly rootRemedy: string;
  readonly purpose: Purpose;
}

const clientAnchors: AnchorKind = {
  missing: 'CLIENT_CA_MISSING',
  invalid: 'CLIENT_CA_INVALID',
  remedy,
  missingRemedy: `There is no fallback to the system's roots. ${remedy}`,
  absent: 'it is mandatory',
  empty: 'no CA certificate in it',
  labels: new Set(['CERTIFICATE', 'X509 CERTIFICATE']),
  only: 'Only certificates belong here.',
  fileName: /\.(pem|crt|cer|der)$/i,
  leafRemedy:
    'Give the CA that issued it; to let in one certificate only, add requirePin() or a rule on its fingerprint.',
  rootRemedy:
    'Add its root, and narrow a route by requireClientCertificate({ ca }), where an intermediate may stand alone.',
  purpose: forClients,
};

/** Of the servers to which a client goes. */
export const serverAnchors: AnchorKind = {
  ...clientAnchors,
  missing: 'CA_MISSING',
  invalid: 'CA_INVALID',
  missingRemedy: `Leave \`ca\` out for the public roots that Node brings along. ${remedy}`,
  absent: 'it is given, and is nothing',
  leafRemedy: 'Give the CA that issued it; to narrow that to one key, add `pins`.',
  rootRemedy: "Add its root, and narrow it down by `pins` with pinsOn: 'chain'.",
  purpose: forServers,
};

/**
 * Reads trust anchors. Node takes garbage, DER and an empty list in `ca` without a word and then trusts nobody, or
 * everybody: here each is a ConfigError (`CLIENT_CA_MISSING`, `CLIENT_CA_INVALID`), as is whatever is no CA certificate.
 */
export function readAnchors(
  input: CertificateInputs | undefined,
  path: string,
  kind: AnchorKind = clientAnchors,
): readonly Certificate[] {
  const found = readInputs(input, path, kind).map((item) => readCertificate(item.der, item.path, kind));
  const distinct = new Map(found.map((certificate) => [certificate.sha256, certificate]));
  return [...distinct.values()];
}

function readCertificate(der: Buffer, path: string, kind: AnchorKind): Certificate {
  let certificate;
  try {
    certificate = new Certificate(der);
    void certificate.x509;
  } catch (error) {
    const problem = `a certificate in it is damaged: ${messageOf(error)}`;
    throw new ConfigError(kind.invalid, path, problem, remedy, error);
  }
  if (certificate.isCa) return certificate;
  throw new ConfigError(
    kind.invalid,
    path,
    `'${certificate.subject['CN']?.join('+') ?? certificate.fingerprint256}' is no CA certificate`,
    kind.leafRemedy,
  );
}

/**
 * Refuses anchors below which no path could be good: with a weak key, or that break RFC 5280's profile. ConfigError
 * (`CLIENT_CA_INVALID`), which names the check; `option` is where `dangerouslyAllow` is given.
 */
export function requireSoundAnchors(
  anchors: readonly Certificate[],
  path: string,
  allowed: Relaxations,
  option: string,
  kind: AnchorKind = clientAnchors,
): void {
  for (const anchor of anchors) {
    const found = faultOfAnchor(anchor, allowed, kind.purpose);
    if (found === undefined) continue;
    const named = option === '' ? 'dangerouslyAllow' : `${option}.dangerouslyAllow`;
    const relax = `or, if it must be, let the check go by ${named}: ['${found.check}']`;
    throw new ConfigError(
      kind.invalid,
      path,
      tell(`the CA '${labelOf(anchor)}'`, found),
      `Issue it anew${isRelaxable(found.check) ? `, ${relax}` : ''}.`,
    );
  }
}

/**
 * OpenSSL ends a path only at a self-signed certificate, so a listener's intermediate without its root lets nobody in.
 */
export function requireRoots(
  anchors: readonly Certificate[],
  path: string,
  kind: AnchorKind = clientAnchors,
): void {
  for (const anchor of anchors) {
    if (anchor.isSelfIssued) continue;
    if (anchors.some((issuer) => subjectOf(issuer) === issuerOf(anchor))) continue;
    throw new ConfigError(
      kind.invalid,
      path,
      `the issuer of the intermediate '${anchor.subject['CN']?.join('+') ?? anchor.fingerprint256}' is not there`,
      kind.rootRemedy,
    );
  }
}
