import type { FigureName, Figures, Pair } from '../measure.ts';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const figureNames: readonly FigureName[] = ['cpu', 'wall', 'value'];

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('there is no median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/** Of contender to baseline, pair by pair, for each figure that all pairs have measured on both sides. */
export function ratiosOf(pairs: readonly Pair[]): Partial<Record<FigureName, Spread>> {
  const ratios: Partial<Record<FigureName, Spread>> = {};
  for (const name of figureNames) {
    const values = pairs.map(({ contender, baseline }) => ratio(contender[name], baseline[name]));
    if (values.every((value) => value !== undefined)) ratios[name] = spread(values);
  }
  return ratios;
}

/** Nothing, or less (memory that shrank), is not measured: it would have no ratio, or one that meets every goal. */
const ratio = (contender: number | undefined, baseline: number | undefined): number | undefined =>
  isMeasured(contender) && isMeasured(baseline) ? contender / baseline : undefined;

const isMeasured = (figure: number | undefined): figure is number =>
  figure !== undefined && figure > 0 && Number.isFinite(figure);

/** Of one side. */
export function mediansOf(side: readonly Figures[]): Figures {
  const medians: Partial<Record<FigureName, number>> = {};
  for (const name of figureNames) {
    const values = side.map((figures) => figures[name]).filter((value) => value !== undefined);
    if (values.length > 0 && values.length === side.length) medians[name] = median(values);
  }
  return medians;
}
