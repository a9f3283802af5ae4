import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { makeUserFolder, type UserFolder } from '../cli/fixtures.ts';
import { get } from './run-example.ts';

const root = resolve(import.meta.dirname, '../..');
const bin = join(root, 'bin', 'portcullis');

let folder: UserFolder;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await makeUserFolder();
  mkdirSync(join(folder.path, 'node_modules'));
  for (const name of ['express', 'portcullis']) {
    const target = name === 'portcullis' ? root : join(root, 'node_modules', name);
    symlinkSync(target, join(folder.path, 'node_modules', name));
  }
  writeFileSync(
    join(folder.path, 'express-app.mjs'),
    `import express from 'express';
const app = express();
app.get('/', (request, response) => response.json({ pid: process.pid, version: request.httpVersion }));
app.get('/crash', () => process.exit(7));
export default app;
`,
  );
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});
afterAll(() => folder.remove());

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly wrote: (text: RegExp) => Promise<RegExpExecArray>;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

/** The command itself, as a user starts it. */
function start(args: readonly string[], options: SpawnOptions = {}): Run {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
    env: { PATH: process.env['PATH'], PORTCULLIS_HOME: join(folder.path, 'home'), ...options.env },
  });
  running.add(child);
  const text = { out: '', err: '' };
  for (const [stream, name] of [
    [child.stdout, 'out'],
    [child.stderr, 'err'],
  ] as const) {
    stream?.on('data', (chunk: Buffer) => {
      text[name] += chunk.toString();
      child.emit('wrote');
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    running.delete(child);
    child.emit('wrote');
    return { code: code as number | null, signal: signal as string | null };
  });
  const wrote = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(`${text.out}\0${text.err}`);
      if (found !== null) return found;
      if (!running.has(child)) throw new Error(`ended without ${pattern}: ${text.out}${text.err}`);
      await once(child, 'wrote');
    }
  };
  return { child, out: () => text.out, err: () => text.err, wrote, ended };
}

const serving = async (run: Run): Promise<string> =>
  (await run.wrote(/https:\/\/localhost:\d+\/\n[^]*^stop .*\n/m))[0].split('\n', 1)[0]!;

const trusted = () => ({
  ca: readFileSync(join(folder.path, 'home/development/authority.pem')),
  host: '127.0.0.1',
  servername: 'localhost',
});

describe('portcullis', () => {
  it('loads nothing but the parser, and what all entries share, to print its help', async () => {
    const hooks = `import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync('loaded.txt', url + '\\n');
  return next(url, context);
}`;
    const register = `import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));`;
    writeFileSync(join(folder.path, 'register.mjs'), register);
    const run = start(['--help'], { env: { NODE_OPTIONS: '--import ./register.mjs --no-warnings' } });
    expect(await run.ended).toEqual({ code: 0, signal: null });
    const packages = Array.from(
      readFileSync(join(folder.path, 'loaded.txt'), 'utf8').matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g),
      ([, name]) => name,
    );
    expect(new Set(packages)).toEqual(new Set(['commander', 'helmet']));
  });

  it('ends quietly where nobody reads on', async () => {
    const run = start(['completion', 'bash']);
    run.child.stdout!.destroy();
    const { code, signal } = await run.ended;
    expect([code, signal, run.err()]).toEqual([0, null, '']);
  });

  it('gives a verdict by its exit code though nobody reads it', async () => {
    const run = start(['audit', 'options.json', '--fail-on', 'info']);
    run.child.stdout!.destroy();
    expect([(await run.ended).code, run.err()]).toEqual([1, '']);
  });

  it('fails where its answer does not fit on the disk', async () => {
    const full = openSync('/dev/full', 'w');
    const run = start(['doctor', '--json'], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    expect((await run.ended).code).toBe(3);
    expect(run.err()).toMatch(/^portcullis: standard output cannot be written: ENOSPC/);
  });

  it.each([
    ['audit', 'export default new Promise(() => {});', 'is never settled'],
    ['serve', 'await new Promise(() => {});', 'is never settled'],
    ['serve --workers 2', 'export default new Promise(() => {});', 'is never settled'],
    ['audit', 'process.exit(0);', '(process.exit)'],
    ['serve --workers 2', 'process.exit(0);', '(process.exit)'],
  ])('%s fails with a line where a module gives no answer: %s', async (command, source, line) => {
    writeFileSync(join(folder.path, 'mute.mjs'), source);
    const [name, ...options] = command.split(' ');
    const run = start([name!, 'mute.mjs', ...options]);
    expect((await run.ended).code).toBe(3);
    expect([run.out(), run.err().split('\n')]).toEqual(['', [expect.stringContaining(line), '']]);
  });

  it('serves on where nobody reads what it says', async () => {
    const source =
      "export default (request, response) => { process.stderr.write('x'); process.stdout.write('x'); response.end(); };";
    writeFileSync(join(folder.path, 'talker.mjs'), source);
    const run = start(['serve', 'talker.mjs', '--port', '0']);
    const url = await serving(run);
    run.child.stderr!.destroy();
    run.child.stdout!.destroy();
    for (let index = 0; index < 3; index++) expect(await get(url, trusted())).toMatchObject({ status: 200 });
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
  });

  it('leaves it to an app that serves how it ends', async () => {
    const source =
      "process.on('SIGTERM', () => process.exit(0)); export default (request, response) => response.end('x');";
    writeFileSync(join(folder.path, 'own-end.mjs'), source);
    const run = start(['serve', 'own-end.mjs', '--port', '0']);
    await serving(run);
    run.child.kill('SIGTERM');
    expect([(await run.ended).code, run.err()]).toEqual([0, expect.not.stringContaining('portcullis:')]);
  });

  it('serves with a development certificate, and ends with 0 by Ctrl-C', async () => {
    const run = start(['serve', 'express-app.mjs', '--port', '0']);
    const url = await serving(run);
    expect(await get(url, trusted())).toMatchObject({ status: 200 });
    expect(run.err()).toContain(
      `curl --cacert ${join(folder.path, 'home/development/authority.pem')} ${url}`,
    );
    run.child.kill('SIGINT');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.out()).toBe(`${url}\n`);
  });

  it('is one stop where npm and the terminal both send the signal', async () => {
    const run = start(['serve', 'express-app.mjs', '--port', '0']);
    await serving(run);
    run.child.kill('SIGINT');
    run.child.kill('SIGINT');
    run.child.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
  });

  it('takes a renewed certificate at SIGHUP', async () => {
    const pair = ['--cert', 'server.pem', '--key', 'server.key'];
    const run = start(['serve', 'express-app.mjs', '--port', '0', ...pair]);
    const url = await serving(run);
    const other = await makeUserFolder();
    for (const name of ['server.key', 'server.pem'])
      writeFileSync(join(folder.path, name), readFileSync(join(other.path, name)));
    run.child.kill('SIGHUP');
    const renewed = { ca: other.ca, host: '127.0.0.1', servername: 'localhost' };
    let answer: { status: number } | undefined;
    while (answer === undefined) answer = await get(url, renewed).catch(() => undefined);
    expect(answer.status).toBe(200);
    other.remove();
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
  });

  it('serves an app in TypeScript where Node runs that, and says so where it does not', async () => {
    writeFileSync(
      join(folder.path, 'typed.mts'),
      "import type { RequestListener } from 'node:http';\nconst app: RequestListener = (request, response) => void response.end('typed');\nexport default app;\n",
    );
    const run = start(['serve', 'typed.mts', '--port', '0']);
    const strips = Reflect.get(process.features, 'typescript') === 'strip';
    const told = strips
      ? /^serving {2}typed\.mts/m
      : /^portcullis: typed\.mts cannot be loaded\nhint: Node [\d.]+ runs no TypeScript/;
    if (strips) {
      await run.wrote(/^stop /m);
      run.child.kill('SIGTERM');
    }
    expect([(await run.ended).code, run.err()]).toEqual([strips ? 0 : 3, expect.stringMatching(told)]);
  });

  it('serves a folder by the Express of the user', async () => {
    const run = start(['serve', 'site', '--port', '0']);
    expect(await get(await serving(run), trusted())).toMatchObject({ status: 200, body: '<h1>home</h1>' });
    run.child.kill('SIGTERM');
    expect((await run.ended).code).toBe(0);
  });

  it('prints one line for an app that crashes later', async () => {
    writeFileSync(
      join(folder.path, 'late.mjs'),
      'export default (request, response) => { response.end(); setImmediate(() => { throw new Error("late"); }); };',
    );
    const run = start(['serve', 'late.mjs', '--port', '0']);
    await get(await serving(run), trusted()).catch(() => undefined);
    expect((await run.ended).code).toBe(3);
    expect(run.err()).toMatch(/\nportcullis: late\n$/);
  });
});

describe('portcullis serve --workers', () => {
  it('prints its URL once, replaces a worker that crashes, and stops all of them', async () => {
    const run = start(['serve', 'express-app.mjs', '--port', '0', '--workers', '2']);
    const url = await serving(run);
    const pids = new Set<number>();
    const ask = async (): Promise<void> => {
      const answer = await get(url, trusted()).catch(() => undefined);
      if (answer !== undefined) pids.add((JSON.parse(answer.body) as { pid: number }).pid);
    };
    while (pids.size < 2) await ask();
    await get(`${url}crash`, trusted()).catch(() => undefined);
    await run.wrote(/worker \d+ has ended \(exit code 7\); another one starts in 1 s/);
    while (pids.size < 3) await ask();
    run.child.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.out()).toBe(`${url}\n`);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('reloads those that serve, and loses none that does not yet', async () => {
    const run = start(['serve', 'express-app.mjs', '--port', '0', '--workers', '3']);
    const url = await serving(run);
    run.child.kill('SIGHUP');
    const pids = new Set<number>();
    while (pids.size < 3) {
      const answer = await get(url, trusted());
      pids.add((JSON.parse(answer.body) as { pid: number }).pid);
    }
    run.child.kill('SIGTERM');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(run.err()).not.toContain('has ended');
  });

  it('tells once why it cannot begin', async () => {
    const run = start(['serve', 'nothing.mjs', '--workers', '3']);
    expect((await run.ended).code).toBe(3);
    expect(run.err().match(/exports no app/g)).toHaveLength(1);
  });
});

describe('portcullis audit', () => {
  it('never listens, and leaves what a module holds open', async () => {
    writeFileSync(
      join(folder.path, 'config.mjs'),
      `import { createServer } from 'portcullis';
setInterval(() => undefined, 1_000);
export const server = createServer({ http2: true });
`,
    );
    const run = start(['audit', 'config.mjs', '--json', '--fail-on', 'none']);
    expect((await run.ended).code).toBe(0);
    expect(JSON.parse(run.out())).toMatchObject({ target: 'config.mjs', ok: true });
  });
});

describe('portcullis pin', () => {
  it('reads from a pipe', async () => {
    const run = start(['pin', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
    run.child.stdin!.end(readFileSync(join(folder.path, 'server.pub')));
    expect((await run.ended).code).toBe(0);
    expect(run.out()).toMatch(/^sha256\/[\w+/]{43}= {2}public key\n$/);
  });

  it('is given up by Ctrl-C while a server is silent', async () => {
    const silent = createServer();
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as { port: number };
    const arrived = once(silent, 'connection');
    const run = start(['pin', `127.0.0.1:${port}`]);
    const [socket] = (await arrived) as [Socket];
    socket.on('error', () => undefined);
    run.child.kill('SIGINT');
    const { code, signal } = await run.ended;
    expect([code, signal].some((one) => one === 3 || one === 'SIGINT')).toBe(true);
    socket.destroy();
    silent.close();
  });
});
