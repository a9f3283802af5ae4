import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const packages: Readonly<Record<string, string>> = {
  caddy: 'caddy',
  'gnutls-serv': 'gnutls-bin',
  nginx: 'nginx',
  openssl: 'openssl',
};

/** Servers of other makers on 127.0.0.1, and the files that they read; `close` ends them all. */
export class TlsServers {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'portcullis-servers-'));
  readonly #children: ChildProcess[] = [];

  write(name: string, content: string): string {
    const file = join(this.directory, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  /** `openssl s_server`, which tells the port that it has found free. */
  async openssl(args: readonly string[]): Promise<number> {
    const { child, words } = this.#start('openssl', ['s_server', '-accept', '127.0.0.1:0', '-www', ...args]);
    const port = await until(child, words, (said) => /ACCEPT 127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
    return Number(port);
  }

  async gnutls(priority: string, args: readonly string[]): Promise<number> {
    const port = await freePort();
    const { child, words } = this.#start('gnutls-serv', [
      '--http',
      `--port=${port}`,
      `--priority=${priority}`,
      ...args,
    ]);
    await until(child, words, async () => ((await listens(port)) ? 'listens' : undefined));
    return port;
  }

  /** `configuration`: of the server on `port`. */
  async nginx(configuration: (port: number) => string): Promise<number> {
    const port = await freePort();
    const file = this.write(
      `nginx-${port}.conf`,
      `daemon off; master_process off; pid ${this.directory}/nginx-${port}.pid; error_log stderr;
events {}
http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${this.directory}/${name};`)
        .join(' ')} ${configuration(port)} }`,
    );
    const { child, words } = this.#start('nginx', ['-c', file, '-e', 'stderr']);
    await until(child, words, async () => ((await listens(port)) ? 'listens' : undefined));
    return port;
  }

  async caddy(configuration: (port: number) => string): Promise<number> {
    const port = await freePort();
    const file = this.write(`Caddyfile-${port}`, configuration(port));
    const { child, words } = this.#start('caddy', ['run', '--adapter', 'caddyfile', '--config', file]);
    await until(child, words, async () => ((await listens(port)) ? 'listens' : undefined));
    return port;
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }),
    );
    rmSync(this.directory, { recursive: true, force: true });
  }

  #start(program: string, args: readonly string[]): { child: ChildProcess; words: string[] } {
    const environment = {
      ...process.env,
      LC_ALL: 'C',
      OPENSSL_CONF: '/dev/null',
      HOME: this.directory,
      XDG_CONFIG_HOME: this.directory,
      XDG_DATA_HOME: this.directory,
    };
    // s_server ends with its standard input.
    const child = spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    const words: string[] = [];
    child.on('error', ({ message }) =>
      words.push(`${program} cannot be run (Debian package ${packages[program]}): ${message}`),
    );
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (some: string) => words.push(some));
    child.stdin.on('error', () => undefined);
    this.#children.push(child);
    return { child, words };
  }
}

async function until(
  child: ChildProcess,
  words: readonly string[],
  look: (said: string) => string | undefined | Promise<string | undefined>,
): Promise<string> {
  for (;;) {
    const found = await look(words.join(''));
    if (found !== undefined) return found;
    if (child.pid === undefined || child.exitCode !== null)
      throw new Error(`${child.spawnargs.join(' ')}:\n${words.join('')}`);
    await pause(10);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const closed = once(server, 'close');
  server.close();
  await closed;
  return port;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((settle) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      settle(true);
    });
    socket.once('error', () => settle(false));
  });
