import type { AuditSeverity } from '../../profiles/audit-finding.ts';
import { CliFailure, exitCodes, usage } from '../failure.ts';
import { kindOf, nothingThere } from '../input/load-module.ts';
import type { InspectFlags } from '../inspect/flags.ts';
import type { Io } from '../io.ts';
import { looksLikeFile } from '../input/looks-like-file.ts';
import { auditConfig } from './audit-config.ts';
import { jsonText } from '../terminal/json-text.ts';
import { withOutputAside } from './output-aside.ts';
import { reportText } from './report-text.ts';

/** What is not about `--fail-on` and `--json` is for a HOST. */
export interface AuditFlags extends Omit<InspectFlags, 'profile'> {
  readonly profile?: InspectFlags['profile'];
  readonly failOn: AuditSeverity | 'none';
}

/** A finding of `server.audit()`, or one from outside. */
export interface AuditedFinding {
  readonly code: string;
  readonly severity: AuditSeverity;
  readonly path?: string | undefined;
  readonly message: string;
  readonly remedy: string;
}

/** What `server.audit()` reports, or the same seen from outside. */
export interface Audited {
  readonly findings: readonly AuditedFinding[];
  readonly guideline: { readonly version: string; readonly configuration: string };
}

const severities: readonly AuditSeverity[] = ['info', 'low', 'medium', 'high'];

/** Prints what an audit has found; ends with 1 where something is as grave as `--fail-on`. */
export async function audit(target: string, flags: AuditFlags, io: Io): Promise<void> {
  const report = await reportOf(target, flags, io);
  const { failOn } = flags;
  const refused =
    failOn !== 'none' &&
    report.findings.some(({ severity }) => severities.indexOf(severity) >= severities.indexOf(failOn));
  if (flags.json === true) io.out(jsonText({ target, ...report, ok: !refused }));
  else io.out(reportText(target, report, io));
  if (refused) throw new CliFailure('', undefined, exitCodes.no);
}

async function reportOf(target: string, flags: AuditFlags, io: Io): Promise<Audited> {
  const kind = kindOf(io, target);
  if (kind === 'file') {
    refuseHostFlags(flags);
    return withOutputAside(io, () => auditConfig(target, io));
  }
  if (kind === 'folder') throw new CliFailure(`${target} is a folder`, 'Name the module in it.');
  if (looksLikeFile(target)) throw nothingThere(io, target);
  const { auditHost } = await import('./audit-host.ts');
  return auditHost(target, { ...flags, profile: flags.profile ?? 'intermediate' }, io);
}

const forHosts = [
  'profile',
  'ca',
  'servername',
  'cert',
  'key',
  'passphraseEnv',
  'passphraseFile',
  'http',
  'timeout',
] as const;

/** Nobody shall think that a CA was looked at. */
function refuseHostFlags(flags: AuditFlags): void {
  const idle = forHosts.find((name) => flags[name] !== undefined);
  if (idle === undefined) return;
  const option = idle.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`);
  throw usage(`--${option} is for a HOST`, 'Leave it out: the configuration says it.');
}
