import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { systemClock, within } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { Limits } from '../connections/limits.ts';
import type { Logger } from '../logger.ts';
import { answerAndClose, type RedirectAnswer, type RedirectStatus } from './redirect-answer.ts';
import { hostInUrl, HostNames } from './redirect-hosts.ts';
import type { AcmeChallenge, RedirectConfig } from './redirect-options.ts';
import { readTarget, type RedirectTarget } from './redirect-target.ts';

/** What a redirect needs to know of the https listener that it leads to. */
export interface RedirectedListener {
  /** DNS names and addresses of the certificates that serve now; another array after each change. */
  readonly names: () => readonly string[];
  /** Where it listens; undefined while it does not, or on no port. */
  readonly httpsPort: () => number | undefined;
  readonly limits: Limits;
  readonly logger: Logger;
  /** Slow clients are looked for this often (ms); 1 s by default. */
  readonly connectionsCheckingInterval?: number | undefined;
}

/** A CA does not wait for longer either (ms). */
const challengeTimeout = 10_000;
const challengePath = '/.well-known/acme-challenge/';

/**
 * Makes the plain listener that answers 308 to https, path and query kept octet for octet. It does not listen yet.
 *
 * It trusts nothing of a request: the Location's authority is the name of a certificate or one in `hosts`, and the
 * port of the https listener. Any other request gets a constant 400. Each connection carries one request, whose body
 * is not read. It never sends HSTS, which browsers ignore over plain HTTP (RFC 6797 7.2).
 *
 * `acmeChallenge` is asked for every well-formed Host, accepted or not: a CA validates names for which there is no
 * certificate yet. All it can give away is what the hook returns for a token that only the CA and the hook know.
 */
export function createRedirect(config: RedirectConfig, listener: RedirectedListener): Server {
  const { limits } = listener;
  const server = createServer({
    headersTimeout: limits.headersTimeout,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.keepAliveTimeout,
    connectionsCheckingInterval: listener.connectionsCheckingInterval ?? 1_000,
    insecureHTTPParser: false,
    // Without a Host it is the same 400 as with a wrong one, whatever the version.
    requireHostHeader: false,
  });
  // Node 20 leaves out what comes after 1000 lines, a second Host among it; their size is bounded anyway.
  server.maxHeadersCount = 0;
  if (limits.maxConnections > 0) server.maxConnections = limits.maxConnections;

  const locate = locator(config, listener);
  const answered = new WeakSet<Socket>();
  const onRequest = (request: IncomingMessage): void => {
    const { socket } = request;
    if (answered.has(socket)) return;
    answered.add(socket);
    const target = readTarget(request);
    if (target === undefined) return answerAndClose(socket, { status: 400 }, request);
    const { acmeChallenge } = config;
    if (acmeChallenge === undefined || !isChallenge(request, target)) {
      return answerAndClose(socket, locate(target), request);
    }
    void answerChallenge(acmeChallenge, target, listener.logger)
      // A logger of somebody's own that throws.
      .catch((): RedirectAnswer => ({ status: 500 }))
      .then((answer) => answerAndClose(socket, answer, request));
  };
  const refuse = (socket: Socket, status: RedirectStatus): void => {
    if (answered.has(socket) || !socket.writable) return void socket.destroy();
    answered.add(socket);
    answerAndClose(socket, { status });
  };
  // An upgrade is a request like any other, as nobody listens for 'upgrade'; nothing is continued that expects 100.
  server.on('request', onRequest).on('checkContinue', onRequest).on('checkExpectation', onRequest);
  server.on('connect', (_request, socket) => refuse(socket as Socket, 400));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    refuse(socket as Socket, statusOf(error.code)),
  );
  return server;
}

function statusOf(code: string | undefined): RedirectStatus {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  return code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
}

/** Where each target has moved to. */
function locator(
  config: RedirectConfig,
  { names, httpsPort }: RedirectedListener,
): (target: RedirectTarget) => RedirectAnswer {
  const configured = new HostNames(config.hosts);
  let listed: readonly string[] | undefined;
  let certified = configured;
  return ({ host, path }) => {
    const now = names();
    if (now !== listed) [listed, certified] = [now, new HostNames(now)];
    if (!configured.has(host) && !certified.has(host)) return { status: 400 };
    const port = config.httpsPort ?? httpsPort();
    if (port === undefined) return { status: 503 };
    const authority = `${hostInUrl(host.name)}${port === 443 ? '' : `:${port}`}`;
    return { status: 308, location: `https://${authority}${path}` };
  };
}

/** Other methods have no business there, and are redirected. */
const isChallenge = ({ method }: IncomingMessage, { path }: RedirectTarget): boolean =>
  (method === 'GET' || method === 'HEAD') && path.startsWith(challengePath);

async function answerChallenge(
  hook: AcmeChallenge,
  { host, path }: RedirectTarget,
  logger: Logger,
): Promise<RedirectAnswer> {
  const token = path.slice(challengePath.length);
  // RFC 8555 8.1: base64url, so that nobody makes a path of it. Real ones have about 43 characters.
  if (!/^[A-Za-z0-9_-]{1,256}$/.test(token)) return { status: 404 };
  try {
    const asked: Promise<unknown> = Promise.resolve(hook(token, host.name));
    const body = await within(systemClock, challengeTimeout, 'it gave no answer in time', asked);
    if (body === undefined || body === null) return { status: 404 };
    if (typeof body === 'string') return { status: 200, body };
    throw new TypeError('it gave neither a text nor undefined');
  } catch (error) {
    logger.warn(`Portcullis: redirect.acmeChallenge failed: ${messageOf(error)}`);
    return { status: 500 };
  }
}
