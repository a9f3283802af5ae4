import {
  type Failed,
  figuresText,
  goalText,
  judgedRatio,
  type Result,
  type Run,
  type Skipped,
  spreadText,
} from './result.ts';

/** Markdown, aligned. Cells hold plain text. */
export function formatTable(rows: ReadonlyArray<readonly string[]>): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = escaped[0]!.map((_, column) => Math.max(3, ...escaped.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const [head, ...body] = escaped.map(line);
  return [head, line(widths.map((width) => '-'.repeat(width))), ...body].join('\n');
}

const columns: ReadonlyArray<readonly [title: string, text: (result: Result) => string]> = [
  ['measure', ({ group, name }) => `${group}: ${name}`],
  ['of / to', ({ contender, baseline }) => `${contender} / ${baseline}`],
  ['ratio', (result) => spreadText(judgedRatio(result))],
  ['goal', (result) => `${goalText(result)}${result.met === false ? ' MISSED' : ''}`],
  ['medians', figuresText],
  ['CPU', ({ ratios }) => (ratios.cpu === undefined ? '' : spreadText(ratios.cpu))],
  ['clock', ({ ratios }) => (ratios.wall === undefined ? '' : spreadText(ratios.wall))],
];

/** Everything that was measured, on stdout. */
export const formatRuns = (runs: readonly Run[]): string =>
  formatTable([
    ['Node', ...columns.map(([title]) => title)],
    ...runs.flatMap(({ node, results, skipped = [], failed = [] }) => [
      ...results.map((result) => [node, ...columns.map(([, text]) => text(result))]),
      ...skipped.map((one) => emptyRow(node, one, `not installed: ${one.missing}`)),
      ...failed.map((one) => emptyRow(node, one, `FAILED: ${one.problem}`)),
    ]),
  ]);

const emptyRow = (
  node: string,
  { group, name, contender, baseline }: Skipped | Failed,
  why: string,
): string[] => {
  const cells = [node, `${group}: ${name}`, `${contender} / ${baseline}`, why];
  return [...cells, ...columns.slice(cells.length - 1).map(() => '')];
};

export const formatLine = (result: Result): string =>
  columns
    .map(([, text]) => text(result))
    .filter((text) => text !== '')
    .join(', ');
