import cluster from 'node:cluster';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../errors.ts';
import { createServer } from '../../listener/create-server.ts';
import type { Logger } from '../../listener/logger.ts';
import type { PortcullisServer } from '../../listener/server.ts';
import { CliFailure } from '../failure.ts';
import { codeOf } from '../input/read-file.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { announce, type Served } from './announce.ts';
import { type Entry, loadEntry } from './entry.ts';
import { inFlags, type ServeFlags, serverOptions } from './flags.ts';

/** Serves in this process until it is asked to stop, and then finishes what has begun. */
export async function serveHere(
  name: string,
  flags: ServeFlags,
  passphrase: string | undefined,
  io: Io,
): Promise<void> {
  const entry = await loaded(name, io);
  // From now on a signal is heeded: who reads the URL may send one at once.
  const { stop } = io;
  const server = makeServer(entry, flags, passphrase, io);
  await listen(server, flags);
  const { port, address } = server.address() as AddressInfo;
  const served: Served = { name, kind: entry.kind, address, port, redirect: redirectPort(server) };
  if (cluster.isWorker) process.send?.({ portcullis: 'serving/1', served });
  else await announce(served, flags, io);
  io.answered();
  await stopped(stop);
  await end(server, flags, io);
}

/** A worker's channel alone must not keep it waiting for a module that is never ready. */
async function loaded(name: string, io: Io): Promise<Entry> {
  const channel = cluster.isWorker ? process.channel : undefined;
  channel?.unref();
  try {
    return await loadEntry(name, io);
  } finally {
    channel?.ref();
  }
}

function makeServer(
  { app }: Entry,
  flags: ServeFlags,
  passphrase: string | undefined,
  io: Io,
): PortcullisServer {
  try {
    return createServer({ ...serverOptions(flags, passphrase, io), logger: loggerOf(io) }, app);
  } catch (error) {
    throw inFlags(error);
  }
}

/** What `announce` says better is left out. */
const announced = /^Portcullis: (?:listening on|serving localhost with)/;

const loggerOf = (io: Io): Logger => ({
  info: (message) => {
    if (!announced.test(message)) io.err(`${plain(message)}\n`);
  },
  warn: (message) => io.err(`${plain(message)}\n`),
});

/** Waits for 'listening' of it and of its redirect, and for a certificate that is still being made. */
async function listen(server: PortcullisServer, flags: ServeFlags): Promise<void> {
  let fail!: (error: unknown) => void;
  // From the beginning: an error of the redirect is one of the server, and may come while that says 'listening'.
  const failed = new Promise<never>((_resolve, reject) => server.on('error', (fail = reject)));
  try {
    server.listen(flags.port, flags.host);
    await Promise.race([whole(server), failed]);
  } catch (error) {
    await server.shutdown({ timeout: 0 });
    throw listenFailure(error, flags) ?? inFlags(error);
  } finally {
    server.removeListener('error', fail);
  }
}

async function whole(server: PortcullisServer): Promise<void> {
  const { redirect } = server;
  await Promise.all([
    once(server, 'listening'),
    ...(redirect === undefined ? [] : [once(redirect, 'listening')]),
  ]);
  // Such as the development certificate, while it is being made.
  if (server.audit().findings.some(({ code }) => code === 'CERTIFICATE_MISSING')) await server.reload();
}

function listenFailure(error: unknown, { port, host, redirect }: ServeFlags): CliFailure | undefined {
  const used = Number((error as { port?: unknown } | null)?.port ?? port);
  const flag = used === redirect && used !== port ? '--redirect' : '--port';
  const code = codeOf(error);
  if (code === undefined) return undefined;
  switch (code) {
    case 'EADDRINUSE':
      return new CliFailure(`port ${used} of ${host} is in use`, `Choose another: ${flag} ${next(used)}`);
    case 'EACCES':
      return new CliFailure(
        `port ${used} needs more rights than this user has`,
        `Choose one from 1024 on, ${flag} ${used === 80 ? 8080 : 8443}, or let a service manager open it.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new CliFailure(
        `this machine has no address ${host}`,
        'Give --host 127.0.0.1, or 0.0.0.0 for all.',
      );
    default:
      return undefined;
  }
}

const next = (port: number): number => (port < 65_535 ? port + 1 : 0);

const redirectPort = ({ redirect }: PortcullisServer): number | undefined =>
  redirect === undefined ? undefined : (redirect.address() as AddressInfo).port;

const stopped = (stop: AbortSignal): Promise<unknown> =>
  stop.aborted ? Promise.resolve() : once(stop, 'abort');

async function end(server: PortcullisServer, { grace }: ServeFlags, io: Io): Promise<void> {
  try {
    const { aborted } = await server.shutdown({ timeout: grace * 1_000 });
    if (aborted > 0)
      io.err(`${aborted} ${aborted === 1 ? 'request was' : 'requests were'} cut after ${grace} s\n`);
  } catch (error) {
    throw new CliFailure(`the server did not stop cleanly: ${messageOf(error)}`, undefined, undefined, error);
  }
}
