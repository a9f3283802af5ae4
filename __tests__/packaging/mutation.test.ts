import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { decisive, folderNames, partsOf } from '../../scripts/mutation/folders.ts';
import { isSampled, isSentence } from '../../scripts/mutation/ignorer.ts';
import { type Outcome, scoreOf, survivors } from '../../scripts/mutation/score.ts';

const outcome = (status: string, fileName = 'a.ts'): Outcome => ({
  fileName,
  status,
  location: { start: { line: 1, column: 1 } },
  mutatorName: 'BooleanLiteral',
});
const many = (count: number, status: string, fileName?: string): Outcome[] =>
  Array.from({ length: count }, () => outcome(status, fileName));

describe('what is mutated', () => {
  it('is every file of the four folders, once, but the indexes', () => {
    for (const folder of folderNames) {
      const files = partsOf(folder, () => true).flatMap((part) => part.files);
      const all = readdirSync(`lib/${folder}`, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('index.ts'))
        .map((name) => `lib/${folder}/${name.replaceAll('\\', '/')}`);
      expect(files.toSorted()).toEqual(all.toSorted());
    }
  });

  it('is noticed by suites that are there', () => {
    const suites = folderNames
      .flatMap((folder) => partsOf(folder, () => true))
      .flatMap((part) => part.suites);
    expect(suites.filter((suite) => !existsSync(`__tests__/${suite}.test.ts`))).toEqual([]);
  });

  it('in CI is files that are there', () => {
    expect(decisive.filter((file) => !existsSync(file))).toEqual([]);
  });

  it.each([
    ['the rule has failed', true],
    ['expected that 0 refuses, and it does not', true],
    ["the SNI isn't here", true],
    ['CLIENT_CERTIFICATE_DENIED', false],
    ['x-forwarded-client-cert', false],
    ['2.5.29.35', false],
    ['', false],
    [', ', false],
    ['localhost', false],
    ['-----BEGIN CERTIFICATE-----', false],
  ])('leaves out sentences for people, and no codes: %p (%p)', (text, expected) => {
    expect(isSentence(text)).toBe(expected);
  });

  it('is drawn by the seed alone, in the share that was asked for', () => {
    const places = Array.from({ length: 2000 }, (_, line) => `lib/policy/pins.ts:${line}:0`);
    const drawn = (share: number, seed: string): string[] =>
      places.filter((place) => isSampled(place, { share, seed }));
    expect(drawn(0.25, 'a')).toEqual(drawn(0.25, 'a'));
    expect(drawn(0.25, 'a')).not.toEqual(drawn(0.25, 'b'));
    expect(drawn(0.25, 'a').length).toBeGreaterThan(400);
    expect(drawn(0.25, 'a').length).toBeLessThan(600);
    expect(drawn(0.5, 'a')).toEqual(expect.arrayContaining(drawn(0.25, 'a')));
    expect([drawn(0, 'a').length, drawn(1, 'a').length]).toEqual([0, 2000]);
  });
});

describe('the score', () => {
  it('counts a mutant that runs forever as killed, and none that was left out or does not load', () => {
    const left = ['Ignored', 'CompileError', 'RuntimeError', 'Pending'].map((status) => outcome(status));
    const all = [
      ...left,
      ...many(6, 'Killed'),
      ...many(2, 'Timeout'),
      outcome('Survived'),
      outcome('NoCoverage'),
    ];
    expect(scoreOf(all)).toMatchObject({ mutants: 10, killed: 8, survived: 2, score: 80 });
    expect(survivors(all).map(({ status }) => status)).toEqual(['Survived', 'NoCoverage']);
  });

  it('has an interval that holds the score, is narrower with more mutants, and wider where files differ', () => {
    const [few, more] = [10, 100].map((size) =>
      scoreOf([...many(8 * size, 'Killed'), ...many(2 * size, 'Survived')]),
    );
    const width = ({ interval: [low, high] }: { interval: readonly [number, number] }): number => high - low;
    expect(few!.interval[0]).toBeLessThan(80);
    expect(few!.interval[1]).toBeGreaterThan(80);
    // Wilson's for 80 of 100.
    expect(few!.interval.map((bound) => bound.toFixed(1))).toEqual(['71.1', '86.7']);
    expect(width(more!)).toBeLessThan(width(few!));
    const apart = scoreOf([...many(80, 'Killed', 'a.ts'), ...many(20, 'Survived', 'b.ts')]);
    expect(width(apart)).toBeGreaterThan(width(few!));
  });

  it('of nothing says nothing', () => {
    expect(scoreOf([])).toMatchObject({ mutants: 0, interval: [0, 100] });
    expect(scoreOf(many(5, 'Killed')).interval[0]).toBeGreaterThan(50);
    expect(scoreOf(many(5, 'Killed')).interval[1]).toBeCloseTo(100);
  });
});
