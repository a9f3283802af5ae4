/** Marks for a terminal; each gives the text as it is where there are no colours. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly green: (text: string) => string;
  readonly cyan: (text: string) => string;
}

type Mark = (text: string) => string;

/** SGR (ECMA-48 8.3.117): one number switches on, another off. Give it text that is `plain` already. */
export function style(colours: boolean): Style {
  const mark = (on: number, off: number): Mark =>
    colours ? (text) => `\u001b[${on}m${text}\u001b[${off}m` : (text) => text;
  return {
    bold: mark(1, 22),
    dim: mark(2, 22),
    red: mark(31, 39),
    yellow: mark(33, 39),
    green: mark(32, 39),
    cyan: mark(36, 39),
  };
}

/**
 * Whether to colour: `NO_COLOR` (no-color.org) says no, `FORCE_COLOR` yes (but '0' and 'false' no, and empty nothing), `TERM=dumb` no, and
 * otherwise a terminal decides.
 */
export function wantsColours(
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  const force = environment['FORCE_COLOR'];
  if (environment['NO_COLOR']) return false;
  if (force) return force !== '0' && force.toLowerCase() !== 'false';
  return isTerminal && environment['TERM'] !== 'dumb';
}
