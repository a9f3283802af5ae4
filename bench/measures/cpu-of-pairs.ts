import { comparePairs, type Side } from '../harness.ts';
import { type Measure, scaled } from '../measure.ts';

/** A measure without its names and its goal. */
export type CpuMeasure = Pick<Measure, 'group' | 'judged' | 'unit' | 'sample'>;

/** The server's CPU for each of so many operations, slice by slice in turn. */
export const cpuOfPairs = (
  group: string,
  operations: number,
  contender: Side,
  baseline: Side,
): CpuMeasure => ({
  group,
  judged: 'cpu',
  unit: 'µs of CPU',
  sample: async (context) =>
    comparePairs(context, {
      cast: await context.cast(),
      contender,
      baseline,
      operations: scaled(operations, context),
      warmUpSlices: 3,
    }),
});
