/** Servers and clients in processes of their own, and slices of work between them. */
import type { Cast } from './credentials.ts';
import type { ServerSettings } from './contenders/settings.ts';
import type { Offer } from './load/dial.ts';
import type { Operation, Run } from './load.ts';
import { type Context, type Figures, interleave, type Pair, scaled } from './measure.ts';
import type { Child } from './messages.ts';

/** What serves, in whatever processes. */
export interface Subject {
  readonly port: number;
  /** Microseconds of CPU that it has used so far. */
  cpu(): Promise<number>;
}

/** One side of a measure. */
export interface Side {
  start(context: Context, cast: Cast): Promise<Subject>;
  readonly operation: Operation;
  readonly offer: Offer;
  readonly concurrency: number;
}

interface Plan {
  readonly cast: Cast;
  readonly contender: Side;
  readonly baseline: Side;
  /** In each slice; a multiple of both concurrencies, so that everyone has the same share. */
  readonly operations: number;
  /** V8 still compiles during the first thousands of operations. */
  readonly warmUpSlices: number;
}

export async function startServer(context: Context, settings: ServerSettings): Promise<Subject> {
  const child = context.start('./server.js');
  const port = await child.ask<number>('listen', settings);
  return { port, cpu: () => child.ask<number>('cpu') };
}

/** Rounds of pairs, each round with processes of its own. */
export async function comparePairs(context: Context, plan: Plan): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let round = 0; round < context.rounds; round++) pairs.push(...(await compareOnce(context, plan)));
  return pairs;
}

async function compareOnce(context: Context, plan: Plan): Promise<Pair[]> {
  const { scope, stop } = scopeOf(context);
  try {
    const sides = [plan.contender, plan.baseline];
    const [contender, baseline] = await allOrNone(sides.map((side) => startSide(scope, side, plan)));
    await Promise.all([contender!, baseline!].map((slice) => warmUp(slice, context, plan)));
    return await interleave(context.pairs, contender!, baseline!);
  } finally {
    await stop();
  }
}

async function warmUp(
  slice: () => Promise<Figures>,
  context: Context,
  { warmUpSlices }: Plan,
): Promise<void> {
  for (let left = scaled(warmUpSlices, context); left > 0; left--) await slice();
}

/** Waits for all of them also when one has failed: only what has started can be stopped. */
async function allOrNone<Value>(promises: ReadonlyArray<Promise<Value>>): Promise<Value[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Gives what runs one slice. */
async function startSide(
  context: Context,
  side: Side,
  { cast, operations }: Plan,
): Promise<() => Promise<Figures>> {
  const load = context.start('./load.js');
  const [subject] = await Promise.all([
    side.start(context, cast),
    load.ask('prepare', { clients: cast.clients, offer: side.offer }),
  ]);
  return () => measureSlice(subject, load, side, operations);
}

/** What is started within ends with `stop`, and not only with the sample: the next round needs the room. */
function scopeOf(context: Context): { scope: Context; stop: () => Promise<void> } {
  const ends: Array<() => Promise<void> | void> = [];
  const scope: Context = {
    ...context,
    start: (module, options) => {
      const child = context.start(module, options);
      ends.push(() => child.stop());
      return child;
    },
    onEnd: (end) => {
      context.onEnd(end);
      ends.push(end);
    },
  };
  return {
    scope,
    stop: async () => {
      for (const end of ends.toReversed()) await end();
    },
  };
}

const openers: Partial<Record<Operation, string>> = { requests: 'openHttp1', http2: 'openHttp2' };

async function measureSlice(
  subject: Subject,
  load: Child,
  { operation, concurrency }: Side,
  operations: number,
): Promise<Figures> {
  const run: Run = { port: subject.port, operations, concurrency };
  const opener = openers[operation];
  if (opener !== undefined) await load.ask(opener, run);
  const before = await subject.cpu();
  const wall = await load.ask<number>(operation, run);
  const cpu = ((await subject.cpu()) - before) / operations;
  if (opener !== undefined) await load.ask('close');
  return { cpu, wall, value: 1e6 / wall };
}
