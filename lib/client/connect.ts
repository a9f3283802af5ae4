import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { systemClock } from '../clock.ts';
import type { ClientState, Generation } from './client-state.ts';
import { HandshakeError, type TlsClientError } from './errors.ts';
import { Handshake } from './handshake.ts';
import { readHostName } from './host-name.ts';
import { type Approval, holdsAt, isRefusal, judge, type Target } from './judgement.ts';
import type { KeptSession } from './sessions.ts';

/** Where a connection goes, and by which way. */
export interface Destination {
  readonly target: Target;
  readonly alpn: readonly string[];
  /** For `net.connect`: host and port or path, lookup, family … Nothing of TLS. */
  readonly route: ConnectionOptions;
}

/** What is remembered of a connection that was let through. */
interface Passed {
  readonly generation: Generation;
  readonly approval: Approval;
}

const passed = new WeakMap<TLSSocket, Passed>();

/**
 * Whether a connection of a pool must not be used any more at the time `at` (ms): it was let through by another
 * configuration, or what it was judged by has run out. One in its handshake is not: it will be judged by what counts then.
 */
export function isStale(socket: TLSSocket, state: ClientState, at: number): boolean {
  const known = passed.get(socket);
  return known !== undefined && (known.generation !== state.generation || !holdsAt(known.approval, at));
}

/** When a connection that was let through is good (ms). */
export const validityOf = (socket: TLSSocket): Approval | undefined => passed.get(socket)?.approval;

/**
 * Opens a connection to a server that is verified before it is told anything. What is written before that waits here,
 * and 'secureConnect' comes only from a server that has passed; any other ends with a TlsClientError. Nothing that a
 * request brings along changes how it is judged.
 */
export function openConnection(state: ClientState, destination: Destination): TLSSocket {
  const { target, alpn, route } = destination;
  const { generation } = state;
  const key = JSON.stringify([target.host, target.port, route.host, route.path, alpn]);
  const kept = resumable(generation, key, target);
  const name = readHostName(target.host);
  const options: ConnectionOptions & { readonly requestOCSP: true } = {
    ...route,
    secureContext: generation.config.context.at(Date.now()),
    // Neither NODE_TLS_REJECT_UNAUTHORIZED nor a request's own options get a say.
    rejectUnauthorized: true,
    checkServerIdentity: () => handshake.onIdentity(),
    requestOCSP: true,
    ALPNProtocols: [...alpn],
    // RFC 6066 3: no addresses.
    servername: name?.kind === 'name' ? name.text : '',
    ...(kept !== undefined && { session: kept.session }),
  };
  const socket = connect(options);
  const handshake: Handshake = new Handshake({ socket, state, target, alpn, kept });
  explainErrors(socket, handshake);
  endByAlerts(socket, handshake);
  keepSessions(socket, generation, key, handshake);
  socket.cork();
  const stop = limitTimes(socket, state, target);
  const refuse = (error: TlsClientError | undefined): boolean => {
    if (error !== undefined) socket.destroy(error);
    return error !== undefined;
  };
  socket.on('OCSPResponse', (response: unknown) =>
    refuse(guarded(() => handshake.onStatus(response), socket)),
  );
  refuseRenegotiation(socket, target);
  socket.once('secureConnect', () => {
    stop();
    if (refuse(guarded(() => handshake.onSecure(), socket))) return;
    const { approval } = handshake;
    if (approval === undefined || socket.destroyed) return;
    passed.set(socket, { generation, approval });
    keepAgain(socket, generation, key, kept);
    socket.uncork();
  });
  return socket;
}

/** A fault of ours lets nobody through. */
function guarded(check: () => TlsClientError | undefined, socket: TLSSocket): TlsClientError | undefined {
  try {
    return check();
  } catch (error) {
    socket.destroy(error instanceof Error ? error : new Error('a check has failed', { cause: error }));
    return undefined;
  }
}

/** What is resumed was in order then; where it is not now, a full handshake tells what is wrong. */
function resumable({ config, sessions }: Generation, key: string, target: Target): KeptSession | undefined {
  const kept = sessions.take(key);
  if (kept === undefined) return undefined;
  return isRefusal(judge(config, target, kept.presented, Date.now())) ? undefined : kept;
}

/** Has to be said before the handshake, or Node tells of no session over TLS 1.2. */
function keepSessions(socket: TLSSocket, { sessions }: Generation, key: string, handshake: Handshake): void {
  socket.on('session', (session: Buffer) => {
    const { approval, presented } = handshake;
    if (approval !== undefined && presented !== undefined) sessions.keep(key, { session, presented });
  });
}

/** Over TLS 1.2 the same session may come again, and no other is sent. */
function keepAgain(
  socket: TLSSocket,
  { sessions }: Generation,
  key: string,
  kept: KeptSession | undefined,
): void {
  if (kept !== undefined && socket.isSessionReused() && socket.getProtocol() === 'TLSv1.2')
    sessions.keep(key, kept);
}

/** Whoever asked for the connection gets the error by which it ends: in words of this package where it is about TLS. */
function explainErrors(socket: TLSSocket, handshake: Handshake): void {
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error?: Error) => {
    if (error === undefined || error === null) return destroy();
    return destroy(orItself(error, () => handshake.explain(error)));
  };
}

/** What Node calls with OpenSSL's errors after the handshake, and emits without `destroy` (lib/_tls_wrap.js). */
interface Internals {
  _emitTLSError?: (error: Error) => void;
}

/** The alert by which a server refuses the client: ended by it, and not by the end of the stream that follows. */
function endByAlerts(socket: TLSSocket, handshake: Handshake): void {
  const internals = socket as unknown as Internals;
  const emit = internals._emitTLSError?.bind(socket);
  if (emit === undefined) return;
  internals._emitTLSError = (error) => {
    const explained = orItself(error, () => handshake.explain(error));
    if (explained === error) emit(error);
    else socket.destroy(explained);
  };
}

/** Whatever befalls the explanation: the connection ends. */
function orItself(error: Error, explain: () => unknown): Error {
  try {
    return explain() as Error;
  } catch {
    return error;
  }
}

/** OpenSSL is told to allow none, and a second handshake would be another server. */
function refuseRenegotiation(socket: TLSSocket, target: Target): void {
  socket.once('secure', () =>
    socket.on('secure', () =>
      socket.destroy(
        new HandshakeError(
          { reason: 'RENEGOTIATION', problem: 'the server has renegotiated', remedy: 'Tell its operator.' },
          { ...target, expected: 'one handshake', seen: 'another' },
        ),
      ),
    ),
  );
}

/** Returns what lifts the limits. */
function limitTimes(socket: TLSSocket, { config }: ClientState, target: Target): () => void {
  const { connectTimeout, handshakeTimeout } = config;
  let cancel = systemClock.after(connectTimeout, () => {
    const error = new Error(`connect ETIMEDOUT ${target.host}:${target.port} after ${connectTimeout} ms`);
    socket.destroy(Object.assign(error, { code: 'ETIMEDOUT', syscall: 'connect' }));
  });
  socket.once('connect', () => {
    cancel();
    cancel = systemClock.after(handshakeTimeout, () => socket.destroy(tooLate(target, handshakeTimeout)));
  });
  const stop = (): void => cancel();
  socket.once('close', stop);
  return stop;
}

const tooLate = (target: Target, handshakeTimeout: number): HandshakeError =>
  new HandshakeError(
    {
      reason: 'HANDSHAKE_TIMEOUT',
      problem: 'the server has not finished the handshake in time',
      remedy: 'Check that TLS is spoken on this port.',
    },
    { ...target, expected: `a handshake within ${handshakeTimeout} ms`, seen: 'nothing, or a part of one' },
  );
