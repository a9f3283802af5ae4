import type { ServerKey } from '../credentials.ts';
import type { FrontName } from '../fronts/configs.ts';
import { comparePairs, type Side } from '../harness.ts';
import type { Offer } from '../load/dial.ts';
import type { Operation } from '../load.ts';
import { type Context, type Measure, scaled } from '../measure.ts';
import { fronted, served } from './sides.ts';

type Kind = 'full' | 'mutual' | 'resumed';
type Wire = Pick<Offer, 'version' | 'group'>;

const keys: Readonly<Record<ServerKey, string>> = {
  'ecdsa-p256': 'ECDSA P-256',
  'rsa-2048': 'RSA-2048',
};

const kinds: readonly Kind[] = ['full', 'mutual', 'resumed'];

const wires: readonly Wire[] = [
  { version: 'TLSv1.2', group: 'X25519' },
  { version: 'TLSv1.3', group: 'X25519' },
  { version: 'TLSv1.3', group: 'X25519MLKEM768' },
];

/** Since OpenSSL 3.5 (RFC 9794's hybrid of draft-ietf-tls-ecdhe-mlkem). */
const hasHybrid = ({ openssl }: Context): boolean => {
  const [major, minor] = openssl.split('.').map(Number);
  return major! > 3 || (major === 3 && minor! >= 5);
};

const comparison = (
  serverKey: ServerKey,
  { group }: Wire,
  contender: Side,
  baseline: Side,
): Pick<Measure, 'group' | 'judged' | 'unit' | 'sample' | 'runsOn'> => ({
  group: 'handshakes',
  judged: 'cpu',
  unit: 'µs of CPU',
  runsOn: (context) => group !== 'X25519MLKEM768' || hasHybrid(context),
  sample: async (context) =>
    comparePairs(context, {
      cast: await context.cast({ serverKey }),
      contender,
      baseline,
      operations: scaled(100, context, 10),
      warmUpSlices: 6,
    }),
});

const work = (kind: Kind, wire: Wire): Omit<Side, 'start'> => {
  const operation: Operation = kind === 'resumed' ? 'resumptions' : 'handshakes';
  return { operation, offer: { ...wire, mutual: kind === 'mutual' }, concurrency: 5 };
};

const title = (kind: Kind, { version, group }: Wire, serverKey: ServerKey): string =>
  `${kind}, ${version.replace('v', ' ')}, ${keys[serverKey]}, ${group}`;

/** The listener alone against Node's: neither has a framework, and nothing is asked. The goal is in `connections.ts`. */
const handshake = (kind: Kind, wire: Wire, serverKey: ServerKey): Measure => {
  const mutual = kind === 'mutual';
  return {
    ...comparison(
      serverKey,
      wire,
      served({ name: 'portcullis, no framework', mutual }, work(kind, wire)),
      served({ name: 'https', mutual }, work(kind, wire)),
    ),
    name: title(kind, wire, serverKey),
    contender: 'portcullis',
    baseline: 'https',
    goal: () => undefined,
    // A quick run has each kind, wire and key once or twice.
    slow: (kinds.indexOf(kind) + wires.indexOf(wire) + Object.keys(keys).indexOf(serverKey)) % 2 === 1,
  };
};

const ofFront = (kind: Kind, name: FrontName): Measure => {
  const wire = { version: 'TLSv1.3', group: 'X25519' } as const;
  return {
    ...comparison(
      'ecdsa-p256',
      wire,
      served({ name: 'portcullis, no framework', mutual: kind === 'mutual' }, work(kind, wire)),
      fronted(name, false, work(kind, wire)),
    ),
    name: title(kind, wire, 'ecdsa-p256'),
    contender: 'portcullis',
    baseline: name,
    goal: () => undefined,
  };
};

const fronts: readonly FrontName[] = ['nginx', 'caddy'];

export const handshakes: readonly Measure[] = [
  ...kinds.flatMap((kind) =>
    wires.flatMap((wire) => (Object.keys(keys) as ServerKey[]).map((key) => handshake(kind, wire, key))),
  ),
  ...fronts.flatMap((name) => (['full', 'mutual'] as const).map((kind) => ofFront(kind, name))),
];
