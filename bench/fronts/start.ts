import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { type Cast, host } from '../credentials.ts';
import { startServer, type Subject } from '../harness.ts';
import type { Context } from '../measure.ts';
import { frontCommand, type FrontName } from './configs.ts';
import { cpuOf, processTree } from './cpu.ts';

interface FrontOptions {
  readonly mutual: boolean;
  /** Whether Express over plain HTTP stands behind it, in a process of its own whose CPU counts too. */
  readonly upstream: boolean;
}

/** nginx or Caddy as the server of TLS, with the same certificates. The program must be there. */
export async function startFront(
  name: FrontName,
  { mutual, upstream }: FrontOptions,
  context: Context,
  { credentials }: Cast,
): Promise<Subject> {
  const app = upstream
    ? await startServer(context, { name: 'http upstream', credentials, mutual: false })
    : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  context.onEnd(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'server.pem'), credentials.cert);
  writeFileSync(join(folder, 'server.key'), credentials.key, { mode: 0o600 });
  writeFileSync(join(folder, 'ca.pem'), credentials.ca);
  const port = await freePort();
  const command = frontCommand(name, { folder, port, serverName: host, mutual, upstream: app?.port });
  writeFileSync(join(folder, command.configName), command.config);
  const front = spawn(command.program, command.args, {
    cwd: folder,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const kill = (): void => void front.kill();
  process.once('exit', kill);
  context.onEnd(async () => {
    process.off('exit', kill);
    await endProcess(front);
  });
  await listening(front, command.program, port);
  // nginx listens before it has its worker.
  const own = (): number => cpuOf(processTree(front.pid!));
  return { port, cpu: async () => own() + ((await app?.cpu()) ?? 0) };
}

/** Neither can tell which port it was given. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const patience = 10_000;

async function listening(child: ChildProcess, program: string, port: number): Promise<void> {
  let said = '';
  let ended: Error | undefined;
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-2_000)));
  child.once('error', (error) => (ended = error));
  child.once(
    'exit',
    (code, signal) => (ended = new Error(`${program} has ended, ${signal ?? code}: ${said}`)),
  );
  for (const start = performance.now(); !(await accepts(port)); await setTimeout(20)) {
    if (ended !== undefined) throw ended;
    if (performance.now() - start > patience) throw new Error(`${program} does not listen: ${said}`);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}
