import type { FigureName, Figures, Measure, Pair } from '../measure.ts';
import { mediansOf, ratiosOf, type Spread } from './statistics.ts';

/** What a measure has come to. */
export interface Result {
  readonly group: string;
  readonly name: string;
  readonly contender: string;
  readonly baseline: string;
  readonly judged: FigureName;
  readonly unit: string;
  /** The greatest ratio, or the least one with `atLeast`; null: for information. */
  readonly goal: number | null;
  readonly atLeast: boolean;
  /** Null without a goal. */
  readonly met: boolean | null;
  /** Of contender to baseline, of each figure. */
  readonly ratios: Partial<Readonly<Record<FigureName, Spread>>>;
  readonly medians: { readonly contender: Figures; readonly baseline: Figures };
  readonly pairs: readonly Pair[];
}

/** What could not be measured. */
export interface Skipped extends Pick<Result, 'group' | 'name' | 'contender' | 'baseline'> {
  /** The program that is not installed. */
  readonly missing: string;
}

/** What was to be measured, and could not be. */
export interface Failed extends Pick<Result, 'group' | 'name' | 'contender' | 'baseline'> {
  readonly problem: string;
}

/** What a run on one Node has come to; a file holds several. */
export interface Run {
  readonly node: string;
  readonly openssl: string;
  readonly date: string;
  readonly cpus: number;
  /** With fewer operations: its figures say nothing. */
  readonly quick: boolean;
  readonly results: readonly Result[];
  readonly skipped?: readonly Skipped[];
  readonly failed?: readonly Failed[];
}

export function evaluate(measure: Measure, nodeMajor: number, pairs: readonly Pair[]): Result {
  const { group, name, contender, baseline, judged, unit, atLeast = false } = measure;
  const ratios = ratiosOf(pairs);
  const reached = ratios[judged];
  if (reached === undefined) throw new Error(`not measured: no positive figures of ${judged}`);
  const goal = measure.goal(nodeMajor) ?? null;
  return {
    group,
    name,
    contender,
    baseline,
    judged,
    unit,
    goal,
    atLeast,
    met: goal === null ? null : isMet(reached.median, goal, atLeast),
    ratios,
    medians: {
      contender: mediansOf(pairs.map((pair) => pair.contender)),
      baseline: mediansOf(pairs.map((pair) => pair.baseline)),
    },
    pairs,
  };
}

const isMet = (median: number, goal: number, atLeast: boolean): boolean =>
  atLeast ? median >= goal : median <= goal;

/** The ratio that is judged. */
export const judgedRatio = ({ ratios, judged }: Result): Spread => ratios[judged]!;

/** Two digits after the point, and two that count below a tenth. */
export const ratioText = (value: number): string =>
  value < 0.1 ? value.toPrecision(2) : value.toFixed(value < 10 ? 2 : 0);

export const spreadText = ({ median, min, max }: Spread): string =>
  `${ratioText(median)} (${ratioText(min)}–${ratioText(max)})`;

export const goalText = ({ goal, atLeast }: Result): string =>
  goal === null ? '' : `${atLeast ? '≥' : '≤'} ${goal}`;

/** Both sides' medians of the judged figure, in its unit. */
export function figuresText({ medians: { contender, baseline }, judged, unit }: Result): string {
  return `${figureText(contender[judged]!)} / ${figureText(baseline[judged]!)} ${unit}`;
}

const figureText = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));
