import { type Command, Help } from 'commander';
import { detailsOf, type Example, exitMeaningsOf } from './details.ts';

/** Commander's own help, and after it examples and exit codes. */
export function formatHelp(command: Command, helper: Help): string {
  const usual = Help.prototype.formatHelp.call(helper, command, helper).trimEnd();
  const title = (text: string): string => helper.styleTitle(text);
  return `${[usual, examplesOf(command, title), exitsOf(command, title)].filter(Boolean).join('\n\n')}\n`;
}

function examplesOf(command: Command, title: (text: string) => string): string {
  const { examples } = detailsOf(command);
  if (examples.length === 0) return '';
  return [title('Examples:'), ...examples.flatMap(linesOf)].join('\n');
}

const linesOf = ({ line, what }: Example): readonly string[] => [`  # ${what}`, `  $ portcullis ${line}`];

function exitsOf(command: Command, title: (text: string) => string): string {
  return [title('Exit codes:'), ...exitMeaningsOf(command).map(([code, what]) => `  ${code}  ${what}`)].join(
    '\n',
  );
}

/** For who types `portcullis` alone: one example of each command. */
export function shortUsage(program: Command): string {
  const lines = program.commands.flatMap((command) =>
    detailsOf(command).examples.slice(0, 1).flatMap(linesOf),
  );
  return `Usage:\n${lines.join('\n')}\n\n'portcullis COMMAND --help' tells more, 'portcullis --help' lists all.\n`;
}
