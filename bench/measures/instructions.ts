import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wholeStack } from '../contenders/policies.ts';
import type { ServerSettings } from '../contenders/settings.ts';
import type { Cast } from '../credentials.ts';
import type { Operation } from '../load.ts';
import { type Context, type Measure, type Pair, scaled } from '../measure.ts';
import { mutualOffer } from './sides.ts';

/**
 * What callgrind counts does not depend on what else the machine does. It counts from the start of a process to its
 * end, so that each figure is the difference of two runs, of which one has served more.
 */
interface Subject {
  readonly settings: Omit<ServerSettings, 'credentials'>;
  readonly operation: Extract<Operation, 'requests' | 'visits'>;
}

/** The warm-up is as long as that V8 has compiled what it will, and the servers have seen the client. */
const plans = {
  requests: { warmUp: 2_000, operations: 1_000, concurrency: 10 },
  visits: { warmUp: 100, operations: 60, concurrency: 2 },
} as const;

/** Instructions of a server from its start to its end, which has served `operations` after the warm-up. */
async function count(context: Context, cast: Cast, subject: Subject, operations: number): Promise<number> {
  const { settings, operation } = subject;
  const { warmUp, concurrency } = plans[operation];
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-callgrind-'));
  context.onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const load = context.start('./load.js');
  const server = context.start('./server.js', {
    execPath: 'valgrind',
    execArgv: [
      '--quiet',
      '--tool=callgrind',
      // Without it V8's own code would be that of its first compilation for ever.
      '--smc-check=all-non-file',
      `--callgrind-out-file=${join(folder, 'out')}`,
      context.node,
    ],
  });
  try {
    const port = await server.ask<number>('listen', {
      ...settings,
      patient: true,
      credentials: cast.credentials,
    });
    await load.ask('prepare', { clients: cast.clients, offer: mutualOffer });
    if (operation === 'requests') await load.ask('openHttp1', { port, concurrency });
    await load.ask(operation, { port, operations: scaled(warmUp, context, 50), concurrency });
    if (operations > 0) await load.ask(operation, { port, operations, concurrency });
    if (operation === 'requests') await load.ask('close');
  } finally {
    await load.stop();
    await server.stop();
  }
  return totalIn(folder);
}

/** The sum of all threads. */
function totalIn(folder: string): number {
  const totals = readdirSync(folder).flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/^(?:totals|summary): (\d+)/gm)].map(([, text]) =>
      Number(text),
    ),
  );
  const total = Math.max(0, ...totals);
  if (total === 0) throw new Error('callgrind has written no total');
  return total;
}

const known = new Map<string, Promise<number>>();

/** Thousands for one operation. A contender stands in several measures, and is counted once. */
function perOperation(context: Context, cast: Cast, subject: Subject): Promise<number> {
  const key = JSON.stringify([context.node, context.scale, subject]);
  let counted = known.get(key);
  if (counted === undefined) known.set(key, (counted = countOnce(context, cast, subject)));
  return counted;
}

async function countOnce(context: Context, cast: Cast, subject: Subject): Promise<number> {
  const operations = scaled(plans[subject.operation].operations, context, 50);
  const less = await count(context, cast, subject, operations);
  const more = await count(context, cast, subject, 2 * operations);
  return (more - less) / operations / 1_000;
}

const comparison = (name: string, contender: Subject, baseline: Subject): Measure => ({
  group: 'instructions',
  name,
  contender: label(contender),
  baseline: label(baseline),
  judged: 'value',
  unit: 'thousand instructions',
  goal: () => undefined,
  missing,
  slow: true,
  sample: async (context): Promise<Pair[]> => {
    const cast = await context.cast();
    return [
      {
        contender: { value: await perOperation(context, cast, contender) },
        baseline: { value: await perOperation(context, cast, baseline) },
      },
    ];
  },
});

const label = ({ settings: { name, policies } }: Subject): string =>
  policies === wholeStack ? `${name}, whole stack` : name;

const requestsOf = (settings: Omit<Subject['settings'], 'mutual'>): Subject => ({
  settings: { ...settings, mutual: true },
  operation: 'requests',
});
const visitsOf = (settings: Omit<Subject['settings'], 'mutual'>): Subject => ({
  settings: { ...settings, mutual: true },
  operation: 'visits',
});
const stack = { name: 'portcullis', policies: wholeStack } as const;

export const instructions: readonly Measure[] = [
  comparison('keep-alive request', requestsOf(stack), requestsOf({ name: 'express' })),
  comparison('keep-alive request', requestsOf(stack), requestsOf({ name: 'fastify' })),
  comparison('new connection', visitsOf({ name: 'portcullis, no framework' }), visitsOf({ name: 'https' })),
];

function missing(): string | undefined {
  try {
    execFileSync('valgrind', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'valgrind';
  }
}
