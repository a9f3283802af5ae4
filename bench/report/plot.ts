/** A group's ratios as horizontal bars: the median, its range and the goal. Text is text, for readers of all kinds. */
import { minorVersion, ordered, type Row, rowsOf } from './page.ts';
import { goalText, judgedRatio, ratioText, type Result, type Run, spreadText } from './result.ts';
import { element, escapeText } from './svg.ts';

const width = 860;
const plotLeft = 20;
const plotWidth = 640;
const barHeight = 13;
const barStep = 17;
const titleHeight = 20;
const rowGap = 14;
const top = 58;

/** Colours that hold on white and on black; a reader's own preference decides. */
const style = `
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 15px; }
.small { font-size: 11px; fill: #59636e; }
.met { fill: #2f81c7; } .missed { fill: #c2410c; } .plain { fill: #8c959f; }
.whisker { stroke: #1f2328; stroke-width: 1.2; }
.goal { stroke: #1a7f37; stroke-width: 3; }
.grid { stroke: #8c959f; stroke-opacity: .35; } .one { stroke: #8c959f; stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .small { fill: #9198a1; }
.met { fill: #4493f8; } .missed { fill: #f0883e; } .plain { fill: #7d8590; }
.whisker { stroke: #e6edf3; } .goal { stroke: #3fb950; }
}
`;

interface Scale {
  readonly max: number;
  readonly step: number;
}

/** From 0, to a round number beyond all that is drawn. */
function scaleOf(rows: readonly Row[]): Scale {
  const results = rows.flatMap((row) => row.results.filter((result) => result !== undefined));
  const greatest = Math.max(1.1, ...results.flatMap((one) => [judgedRatio(one).max, one.goal ?? 0]));
  const step =
    [0.25, 0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500].find((one) => greatest / one <= 10) ?? greatest / 5;
  return { max: Math.ceil(greatest / step) * step, step };
}

export function plotGroup(runs: readonly Run[], group: string): string {
  const sorted = ordered(runs);
  const rows = rowsOf(sorted, group);
  const scale = scaleOf(rows);
  const x = (ratio: number): number => plotLeft + (ratio / scale.max) * plotWidth;
  const parts: string[] = [];
  let y = top;
  for (const row of rows) {
    parts.push(rowTitle(row, y));
    y += titleHeight;
    for (const [index, result] of row.results.entries()) {
      if (result === undefined) continue;
      parts.push(bar(result, sorted[index]!.node, x, y));
      y += barStep;
    }
    y += rowGap;
  }
  const height = y + 24;
  return `${element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-labelledby': 'title description',
    },
    element('title', { id: 'title' }, escapeText(`${group}: ratios to the baseline`)),
    element('desc', { id: 'description' }, escapeText(describe(sorted, rows))),
    element('style', {}, style),
    element('text', { class: 'title', x: plotLeft, y: 22 }, escapeText(`${group}: ratio to the baseline`)),
    element('text', { class: 'small', x: plotLeft, y: 40 }, legend),
    ...grid(scale, x, y),
    ...parts,
  )}\n`;
}

const legend = escapeText(
  'bar: median of the pairs; line: least to greatest; green mark: goal (orange: missed); dashed: 1, the baseline itself',
);

const rowTitle = ({ first }: Row, y: number): string =>
  element(
    'text',
    { x: plotLeft, y: y + 13 },
    escapeText(`${first.name} `),
    element('tspan', { class: 'small' }, escapeText(`${first.contender} / ${first.baseline}, ${first.unit}`)),
  );

const line = (className: string, x1: number, x2: number, y1: number, y2: number): string =>
  element('line', { class: className, x1, x2, y1, y2 });

function bar(result: Result, node: string, x: (ratio: number) => number, y: number): string {
  const { median, min, max } = judgedRatio(result);
  const middle = y + barHeight / 2;
  const kind = result.met === null ? 'plain' : result.met ? 'met' : 'missed';
  const marks = [
    element('rect', { class: kind, x: x(0), y, width: x(median) - x(0), height: barHeight, rx: 2 }),
    line('whisker', x(min), x(max), middle, middle),
    line('whisker', x(min), x(min), middle - 3, middle + 3),
    line('whisker', x(max), x(max), middle - 3, middle + 3),
    ...(result.goal === null ? [] : [line('goal', x(result.goal), x(result.goal), y - 1, y + barHeight + 1)]),
  ];
  const label = `Node ${minorVersion(node)}: ${ratioText(median)}`;
  return element(
    'g',
    {},
    element('title', {}, escapeText(told(result, node))),
    ...marks,
    element(
      'text',
      { class: 'small', x: plotLeft + plotWidth + 12, y: y + 11 },
      escapeText(result.goal === null ? label : `${label}, goal ${goalText(result)}`),
    ),
  );
}

const told = (result: Result, node: string): string =>
  `${result.name}, ${result.contender} / ${result.baseline}, Node ${node}: ${spreadText(judgedRatio(result))}` +
  (result.goal === null ? '' : `, goal ${goalText(result)}, ${result.met === true ? 'met' : 'missed'}`);

const describe = (runs: readonly Run[], rows: readonly Row[]): string =>
  rows
    .flatMap(({ results }) =>
      results.map((result, index) => (result === undefined ? '' : told(result, runs[index]!.node))),
    )
    .filter((text) => text !== '')
    .join('; ');

function grid({ max, step }: Scale, x: (ratio: number) => number, bottom: number): string[] {
  const lines: string[] = [];
  for (let index = 0; index * step <= max + step / 100; index++) {
    const ratio = index * step;
    const at = x(ratio);
    lines.push(
      line('grid', at, at, top - 8, bottom),
      element('text', { class: 'small', x: at, y: bottom + 15, 'text-anchor': 'middle' }, String(ratio)),
    );
  }
  const one = x(1);
  return [...lines, line('one', one, one, top - 8, bottom)];
}
