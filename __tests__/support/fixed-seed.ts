import { configureGlobal } from 'fast-check';
import { times } from './fuzz-runs.ts';

/** Property-based tests see the same inputs at every run; `FUZZ_SEED=random`, or a number, gives others. */
const { FUZZ_SEED: wanted = '20261120' } = process.env;
if (wanted !== 'random' && !/^-?\d+$/.test(wanted))
  throw new Error(`FUZZ_SEED is '${wanted}': give a whole number, or 'random'`);
// 100 is fast-check's own.
configureGlobal({ ...times(100), ...(wanted === 'random' ? {} : { seed: Number(wanted) }) });
