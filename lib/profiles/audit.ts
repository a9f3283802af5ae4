import { auditCertificate } from './audit-certificates.ts';
import { type AuditFinding, type AuditSeverity, finding } from './audit-finding.ts';
import type { AuditInput } from './audit-input.ts';
import { type GuidelineConfiguration, mozilla60 } from './mozilla-6.0.ts';
import { support202611, type SupportDates } from './support-2026-11.ts';

export type { AuditCode, AuditFinding, AuditSeverity } from './audit-finding.ts';

/** What deviates. Frozen, JSON-safe. */
export interface AuditReport {
  /** Nothing was found above `low`. */
  readonly ok: boolean;
  /** Of Mozilla's guideline, and the one of its configurations that the profile follows. */
  readonly guideline: { readonly version: string; readonly configuration: 'intermediate' | 'modern' };
  /** The gravest first. */
  readonly findings: readonly AuditFinding[];
}

const day = 86_400_000;
const order: readonly AuditSeverity[] = ['high', 'medium', 'low', 'info'];

/** Compares a listener to its profile, to Mozilla's guideline and to BCP 195 (RFC 9325). Pure. */
export function audit(input: AuditInput): AuditReport {
  const configuration = input.profile.name === 'modern' ? 'modern' : 'intermediate';
  const found = [
    ...auditCertificates(input, mozilla60[configuration]),
    ...auditRuntime(input),
    ...auditOptions(input),
    ...auditClientAuth(input),
    ...auditSurroundings(input),
  ];
  const findings = order.flatMap((severity) => found.filter((one) => one.severity === severity));
  return Object.freeze({
    ok: findings.every(({ severity }) => severity === 'low' || severity === 'info'),
    guideline: Object.freeze({ version: mozilla60.version, configuration }),
    findings: Object.freeze(findings),
  });
}

function auditCertificates(
  { certificates, now }: AuditInput,
  guideline: GuidelineConfiguration,
): AuditFinding[] {
  if (certificates === undefined) return [finding('CERTIFICATE_MISSING', 'there is no certificate yet')];
  return certificates.flatMap((certificate) => auditCertificate(certificate, guideline, now));
}

function auditRuntime({ node, openssl, now, postQuantum }: AuditInput): AuditFinding[] {
  const findings: AuditFinding[] = [];
  const [major = '', minor = ''] = openssl.split('.');
  const nodeEnd = endOf(support202611.node, node.split('.')[0]!);
  const opensslEnd = endOf(support202611.openssl, `${major}.${minor}`);
  if (now > nodeEnd)
    findings.push(finding('NODE_END_OF_LIFE', `Node ${node} is of a line that ended on ${date(nodeEnd)}`));
  else if (now > nodeEnd - 90 * day)
    findings.push(
      finding('NODE_END_OF_LIFE_SOON', `Node ${node} is of a line that ends on ${date(nodeEnd)}`),
    );
  if (now > opensslEnd) {
    const message = `OpenSSL ${openssl} is of a line that ended on ${date(opensslEnd)}`;
    findings.push(finding('OPENSSL_END_OF_LIFE', message));
  }
  if (!postQuantum.available)
    findings.push(finding('POST_QUANTUM_UNAVAILABLE', `OpenSSL ${openssl} has no ML-KEM`));
  else if (!postQuantum.offered)
    findings.push(
      finding('POST_QUANTUM_OFF', 'no post-quantum group is offered', { path: 'profile.groups' }),
    );
  return findings;
}

/** The end of its last day (ms); Infinity for a line that is not known, which is then a newer one. */
function endOf(dates: SupportDates, line: string): number {
  const last = Object.hasOwn(dates, line) ? dates[line] : undefined;
  return last === undefined ? Infinity : Date.parse(last) + day - 1;
}

const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Others are `medium`. RFC 9325: old versions 3.1.1, weak algorithms 4.1 and 4.5. */
const severities: Readonly<Record<string, AuditSeverity>> = {
  dangerouslyMaxVersion: 'low',
  dangerouslySecurityLevel: 'high',
  dangerouslyInsecureHTTPParser: 'high',
};

function auditOptions({ dangerous }: AuditInput): AuditFinding[] {
  return Object.entries(dangerous).flatMap(([path, value]) => {
    if (path === 'dangerouslyUnlimited' && Array.isArray(value)) {
      return value.map((name) => finding('LIMIT_UNLIMITED', `${String(name)} has no limit`, { path }));
    }
    const old = path === 'dangerouslyMinVersion' && value !== 'TLSv1.2' && value !== 'TLSv1.3';
    const severity = old ? 'high' : (severities[path] ?? 'medium');
    return [finding('DANGEROUS_OPTION', `${path} is in use`, { path, severity })];
  });
}

function auditClientAuth({ clientAuth, now }: AuditInput): AuditFinding[] {
  if (clientAuth === undefined) return [];
  const path = 'clientAuth.ca';
  const findings = clientAuth.authorities.flatMap(
    ({ name, notBefore, notAfter, weakness }): AuditFinding[] => {
      const told = `the client CA ${name}`;
      const found: AuditFinding[] = [];
      if (weakness !== undefined) found.push(finding('CLIENT_CA_WEAK', `${told} has ${weakness}`, { path }));
      if (now > notAfter)
        found.push(finding('CLIENT_CA_EXPIRED', `${told} ended on ${date(notAfter)}`, { path }));
      else if (now < notBefore)
        found.push(finding('CLIENT_CA_NOT_YET_VALID', `${told} begins on ${date(notBefore)}`, { path }));
      else if (now > notAfter - 30 * day)
        found.push(finding('CLIENT_CA_EXPIRES_WITHIN_MONTH', `${told} ends on ${date(notAfter)}`, { path }));
      return found;
    },
  );
  if (!clientAuth.revocation) {
    const message = 'no client can be kept out before its certificate ends';
    findings.push(finding('CLIENT_REVOCATION_NONE', message, { path: 'clientAuth' }));
  }
  return findings;
}

/** What a listener has no sight of, or leaves to its app. */
function auditSurroundings(input: AuditInput): AuditFinding[] {
  const { tickets, refusesUnknownNames, ownSniCallback } = input;
  const findings = [
    finding('HSTS_NOT_SEEN', 'whether the app sends Strict-Transport-Security is not known here'),
  ];
  if (tickets.on && !tickets.shared) {
    const message = 'processes of a cluster do not resume each other’s sessions';
    findings.push(finding('TICKETS_NOT_SHARED', message, { path: 'tickets' }));
  }
  if (!refusesUnknownNames) {
    const message = 'a client that names an unknown server gets the default certificate';
    findings.push(finding('UNKNOWN_NAME_SERVED', message, { path: 'unknownServerName' }));
  }
  if (ownSniCallback) {
    const message = 'the certificates of an SNICallback are not audited';
    findings.push(finding('SNI_CALLBACK_NOT_SEEN', message, { path: 'SNICallback' }));
  }
  findings.push(...auditUpgrades(input));
  return findings;
}

/** Certain are two things: that nobody here can guard them, and which have come by without. */
function auditUpgrades(input: AuditInput): AuditFinding[] {
  const { upgradeListeners, upgradesGuarded, unguardedUpgrades, clientAuth } = input;
  const severity = clientAuth === undefined ? 'info' : undefined;
  if (unguardedUpgrades > 0 && upgradesGuarded) {
    const message = `${unguardedUpgrades} upgrades have come that no forUpgrade has looked at`;
    return [finding('UPGRADE_UNGUARDED', message, severity && { severity })];
  }
  if (upgradeListeners === 0 || upgradesGuarded) return [];
  const message = `${upgradeListeners} 'upgrade' listeners, which the policies of the routes do not guard`;
  return [finding('UPGRADE_NOT_SEEN', message, severity && { severity })];
}
