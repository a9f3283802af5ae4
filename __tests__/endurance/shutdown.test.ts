import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { createTestPki, type TestPki } from 'portcullis/testing';

const library = pathToFileURL(join(resolve(import.meta.dirname, '../..'), 'dist/lib/index.js')).href;

/** Tells its port, and as it closes how many requests it has run. */
const program = `
const { createServer } = await import(${JSON.stringify(library)});
const { key, cert } = JSON.parse(process.env.TEST_CREDENTIALS);
let run = 0;
const server = createServer({ key, cert, signals: { shutdown: true }, logger: false }, (request, response) => {
  run++;
  request.resume();
  request.on('end', () => setTimeout(() => response.end('in'), run % 20));
});
server.on('close', () => process.send({ run }));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
`;

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function start(): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', TEST_CREDENTIALS: JSON.stringify(pki.server) },
  });
  children.push(child);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { child, port };
}

type Fate = 'answered' | 'not sent' | 'lost';

/** A POST, which no client may repeat by itself once it has begun to send it. */
function post(port: number, agent: Agent): Promise<Fate> {
  return new Promise((settle) => {
    let connected = false;
    const asked = request(
      { host: '127.0.0.1', port, agent, method: 'POST', rejectUnauthorized: false },
      (answer) => {
        answer.resume();
        answer.on('end', () => settle(answer.statusCode === 200 ? 'answered' : 'lost'));
        answer.on('error', () => settle('lost'));
      },
    );
    asked.on('socket', (socket) => {
      if (asked.reusedSocket) connected = true;
      else socket.once('secureConnect', () => (connected = true));
    });
    // Nothing is sent before the handshake has ended.
    asked.on('error', () => settle(connected ? 'lost' : 'not sent'));
    asked.end('body');
  });
}

/** One client, with one connection at a time, until there is nobody to connect to. */
async function client(port: number, thinks: number): Promise<Record<Fate, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const fates = { answered: 0, 'not sent': 0, lost: 0 };
  while (fates['not sent'] === 0) {
    fates[await post(port, agent)]++;
    if (thinks > 0) await new Promise((think) => setTimeout(think, thinks));
  }
  agent.destroy();
  return fates;
}

it.each(['SIGTERM', 'SIGINT'] as const)(
  '%s under load loses no request, and ends the process by the signal',
  async (signal) => {
    const { child, port } = await start();
    const told = once(child, 'message') as Promise<[{ run: number }]>;
    const exit = once(child, 'exit');
    const clients = Array.from({ length: 30 }, (_, index) => client(port, (index % 3) * 10));
    setTimeout(() => child.kill(signal), 1_000);
    const fates = await Promise.all(clients);
    const [{ run }] = await told;
    const sum = (fate: Fate): number => fates.reduce((total, each) => total + each[fate], 0);
    expect(sum('lost')).toBe(0);
    expect(sum('answered')).toBe(run);
    expect(run).toBeGreaterThan(100);
    expect(await exit).toEqual([null, signal]);
  },
);
