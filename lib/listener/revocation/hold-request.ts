import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { presentTime } from '../../clock.ts';
import { type Connection, takenConnection } from '../../connection/index.ts';

/**
 * What a request has to wait for before anybody sees it: a responder that is asked about its client. Where nobody is
 * `required` the policies wait themselves, and this only asks.
 */
export function pendingOf(request: IncomingMessage, required: boolean): Promise<void> | undefined {
  const waiting = takenConnection(request.socket)?.pending(presentTime());
  return required ? waiting : undefined;
}

/** More than HTTP/2 has under way at once; HTTP/1.1 would hold whatever is sent on and on (of one connection). */
const mayBeHeld = 256;
const held = new WeakMap<Connection, number>();

const ignore = (): void => undefined;

/**
 * Calls `later` for a request once what it waits for is known. Answers keep their order, as a pipelined request is held
 * by the same question, and `later` runs before anything else of the connection is read. A connection that has too many
 * held is ended.
 */
export function holdUntil(
  waiting: Promise<void>,
  request: IncomingMessage,
  outlet: ServerResponse | Duplex,
  later: () => void,
): true {
  const connection = takenConnection(request.socket);
  const count = (connection && held.get(connection)) ?? 0;
  if (count >= mayBeHeld) {
    request.socket.destroy();
    return true;
  }
  if (connection !== undefined) held.set(connection, count + 1);
  // Behind an upgrade there is no parser any more that would take a reset.
  outlet.on('error', ignore);
  // On a tick of its own, so that what an app throws is an uncaught exception, as ever.
  void waiting.then(() =>
    process.nextTick(() => {
      outlet.removeListener('error', ignore);
      if (connection !== undefined) held.set(connection, held.get(connection)! - 1);
      if (!request.socket.destroyed && !isOver(outlet)) later();
    }),
  );
  return true;
}

/** The client has gone, or somebody else has answered it meanwhile: it was too slow. */
const isOver = (outlet: ServerResponse | Duplex): boolean =>
  outlet.destroyed || outlet.writableEnded || ('headersSent' in outlet && outlet.headersSent);

/** What Node does where nobody listens for an expectation (RFC 9110 10.1.1); `heard`: somebody does. */
export function settleExpectation(
  event: string | symbol,
  heard: boolean,
  response: ServerResponse,
  run: () => void,
): void {
  if (heard || event === 'request') return;
  if (event === 'checkExpectation') {
    response.writeHead(417).end();
    return;
  }
  response.writeContinue();
  run();
}
