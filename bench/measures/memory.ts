import { wholeStack } from '../contenders/policies.ts';
import type { ServerSettings } from '../contenders/settings.ts';
import type { Cast } from '../credentials.ts';
import type { Offer } from '../load/dial.ts';
import { type Context, type Figures, interleave, type Measure, type Pair, scaled } from '../measure.ts';
import type { Memory } from '../subjects/memory.ts';
import { mutualOffer } from './sides.ts';

type Settings = Omit<ServerSettings, 'credentials'>;

const connections = 5_000;
/** The first connections pay for what is made once: code, caches, the allocator's first pages. */
const warmUp = 500;
const atOnce = 20;

/** KiB for each connection that is open and idle: its handshake is done, and it has had a request. */
async function hold(context: Context, cast: Cast, settings: Settings): Promise<Memory> {
  const server = context.start('./subjects/memory.js', { execArgv: ['--expose-gc'] });
  const load = context.start('./load.js');
  try {
    const port = await server.ask<number>('listen', {
      ...settings,
      patient: true,
      credentials: cast.credentials,
    });
    const offer: Offer = { ...mutualOffer, mutual: settings.mutual };
    await load.ask('prepare', { clients: cast.clients, offer });
    const open = (operations: number): Promise<void> =>
      load.ask('hold', { port, operations, concurrency: atOnce });
    const count = scaled(connections, context, 100);
    await open(Math.min(warmUp, count));
    const before = await server.ask<Memory>('memory');
    await open(count);
    const after = await server.ask<Memory>('memory');
    return { resident: (after.resident - before.resident) / count, used: (after.used - before.used) / count };
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}

/** Both kinds of memory are of the same connections, which take half a minute to open. */
function samplesOf(contender: Settings, baseline: Settings): (context: Context) => Promise<Pair[]>[] {
  const known = new Map<string, Promise<Pair[]>[]>();
  return (context) => {
    const key = JSON.stringify([context.node, context.scale, context.rounds]);
    if (!known.has(key)) {
      const sampled = sampleBoth(context, contender, baseline);
      known.set(
        key,
        (['resident', 'used'] as const).map((name) =>
          sampled.then((pairs) => pairs.map((pair) => pick(pair, name))),
        ),
      );
    }
    return known.get(key)!;
  };
}

interface Held {
  readonly contender: Memory;
  readonly baseline: Memory;
}

const pick = ({ contender, baseline }: Held, name: keyof Memory): Pair => ({
  contender: { value: contender[name] },
  baseline: { value: baseline[name] },
});

async function sampleBoth(context: Context, contender: Settings, baseline: Settings): Promise<Held[]> {
  const cast = await context.cast();
  const held: { contender: Memory[]; baseline: Memory[] } = { contender: [], baseline: [] };
  const side = (name: keyof Held, settings: Settings) => async (): Promise<Figures> => {
    held[name].push(await hold(context, cast, settings));
    return {};
  };
  // One pair in a round: the processes are new for each.
  await interleave(context.rounds, side('contender', contender), side('baseline', baseline));
  return held.contender.map((memory, index) => ({ contender: memory, baseline: held.baseline[index]! }));
}

function idle(
  name: string,
  contender: { readonly name: string; readonly settings: Settings },
  baseline: { readonly name: string; readonly settings: Settings },
  goal: number | undefined,
): Measure[] {
  const samples = samplesOf(contender.settings, baseline.settings);
  return ['resident', 'heap'].map((kind, index) => ({
    group: 'memory',
    name: `idle connection of ${name}, ${kind}`,
    contender: contender.name,
    baseline: baseline.name,
    judged: 'value',
    unit: 'KiB',
    goal: () => (kind === 'resident' ? goal : undefined),
    sample: (context) => samples(context)[index]!,
  }));
}

const https = { name: 'https', settings: { name: 'https', mutual: true } } as const;
const ours = {
  name: 'portcullis, no framework',
  settings: { name: 'portcullis, no framework', mutual: true },
} as const;

export const memory: readonly Measure[] = [
  ...idle('mutual TLS', ours, https, 1.04),
  ...idle(
    'mutual TLS',
    { name: 'portcullis, whole stack', settings: { name: 'portcullis', mutual: true, policies: wholeStack } },
    { name: 'express', settings: { name: 'express', mutual: true } },
    1.04,
  ),
  ...idle(
    'mutual TLS',
    ours,
    { name: 'https, one-sided', settings: { ...https.settings, mutual: false } },
    undefined,
  ),
];
