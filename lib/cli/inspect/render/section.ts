import { plain } from '../../terminal/plain.ts';
import type { Style } from '../../terminal/style.ts';

/** What it is, and what was seen; the latter may come from a stranger. */
export type Row = readonly [label: string, text: string];

const width = 14;

/** A title and its rows; '' without rows. */
export function section(title: string, rows: readonly Row[], marks: Style): string {
  if (rows.length === 0) return '';
  const lines = rows.map(([label, text]) => `  ${marks.dim(label.padEnd(width))}${plain(text)}\n`);
  return `${marks.bold(plain(title))}\n${lines.join('')}`;
}
