import type { Facts } from './facts.ts';
import type { TlsState } from './tls-state.ts';

/**
 * The facts of the proxy's connection to us: how its client is connected to it, nobody tells. What belongs to the two ends
 * of one connection throws. Over plain HTTP (`state` undefined) there are none, though the type promises them.
 */
export function forwardedFacts(state: TlsState | undefined): Facts {
  const facts: Facts = state ?? plain;
  return { ...facts, source: 'forwarded', exportKeyingMaterial: notOurs, channelBinding: notOurs };
}

const notOurs = (): never => {
  throw new Error(
    "The TLS connection is the proxy's: its client shares no keys with this server. See req.tls.source.",
  );
};

const plain = Object.freeze({
  protocol: undefined,
  cipher: Object.freeze({ name: '', standardName: '' }),
  group: undefined,
  forwardSecrecy: false,
  postQuantum: false,
  alpn: undefined,
  serverName: undefined,
  resumed: false,
}) as unknown as Facts;
