import { execFileSync } from 'node:child_process';
import { castMaker } from './credentials.ts';
import type { Context, Measure, Pair } from './measure.ts';
import { Child } from './messages.ts';

export interface NodeFacts {
  /** The binary. */
  readonly node: string;
  readonly version: string;
  readonly openssl: string;
}

export function readNode(node: string): NodeFacts {
  const script = 'JSON.stringify([process.versions.node, process.versions.openssl])';
  const told = execFileSync(node, ['-p', script], { encoding: 'utf8' });
  const [version, openssl] = JSON.parse(told) as [string, string];
  return { node, version, openssl };
}

const cast = castMaker();

type Plan = Pick<Context, 'scale' | 'rounds' | 'pairs'>;

/** Runs a measure, and ends what it has started; undefined where this Node cannot take part. */
export async function sampleOn(facts: NodeFacts, measure: Measure, plan: Plan): Promise<Pair[] | undefined> {
  const ends: Array<() => Promise<void> | void> = [];
  const context: Context = {
    ...plan,
    node: facts.node,
    nodeMajor: Number.parseInt(facts.version, 10),
    openssl: facts.openssl,
    start: (module, options) => {
      const child = new Child(module, facts.node, options);
      ends.push(() => child.stop());
      return child;
    },
    onEnd: (end) => void ends.push(end),
    cast,
  };
  if (measure.runsOn?.(context) === false) return undefined;
  try {
    return await measure.sample(context);
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}
