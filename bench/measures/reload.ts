import type { Cast } from '../credentials.ts';
import { type Context, type Figures, interleave, type Measure, type Pair, scaled } from '../measure.ts';
import type { Child } from '../messages.ts';
import type { Reloaded, ReloadSettings } from '../subjects/reload.ts';
import { mutualOffer } from './sides.ts';

/** Requests over ten connections that go on during each exchange. */
const requests = 1_000;
const concurrency = 10;
const exchanges = 5;

interface Busy {
  readonly server: Child;
  readonly load: Child;
  readonly port: number;
}

async function start(context: Context, cast: Cast, name: ReloadSettings['name']): Promise<Busy> {
  const server = context.start('./subjects/reload.js');
  const load = context.start('./load.js');
  const settings: ReloadSettings = { name, credentials: cast.credentials };
  const port = await server.ask<number>('listen', settings);
  await load.ask('prepare', { clients: cast.clients, offer: mutualOffer });
  await load.ask('openHttp1', { port, concurrency });
  return { server, load, port };
}

/** Exchanges the certificate for another one of the same names, several times: no slice is without load. */
async function exchangeUnderLoad(
  { server, load }: Busy,
  pairs: readonly object[],
  count: number,
): Promise<Reloaded> {
  const reloads: Reloaded[] = [];
  for (let index = 0; index < exchanges; index++) {
    const served = load.ask('requests', { operations: count, concurrency });
    reloads.push(await server.ask<Reloaded>('reload', pairs[index % pairs.length]));
    await served;
  }
  const mean = (name: keyof Reloaded): number =>
    reloads.reduce((sum, reload) => sum + reload[name], 0) / reloads.length;
  return { wall: mean('wall'), stall: mean('stall') };
}

async function sample(context: Context): Promise<Pair[]> {
  const cast = await context.cast();
  const names = [cast.clients.host];
  const { key, chain: cert } = await cast.authority.issueServerCertificate({ names });
  const pairs = [
    { key, cert },
    { key: cast.credentials.key, cert: cast.credentials.cert },
  ];
  const count = scaled(requests, context, 100);
  const measured: Pair[] = [];
  for (let round = 0; round < context.rounds; round++) {
    const [ours, plain] = await Promise.all([
      start(context, cast, 'portcullis'),
      start(context, cast, 'https'),
    ]);
    const side = (busy: Busy) => async (): Promise<Figures> => {
      const { wall, stall } = await exchangeUnderLoad(busy, pairs, count);
      return { wall, value: stall };
    };
    await interleave(1, side(ours), side(plain));
    measured.push(...(await interleave(context.pairs, side(ours), side(plain))));
    await Promise.all([ours, plain].flatMap(({ server, load }) => [load.stop(), server.stop()]));
  }
  return measured;
}

const common = {
  group: 'reload',
  contender: 'portcullis, reload()',
  baseline: 'https, setSecureContext()',
  goal: () => undefined,
  sample,
} as const;

export const reload: readonly Measure[] = [
  { ...common, name: 'another certificate under load', judged: 'wall', unit: 'µs' },
  { ...common, name: 'longest turn of the event loop meanwhile', judged: 'value', unit: 'ms' },
];
