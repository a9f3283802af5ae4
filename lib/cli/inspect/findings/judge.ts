import type { AuditSeverity } from '../../../profiles/audit.ts';
import { isLocalHost } from '../../../connection/host.ts';
import { mozilla60 } from '../../../profiles/mozilla-6.0.ts';
import type { SeenChain } from '../certificates/served-chain.ts';
import type { Inspection, InspectFinding } from '../inspection.ts';
import { judgeAccepted } from './accepted.ts';
import { judgeChain } from './certificates.ts';
import { found } from './codes.ts';

/** Everything of an inspection but what follows from it. */
export type Observed = Omit<Inspection, 'findings' | 'verdict'>;

const order: readonly AuditSeverity[] = ['high', 'medium', 'low', 'info'];
/** RFC 8446 4.6.1. */
const longestTicket = 604_800;

/** The findings of an inspection, the gravest first. Pure. */
export function judgeInspection(
  observed: Observed,
  chains: readonly SeenChain[],
  now: number,
): readonly InspectFinding[] {
  const { profile, target, accepted, stapling } = observed;
  const host = target.serverName ?? target.host;
  const all = [
    ...judgeHandshake(observed),
    ...chains.flatMap((chain, index) =>
      judgeChain(chain, `chains[${index}]`, {
        profile,
        host,
        now,
        stapling: index === 0 ? (stapling ?? undefined) : undefined,
      }),
    ),
    ...(accepted === null ? [] : judgeAccepted(accepted, profile)),
    ...judgeHttp(observed),
  ];
  return Object.freeze(order.flatMap((severity) => all.filter((one) => one.severity === severity)));
}

/** As an audit: nothing above `low`. */
export const verdictOf = (findings: readonly InspectFinding[]): Inspection['verdict'] =>
  findings.every(({ severity }) => severity === 'low' || severity === 'info') ? 'pass' : 'fail';

/** A server that says it wants a client's certificate, and got none, has not failed. */
function judgeHandshake({
  negotiated,
  handshakeError,
  unsupportedGroup,
  clientCertificate,
  resumption,
  chains,
}: Observed): InspectFinding[] {
  const findings: InspectFinding[] = [];
  if (negotiated?.legacy === true)
    findings.push(
      found('HANDSHAKE_FAILED', 'negotiated', 'only a client with everything old on offer gets a connection'),
    );
  else if (negotiated === null && unsupportedGroup !== null)
    findings.push(
      found(
        'RUNTIME_LACKS_GROUP',
        'unsupportedGroup',
        `the server wants ${unsupportedGroup}, which this Node has not: its certificate was not seen`,
      ),
    );
  else if (negotiated === null && clientCertificate.required !== true)
    findings.push(found('HANDSHAKE_FAILED', 'negotiated', handshakeError ?? 'no handshake'));
  if (negotiated !== null && chains.length === 0)
    findings.push(
      found('CERTIFICATE_UNREADABLE', 'chains', 'no certificate was sent, or none that can be read'),
    );
  const { ticketLifetime } = resumption;
  if (ticketLifetime !== null && ticketLifetime > longestTicket)
    findings.push(
      found(
        'TICKET_LIFETIME_LONG',
        'resumption.ticketLifetime',
        `tickets live for ${ticketLifetime} seconds`,
      ),
    );
  return findings;
}

/** RFC 6797 8.1.1 has none for addresses, and for localhost it would reach every port of the machine. */
function judgeHttp({ http, redirect, profile, target }: Observed): InspectFinding[] {
  const findings: InspectFinding[] = [];
  const { hstsMaxAge } = mozilla60[profile];
  const wantsHsts = target.serverName !== null && !isLocalHost(target.serverName);
  if (wantsHsts && http !== null && http.hsts === null)
    findings.push(found('HSTS_MISSING', 'http.hsts', 'no Strict-Transport-Security is sent'));
  else if (wantsHsts && http?.hsts != null && http.hsts.maxAge < hstsMaxAge)
    findings.push(
      found(
        'HSTS_SHORT',
        'http.hsts.maxAge',
        `Strict-Transport-Security holds for ${http.hsts.maxAge} seconds`,
      ),
    );
  // A port that is shut is no way into the clear.
  if (redirect !== null && redirect.status !== null && !redirect.toHttps) {
    const told = `port ${redirect.port} answers ${redirect.status}, and does not send on to https`;
    findings.push(found('REDIRECT_MISSING', 'redirect', told));
  }
  return findings;
}
