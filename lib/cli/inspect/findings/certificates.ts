import { auditCertificate } from '../../../profiles/audit-certificates.ts';
import type { AuditedCertificate } from '../../../profiles/audit-input.ts';
import { mozilla60 } from '../../../profiles/mozilla-6.0.ts';
import { weaknessOfKey, weaknessOfSignature } from '../../../trust/algorithms.ts';
import type { Certificate } from '../../../x509/certificate.ts';
import type { SeenChain } from '../certificates/served-chain.ts';
import { nameText } from '../certificates/facts.ts';
import type { InspectFinding, Stapling } from '../inspection.ts';
import { found, foundByAudit, translated } from './codes.ts';

interface Circumstances {
  readonly profile: 'intermediate' | 'modern';
  readonly host: string;
  readonly now: number;
  /** Of this chain; undefined where it was not asked for with it. */
  readonly stapling: Stapling | undefined;
}

/** What of a chain deviates, by the rules of an audit and by what only a client sees. */
export function judgeChain(chain: SeenChain, path: string, circumstances: Circumstances): InspectFinding[] {
  const { profile, now, stapling } = circumstances;
  const audited = auditCertificate(auditedOf(chain, path, stapling), mozilla60[profile], now);
  return [
    ...audited.map(translated),
    ...judgeIssuers(chain, path, now),
    ...judgeTrust(chain, path, circumstances.host),
    ...(stapling?.problem == null
      ? []
      : [found('STAPLED_RESPONSE_INVALID', 'stapling', `the stapled response: ${stapling.problem}`)]),
  ];
}

function auditedOf(
  { certificates, path: trustPath, served }: SeenChain,
  path: string,
  stapling: Stapling | undefined,
): AuditedCertificate {
  const [leaf] = certificates as readonly [Certificate, ...Certificate[]];
  const facts = served.sent[0]!;
  // A root that has issued it directly need not be sent.
  const issuedByRoot = trustPath !== undefined && trustPath.length <= 2 ? 1 : 0;
  return {
    path,
    names: facts.names,
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    keyType: leaf.publicKey.type,
    keyBits: leaf.publicKey.bits,
    keyCurve: leaf.publicKey.curve,
    weakSignature: certificates.flatMap(weaknessOf)[0],
    selfSigned: leaf.isSelfIssued,
    development: false,
    issuers: Math.max(certificates.length - 1, issuedByRoot),
    namesResponder: facts.ocspResponders.length > 0,
    mustStaple: facts.mustStaple,
    stapling:
      stapling?.stapled === true
        ? { unstaplable: undefined, status: stapling.status ?? undefined, problem: undefined }
        : undefined,
  };
}

/** Nobody relies on what a root says of itself. */
function weaknessOf(certificate: Certificate): readonly string[] {
  if (certificate.isSelfIssued) return [];
  try {
    return [weaknessOfSignature(certificate)].flatMap((weakness) => weakness ?? []);
  } catch {
    return ['an algorithm that cannot be read'];
  }
}

function judgeIssuers({ certificates }: SeenChain, path: string, now: number): InspectFinding[] {
  return certificates.slice(1).flatMap((issuer, index) => {
    const where = `${path}.sent[${index + 1}]`;
    const told = `the issuer '${nameText(issuer.subject)}'`;
    const findings: InspectFinding[] = [];
    if (now > issuer.notAfter)
      findings.push(
        foundByAudit('CERTIFICATE_EXPIRED', where, `${told} has expired on ${iso(issuer.notAfter)}`),
      );
    else if (now < issuer.notBefore)
      findings.push(
        foundByAudit('CERTIFICATE_NOT_YET_VALID', where, `${told} is valid from ${iso(issuer.notBefore)}`),
      );
    const weakness = weaknessOfKey(issuer.publicKey);
    if (weakness !== undefined)
      findings.push(foundByAudit('CERTIFICATE_KEY_WEAK', where, `${told} has ${weakness}`));
    return findings;
  });
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Dates have findings of their own. */
const aboutDates: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

/** OpenSSL's codes in words. */
const reasons: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'it comes from a root that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'the root of its path is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not known here, and was not sent',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not known here, and was not sent',
  INVALID_CA: 'one of its issuers is no CA',
  INVALID_PURPOSE: 'it is not meant for servers',
  CERT_REVOKED: 'it is revoked',
  UNSPECIFIED: 'it breaks a rule of its path',
};

function judgeTrust({ served, certificates }: SeenChain, path: string, host: string): InspectFinding[] {
  const { reason, hostMatches, inOrder, complete, rootSent, sent } = served;
  const findings: InspectFinding[] = [];
  if (reason !== null && !aboutDates.has(reason)) {
    const told = reasons[reason] === undefined ? reason : `${reasons[reason]} (${reason})`;
    findings.push(
      found('CERTIFICATE_UNTRUSTED', path, `no client that trusts the same roots accepts it: ${told}`),
    );
  }
  if (!hostMatches) {
    const names = sent[0]!.names.join(', ');
    findings.push(
      found('CERTIFICATE_HOST_MISMATCH', path, `it is for ${names || 'no name'}, not for ${host}`),
    );
  }
  if (!complete) {
    const missing = nameText(certificates.at(-1)!.issuer);
    findings.push(
      found('CERTIFICATE_CHAIN_INCOMPLETE', path, `neither sent nor trusted here is the issuer '${missing}'`),
    );
  }
  if (!inOrder)
    findings.push(found('CERTIFICATE_CHAIN_ORDER', path, 'not each certificate is followed by its issuer'));
  if (rootSent) findings.push(found('CERTIFICATE_ROOT_SENT', path, 'a root is sent along'));
  return findings;
}
