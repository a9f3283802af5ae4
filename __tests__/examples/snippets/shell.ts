/** One command of a block, as it is run. */
export interface Command {
  readonly text: string;
  readonly exitCode: number;
  /** Of curl: the status that is said beside it. */
  readonly status: number | undefined;
  /** What has to be in the output. */
  readonly words: readonly string[];
  /** It serves until the page ends. */
  readonly serves: boolean;
}

/** The commands of a `sh` block: a line each, with continued lines and here-documents. */
export function readCommands(text: string): Command[] {
  const commands: Command[] = [];
  const lines = text.split('\n');
  while (lines.length > 0) {
    let command = lines.shift()!;
    while ((command.endsWith('\\') || isOpen(command)) && lines.length > 0) command += `\n${lines.shift()!}`;
    if (command.trim() !== '' && !/^\s*#/.test(command)) commands.push(commandOf(command));
  }
  return commands;
}

const programs =
  'base64|basenc|cat|cd|chmod|cp|curl|echo|export|grep|head|ls|mkdir|mv|node|npm|npx|openssl|portcullis|printf|sha256sum|tail|test|tr|wc';
const harmless = new RegExp(`^\\s*(?:\\w+=\\S* +)*(?:\\w+=\\$\\()?(?:${programs})\\b`);

/** Of programs that are there, and stay in their folder: whatever else a page asks for is for somewhere else. */
export const isHarmless = ({ text }: Command): boolean => {
  // What stands in a quoted here-document is text.
  const commands = text.replaceAll(/(<< *'(\w+)'[^\n]*)\n[^]*?\n\2$/gm, '$1');
  const open = commands.replaceAll(/'[^']*'|"[^"]*"|\s#.*$/gm, '""');
  return open.split(/&&|\|\||\||;/).every((part) => harmless.test(part));
};

/** The commands of a `console` block: what follows `$ `. */
export const readConsole = (text: string): Command[] =>
  readCommands(
    text
      .replaceAll(/\\\n> /g, '\\\n')
      .split('\n')
      .filter((line, index, all) => line.startsWith('$ ') || (index > 0 && all[index - 1]!.endsWith('\\')))
      .map((line) => line.replace(/^\$ /, ''))
      .join('\n'),
  );

/** Within quotes, or in a here-document whose end has not come. */
function isOpen(command: string): boolean {
  const here = /<<-?\s*['"]?(\w+)['"]?/.exec(command);
  if (here !== null)
    return !command
      .split('\n')
      .slice(1)
      .some((line) => line.trim() === here[1]);
  const quotes = command.replaceAll(/\\./g, '').replaceAll(/'[^']*'|"[^"]*"|\s#.*$/gm, '');
  return /['"]/.test(quotes);
}

function commandOf(command: string): Command {
  const comment = / +# *(.*)$/.exec(command.split('\n').at(-1)!)?.[1] ?? '';
  const status = /\bcurl\b/.test(command) ? /^(\d{3})\b/.exec(comment)?.[1] : undefined;
  return {
    text: command,
    exitCode: Number(/^exit (\d+)/.exec(comment)?.[1] ?? 0),
    status: status === undefined ? undefined : Number(status),
    words: status === undefined ? [] : (comment.match(/\b[A-Z][A-Z_]{5,}\b/g) ?? []),
    serves:
      /^(?:(?:npx )?portcullis serve\b|node server\.m?js\b)/.test(command.trim()) && !/--help/.test(command),
  };
}

/** What stands between the outputs of two commands; nobody prints it. */
const mark = '\u001E';

/**
 * The commands as one script of bash, which goes on after each whatever it gave, and says what that was. npm is not run:
 * what it was asked for is noted.
 */
export function scriptOf(commands: readonly Command[], ports: Readonly<Record<string, number>>): string {
  const here = Object.entries(ports).map(([port, real]) => `--connect-to :${port}:127.0.0.1:${real}`);
  const usual = ports['8443'] === undefined ? '' : `--connect-to :443:127.0.0.1:${ports['8443']}`;
  return [
    'npm() { printf "%s\\n" "npm $*" >>"$NPM_ASKED"; }',
    'npx() { if [ "$1" = portcullis ]; then "$@"; else printf "%s\\n" "npx $*" >>"$NPM_ASKED"; fi; }',
    `curl() { command curl ${[...here, usual].join(' ')} "$@"; }`,
    ...commands.flatMap((command) => [
      '{',
      textOf(command, ports),
      `} 2>&1; printf '${mark}%s${mark}\\n' "$?"`,
    ]),
  ].join('\n');
}

function textOf({ text, status }: Command, ports: Readonly<Record<string, number>>): string {
  const here = /\b(?:openssl|portcullis)\b/.test(text)
    ? text.replaceAll(/(?<=:)\d{4}\b/g, (port) => String(ports[port] ?? port))
    : text;
  return status === undefined ? here : here.replace(/\bcurl\b/, `curl -sS -w '\\n%{http_code}\\n'`);
}

/** What was wrong with the commands, in words; `output` is that of `scriptOf`. */
export function complaintsAbout(commands: readonly Command[], output: string): string[] {
  const parts = output.split(mark);
  return commands.flatMap((command, index) => {
    const said = parts[2 * index] ?? '';
    const code = parts[2 * index + 1];
    const told = `${command.text}\n→ ${code ?? 'not reached'}: ${said.trim()}`;
    if (code === undefined || Number(code) !== command.exitCode) return [told];
    if (command.status !== undefined && !said.trimEnd().endsWith(`\n${command.status}`)) return [told];
    return command.words.every((word) => said.includes(word)) ? [] : [told];
  });
}
