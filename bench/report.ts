import type { Pair } from './harness.ts';
import type { Measure } from './measures.ts';

/** What a measure has come to. Times are CPU of the server for one operation, in microseconds. */
export interface Result {
  readonly node: string;
  readonly measure: string;
  readonly contender: string;
  readonly baseline: string;
  readonly contenderMicroseconds: number;
  readonly baselineMicroseconds: number;
  /** Of the contender's CPU to the baseline's, pair by pair. */
  readonly ratio: { readonly median: number; readonly min: number; readonly max: number };
  readonly pairs: number;
  readonly goal: number | undefined;
  /** Undefined where there is no goal. */
  readonly met: boolean | undefined;
}

export function evaluate(
  { name, contender, baseline, goal }: Measure,
  nodeVersion: string,
  pairs: readonly Pair[],
): Result {
  const ratios = pairs.map((pair) => pair.contender / pair.baseline);
  const ratio = { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
  const limit = goal(Number.parseInt(nodeVersion, 10));
  return {
    node: nodeVersion,
    measure: name,
    contender,
    baseline,
    contenderMicroseconds: median(pairs.map((pair) => pair.contender)),
    baselineMicroseconds: median(pairs.map((pair) => pair.baseline)),
    ratio,
    pairs: pairs.length,
    goal: limit,
    met: limit === undefined ? undefined : ratio.median <= limit,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const columns: ReadonlyArray<readonly [title: string, text: (result: Result) => string]> = [
  ['Node', ({ node }) => node],
  ['measure', ({ measure }) => measure],
  ['', ({ contender, baseline }) => `${contender} / ${baseline}`],
  ['ratio of CPU', ({ ratio }) => ratio.median.toFixed(2)],
  ['min–max', ({ ratio }) => `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`],
  ['goal', ({ goal, met }) => (goal === undefined ? '' : `≤ ${goal}${met === true ? '' : ' MISSED'}`)],
  ['µs', ({ contenderMicroseconds: a, baselineMicroseconds: b }) => `${a.toFixed(0)} / ${b.toFixed(0)}`],
];

/** A table in Markdown. */
export function formatTable(results: readonly Result[]): string {
  const rows = [
    columns.map(([title]) => title),
    ...results.map((result) => columns.map(([, text]) => text(result))),
  ];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const [head, ...body] = rows.map(line);
  return [head, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body].join('\n');
}
