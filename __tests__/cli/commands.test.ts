import { spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createPlainServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { detailsOf } from '../../lib/cli/command/details.ts';
import { bypassChecks } from '../../lib/cli/doctor/bypass-checks.ts';
import { environmentChecks } from '../../lib/cli/doctor/environment-checks.ts';
import type { Machine } from '../../lib/cli/doctor/machine.ts';
import { runtimeChecks } from '../../lib/cli/doctor/runtime-checks.ts';
import { readFlags } from '../../lib/cli/inspect/flags.ts';
import { endOnUncaught, failUnlessSettled, finish } from '../../lib/cli/ending.ts';
import { processIo } from '../../lib/cli/process-io.ts';
import { createProgram } from '../../lib/cli/program.ts';
import { withFixedPorts } from '../../lib/cli/serve/fixed-ports.ts';
import { type PoolWorker, WorkerPool } from '../../lib/cli/serve/worker-pool.ts';
import { askSecret } from '../../lib/cli/terminal/ask-secret.ts';
import { jsonText } from '../../lib/cli/terminal/json-text.ts';
import { plain, plainLines } from '../../lib/cli/terminal/plain.ts';
import { wantsColours } from '../../lib/cli/terminal/style.ts';
import { packageVersion } from '../../lib/cli/version.ts';
import { createServer } from '../../lib/listener/create-server.ts';
import { manPage } from '../../scripts/man-page.ts';
import { silentIo } from '../../scripts/silent-io.ts';
import { oddCertificate } from '../support/odd-certificates.ts';
import { commonName } from '../support/odd-names.ts';
import { makeUserFolder, type UserFolder } from './fixtures.ts';
import { runCli } from './harness.ts';
import { transcripts } from './transcript.ts';

let folder: UserFolder;

beforeAll(async () => {
  folder = await makeUserFolder();
});
afterAll(() => folder.remove());

const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)];

describe('a command line', () => {
  it.each(transcripts())('$what', async ({ words, input, out, err, code }) => {
    const environment = { PORTCULLIS_HOME: folder.path, P12_PASSPHRASE: 'open sesame', EMPTY: '' };
    const result = await runCli(words, { directory: folder.path, environment, input });
    expect(result.out).toMatch(out);
    expect(result.err).toMatch(err);
    expect(result.code).toBe(code);
  });
});

describe('the program', () => {
  const program = createProgram(silentIo);

  it('shows examples of each command, which begin with its own name', () => {
    for (const command of everyCommand(program).slice(1)) {
      const path = [command.parent?.parent ? command.parent.name() : '', command.name()].join(' ').trim();
      const { examples } = detailsOf(command);
      expect([path, examples.length > 0]).toEqual([path, true]);
      for (const { line } of examples) expect(line.startsWith(path)).toBe(true);
    }
  });

  it('has examples that its own parser takes', async () => {
    for (const command of everyCommand(program)) {
      for (const { line } of detailsOf(command).examples) {
        const [words] = line.split(/ [>|] /);
        const probe = createProgram(silentIo);
        for (const one of everyCommand(probe)) if (one.commands.length === 0) one.action(() => undefined);
        await expect(probe.parseAsync(shellWords(words!), { from: 'user' })).resolves.toBe(probe);
      }
    }
  });

  it('describes each option and argument', () => {
    for (const command of everyCommand(program)) {
      expect(command.description()).not.toBe('');
      for (const { flags, description } of command.options)
        expect([flags, description]).not.toEqual([flags, '']);
      for (const argument of command.registeredArguments) expect(argument.description).not.toBe('');
    }
  });

  it('has a man page that is up to date', () => {
    const kept = readFileSync(resolve(import.meta.dirname, '../../man/portcullis.1'), 'utf8');
    // Where it is not: npm run man
    expect(kept).toBe(manPage(program, packageVersion()));
  });

  it('tells an error in a line, and its stack where that is wanted', async () => {
    const broken = {
      directory: folder.path,
      now: () => {
        throw new Error('no clock\nat all');
      },
    };
    const { code, out, err } = await runCli(['doctor'], broken);
    expect([code, out, err]).toEqual([3, '', 'portcullis: no clock\n']);
    const debugged = await runCli(['doctor'], { ...broken, environment: { PORTCULLIS_DEBUG: '1' } });
    expect(debugged.err).toMatch(/^portcullis: no clock\nError: no clock\nat all\n +at /);
  });
});

const shellWords = (line: string): string[] =>
  Array.from(line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g), ([, one, two, bare]) => one ?? two ?? bare!);

describe('a terminal', () => {
  it.each([
    ['control sequences', '\u001b[2Jgone', String.raw`\x1b[2Jgone`],
    ['line ends', 'a\r\nb\tc', String.raw`a\r\nb\tc`],
    ['control characters of eight bits', '\u009b31m', String.raw`\x9b31m`],
    ['overrides of the reading order', '\u202efdp.exe', String.raw`\u{202e}fdp.exe`],
    ['what has no width', '\u2066x\u200b\ufeff', String.raw`\u{2066}x\u{200b}\u{feff}`],
    ['tags', 'a\u{e0041}', String.raw`a\u{e0041}`],
    ['half a character', `a${String.fromCharCode(0xd800)}`, String.raw`a\u{d800}`],
  ])('is not shown %s as they are', (_what, text, shown) => {
    expect(plain(text)).toBe(shown);
    expect(plain('Müller, 山田 – ok')).toBe('Müller, 山田 – ok');
  });

  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '' }, false, false],
    [{ FORCE_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
    [{ TERM: 'dumb' }, true, false],
  ])('has colours by %j, a terminal: %j', (environment, isTerminal, colours) => {
    expect(wantsColours(environment, isTerminal)).toBe(colours);
  });

  it('is not shown them in JSON either, which means the same', () => {
    const value = { 'a\u009b': ['\u202e\n\u{e0041}\ufeff\u2028'], b: 'Müller 山田' };
    const shown = jsonText(value);
    expect(shown).toContain(String.raw`"a\u009b"`);
    expect(shown).toContain(String.raw`"\u202e\n\udb40\udc41\ufeff\u2028"`);
    expect(shown).toMatch(/^\{\n {2}"a[^\n]*\n {4}"[^\n]*\n {2}\],\n {2}"b": "Müller 山田"\n\}\n$/);
    expect(JSON.parse(shown)).toEqual(value);
  });

  it('takes a secret without showing it', async () => {
    const [input, raw, shown] = fakeTerminal();
    const asked = askSecret(input, { write: (text) => shown.push(text) }, 'Passphrase: ');
    for (const keys of ['pass', 'x\u007f', 'wörd', '\r']) input.emit('data', Buffer.from(keys));
    await expect(asked).resolves.toBe('passwörd');
    expect(shown.join('')).toBe('Passphrase: \n');
    expect(raw).toEqual([true, false]);
    expect(input.listenerCount('data')).toBe(0);
  });

  it('is given back where a secret is refused by Ctrl-C', async () => {
    const [input, raw, shown] = fakeTerminal();
    const asked = askSecret(input, { write: (text) => shown.push(text) }, '? ');
    input.emit('data', Buffer.from('ab\u0003'));
    await expect(asked).rejects.toThrow('given up');
    expect(raw).toEqual([true, false]);
  });
});

type FakeTerminal = EventEmitter & Parameters<typeof askSecret>[0];

function fakeTerminal(): [FakeTerminal, boolean[], string[]] {
  const raw: boolean[] = [];
  const input = Object.assign(new EventEmitter(), {
    setRawMode: (on: boolean) => raw.push(on),
    resume: () => undefined,
    pause: () => undefined,
  });
  return [input as unknown as FakeTerminal, raw, []];
}

describe('a process', () => {
  const fakeProcess = (env: Readonly<Record<string, string>> = {}, stdin: unknown = {}) => {
    const written: string[] = [];
    const ended: number[] = [];
    const stream = (name: string, isTTY: boolean): EventEmitter =>
      Object.assign(new EventEmitter(), {
        isTTY,
        write: (text: string, done?: () => void) => {
          if (text !== '') written.push(`${name}: ${text}`);
          done?.();
          return true;
        },
      });
    const streams = { stdin, stdout: stream('out', true), stderr: stream('err', false) };
    const rest = { env, cwd: () => '/', exit: (code: number) => ended.push(code), exitCode: undefined };
    const host = Object.assign(new EventEmitter(), streams, rest);
    return { host: host as unknown as NodeJS.Process, ...streams, written, ended };
  };

  it('fails where its output cannot be written', () => {
    const { host, stderr, ended } = fakeProcess();
    processIo(host);
    stderr.emit('error', Object.assign(new Error('full'), { code: 'ENOSPC' }));
    expect(ended).toEqual([3]);
  });

  it.each([0, 1] as const)('gives its answer by the exit code %i though its reader has gone', (code) => {
    const gone = Object.assign(new Error('gone'), { code: 'EPIPE' });
    const { host, stdout, written, ended } = fakeProcess();
    processIo(host);
    stdout.emit('error', gone);
    expect(ended).toEqual([]);
    Object.assign(stdout, {
      errored: gone,
      write: (_text: string, done: (error: Error) => void) => done(gone),
    });
    finish(host, code);
    expect([written, ended]).toEqual([[], [code]]);
  });

  it('goes on where nobody reads its warnings, and serves on where nobody reads at all', () => {
    const { host, stdout, stderr, ended } = fakeProcess();
    const io = processIo(host);
    stderr.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
    io.answered();
    stdout.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
    stderr.emit('error', Object.assign(new Error('full'), { code: 'ENOSPC' }));
    expect(ended).toEqual([]);
  });

  it('fails, and says so, where its answer does not fit on the disk', () => {
    const { host, stdout, written, ended } = fakeProcess();
    Object.assign(stdout, {
      write: (_text: string, done: (error: Error) => void) => done(new Error('full')),
    });
    finish(host, 0);
    expect([written, ended]).toEqual([['err: portcullis: standard output cannot be written: full\n'], [3]]);
  });

  it.each([
    ['by a module', [], 'the module has ended the process (process.exit) before there was an answer'],
    [
      'for want of anything to do',
      ['beforeExit'],
      'nothing is left to do, and no answer is there: a promise of the module is never settled',
    ],
  ])('fails where it is ended %s before its answer, and not after it', (_how, events, line) => {
    const { host, written } = fakeProcess();
    failUnlessSettled(host);
    for (const event of events) host.emit(event as 'beforeExit', 0);
    host.emit('exit', 0);
    expect([host.exitCode, written]).toEqual([3, [`err: portcullis: ${line}\n`]]);
    const answered = fakeProcess();
    failUnlessSettled(answered.host);
    processIo(answered.host).answered();
    answered.host.emit('exit', 0);
    expect([answered.host.exitCode, answered.written]).toEqual([undefined, []]);
  });

  it('writes colours to the terminal, and none into the file beside it', () => {
    const { host, written } = fakeProcess();
    const io = processIo(host);
    io.out('\u001b[1mbold\u001b[22m');
    io.err('\u001b[31mred\u001b[39m');
    expect([io.colours, written]).toEqual([true, ['out: \u001b[1mbold\u001b[22m', 'err: red']]);
  });

  it('is stopped by a signal once, and ended by a later one, where a command heeds them', () => {
    const { host, ended } = fakeProcess();
    let now = 0;
    const io = processIo(host, () => now);
    expect(host.listenerCount('SIGINT')).toBe(0);
    const { stop } = io;
    host.emit('SIGINT', 'SIGINT');
    now = 400;
    host.emit('SIGTERM', 'SIGTERM');
    expect([stop.aborted, stop.reason, ended]).toEqual([true, 'SIGINT', []]);
    now = 600;
    host.emit('SIGTERM', 'SIGTERM');
    expect(ended).toEqual([143]);
  });

  it('reads its standard input to the end, and no endless one', async () => {
    const { host } = fakeProcess({}, [Buffer.from('a'), Buffer.from('b')]);
    expect((await processIo(host).readInput()).toString()).toBe('ab');
    const endless = fakeProcess(
      {},
      Array.from({ length: 17 }, () => Buffer.alloc(1 << 20)),
    );
    await expect(processIo(endless.host).readInput()).rejects.toThrow('longer than 16 MiB');
  });

  it('tells what nobody has caught in one harmless line', () => {
    const { host, written, ended } = fakeProcess();
    endOnUncaught(host);
    host.emit('uncaughtException', new Error('no\u001b[2J\nsecond line'));
    finish(host, 1);
    expect(written).toEqual([String.raw`err: portcullis: no\x1b[2J` + '\n']);
    expect([ended, host.exitCode]).toEqual([[3, 1], 1]);
  });
});

describe('JSON', () => {
  it.each([
    ['pin', ['strange.pem', 'steer\u202e.pem']],
    ['audit', ['steer\u202e.json']],
    ['doctor', []],
    ['inspect', ['HOST', '--quick']],
    ['pki', ['init', '--no-passphrase', '--dir', 'steer\u202e\u009b']],
    ['pki', ['client', 'alice', '--dir', 'steer\u202e\u009b']],
    ['pki', ['list', '--dir', 'steer\u202e\u009b']],
  ])('of %s %j steers no terminal', async (command, words) => {
    const { certificate: cert, key } = oddCertificate({ subject: commonName('a\u001b[31m\u202e') });
    for (const ending of ['pem', 'json']) {
      const content = readFileSync(resolve(folder.path, ending === 'pem' ? 'server.pem' : 'options.json'));
      writeFileSync(resolve(folder.path, `steer\u202e.${ending}`), content);
    }
    const server = createHttpsServer({ key, cert }, (_request, response) => void response.end());
    server.on('tlsClientError', () => undefined);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const args = [command, ...words.map((word) => (word === 'HOST' ? host : word)), '--json'];
    const environment = { PORTCULLIS_HOME: 'steer\u202e', NODE_OPTIONS: '--inspect=\u202e\u009b' };
    const { out, err } = await runCli(args, { directory: folder.path, environment });
    server.close();
    expect([err.startsWith('portcullis:'), out]).toEqual([false, plainLines(out)]);
    expect(JSON.stringify(JSON.parse(out))).toMatch(/\u202e/);
  });

  it('is written in one way', () => {
    const sources = readdirSync(resolve(import.meta.dirname, '../../lib/cli'), { recursive: true })
      .map((name) => resolve(import.meta.dirname, '../../lib/cli', String(name)))
      .filter((file) => file.endsWith('.ts'));
    const others = sources.filter((file) => /\bout\([^;]*JSON\.stringify/.test(readFileSync(file, 'utf8')));
    expect([sources.length > 50, others]).toEqual([true, []]);
  });
});

describe('inspect and audit', () => {
  it('ask at a terminal for the passphrase of an encrypted key', async () => {
    const asked: string[] = [];
    const answer = (prompt: string): Promise<string> => {
      asked.push(prompt);
      return Promise.resolve('open sesame');
    };
    const flags = { profile: 'modern', cert: 'server.pem', key: 'encrypted.key' } as const;
    const read = await readFlags(flags, { ...silentIo, askSecret: answer, directory: folder.path });
    expect([read.passphrase, asked]).toEqual(['open sesame', ['Passphrase of encrypted.key: ']]);
  });
});

describe('pin', () => {
  it('gives a server, its key, its request and its PKCS#12 file the same pin, in text and JSON', async () => {
    const server = createServer({
      key: readFileSync(resolve(folder.path, 'server.key')),
      cert: readFileSync(resolve(folder.path, 'server.pem')),
      logger: false,
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const targets = [host, 'server.key', 'server.pub', 'server.pem', 'server.p12', '-'];
    const input = readFileSync(resolve(folder.path, 'server.pub'));
    const surroundings = { directory: folder.path, input, environment: { P: 'open sesame' } };
    const json = await runCli(['pin', ...targets, '--json', '--passphrase-env', 'P'], surroundings);
    const text = await runCli(['pin', host, '--chain'], surroundings);
    await server.shutdown({ timeout: 0 });
    const found = JSON.parse(json.out) as { target: string; pin: string; hex: string }[];
    const firsts = targets.map((target) => found.find((one) => one.target === target)!.pin);
    expect(new Set(firsts).size).toBe(1);
    expect(Buffer.from(found[0]!.hex, 'hex').toString('base64')).toBe(firsts[0]!.slice('sha256/'.length));
    expect(text.out.split('  ')[0]).toBe(firsts[0]);
    expect(text.err).toContain('was not verified');
    expect([json.code, text.code]).toEqual([0, 0]);
  });

  it('takes certificates and passphrases from pipes', async () => {
    const pipe = (name: string, content: string): string => {
      const file = resolve(folder.path, name);
      spawnSync('mkfifo', [file]);
      spawn('sh', ['-c', 'printf %s "$2" > "$1"', 'sh', file, content]);
      return name;
    };
    const options = { directory: folder.path, input: 'open sesame\n' };
    const certificate = readFileSync(resolve(folder.path, 'server.pem'), 'latin1');
    const own = await runCli(['pin', 'server.pub'], options);
    const words = [
      [pipe('piped.pem', certificate)],
      ['server.p12', '--passphrase-file', pipe('piped.txt', 'open sesame')],
      ['server.p12', '--passphrase-file', '-'],
    ];
    for (const word of words) {
      const { code, out } = await runCli(['pin', ...word], options);
      expect([code, out.split('  ')[0]]).toEqual([0, own.out.split('  ')[0]]);
    }
  });

  it('asks for a passphrase at a terminal, once for a file, and does not repeat it', async () => {
    const { code, out, err } = await runCli(['pin', 'server.p12'], {
      directory: folder.path,
      secrets: ['open sesame'],
    });
    expect([code, out.startsWith('sha256/')]).toEqual([0, true]);
    expect(err).toBe('Passphrase of server.p12: ');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'sees a server that wants a certificate of everybody (%s)',
    async (version) => {
      const server = createTlsServer({
        key: readFileSync(resolve(folder.path, 'server.key')),
        cert: readFileSync(resolve(folder.path, 'server.pem')),
        ca: folder.ca,
        requestCert: true,
        minVersion: version,
        maxVersion: version,
      });
      server.on('connection', (socket) => socket.on('error', () => undefined));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      const { code, out } = await runCli(['pin', `127.0.0.1:${port}`]);
      const own = await runCli(['pin', 'server.pub'], { directory: folder.path });
      server.close();
      expect([code, out.split('  ')[0]]).toEqual([0, own.out.split('  ')[0]]);
    },
  );

  it('says who refuses connections, and who speaks no TLS', async () => {
    const free = createPlainServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume();
      socket.end('220 mail.example.org ESMTP\r\n');
    });
    await once(free.listen(0, '127.0.0.1'), 'listening');
    const host = `127.0.0.1:${(free.address() as AddressInfo).port}`;
    const mute = await runCli(['pin', host]);
    free.close();
    await once(free, 'close');
    const gone = await runCli(['pin', host]);
    expect([mute.code, gone.code]).toEqual([3, 3]);
    expect(mute.err).toMatch(/does not speak TLS|has ended the handshake/);
    expect(gone.err).toContain(`${host} refuses connections`);
  });
});

describe('audit', () => {
  it('keeps its standard output for the answer, whatever a module writes there', async () => {
    const module = `process.stdout.write('loading'); process.stdout.write(Buffer.from('\\n'), () => console.error); export const options = ${JSON.stringify({ dangerouslySecurityLevel: 1 })};`;
    writeFileSync(resolve(folder.path, 'talks.mjs'), module);
    const write = process.stdout.write.bind(process.stdout);
    const escaped: unknown[] = [];
    process.stdout.write = (chunk: unknown): boolean => escaped.push(chunk) > 0;
    const { out, err } = await runCli(['audit', 'talks.mjs', '--json'], { directory: folder.path });
    process.stdout.write = write;
    expect([err.startsWith('loading\n'), escaped]).toEqual([true, []]);
    expect(JSON.parse(out)).toMatchObject({ target: 'talks.mjs' });
  });

  it('fails from the severity that is asked for, and says so in JSON', async () => {
    const options = { directory: folder.path };
    const strict = await runCli(['audit', 'options.json', '--fail-on', 'info', '--json'], options);
    const lenient = await runCli(['audit', 'options.json', '--fail-on', 'none', '--json'], options);
    expect([strict.code, lenient.code]).toEqual([1, 0]);
    const report = JSON.parse(strict.out) as { ok: boolean; findings: { code: string; remedy: string }[] };
    expect(report.ok).toBe(false);
    expect(report.findings.map(({ code }) => code)).toContain('DANGEROUS_OPTION');
    expect((JSON.parse(lenient.out) as { ok: boolean }).ok).toBe(true);
  });

  it.each([
    ['options', 'exports.options = PAIR;'],
    ['options beside others', 'exports.config = { colour: "red" }; exports.options = PAIR;'],
    ['what TypeScript makes of a default', 'exports.__esModule = true; exports.default = PAIR;'],
    ['all that it exports', 'module.exports = PAIR;'],
  ])('reads of CommonJS %s', async (what, source) => {
    const name = `${what.replaceAll(' ', '-')}.cjs`;
    const pair = readFileSync(resolve(folder.path, 'options.json'), 'utf8');
    writeFileSync(resolve(folder.path, name), source.replace('PAIR', pair));
    const { code, out, err } = await runCli(['audit', name, '--fail-on', 'none'], { directory: folder.path });
    expect([code, err, out.includes('DANGEROUS_OPTION')]).toEqual([0, '', true]);
  });

  it.each(['json', 'mjs'])('audits nothing below options that nobody could serve, in %s', async (ending) => {
    const broken = '{ "ciphers": "BAD", "config": { "profile": "modern" } }';
    const source = ending === 'json' ? broken : `export default ${broken};`;
    writeFileSync(resolve(folder.path, `broken.${ending}`), source);
    const { code, out } = await runCli(['audit', `broken.${ending}`], { directory: folder.path });
    expect([code, out]).toEqual([3, '']);
  });

  it('takes a default export for the options, whatever else a module exports', async () => {
    const pair = readFileSync(resolve(folder.path, 'options.json'), 'utf8');
    writeFileSync(
      resolve(folder.path, 'both.mjs'),
      `export const config = { colour: 'red' }; export default ${pair};`,
    );
    const { code } = await runCli(['audit', 'both.mjs', '--fail-on', 'none'], { directory: folder.path });
    expect(code).toBe(0);
  });

  it.each(['server.mjs', 'promised.mjs'])('reads a server, or promised options: %s', async (name) => {
    const { code, out, err } = await runCli(['audit', name, '--fail-on', 'none'], { directory: folder.path });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('HSTS_NOT_SEEN');
    expect(out).not.toContain('CERTIFICATE_DEVELOPMENT');
  });
});

const machine = (given: Partial<Machine>): Machine => ({
  node: '24.21.0',
  openssl: '3.5.8',
  platform: 'linux x64',
  fips: false,
  execArgv: [],
  environment: {},
  openFiles: 20_000,
  now: Date.parse('2026-11-21'),
  directory: folder.path,
  ...given,
});

describe('doctor', () => {
  const found = (given: Partial<Machine>, status = 'wrong'): string[] =>
    [...runtimeChecks(machine(given)), ...environmentChecks(machine(given))]
      .filter((check) => check.status === status)
      .map(({ code }) => code);

  it('finds nothing wrong with a machine that is in order', () => {
    expect(found({})).toEqual([]);
    expect(found({}, 'note')).toEqual([]);
    // No debugger by itself.
    expect(found({ execArgv: ['--inspect-port=0', '--no_warnings'] }, 'note')).toEqual([]);
    // Node takes the greater one.
    const environment = { NODE_OPTIONS: '--tls-max-v1.2' };
    expect(found({ environment, execArgv: ['--tls-max-v1.3'] }, 'note')).toEqual([]);
  });

  it('notes a folder that it may not look into', async () => {
    symlinkSync('round', resolve(folder.path, 'round'));
    const environment = { PORTCULLIS_HOME: resolve(folder.path, 'round') };
    const { out } = await runCli(['doctor'], { directory: folder.path, environment });
    expect(out).toContain('cannot be looked at (ELOOP)');
  });

  it.each<[string, Partial<Machine>, string]>([
    ['a Node beyond its end of life', { node: '20.20.2' }, 'NODE'],
    ['an OpenSSL beyond its end of life', { openssl: '3.0.19' }, 'OPENSSL'],
    ['a clock of the last century', { now: 0 }, 'CLOCK'],
    ['a clock that is none', { now: Number.NaN }, 'CLOCK'],
    [
      'clients that verify nobody',
      { environment: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
      'NODE_TLS_REJECT_UNAUTHORIZED',
    ],
    ['old versions by NODE_OPTIONS', { environment: { NODE_OPTIONS: '--tls-min-v1.0' } }, 'TLS_MIN_VERSION'],
    ['old versions by an argument', { execArgv: ['--tls-min-v1.1'] }, 'TLS_MIN_VERSION'],
    ['old versions by an underscore', { environment: { NODE_OPTIONS: '--tls_min_v1.0' } }, 'TLS_MIN_VERSION'],
    ['old versions in quotes', { environment: { NODE_OPTIONS: '"--tls-min-v1.\\0"' } }, 'TLS_MIN_VERSION'],
    ['keys that are logged', { execArgv: ['--tls-keylog=/tmp/keys'] }, 'TLS_KEYLOG'],
    ['a lenient parser', { environment: { NODE_OPTIONS: '--insecure-http-parser' } }, 'INSECURE_HTTP_PARSER'],
  ])('finds %s', (_what, given, code) => {
    expect(found(given)).toEqual([code]);
  });

  it.each<[string, Partial<Machine>, string]>([
    ['an end of life that is near', { node: '22.23.3', now: Date.parse('2027-03-01') }, 'NODE'],
    ['a line that it does not know', { node: '31.0.0' }, 'NODE'],
    ['few files', { openFiles: 1_024 }, 'OPEN_FILES'],
    ['no TLS 1.3 by NODE_OPTIONS', { environment: { NODE_OPTIONS: '--tls-max-v1.2' } }, 'TLS_MAX_VERSION'],
    ['a key log of other programs', { environment: { SSLKEYLOGFILE: '/tmp/keys' } }, 'SSLKEYLOGFILE'],
    ['more CAs', { environment: { NODE_EXTRA_CA_CERTS: 'ca.pem' } }, 'EXTRA_AUTHORITIES'],
    ['the CAs of the system', { environment: { NODE_USE_SYSTEM_CA: '1' } }, 'EXTRA_AUTHORITIES'],
    ['other ciphers', { execArgv: ['--tls-cipher-list=AES128-SHA'] }, 'TLS_CIPHER_LIST'],
    ['a debugger', { execArgv: ['--inspect-brk=9229'] }, 'INSPECTOR'],
    [
      'another configuration of OpenSSL',
      { environment: { OPENSSL_CONF: 'openssl.cnf' } },
      'OPENSSL_CONFIGURATION',
    ],
  ])('notes %s', (_what, given, code) => {
    expect(found(given, 'note')).toEqual([code]);
  });

  it.each([
    ['24.20.0', 'note'],
    ['24.21.0', 'ok'],
    ['26.10.0', 'ok'],
    ['26.7.9', 'note'],
    ['22.23.3', 'note'],
  ])('knows whether Node %s lets in clients without a certificate', (node, status) => {
    expect(bypassChecks({ node })[0]).toMatchObject({ code: 'RESUMPTION_WITHOUT_CERTIFICATE', status });
  });

  it('says by its exit code and as JSON whether something is wrong', async () => {
    const environment = { NODE_TLS_REJECT_UNAUTHORIZED: '0', PORTCULLIS_HOME: folder.path };
    const { code, out } = await runCli(['doctor', '--json'], { directory: folder.path, environment });
    const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: { code: string }[] };
    expect([code, ok]).toEqual([1, false]);
    expect(checks.map((check) => check.code)).toEqual(
      expect.arrayContaining(['NODE', 'OPENSSL', 'GROUPS', 'DEVELOPMENT_CERTIFICATE', 'EXPRESS']),
    );
  });
});

describe('completion', () => {
  const complete = async (words: readonly string[]): Promise<string[]> => {
    const { out: script } = await runCli(['completion', 'bash']);
    const asked = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_portcullis; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', `${script}\n${asked}`], {
      cwd: folder.path,
      encoding: 'utf8',
    });
    expect([stderr, status]).toEqual(['', 0]);
    return stdout.split('\n').filter(Boolean);
  };

  it.each([
    ['commands', ['portcullis', 'do'], ['doctor']],
    ['options', ['portcullis', 'serve', '--cl'], ['--client-auth']],
    ['choices', ['portcullis', 'serve', '--profile', 'm'], ['modern']],
    ['choices after =', ['portcullis', 'serve', '--profile', '=', 'i'], ['intermediate']],
    ['files of an option', ['portcullis', 'serve', '--cert', 'server.pe'], ['server.pem']],
    ['files of an argument', ['portcullis', 'pin', 'backup'], ['backup.csr']],
    ['commands within commands', ['portcullis', 'pki', 'revo'], ['revoke']],
    ['what help is about', ['portcullis', 'help', 'aud'], ['audit']],
    ['shells', ['portcullis', 'completion', 'z'], ['zsh']],
    ['nothing where a number is due', ['portcullis', 'serve', '--port', ''], []],
  ])('of bash knows %s', async (_what, words, completed) => {
    expect(await complete(words)).toEqual(completed);
  });

  it.each(['zsh', 'fish'])('of %s names every command and option', async (shell) => {
    const { out } = await runCli(['completion', shell]);
    for (const command of everyCommand(createProgram(silentIo))) {
      for (const { long } of command.options) expect(out).toContain(long!.slice(2));
    }
  });
});

interface FakeWorker extends PoolWorker {
  readonly signals: string[];
  serve: () => void;
  end: (how: number | string) => void;
}

describe('workers', () => {
  it('are given free ports in place of 0, so that they come back to those that were announced', async () => {
    const flags = { host: '127.0.0.1', profile: 'intermediate', workers: 2, grace: 10 } as const;
    const words = ['serve', '-p', '0', '--', 'app.mjs'];
    expect(await withFixedPorts(words, { ...flags, port: 8443 })).toEqual(words);
    expect(await withFixedPorts(words, { ...flags, port: 0 })).toEqual([
      ...words.slice(0, 3),
      expect.stringMatching(/^--port=[1-9]\d+$/),
      ...words.slice(3),
    ]);
    const both = await withFixedPorts(['serve'], { ...flags, port: 0, redirect: 0 });
    const [port, redirect] = both.slice(1).map((word) => word.split('='));
    expect([port![0], redirect![0]]).toEqual(['--port', '--redirect']);
    expect(port![1]).not.toBe(redirect![1]);
    // The first worker tells what is wrong with it.
    expect(await withFixedPorts(words, { ...flags, port: 0, host: '192.0.2.1' })).toEqual(words);
  });

  const pool = (count = 3) => {
    const workers: FakeWorker[] = [];
    const pauses: { ms: number; run: () => void; cancelled: boolean }[] = [];
    const told: string[] = [];
    let now = 0;
    const made = new WorkerPool({
      count,
      fork: () => {
        const worker: FakeWorker = {
          pid: 100 + workers.length,
          signals: [],
          serve: () => undefined,
          end: () => undefined,
          onServing: (heard) => (worker.serve = () => heard({})),
          onExit: (ended) => (worker.end = ended),
          kill: (signal) => worker.signals.push(signal),
        };
        workers.push(worker);
        return worker;
      },
      delay: (run, ms) => {
        const pause = { ms, run, cancelled: false };
        pauses.push(pause);
        return () => (pause.cancelled = true);
      },
      now: () => now,
      tell: (line) => told.push(line),
      onServing: () => told.push('serving'),
    });
    return { made, workers, pauses, told, at: (ms: number) => (now = ms) };
  };

  it('begin once the first one serves, which is told once', () => {
    const { workers, told } = pool();
    expect(workers).toHaveLength(1);
    workers[0]!.serve();
    expect(workers).toHaveLength(3);
    workers[1]!.serve();
    expect(told).toEqual(['serving']);
  });

  it('do not begin where the first one fails, whose exit code is that of all', async () => {
    const { made, workers, pauses } = pool();
    workers[0]!.end(3);
    await expect(made.done).resolves.toBe(3);
    expect([workers.length, pauses.length]).toEqual([1, 0]);
  });

  it('fail where the first one is killed, or ends without a word', async () => {
    const killed = pool();
    killed.workers[0]!.end('SIGKILL');
    await expect(killed.made.done).resolves.toBe(3);
    expect(killed.told).toEqual(['the first worker was ended by SIGKILL']);
    const silent = pool();
    silent.workers[0]!.end(0);
    await expect(silent.made.done).resolves.toBe(3);
  });

  it('are replaced after a pause, which doubles up to half a minute, and begins anew after a minute of health', () => {
    const { workers, pauses, told, at } = pool(1);
    workers[0]!.serve();
    for (let index = 0; index < 7; index++) {
      workers.at(-1)!.end(1);
      pauses.at(-1)!.run();
    }
    at(60_000);
    workers.at(-1)!.end('SIGSEGV');
    expect(pauses.map(({ ms }) => ms)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 1_000]);
    expect(told[1]).toBe('worker 100 has ended (exit code 1); another one starts in 1 s');
  });

  it('are told to reload once they serve, as the signal would end them before', () => {
    const { made, workers } = pool();
    workers[0]!.serve();
    workers[1]!.serve();
    made.reload();
    const signals = (): string[][] => workers.map((worker) => worker.signals);
    expect(signals()).toEqual([['SIGHUP'], ['SIGHUP'], []]);
    workers[2]!.serve();
    expect(signals()).toEqual([['SIGHUP'], ['SIGHUP'], ['SIGHUP']]);
    made.reload();
    expect(signals()).toEqual(workers.map(() => ['SIGHUP', 'SIGHUP']));
  });

  it('stop together, without those that were to start', async () => {
    const { made, workers, pauses } = pool();
    workers[0]!.serve();
    workers[2]!.end('SIGKILL');
    made.stop();
    expect(pauses[0]!.cancelled).toBe(true);
    expect(workers.map(({ signals }) => signals)).toEqual([['SIGTERM'], ['SIGTERM'], []]);
    workers[0]!.end(0);
    workers[1]!.end('SIGTERM');
    await expect(made.done).resolves.toBe(0);
  });
});
