import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NextFunction, RequestHandler } from 'express';
import { closeLingering, noteUpgradeGuard, upgradeWatch } from '../lib/connection/index.ts';
import { ConfigError } from '../lib/errors.ts';
import { checkKeys, describe, wholeNumber } from '../lib/options.ts';
import { exposeTls } from './expose-tls.ts';
import { isJudgement, noteAdmitted } from './guard.ts';
import { problemDetails } from './problem-details.ts';
import { type Outcome, runMiddleware } from './upgrade-course.ts';
import { exchangeOf, releaseSocket, type UpgradeExchange } from './upgrade-response.ts';

/** How an upgrade is judged. */
export interface ForUpgradeOptions {
  /** Milliseconds that all of the middleware may take together; 10,000 by default. Then the answer is 503. */
  readonly timeout?: number | undefined;
}

/** What an 'upgrade' listener is given. True: go on with `socket` and `head`. False: it has been answered and closed. */
export type UpgradeCheck = (request: IncomingMessage, socket: Duplex, head?: Buffer) => Promise<boolean>;

/** Middleware, arrays of it, and at the end the options. */
export type ForUpgradeArgument = RequestHandler | readonly RequestHandler[] | ForUpgradeOptions;

/**
 * Puts middleware before WebSockets and other upgrades, which Express never sees: every policy of this package, and
 * whatever else works in an Express app and passes on by `next()`.
 *
 * ```ts
 * const allowed = forUpgrade(requireClientCertificate(san.email('ops@example.org')));
 * server.on('upgrade', async (request, socket, head) => {
 *   if (await allowed(request, socket, head))
 *     sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit('connection', ws, request));
 * });
 * ```
 *
 * True only if each has called `next()` without an error, and none has answered. An error is answered as
 * `problemDetails` does it, with the policy's status, and the connection ends. The promise never rejects. Nothing is
 * read from the socket, so that what the client has sent already is there for whoever goes on.
 *
 * On a PortcullisServer whose trust changes (`reload`), the policies among the middleware are asked again: for a
 * request that still waits, before it is let in, and for each connection that was let in, which is cut if they refuse.
 * The same is done for a connection whose client's certificate ends.
 *
 * ConfigErrors: `OPTION_INVALID` without middleware, or for what is none; `OPTION_UNKNOWN`.
 */
export function forUpgrade(...given: readonly ForUpgradeArgument[]): UpgradeCheck {
  const { middleware, timeout } = readArguments(given);
  const judgements = middleware.filter(isJudgement);
  noteUpgradeGuard();

  return async function upgradeAllowed(request, socket) {
    const watch = upgradeWatch(request);
    watch?.checked();
    // Node has taken its own away, and a reset would end the process. It stays, for whoever goes on may take a while.
    if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore);
    if (isGone(socket)) return end(socket);
    const exchange = exchangeOf(request, socket);
    if (exchange === undefined) return end(socket);
    const until = performance.now() + timeout;
    let epoch = watch?.epoch();
    let outcome = await runMiddleware(middleware, exchange, socket, timeout);
    // Trust that changes while they wait judges those again who were let in, and this one is not among them yet.
    while (outcome.end === 'allowed' && judgements.length > 0 && watch?.epoch() !== epoch) {
      epoch = watch?.epoch();
      forget(exchange);
      const left = Math.max(1, Math.ceil(until - performance.now()));
      // oxlint-disable-next-line no-await-in-loop -- for as long as the trust goes on changing
      outcome = await runMiddleware(judgements, exchange, socket, left);
    }
    if (outcome.end !== 'allowed' || isGone(socket)) return close(outcome, exchange, socket);
    releaseSocket(exchange, socket);
    if (judgements.length > 0) watch?.admitted(() => wouldPass(judgements, exchange));
    return true;
  };
}

const ignore = (): void => {};

/** Destroyed, or ended by the other side: a client that does not wait for the answer. */
const isGone = ({ destroyed, readable, writable }: Duplex): boolean => destroyed || !readable || !writable;

function end(socket: Duplex): false {
  socket.destroy();
  return false;
}

function close(outcome: Outcome, { request, response }: UpgradeExchange, socket: Duplex): false {
  if (isGone(socket)) return end(socket);
  if (outcome.end === 'refused' && !response.headersSent) respond(outcome.error, request, response, ignore);
  // An answer that nobody has ended has no end.
  if (!response.writableEnded) return end(socket);
  closeLingering(socket);
  return false;
}

const respond = problemDetails();
const expose = exposeTls();

/** Before policies are asked again: `request.tls` is that of the time at which they let it pass. */
function forget({ request, response }: UpgradeExchange): void {
  noteAdmitted(request);
  delete request.tls;
  expose(request, response, ignore);
}

/** Asks policies again, by what is known now. */
async function wouldPass(judgements: readonly RequestHandler[], exchange: UpgradeExchange): Promise<boolean> {
  const { request, response } = exchange;
  forget(exchange);
  for (const judge of judgements) {
    // oxlint-disable-next-line no-await-in-loop -- each sees whom the one before it has verified
    const error = await new Promise<unknown>((settle) => {
      void judge(request, response, settle as NextFunction);
    });
    if (error !== undefined) return false;
  }
  return true;
}

interface Read {
  readonly middleware: readonly RequestHandler[];
  readonly timeout: number;
}

function readArguments(given: readonly unknown[]): Read {
  const last = given.at(-1);
  const hasOptions = typeof last === 'object' && last !== null && !Array.isArray(last);
  const options: ForUpgradeOptions = hasOptions ? last : {};
  checkKeys(options, ['timeout'], 'forUpgrade');
  const { timeout = 10_000 } = options;
  return {
    middleware: readMiddleware(hasOptions ? given.slice(0, -1) : given),
    timeout: wholeNumber(timeout, 'forUpgrade.timeout', 'milliseconds', 1, 600_000),
  };
}

/** Arrays are taken as Express takes them. */
function readMiddleware(given: readonly unknown[]): readonly RequestHandler[] {
  const list: readonly unknown[] = given.flat(Infinity);
  if (list.length === 0)
    throw invalid(
      'forUpgrade',
      'there is no middleware, so that everybody would pass',
      'Write forUpgrade(requireClientCertificate()).',
    );
  for (const [index, one] of list.entries()) {
    const path = `forUpgrade[${index}]`;
    if (typeof one !== 'function')
      throw invalid(path, `expected middleware, got ${describe(one)}`, 'Give what app.use() takes.');
    if (one.length > 3)
      throw invalid(path, 'it is an error handler, and would never be called', 'Leave it out.');
  }
  return Object.freeze([...list] as RequestHandler[]);
}

const invalid = (path: string, problem: string, remedy: string): ConfigError =>
  new ConfigError('OPTION_INVALID', path, problem, remedy);
