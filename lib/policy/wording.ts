const maxValueLength = 80;
const maxValues = 5;
const maxDetailLength = 500;

/** What a log or a terminal would obey instead of showing: controls, bidirectional overrides, line separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

const escape = (character: string): string => `\\u{${character.codePointAt(0)!.toString(16)}}`;

/** Text of at most `length` characters, with nothing in it that is not shown as it is. */
export function shortened(text: string, length: number): string {
  const shown = text.slice(0, length + 1).replace(unprintable, escape);
  return shown.length <= length ? shown : `${shown.slice(0, length - 1).replace(halfPair, '')}…`;
}

/** What is left of a character beyond the first 65,536 where it is cut in two. */
const halfPair = /[\ud800-\udbff]$/;

/** A name in quotes: what a certificate holds was chosen by somebody else. */
export const quote = (text: string): string =>
  `'${shortened(text.slice(0, maxValueLength + 1).replace(/['\\]/g, '\\$&'), maxValueLength)}'`;

/** Some names in quotes; `none` where there is none. */
export function quoteAll(texts: readonly string[]): string {
  if (texts.length === 0) return 'none';
  const more = texts.length - maxValues;
  return `${texts.slice(0, maxValues).map(quote).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What a refusal says, bounded. */
export const asDetail = (text: string): string => shortened(text, maxDetailLength);
