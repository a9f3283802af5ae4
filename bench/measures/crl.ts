import { randomBytes } from 'node:crypto';
import { wholeStack } from '../contenders/policies.ts';
import type { Cast, CastOptions } from '../credentials.ts';
import { comparePairs } from '../harness.ts';
import { type Context, type Figures, interleave, type Measure, type Pair, scaled } from '../measure.ts';
import type { Loaded } from '../subjects/crl.ts';
import { keptAlive, mutualOffer, served } from './sides.ts';

const entries = 100_000;
const lists = new WeakMap<Cast['authority'], Promise<string>>();

/** Of the clients' root, with serial numbers that nobody here has. Made once: it takes some seconds. */
function listOf({ authority }: Cast, context: Context): Promise<string> {
  let list = lists.get(authority);
  if (list === undefined) {
    const revoked = Array.from({ length: scaled(entries, context, 100) }, () => ({
      serialNumber: `40${randomBytes(15).toString('hex')}`,
      reason: 'keyCompromise' as const,
    }));
    lists.set(authority, (list = authority.crl({ revoked })));
  }
  return list;
}

/** A process of its own for each: what the first list has had compiled makes the second one cheap. */
async function load(context: Context, cast: Cast, crl: string | undefined): Promise<Loaded> {
  const child = context.start('./subjects/crl.js', { execArgv: ['--expose-gc'] });
  try {
    return await child.ask<Loaded>('make', { credentials: cast.credentials, crl });
  } finally {
    await child.stop();
  }
}

async function sampleLoading(context: Context): Promise<Pair[]> {
  const cast = await context.cast();
  const crl = await listOf(cast, context);
  const side = (given: string | undefined) => async (): Promise<Figures> => {
    const { used, ...times } = await load(context, cast, given);
    return { ...times, value: used };
  };
  return interleave(context.rounds * context.pairs, side(crl), side(undefined));
}

const sampleServing =
  (options: CastOptions, work: typeof keptAlive, operations: number) =>
  async (context: Context): Promise<Pair[]> => {
    const cast = await context.cast(options);
    const crl = await listOf(cast, context);
    const settings = { name: 'portcullis', mutual: true, policies: wholeStack } as const;
    return comparePairs(context, {
      cast,
      contender: served({ ...settings, crl }, work),
      baseline: served(settings, work),
      operations: scaled(operations, context, 10),
      warmUpSlices: 3,
    });
  };

const common = {
  group: 'crl',
  contender: 'portcullis, CRL of 100,000',
  baseline: 'portcullis',
  judged: 'cpu',
  unit: 'µs of CPU',
} as const;

const visits = { operation: 'visits', offer: mutualOffer, concurrency: 5 } as const;

export const crl: readonly Measure[] = [
  {
    ...common,
    name: 'keep-alive request',
    goal: () => 1.02,
    sample: sampleServing({}, keptAlive, 4_000),
  },
  {
    ...common,
    name: 'new connection, 200 clients in turn',
    goal: () => undefined,
    sample: sampleServing({ clients: 200 }, visits, 150),
    slow: true,
  },
  { ...common, name: 'a server is made', goal: () => undefined, sample: sampleLoading },
  {
    ...common,
    name: 'memory in use afterwards',
    judged: 'value',
    unit: 'KiB',
    goal: () => undefined,
    sample: sampleLoading,
  },
];
