import { type AuditFinding, finding } from './audit-finding.ts';
import type { AuditedCertificate } from './audit-input.ts';
import type { GuidelineConfiguration } from './mozilla-6.0.ts';

const day = 86_400_000;

/** What of one served certificate deviates from the guideline and from RFC 9325. */
export function auditCertificate(
  certificate: AuditedCertificate,
  guideline: GuidelineConfiguration,
  now: number,
): AuditFinding[] {
  return [
    ...auditDates(certificate, now),
    ...auditLife(certificate, guideline),
    ...auditKey(certificate, guideline),
    ...auditIssue(certificate),
    ...auditStapling(certificate),
  ];
}

const labelOf = ({ names, path }: AuditedCertificate): string =>
  names.length === 0 ? `the certificate of ${path}` : `the certificate of ${names[0]}`;

function auditDates(certificate: AuditedCertificate, now: number): AuditFinding[] {
  const { notBefore, notAfter, path } = certificate;
  const label = labelOf(certificate);
  if (now > notAfter)
    return [finding('CERTIFICATE_EXPIRED', `${label} has expired on ${iso(notAfter)}`, { path })];
  if (now < notBefore)
    return [finding('CERTIFICATE_NOT_YET_VALID', `${label} is valid from ${iso(notBefore)}`, { path })];
  const left = notAfter - now;
  // Short-lived ones are renewed at two thirds of their life: before, nothing is late.
  if (left >= (notAfter - notBefore) / 3) return [];
  const message = `${label} ends on ${iso(notAfter)}`;
  if (left < 7 * day) return [finding('CERTIFICATE_EXPIRES_WITHIN_WEEK', message, { path })];
  return left < 30 * day ? [finding('CERTIFICATE_EXPIRES_WITHIN_MONTH', message, { path })] : [];
}

/** A development certificate is judged by what it is, not by what a public one should be. */
function auditLife(certificate: AuditedCertificate, guideline: GuidelineConfiguration): AuditFinding[] {
  const { notBefore, notAfter, path, development } = certificate;
  if (development) return [];
  const life = Math.round((notAfter - notBefore) / day);
  const { maxCertificateDays: most, recommendedCertificateDays: recommended } = guideline;
  const told = `${labelOf(certificate)} is valid for ${life} days`;
  if (life > most)
    return [finding('CERTIFICATE_LIFE_TOO_LONG', `${told}, the profile allows ${most}`, { path })];
  return life > recommended
    ? [finding('CERTIFICATE_LIFE_LONG', `${told}, the guideline recommends ${recommended}`, { path })]
    : [];
}

function auditKey(certificate: AuditedCertificate, guideline: GuidelineConfiguration): AuditFinding[] {
  const { keyType, keyBits, keyCurve, path } = certificate;
  const label = labelOf(certificate);
  const isRsa = keyType.startsWith('rsa');
  const type = isRsa ? 'rsa' : keyType === 'ec' ? 'ecdsa' : keyType;
  const findings: AuditFinding[] = [];
  if (!guideline.certificateTypes.includes(type)) {
    const types = guideline.certificateTypes.join(', ');
    findings.push(
      finding('CERTIFICATE_KEY_TYPE', `${label} has a key of the type ${type}, not of ${types}`, { path }),
    );
  }
  if (isRsa && (keyBits ?? 0) < (guideline.minRsaBits ?? 2048)) {
    findings.push(finding('CERTIFICATE_KEY_WEAK', `${label} has an RSA key of ${keyBits} bits`, { path }));
  }
  if (keyType === 'ec' && !guideline.certificateCurves.includes(keyCurve ?? '')) {
    findings.push(finding('CERTIFICATE_CURVE', `${label} has a key on the curve ${keyCurve}`, { path }));
  }
  return findings;
}

function auditIssue(certificate: AuditedCertificate): AuditFinding[] {
  const { names, path, development, selfSigned, weakSignature, issuers } = certificate;
  const label = labelOf(certificate);
  const findings: AuditFinding[] = [];
  if (development)
    return [finding('CERTIFICATE_DEVELOPMENT', 'the development certificate is served', { path })];
  if (weakSignature !== undefined)
    findings.push(
      finding('CERTIFICATE_SIGNATURE_WEAK', `${label} is signed with ${weakSignature}`, { path }),
    );
  if (selfSigned) findings.push(finding('CERTIFICATE_SELF_SIGNED', `${label} has signed itself`, { path }));
  else if (issuers === 0)
    findings.push(finding('CERTIFICATE_WITHOUT_ISSUERS', `${label} is sent without any issuer`, { path }));
  if (names.length === 0)
    findings.push(finding('CERTIFICATE_WITHOUT_NAMES', `${label} has no name`, { path }));
  const wildcard = names.find((name) => name.startsWith('*.'));
  if (wildcard !== undefined)
    findings.push(finding('CERTIFICATE_WILDCARD', `${label} is good for ${wildcard}`, { path }));
  return findings;
}

const unstaplable = {
  NO_RESPONDER: ['STAPLING_NO_RESPONDER', 'names no OCSP responder by http'],
  NO_ISSUER: ['STAPLING_NO_ISSUER', 'came without its issuer, so that no OCSP response can be verified'],
  SEVERAL_KEYS: [
    'STAPLING_SEVERAL_KEYS',
    'is one of several for its names, and Node does not tell which is used',
  ],
} as const;

function auditStapling(certificate: AuditedCertificate): AuditFinding[] {
  const { path, mustStaple, namesResponder, stapling } = certificate;
  const label = labelOf(certificate);
  const findings: AuditFinding[] = [];
  if (stapling?.status === 'revoked')
    findings.push(finding('CERTIFICATE_REVOKED', `${label} has been revoked by its issuer`, { path }));
  if (mustStaple && stapling?.status === undefined)
    findings.push(
      finding('MUST_STAPLE_WITHOUT_RESPONSE', `${label} demands a stapled OCSP response, and there is none`, {
        path,
      }),
    );
  if (stapling === undefined) {
    if (namesResponder && !mustStaple)
      findings.push(
        finding('STAPLING_OFF', `${label} names an OCSP responder, and stapling is off`, { path }),
      );
  } else if (stapling.unstaplable !== undefined) {
    const [code, why] = unstaplable[stapling.unstaplable];
    findings.push(finding(code, `${label} ${why}`, { path }));
  } else if (stapling.problem !== undefined) {
    findings.push(finding('STAPLING_FAILING', `${label}: ${stapling.problem}`, { path }));
  }
  return findings;
}

const iso = (ms: number): string => new Date(ms).toISOString();
