import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from '@jest/globals';
import { parseParent } from '../../bench/fronts/cpu.ts';
import { type Figures, interleave, type Measure } from '../../bench/measure.ts';
import { measures } from '../../bench/measures/index.ts';
import { plotsOf, readRuns } from '../../bench/report/files.ts';
import { fillPage, formatGroup } from '../../bench/report/page.ts';
import { pageFile, plotsFolder, renderPage, resultsFolder } from '../../bench/report/performance-page.ts';
import { plotGroup } from '../../bench/report/plot.ts';
import { evaluate, type Result, type Run } from '../../bench/report/result.ts';
import { mediansOf, median, ratiosOf } from '../../bench/report/statistics.ts';
import { escapeText } from '../../bench/report/svg.ts';
import { formatTable } from '../../bench/report/table.ts';
import { root } from './support.ts';

const measure = (more: Partial<Measure> = {}): Measure => ({
  group: 'requests',
  name: 'a request',
  contender: 'ours',
  baseline: 'theirs',
  judged: 'cpu',
  unit: 'µs of CPU',
  goal: () => 1,
  sample: () => Promise.resolve([]),
  ...more,
});

const pair = (contender: Figures, baseline: Figures): { contender: Figures; baseline: Figures } => ({
  contender,
  baseline,
});
const cpuPairs = [
  pair({ cpu: 50, wall: 80 }, { cpu: 100, wall: 100 }),
  pair({ cpu: 30, wall: 90 }, { cpu: 100, wall: 100 }),
  pair({ cpu: 40, wall: 10 }, { cpu: 100, wall: 100 }),
];

const runOf = (node: string, results: readonly Result[]): Run => ({
  node,
  openssl: '3.5.8',
  date: '2026-01-02T03:04:05.000Z',
  cpus: 2,
  quick: false,
  results,
});

describe('the statistics', () => {
  it('take the middle value, and the mean of the two middle ones', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([10, 1, 2, 3])).toBe(2.5);
    expect(median([10, 9, 100])).toBe(10);
  });

  it('have no median of nothing', () => {
    expect(() => median([])).toThrow(RangeError);
  });

  it('take the ratio of each pair, and not that of the medians', () => {
    const pairs = [pair({ cpu: 10 }, { cpu: 1 }), pair({ cpu: 2 }, { cpu: 2 }), pair({ cpu: 9 }, { cpu: 3 })];
    expect(ratiosOf(pairs)).toEqual({ cpu: { median: 3, min: 1, max: 10 } });
  });

  it('give no ratio of a figure that one pair lacks', () => {
    const pairs = [pair({ cpu: 1, wall: 1 }, { cpu: 2, wall: 1 }), pair({ cpu: 1, wall: 1 }, { cpu: 2 })];
    expect(Object.keys(ratiosOf(pairs))).toEqual(['cpu']);
    expect(mediansOf(pairs.map(({ baseline }) => baseline))).toEqual({ cpu: 2 });
  });

  it.each([
    [1, 0],
    [0, 0],
    [-3, 2],
    [3, -2],
    [Number.NaN, 1],
  ])('take %d of %d for not measured', (contender, baseline) => {
    const pairs = [pair({ value: 1 }, { value: 1 }), pair({ value: contender }, { value: baseline })];
    expect(ratiosOf(pairs)).toEqual({});
  });

  it('measure A and B, then B and A', async () => {
    const order: string[] = [];
    const side = (name: string, value: number) => async (): Promise<Figures> => {
      order.push(name);
      return { value };
    };
    const pairs = await interleave(3, side('A', 1), side('B', 2));
    expect(order.join('')).toBe('ABBAAB');
    expect(pairs).toEqual(Array.from({ length: 3 }, () => pair({ value: 1 }, { value: 2 })));
  });
});

describe('a result', () => {
  it('is met up to the goal, and missed beyond it', () => {
    const met = (goal: number): boolean | null => evaluate(measure({ goal: () => goal }), 24, cpuPairs).met;
    expect([met(0.41), met(0.4), met(0.39)]).toEqual([true, true, false]);
  });

  it('is met from the goal on where more is better', () => {
    const pairs = [pair({ value: 30 }, { value: 10 })];
    const met = (goal: number): boolean | null =>
      evaluate(measure({ judged: 'value', goal: () => goal, atLeast: true }), 24, pairs).met;
    expect([met(2.9), met(3), met(3.1)]).toEqual([true, true, false]);
  });

  it('asks for the goal of its Node, and is neither met nor missed without one', () => {
    const goal = (nodeMajor: number): number | undefined => (nodeMajor < 24 ? 0.3 : undefined);
    expect(evaluate(measure({ goal }), 20, cpuPairs)).toMatchObject({ goal: 0.3, met: false });
    expect(evaluate(measure({ goal }), 24, cpuPairs)).toMatchObject({ goal: null, met: null });
  });

  it('without the figure that is judged is an error', () => {
    expect(() => evaluate(measure({ judged: 'value' }), 24, cpuPairs)).toThrow(
      'no positive figures of value',
    );
  });
});

describe('the tables', () => {
  const missed = evaluate(measure(), 24, [pair({ cpu: 12, wall: 2 }, { cpu: 10, wall: 1 })]);
  const runs = [runOf('24.21.0', [missed]), runOf('9.1.0', [evaluate(measure(), 9, cpuPairs)])];

  it('are aligned, and keep a bar within its cell', () => {
    expect(
      formatTable([
        ['a', 'b|c'],
        ['long', ''],
      ]),
    ).toBe('| a    | b\\|c |\n| ---- | ---- |\n| long |      |');
  });

  it('have a column for each Node in the order of versions, and say what was missed', () => {
    const [head, , row] = formatGroup(runs, 'requests').split('\n');
    expect(head!.replaceAll(/ +/g, ' ')).toBe('| measure | of / to | what | goal | Node 9.1 | Node 24.21 |');
    expect(row!.replaceAll(/ +/g, ' ')).toBe(
      '| a request | ours / theirs | µs of CPU | ≤ 1 | 0.40 (0.30–0.50), clock 0.80 | 1.20 (1.20–1.20), missed, clock 2.00 |',
    );
  });

  it('have a dash where a Node took no part', () => {
    const other = evaluate(measure({ name: 'another' }), 24, cpuPairs);
    const table = formatGroup([runs[1]!, runOf('24.21.0', [other])], 'requests');
    expect(
      table
        .split('\n')
        .slice(2)
        .map((row) => row.split('|').at(-2)!.trim()[0]),
    ).toEqual(['–', '0']);
  });
});

describe('the page', () => {
  const page = 'before\n<!-- bench a -->\nold\n<!-- /bench -->\nafter\n';

  it('keeps what stands around a section, and is the same when it is filled again', () => {
    const filled = fillPage(page, new Map([['a', '$& new']]));
    expect(filled).toBe('before\n<!-- bench a -->\n\n$& new\n\n<!-- /bench -->\nafter\n');
    expect(fillPage(filled, new Map([['a', '$& new']]))).toBe(filled);
  });

  it('loses no figures, and keeps no old ones', () => {
    expect(() =>
      fillPage(
        page,
        new Map([
          ['a', ''],
          ['b', ''],
        ]),
      ),
    ).toThrow('no section for b');
    expect(fillPage(page, new Map())).toBe(
      'before\n<!-- bench a -->\n\nNot measured in these runs.\n\n<!-- /bench -->\nafter\n',
    );
  });

  it('is not made of a quick run, nor of nothing', () => {
    expect(() => renderPage(page, [{ ...runOf('24.21.0', []), quick: true }])).toThrow('quick');
    expect(() => renderPage(page, [])).toThrow('nothing was measured');
  });
});

describe('the plots', () => {
  it('escape what is markup, and what XML cannot hold', () => {
    expect(escapeText(`<a href="b">&'\u0000\n`)).toBe('&lt;a href=&quot;b&quot;&gt;&amp;&#39;\uFFFD\n');
  });

  it('draw a bar to the median, a line from the least to the greatest, and a mark at the goal', () => {
    const plot = plotGroup([runOf('24.21.0', [evaluate(measure(), 24, cpuPairs)])], 'requests');
    const xOf = (pattern: RegExp): number[] => pattern.exec(plot)!.slice(1).map(Number);
    const [goal] = xOf(/class="goal" x1="([\d.]+)"/);
    const [left, bar] = xOf(/class="met" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/);
    const [from, to] = xOf(/class="whisker" x1="([\d.]+)" x2="([\d.]+)"/);
    const atRatio = (ratio: number): number => left! + ratio * (goal! - left!);
    expect(left! + bar!).toBeCloseTo(atRatio(0.4), 0);
    expect(from).toBeCloseTo(atRatio(0.3), 0);
    expect(to).toBeCloseTo(atRatio(0.5), 0);
  });

  it('say in words what they draw', () => {
    const named = evaluate(measure({ name: 'a <b> & "c"' }), 24, cpuPairs);
    const plot = plotGroup([runOf('24.21.0', [named])], 'requests');
    expect(plot).toContain('role="img" aria-labelledby="title description"');
    expect(plot).toMatch(/<desc id="description">[^<]*0\.40 \(0\.30–0\.50\), goal ≤ 1, met<\/desc>/);
    expect(plot).toContain('a &lt;b&gt; &amp; &quot;c&quot;');
    expect(plot).not.toContain('<b>');
  });

  it('stay within their frame, however great a ratio is', () => {
    const great = evaluate(measure(), 24, [pair({ cpu: 12_345 }, { cpu: 1 })]);
    const plot = plotGroup([runOf('24.21.0', [great])], 'requests');
    const [, width] = /viewBox="0 0 (\d+)/.exec(plot)!;
    const ends = [...plot.matchAll(/ x[12]?="([\d.]+)"/g)].map(([, x]) => Number(x));
    expect(Math.max(...ends)).toBeLessThan(Number(width));
    expect(plot).not.toContain('NaN');
  });
});

it('reads the parent of a process with any name', () => {
  expect(parseParent('17 (a) b (c 4) S 16 17 0')).toBe(16);
});

test('every measure can be told apart', () => {
  const keys = measures.map(({ group, name, contender, baseline }) =>
    [group, name, contender, baseline].join('; '),
  );
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
});

test('docs/performance.md and its plots are what was measured', () => {
  const runs = readRuns(join(root, resultsFolder));
  const page = readFileSync(join(root, pageFile), 'utf8');
  expect(renderPage(page, runs)).toBe(page);
  const plots = plotsOf(runs);
  expect(readdirSync(join(root, plotsFolder)).toSorted()).toEqual([...plots.keys()].toSorted());
  for (const [name, plot] of plots) {
    expect(page).toContain(`](plots/${name})`);
    expect(
      existsSync(join(root, plotsFolder, name)) && readFileSync(join(root, plotsFolder, name), 'utf8'),
    ).toBe(plot);
  }
});
