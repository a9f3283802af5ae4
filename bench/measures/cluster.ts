import { wholeStack } from '../contenders/policies.ts';
import type { ServerSettings } from '../contenders/settings.ts';
import { comparePairs, type Side } from '../harness.ts';
import { type FigureName, type Measure, scaled } from '../measure.ts';
import { keptAlive, mutualOffer, served } from './sides.ts';

type Settings = Omit<ServerSettings, 'credentials'>;
type Work = Omit<Side, 'start'>;

const visits: Work = { operation: 'visits', offer: mutualOffer, concurrency: 5 };

/** Two workers and their primary; the CPU is that of all three. */
const clustered = (settings: Settings, work: Work): Side => ({
  ...work,
  start: async (context, { credentials }) => {
    const child = context.start('./subjects/cluster.js');
    const port = await child.ask<number>('listen', { ...settings, credentials });
    return { port, cpu: () => child.ask<number>('cpu') };
  },
});

const compare = (
  name: string,
  sides: { readonly contender: Side; readonly baseline: Side },
  operations: number,
  names: { readonly contender: string; readonly baseline: string },
  [judged, unit]: readonly [FigureName, string],
  slow: boolean,
): Measure => ({
  group: 'cluster',
  name,
  ...names,
  judged,
  unit,
  slow,
  goal: () => undefined,
  sample: async (context) =>
    comparePairs(context, {
      cast: await context.cast(),
      ...sides,
      operations: scaled(operations, context, 10),
      warmUpSlices: 3,
    }),
});

const ours: Settings = { name: 'portcullis', mutual: true, policies: wholeStack };
const express: Settings = { name: 'express', mutual: true };
const cpu = ['cpu', 'µs of CPU'] as const;
const throughput = ['value', 'operations/s'] as const;

const ofBoth = (name: string, work: Work, operations: number, slow = false): Measure[] => [
  compare(
    name,
    { contender: clustered(ours, work), baseline: clustered(express, work) },
    operations,
    { contender: 'portcullis, whole stack, 2 workers', baseline: 'express, 2 workers' },
    cpu,
    slow,
  ),
  compare(
    name,
    { contender: clustered(ours, work), baseline: served(ours, work) },
    operations,
    { contender: 'portcullis, whole stack, 2 workers', baseline: 'portcullis, one process' },
    throughput,
    slow,
  ),
];

export const clusters: readonly Measure[] = [
  ...ofBoth('keep-alive request', keptAlive, 4_000),
  ...ofBoth('new connection', visits, 150, true),
];
