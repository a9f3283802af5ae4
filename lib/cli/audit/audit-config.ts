import type { AuditReport } from '../../profiles/audit.ts';
import { createServer } from '../../listener/create-server.ts';
import type { PortcullisOptions } from '../../listener/options.ts';
import type { PortcullisServer } from '../../listener/server.ts';
import { isPlainObject } from '../../options.ts';
import { CliFailure } from '../failure.ts';
import { exportedNames, type Exports, loadModule, settledCandidates } from '../input/load-module.ts';
import { readWhole } from '../input/read-file.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';

/**
 * The audit of what a module exports: the options of createServer, or a server that it has made. What is made here
 * never listens. A ConfigError where createServer refuses the options.
 */
export async function auditConfig(name: string, io: Io): Promise<AuditReport> {
  const exports = name.endsWith('.json') ? { default: readJson(name, io) } : await loadModule(io, name);
  const found = await settledCandidates(exports, ['server', 'options', 'config'], name, 'its options');
  const server = found.find(isAuditable);
  if (server !== undefined) return auditOf(server);
  const options = found.find((one) => isPlainObject(one));
  if (options === undefined) throw nothingUsable(found[0], exports, name);
  return auditOf(makeServer(options, io));
}

function readJson(name: string, io: Io): unknown {
  try {
    return JSON.parse(readWhole(io, name).toString('utf8'));
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    // Not the parser's words: they cite the text, which may be a key.
    throw new CliFailure(`${name} is no JSON`, undefined, undefined, error);
  }
}

type Auditable = Pick<PortcullisServer, 'audit' | 'reload'>;

/** By its form: the module may have a Portcullis of its own. */
const isAuditable = (value: unknown): value is Auditable =>
  typeof value === 'object' &&
  value !== null &&
  ['audit', 'reload', 'shutdown'].every(
    (name) => typeof (value as Record<string, unknown>)[name] === 'function',
  );

/** What it says meanwhile is not the answer: standard error. */
function makeServer(options: object, io: Io): PortcullisServer {
  const say = (message: string): void => io.err(`${plain(message)}\n`);
  const server = createServer({
    ...(options as PortcullisOptions),
    logger: { info: () => undefined, warn: say },
  });
  // What it could not be made with is told by reload().
  server.on('error', () => undefined);
  return server;
}

/** A certificate that is still to come is waited for. */
async function auditOf(server: Auditable): Promise<AuditReport> {
  const report = server.audit();
  if (!report.findings.some(({ code }) => code === 'CERTIFICATE_MISSING')) return report;
  await server.reload();
  return server.audit();
}

function nothingUsable(first: unknown, exports: Exports, name: string): CliFailure {
  const [seen, hint] = explain(first);
  return new CliFailure(`${name} exports nothing to audit: ${seen ?? exportedNames(exports)}`, hint);
}

const usual =
  'Write `export const options = { … }`, or export the server that createServer(options, app) gives.';

function explain(value: unknown): readonly [seen: string | undefined, hint: string] {
  if (typeof value === 'function') return ['an app, or another function', usual];
  if (typeof value === 'object' && value !== null && 'listen' in value)
    return ['a server without audit()', "Make it by createServer of 'portcullis', or export its options."];
  return [undefined, usual];
}
