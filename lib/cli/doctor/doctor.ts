import { CliFailure, exitCodes } from '../failure.ts';
import type { Io } from '../io.ts';
import { jsonText } from '../terminal/json-text.ts';
import { plain } from '../terminal/plain.ts';
import { type Style, style } from '../terminal/style.ts';
import { bypassChecks } from './bypass-checks.ts';
import type { Check, CheckStatus } from './check.ts';
import { developmentChecks } from './development-checks.ts';
import { environmentChecks } from './environment-checks.ts';
import { type Machine, thisMachine } from './machine.ts';
import { packageChecks } from './package-checks.ts';
import { runtimeChecks } from './runtime-checks.ts';
import { supportChecks } from './support-checks.ts';

/** Prints what it finds about this machine; ends with 1 where something is wrong. */
export function doctor({ json }: { readonly json?: boolean }, io: Io): void {
  const checks = examine(thisMachine(io.environment, io.now(), io.directory));
  const isWell = checks.every(({ status }) => status !== 'wrong');
  if (json === true) io.out(jsonText({ ok: isWell, checks }));
  else io.out(asText(checks, style(io.colours)));
  if (!isWell) throw new CliFailure('', undefined, exitCodes.no);
}

/** Everything that is looked at, in the order in which it is shown. */
const examine = (machine: Machine): Check[] => [
  ...runtimeChecks(machine),
  ...supportChecks(),
  ...bypassChecks(machine),
  ...environmentChecks(machine),
  ...developmentChecks(machine),
  ...packageChecks(machine),
];

const marks: Readonly<Record<CheckStatus, string>> = { ok: '✓', note: '·', wrong: '✗' };

function asText(checks: readonly Check[], styles: Style): string {
  const groups = [...new Set(checks.map(({ group }) => group))];
  const text = groups.map((group) => {
    const lines = checks.filter((check) => check.group === group).map((check) => asLines(check, styles));
    return `${styles.bold(group)}\n${lines.join('')}`;
  });
  const wrong = checks.filter(({ status }) => status === 'wrong').length;
  const verdict = wrong === 0 ? styles.green('nothing is wrong') : styles.red(`${wrong} wrong`);
  return `${text.join('\n')}\n${verdict}\n`;
}

function asLines({ status, message, remedy }: Check, { green, dim, red, cyan }: Style): string {
  const mark = { ok: green, note: dim, wrong: red }[status](marks[status]);
  const advice = remedy === undefined ? '' : `    ${cyan('→')} ${plain(remedy)}\n`;
  return `  ${mark} ${plain(message)}\n${advice}`;
}
