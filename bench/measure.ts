/** The seam: what a measure is, and what it is given. Modules in `measures/` export measures; `run.ts` lists them. */
import type { Cast, CastOptions } from './credentials.ts';
import type { Child, ChildOptions } from './messages.ts';

/** What one side has come to in one slice. A measure gives those that it has. */
export interface Figures {
  /** Microseconds of CPU of the server (all of its processes) for one operation. */
  readonly cpu?: number;
  /** Microseconds of the clock for one operation. */
  readonly wall?: number;
  /** Whatever else, in the measure's unit. */
  readonly value?: number;
}

export type FigureName = keyof Figures;

/** Of two slices, one right after the other. */
export interface Pair {
  readonly contender: Figures;
  readonly baseline: Figures;
}

/** One thing that is measured, against something. */
export interface Measure {
  /** A section of the report, and what `--only` takes: 'requests', 'handshakes', 'memory' … */
  readonly group: string;
  readonly name: string;
  readonly contender: string;
  readonly baseline: string;
  /** The figure whose ratio is judged. */
  readonly judged: FigureName;
  /** Of the judged figure: 'µs of CPU', 'requests/s', 'KiB' … */
  readonly unit: string;
  /** The greatest ratio of contender to baseline, or the least one with `atLeast`; undefined: for information. */
  readonly goal: (nodeMajor: number) => number | undefined;
  /** More is better: throughput. */
  readonly atLeast?: boolean;
  /** Where a Node cannot take part (its OpenSSL has no X25519MLKEM768); everywhere by default. */
  readonly runsOn?: (context: Context) => boolean;
  /** A program that it needs and that is not there: the report says so in its place. */
  readonly missing?: () => string | undefined;
  /** Takes long, or is much like another: a quick run leaves it out, unless its group is asked for. */
  readonly slow?: boolean;
  /** Interleaved: A and B, then B and A. What it has started by the context is stopped afterwards. */
  readonly sample: (context: Context) => Promise<Pair[]>;
}

export interface Context {
  /** The binary that is measured; servers and loads run on it. */
  readonly node: string;
  readonly nodeMajor: number;
  /** `process.versions.openssl` of that binary. */
  readonly openssl: string;
  /** 1; less for a quick look. Operations of a slice, entries of a list, connections held … are multiplied with it. */
  readonly scale: number;
  /** Each with processes newly started: V8 compiles the same program now better, now worse, for as long as it runs. */
  readonly rounds: number;
  /** In each round. */
  readonly pairs: number;
  /** A child process on the measured Node; `module` is relative to bench/. It is stopped after the sample at the latest. */
  readonly start: (module: string | URL, options?: ChildOptions) => Child;
  /** Runs `end` after the sample, also when it fails. */
  readonly onEnd: (end: () => Promise<void> | void) => void;
  /** Certificates: made once for the same options, and shared by all measures. */
  readonly cast: (options?: CastOptions) => Promise<Cast>;
}

/** `least` at least, else the scaled number. */
export const scaled = (count: number, { scale }: Context, least = 1): number =>
  Math.max(least, Math.ceil(count * scale));

/** Pairs in turn: A and B, then B and A, so that what else the machine does meets both. */
export async function interleave(
  pairs: number,
  contender: () => Promise<Figures>,
  baseline: () => Promise<Figures>,
): Promise<Pair[]> {
  const measured: Pair[] = [];
  while (measured.length < pairs) {
    if (measured.length % 2 === 0) {
      const first = await contender();
      measured.push({ contender: first, baseline: await baseline() });
    } else {
      const first = await baseline();
      measured.push({ contender: await contender(), baseline: first });
    }
  }
  return measured;
}
