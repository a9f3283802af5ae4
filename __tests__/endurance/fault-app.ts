import { closeSync, openSync, readdirSync } from 'node:fs';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Request } from 'express';
import {
  createServer,
  denyList,
  forUpgrade,
  type PortcullisOptions,
  requireClientCertificate,
} from '../../lib/index.ts';

/** A server in a process of its own, for faults that a process has to itself: its descriptors, its clock, its end. */
export interface Command {
  readonly id: number;
  readonly do: 'state' | 'reload' | 'release' | 'deny' | 'allow' | 'take' | 'give' | 'shutdown';
  readonly timeout?: number;
  readonly fingerprint256?: string;
}

/** How many timers were set, by whomever. */
let timers = 0;
const { setTimeout: set } = globalThis;
globalThis.setTimeout = ((...args: Parameters<typeof set>) => {
  timers++;
  return set(...args);
}) as typeof set;

const print = (news: object): void => void process.stdout.write(`${JSON.stringify(news)}\n`);
const log = (line: string): void => print({ log: line });
process.on('uncaughtException', (error) => print({ crash: String(error.stack) }));
process.on('unhandledRejection', (error) => print({ crash: String(error) }));
subscribe('portcullis:drop', (event) => print({ drop: (event as { reason: string }).reason }));

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const held: Array<() => void> = [];
const block = Buffer.alloc(1 << 16, 'x');

/** As long as somebody reads. */
function pour(response: ServerResponse): void {
  while (!response.destroyed && response.write(block));
  if (!response.destroyed) response.once('drain', () => pour(response));
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { tls } = request as Request;
  const { clientCertificate, clientCertificateError } = tls!;
  const who = clientCertificateError?.code ?? clientCertificate?.subject['CN']?.[0] ?? 'nobody';
  const end = (): void => {
    response.setHeader('Content-Length', Buffer.byteLength(who));
    response.end(who);
  };
  if (request.url === '/pour') return pour(response);
  if (request.url === '/held') return void held.push(end);
  request.resume();
  request.on('end', end);
}

const denied = denyList();
const { clientAuth, ...options } = JSON.parse(process.env['TEST_OPTIONS']!) as PortcullisOptions;
const server = createServer(
  {
    logger: { info: log, warn: log },
    ...options,
    ...(clientAuth && { clientAuth: { ...clientAuth, denyList: denied } }),
  },
  answer,
);
const allowed = forUpgrade(requireClientCertificate());
server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
  void (async () => {
    if (!(await allowed(request, socket, head))) return;
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  })();
});

/** What the process holds; descriptors are null where none is left to count them by. */
function state(): object {
  collect();
  // process.memoryUsage() needs a descriptor.
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  const { user, system } = process.cpuUsage();
  const { connections, drops, handshakes } = server.stats();
  return {
    open: connections.open,
    ok: handshakes.ok,
    drops: drops.byReason,
    files: countFiles(),
    used: (heap + external) / (1 << 20),
    rss: countFiles() === null ? null : process.memoryUsage.rss() / (1 << 20),
    cpu: (user + system) / 1_000,
    timers,
    now: Date.now(),
  };
}

const taken: number[] = [];

/** All descriptors that are left. */
function take(): number {
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    return taken.length;
  }
}

function countFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

const commands: Readonly<Record<Command['do'], (command: Command) => unknown>> = {
  state,
  reload: () => server.reload(),
  release: () => held.splice(0).map((end) => end()).length,
  deny: ({ fingerprint256 }) => denied.add(fingerprint256!),
  allow: ({ fingerprint256 }) => denied.remove(fingerprint256!),
  take,
  give: () => {
    for (const file of taken.splice(0)) closeSync(file);
  },
  shutdown: ({ timeout = 1_000 }) => {
    lines.close();
    process.stdin.destroy();
    return server.shutdown({ timeout });
  },
};

async function run(command: Command): Promise<void> {
  try {
    print({ id: command.id, value: (await commands[command.do](command)) ?? null });
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    print({ id: command.id, error: { code, message } });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void run(JSON.parse(line) as Command));
server.listen(0, '127.0.0.1', 4_096, () => print({ port: (server.address() as AddressInfo).port }));
