import { isThenable } from '../lib/clock.ts';
import type { Duplex } from 'node:stream';
import type { RequestHandler } from 'express';
import type { UpgradeExchange } from './upgrade-response.ts';

/** What middleware has made of an upgrade. */
export type Outcome =
  | { readonly end: 'allowed' }
  /** One of them has answered, or has begun to. */
  | { readonly end: 'answered' }
  /** The client is gone. */
  | { readonly end: 'left' }
  /** To be answered by its status. */
  | { readonly end: 'refused'; readonly error: unknown };

/**
 * Calls one middleware after the other, and gives the outcome once it is certain. Allowed is what each has passed on
 * by `next()`, without an error, an answer or a throw, be it afterwards; within `timeout` ms.
 */
export function runMiddleware(
  middleware: readonly RequestHandler[],
  exchange: UpgradeExchange,
  socket: Duplex,
  timeout: number,
): Promise<Outcome> {
  return new Promise((settle) => {
    const { request, response } = exchange;
    let ended = false;
    const finish = (outcome: Outcome): void => {
      ended = true;
      clearTimeout(timer);
      socket.off('close', onLeft).off('end', onLeft);
      response.off('finish', onAnswered);
      settle(outcome);
    };
    const refuse = (error: unknown): void => finish({ end: 'refused', error });
    const onLeft = (): void => finish({ end: 'left' });
    const onAnswered = (): void => finish({ end: 'answered' });
    const timer = setTimeout(() => refuse(tooLate(timeout)), timeout).unref();
    socket.once('close', onLeft).once('end', onLeft);
    response.once('finish', onAnswered);

    const call = (index: number): void => {
      const handler = middleware[index];
      if (handler === undefined) {
        afterThrows(() => {
          // An answer that was begun ends by 'finish', or with the time.
          if (!response.headersSent) finish({ end: 'allowed' });
        });
        return;
      }
      try {
        const pending: unknown = handler(request, response, nextOnce(index));
        if (isThenable(pending)) pending.then(undefined, refuse);
      } catch (error) {
        refuse(error);
      }
    };
    const nextOnce = (index: number): ((error?: unknown) => void) => {
      let called = false;
      return (error) => {
        if (called || ended || response.headersSent) return;
        called = true;
        if (error === undefined || error === null) call(index + 1);
        else refuse(error === 'route' || error === 'router' ? noOtherRoute() : error);
      };
    };
    call(0);
  });
}

/** Once a throw or a rejection that follows upon `next()` at once has been heard: each takes a turn of the queue. */
function afterThrows(run: () => void): void {
  queueMicrotask(() => queueMicrotask(() => queueMicrotask(run)));
}

const withStatus = (status: number, message: string): Error => Object.assign(new Error(message), { status });

const tooLate = (timeout: number): Error =>
  withStatus(503, `forUpgrade: a middleware has neither called next() nor answered within ${timeout} ms`);

/** Whoever passes on to another route lets nobody in, as an upgrade has none. */
const noOtherRoute = (): Error => withStatus(404, 'forUpgrade: an upgrade has no other route');
