/** What stands on the two sides of the measures here. */
import type { ServerSettings } from '../contenders/settings.ts';
import type { FrontName } from '../fronts/configs.ts';
import { startFront } from '../fronts/start.ts';
import { type Side, startServer } from '../harness.ts';
import type { Offer } from '../load/dial.ts';

export const mutualOffer: Offer = { version: 'TLSv1.3', group: 'X25519', mutual: true };
const http2Offer: Offer = { ...mutualOffer, alpn: 'h2' };

type Settings = Omit<ServerSettings, 'credentials'>;
type Work = Omit<Side, 'start'>;

export const served = (settings: Settings, work: Work): Side => ({
  ...work,
  start: (context, { credentials }) => startServer(context, { ...settings, credentials }),
});

export const fronted = (name: FrontName, upstream: boolean, work: Work): Side => ({
  ...work,
  start: (context, cast) => startFront(name, { mutual: work.offer.mutual, upstream }, context, cast),
});

/** Ten connections kept alive. */
export const keptAlive: Work = { operation: 'requests', offer: mutualOffer, concurrency: 10 };
export const streams = (concurrency: number): Work => ({
  operation: 'http2',
  offer: http2Offer,
  concurrency,
});
