/** What came of a mutant, in Stryker's words. */
export interface Outcome {
  readonly fileName: string;
  readonly status: string;
  readonly location: { readonly start: { readonly line: number; readonly column: number } };
  readonly mutatorName: string;
  readonly replacement?: string;
}

export interface Score {
  readonly mutants: number;
  readonly killed: number;
  readonly survived: number;
  /** Percent. */
  readonly score: number;
  /** The 95 % confidence interval, in percent, for the whole from which the mutants were drawn. */
  readonly interval: readonly [low: number, high: number];
}

/** A mutant that runs forever is noticed: nobody waits for it. What does not load is no mutant. */
const noticed: ReadonlySet<string> = new Set(['Killed', 'Timeout']);
const unnoticed: ReadonlySet<string> = new Set(['Survived', 'NoCoverage']);

export const survivors = (outcomes: readonly Outcome[]): readonly Outcome[] =>
  outcomes.filter(({ status }) => unnoticed.has(status));

/**
 * The score of a sample. Statements are drawn, not mutants, and those of one file live or die together: the interval
 * is Wilson's, for as many mutants as the sample is worth by the spread between its files (the design effect).
 */
export function scoreOf(outcomes: readonly Outcome[]): Score {
  const killed = outcomes.filter(({ status }) => noticed.has(status)).length;
  const survived = survivors(outcomes).length;
  const mutants = killed + survived;
  const share = mutants === 0 ? 0 : killed / mutants;
  return {
    mutants,
    killed,
    survived,
    score: 100 * share,
    interval: wilson(share, mutants / designEffect(outcomes, share, mutants)),
  };
}

function designEffect(outcomes: readonly Outcome[], share: number, mutants: number): number {
  const residues = new Map<string, number>();
  for (const { fileName, status } of outcomes) {
    if (!noticed.has(status) && !unnoticed.has(status)) continue;
    residues.set(fileName, (residues.get(fileName) ?? 0) + Number(noticed.has(status)) - share);
  }
  const independent = mutants * share * (1 - share);
  if (residues.size < 2 || independent === 0) return 1;
  const between = [...residues.values()].reduce((sum, residue) => sum + residue ** 2, 0);
  return Math.max(1, ((residues.size / (residues.size - 1)) * between) / independent);
}

/** Wilson, J. Am. Stat. Assoc. 22 (1927): it holds near 0 and 1, where the usual one does not. */
function wilson(share: number, size: number): readonly [number, number] {
  if (size === 0) return [0, 100];
  const z = 1.96;
  const middle = share + z ** 2 / (2 * size);
  const half = z * Math.sqrt((share * (1 - share)) / size + z ** 2 / (4 * size ** 2));
  const whole = 1 + z ** 2 / size;
  return [(100 * (middle - half)) / whole, (100 * (middle + half)) / whole];
}
