import { CliFailure, exitCodes } from '../failure.ts';
import type { Io } from '../io.ts';
import { type InspectFlags, readFlags } from './flags.ts';
import { inspectServer } from './inspect-server.ts';
import { jsonText } from '../terminal/json-text.ts';
import { reportText } from './render/report.ts';
import { readTarget } from './target.ts';

/** Prints an inspection; ends with 1 where the server does not meet the profile. */
export async function inspect(host: string, flags: InspectFlags, io: Io): Promise<void> {
  const inspection = await inspectServer(readTarget(host), await readFlags(flags, io));
  io.out(flags.json === true ? jsonText(inspection) : reportText(inspection, io));
  if (inspection.verdict === 'fail') throw new CliFailure('', undefined, exitCodes.no);
}
