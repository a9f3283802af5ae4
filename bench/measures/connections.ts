import { wholeStack } from '../contenders/policies.ts';
import type { ServerSettings } from '../contenders/settings.ts';
import { comparePairs, type Side } from '../harness.ts';
import { type Measure, scaled } from '../measure.ts';
import { mutualOffer, served } from './sides.ts';

const operations = 100;
const warmUpSlices = 8;

type Who = 'one client' | '200 clients in turn' | 'a client never seen';

/** The handshake, one request, and the end. */
const visits: Omit<Side, 'start'> = { operation: 'visits', offer: mutualOffer, concurrency: 5 };

const connection = (
  who: Who,
  contender: Omit<ServerSettings, 'credentials' | 'mutual'>,
  baseline: Omit<ServerSettings, 'credentials' | 'mutual'>,
): Measure => ({
  group: 'connections',
  name: `new connection, ${who}`,
  contender: contender.name === 'portcullis' ? 'portcullis, whole stack' : 'portcullis',
  baseline: baseline.name,
  judged: 'cpu',
  unit: 'µs of CPU',
  goal: () => 1.03,
  sample: async (context) => {
    const slice = scaled(operations, context, 10);
    // Each round starts with servers that have seen nobody.
    const unseen = slice * (context.pairs + warmUpSlices);
    const counts: Readonly<Record<Who, number>> = {
      'one client': 1,
      '200 clients in turn': 200,
      'a client never seen': unseen,
    };
    return comparePairs(context, {
      cast: await context.cast({ clients: counts[who] }),
      contender: served({ ...contender, mutual: true }, visits),
      baseline: served({ ...baseline, mutual: true }, visits),
      operations: slice,
      warmUpSlices,
    });
  },
});

const everyone: readonly Who[] = ['one client', '200 clients in turn', 'a client never seen'];

export const connections: readonly Measure[] = [
  ...everyone.map((who) => connection(who, { name: 'portcullis, no framework' }, { name: 'https' })),
  ...everyone.map((who) =>
    connection(who, { name: 'portcullis', policies: wholeStack }, { name: 'express' }),
  ),
];
