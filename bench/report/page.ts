/** The tables of docs/performance.md: what several Nodes have come to, measure by measure. */
import { goalText, judgedRatio, ratioText, type Result, type Run, spreadText } from './result.ts';
import { formatTable } from './table.ts';

/** Numbers as such: 9.1 comes before 10.0. */
const byVersion = (a: Run, b: Run): number => a.node.localeCompare(b.node, 'en', { numeric: true });

export const ordered = (runs: readonly Run[]): Run[] => runs.toSorted(byVersion);

export const groupsOf = (runs: readonly Run[]): string[] => [
  ...new Set(runs.flatMap(({ results }) => results.map(({ group }) => group))),
];

/** One measure, and what it has come to in each of the runs. */
export interface Row {
  readonly first: Result;
  readonly results: ReadonlyArray<Result | undefined>;
}

const keyOf = ({ name, contender, baseline }: Result): string => JSON.stringify([name, contender, baseline]);

export function rowsOf(runs: readonly Run[], group: string): Row[] {
  const firsts = new Map<string, Result>();
  for (const { results } of runs)
    for (const result of results)
      if (result.group === group && !firsts.has(keyOf(result))) firsts.set(keyOf(result), result);
  return [...firsts].map(([key, first]) => ({
    first,
    results: runs.map(({ results }) =>
      results.find((result) => result.group === group && keyOf(result) === key),
    ),
  }));
}

export const minorVersion = (version: string): string => version.split('.').slice(0, 2).join('.');

export function formatGroup(runs: readonly Run[], group: string): string {
  const sorted = ordered(runs);
  const head = [
    'measure',
    'of / to',
    'what',
    'goal',
    ...sorted.map(({ node }) => `Node ${minorVersion(node)}`),
  ];
  return formatTable([head, ...rowsOf(sorted, group).map(rowText)]);
}

const rowText = ({ first, results }: Row): string[] => {
  const sides = `${first.contender} / ${first.baseline}`;
  const cells = results.map((result) => (result === undefined ? '–' : cellText(result)));
  return [first.name, sides, first.unit, goalsText(results), ...cells];
};

/** Goals may differ by Node. */
const goalsText = (results: ReadonlyArray<Result | undefined>): string =>
  [...new Set(results.flatMap((result) => (result === undefined ? [] : [goalText(result)])))].join('; ');

/** What is judged, whether it has failed, and the clock's ratio or the CPU's beside it. */
function cellText(result: Result): string {
  const { ratios, judged, met } = result;
  const other = judged === 'cpu' ? ratios.wall : ratios.cpu;
  const beside = judged === 'cpu' ? 'clock' : 'CPU';
  const parts = [spreadText(judgedRatio(result))];
  if (met === false) parts.push('missed');
  if (other !== undefined) parts.push(`${beside} ${ratioText(other.median)}`);
  return parts.join(', ');
}

export const describeRuns = (runs: readonly Run[]): string =>
  ordered(runs)
    .map(({ node, openssl, date, cpus, results }) => {
      const pairs = results.map((result) => result.pairs.length);
      return `- Node ${node}, OpenSSL ${openssl}: ${date.slice(0, 10)}, ${cpus} cores, ${Math.min(...pairs)} to ${Math.max(...pairs)} pairs for a measure`;
    })
    .join('\n');

/** What the page says in a section that the runs have left out (`--only`). */
const notMeasured = 'Not measured in these runs.';

/**
 * Replaces what stands between `<!-- bench NAME -->` and `<!-- /bench -->` in a page; `sections` gives it by name. One
 * that the page does not have is an error: no figure gets lost.
 */
export function fillPage(page: string, sections: ReadonlyMap<string, string>): string {
  const missing = new Set(sections.keys());
  const filled = page.replaceAll(
    /(<!-- bench ([\w-]+) -->\n)[^]*?(<!-- \/bench -->)/g,
    (_match, opening: string, name: string, closing: string) => {
      const section = sections.get(name);
      missing.delete(name);
      return `${opening}\n${section ?? notMeasured}\n\n${closing}`;
    },
  );
  if (missing.size > 0) throw new Error(`the page has no section for ${[...missing].join(', ')}`);
  return filled;
}
