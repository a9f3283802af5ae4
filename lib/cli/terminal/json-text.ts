import { unsafe } from './plain.ts';

/**
 * One JSON value over several lines, fit to be shown by a terminal: what `plain` escapes is escaped here as JSON does
 * it, so that the value stays the same. Line ends are those between members only.
 */
export const jsonText = (value: unknown): string =>
  `${JSON.stringify(value, null, 2).replace(unsafe, (character) =>
    character === '\n' ? character : character.replace(/[^]/g, escaped),
  )}\n`;

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
