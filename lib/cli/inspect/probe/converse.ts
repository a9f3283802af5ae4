import { connect, type Socket } from 'node:net';
import { messageOf } from '../../../errors.ts';
import { WireError } from '../wire/bytes.ts';
import { type Stranger, StrangerError } from '../wire/records.ts';

/** Where to knock: one address, so that every answer is of the same server. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** How a conversation has ended. */
export type Ending =
  | { readonly kind: 'said' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'unreachable'; readonly code: string }
  | { readonly kind: 'garbage'; readonly problem: string; readonly stranger: Stranger | undefined };

/** More than the longest flight: a server that never ends is cut off. */
const mostOctets = 262_144;

/**
 * Sends `octets` on a connection of its own and reads until `listen` is content, the server closes, or `timeout` (ms)
 * has passed. Nothing else is ever sent, so nothing changes at the server.
 */
export function converse(
  { address, port }: Endpoint,
  octets: Buffer,
  listen: (chunk: Buffer) => boolean,
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
): Promise<Ending> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const socket: Socket = connect({ host: address, port });
    let received = 0;
    let connected = false;
    const end = (ending: Ending): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(ending);
    };
    const onAbort = (): void => {
      end({ kind: 'closed' });
      reject(signal.reason as Error);
    };
    const timer = setTimeout(
      () => end(connected ? { kind: 'silent' } : { kind: 'unreachable', code: 'ETIMEDOUT' }),
      timeout,
    );
    signal.addEventListener('abort', onAbort, { once: true });
    socket.setNoDelay();
    socket.once('connect', () => {
      connected = true;
      socket.write(octets);
    });
    socket.on('data', (chunk) => {
      received += chunk.length;
      try {
        if (listen(chunk)) end({ kind: 'said' });
        else if (received > mostOctets) throw new WireError('an answer without an end');
      } catch (error) {
        end(garbage(error));
      }
    });
    // A reset is how some refuse; the alert before it may be lost with it.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(connected ? { kind: 'closed' } : { kind: 'unreachable', code: error.code ?? messageOf(error) }),
    );
    socket.once('end', () => end({ kind: 'closed' }));
    socket.once('close', () => end({ kind: 'closed' }));
  });
}

const garbage = (error: unknown): Ending => ({
  kind: 'garbage',
  // What is no WireError is a key that OpenSSL could not use.
  problem: error instanceof WireError ? error.message : 'a key share that cannot be used',
  stranger: error instanceof StrangerError ? error.stranger : undefined,
});
