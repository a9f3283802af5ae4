import { configureGlobal } from 'fast-check';

/** Property-based tests see the same inputs at every run; `FUZZ_SEED=random`, or a number, gives others. */
const { FUZZ_SEED: wanted = '20261120' } = process.env;
if (wanted !== 'random') configureGlobal({ seed: Number(wanted) });
