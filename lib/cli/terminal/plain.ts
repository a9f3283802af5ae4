/**
 * What would steer a terminal or turn the reading order: control characters (C0, DEL, C1), format characters (bidi
 * overrides and isolates, zero-width ones, tags), line and paragraph separators, lone surrogates, and unassigned and
 * private ones.
 */
export const unsafe: RegExp = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** Names that everybody knows; the others are shown by number. */
const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text that came from outside (a certificate's name, a server's answer, a file name), fit to be shown on one line: what
 * could fool a reader is escaped, as `\n`, `\x1b` or `\u{202e}`.
 */
export const plain = (text: string): string =>
  text.replace(unsafe, (character) => shortEscapes[character] ?? escaped(character));

function escaped(character: string): string {
  const hex = character.codePointAt(0)!.toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}

/** The same for text of several lines, whose line ends stay. */
export const plainLines = (text: string): string => text.split(/\r?\n/).map(plain).join('\n');
