const { FUZZ_SCALE: wanted = '1' } = process.env;
const scale = Number(wanted);
if (!(scale > 0)) throw new Error(`FUZZ_SCALE is '${wanted}': give a number above 0`);

/** How often a property is tried. `FUZZ_SCALE` is for all of them at once: 4 tries each four times as often. */
export const times = (numRuns: number): { readonly numRuns: number } => ({
  numRuns: Math.max(1, Math.round(numRuns * scale)),
});
