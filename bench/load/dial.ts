/** TLS connections as the clients open them. */
import { once } from 'node:events';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Clients } from '../credentials.ts';

/** What clients offer: one version and one group, so that all servers and Nodes do the same work. */
export interface Offer {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  readonly group: 'X25519' | 'X25519MLKEM768';
  /** Whether they have a certificate. */
  readonly mutual: boolean;
  readonly alpn?: 'h2';
}

let clients: Clients;
let offer: Offer;
let contexts: SecureContext[] = [];
/** By port: every server sees every client once before it sees one again. */
let nextClient = new Map<number, number>();

export function prepare(given: { readonly clients: Clients; readonly offer: Offer }): void {
  ({ clients, offer } = given);
  contexts = [];
  nextClient = new Map();
}

export const serverName = (): string => clients.host;

/** Every connection is that of the next client, in turn. */
export async function dial(port: number, session?: Buffer): Promise<TLSSocket> {
  const count = nextClient.get(port) ?? 0;
  nextClient.set(port, count + 1);
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: clients.host,
    secureContext: contextOf(count % clients.certificates.length),
    ...(offer.alpn !== undefined && { ALPNProtocols: [offer.alpn] }),
    ...(session !== undefined && { session }),
  });
  await once(socket, 'secureConnect');
  if (offer.version === 'TLSv1.2') checkGroup(socket);
  return socket;
}

/** A session that is resumed exchanges no keys with TLS 1.2. */
function checkGroup(socket: TLSSocket): void {
  if (socket.isSessionReused()) return;
  const { name } = socket.getEphemeralKeyInfo() as { name?: string };
  if (name !== offer.group) throw new Error(`the server has chosen ${name}, not ${offer.group}`);
}

const contextOf = (index: number): SecureContext =>
  (contexts[index] ??= createSecureContext({
    ca: clients.ca,
    ...(offer.mutual && { key: clients.key, cert: clients.certificates[index]! }),
    // With TLS 1.2 the list also says which curves certificates may have (RFC 8422 5.1.1): P-256.
    ecdhCurve: offer.version === 'TLSv1.2' ? `${offer.group}:P-256` : offer.group,
    minVersion: offer.version,
    maxVersion: offer.version,
  }));

/** Shares `count` runs out among `concurrency` workers, each of which runs one after the other. */
export async function inTurn(
  count: number,
  concurrency: number,
  makeWorker: () => () => Promise<void>,
): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    const run = makeWorker();
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}
