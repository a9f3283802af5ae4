import type { Io } from '../io.ts';
import { type InspectFlags, readFlags } from '../inspect/flags.ts';
import { inspectServer } from '../inspect/inspect-server.ts';
import type { InspectFinding } from '../inspect/inspection.ts';
import { readTarget } from '../inspect/target.ts';

/** What `server.audit()` reports, of a server that is seen from outside. */
export interface HostAudit {
  readonly guideline: { readonly version: string; readonly configuration: 'intermediate' | 'modern' };
  /** The gravest first. */
  readonly findings: readonly InspectFinding[];
}

/** Audits a server from outside: all that `inspect` finds. CliFailures where it cannot be reached, or is no TLS. */
export async function auditHost(target: string, flags: InspectFlags, io: Io): Promise<HostAudit> {
  const { guideline, profile, findings } = await inspectServer(
    readTarget(target),
    await readFlags(flags, io),
  );
  return { guideline: { version: guideline, configuration: profile }, findings };
}
