import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request as plainRequest } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthority, type IssuedCertificate } from '../../lib/pki/index.ts';
import { type CliResult, type CliSurroundings, runCli } from './harness.ts';
import { makeUserFolder, type UserFolder } from './fixtures.ts';

let folder: UserFolder;

beforeAll(async () => {
  folder = await makeUserFolder();
  makeSite(join(folder.path, 'site'));
});
afterAll(() => folder.remove());

/** What must not be seen, beside what may. */
function makeSite(place: string): void {
  const files: Readonly<Record<string, string>> = {
    '.env': 'SECRET=1',
    'page.html': '<p>page</p>',
    'notes.txt': 'notes',
    'tls.key': 'anything',
    'server.txt': 'comment\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQ==\n',
    'account.json': '{"private_key": "-----BEGIN PRIVATE KEY-----\\nMIG"}',
    'public.pem': '-----BEGIN CERTIFICATE-----\n',
    'KEYS.P12': 'anything',
    id_ed25519: 'anything',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(place, name), content);
  mkdirSync(join(place, 'empty'));
  mkdirSync(join(place, '.git'));
  writeFileSync(join(place, '.git', 'config'), 'hidden');
  symlinkSync('../server.pub', join(place, 'outside.txt'));
  symlinkSync('page.html', join(place, 'inside.html'));
  symlinkSync('.env', join(place, 'env.txt'));
  symlinkSync('round.txt', join(place, 'round.txt'));
  spawnSync('mkfifo', [join(place, 'pipe.txt'), join(place, 'empty', 'index.html')]);
  // As Kubernetes mounts a ConfigMap.
  mkdirSync(join(place, '..2026_11_21'));
  writeFileSync(join(place, '..2026_11_21', 'mounted.txt'), 'mounted');
  symlinkSync('..2026_11_21', join(place, '..data'));
  symlinkSync('..data/mounted.txt', join(place, 'mounted.txt'));
  makeKeys(place);
}

/** Private keys in every form, and what resembles them. */
function makeKeys(place: string): void {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const encryption = { cipher: 'aes-256-cbc', passphrase: 'x' };
  const secret = pair.privateKey.export({ format: 'jwk' });
  const files: Readonly<Record<string, string | Buffer>> = {
    'pkcs8.bin': pair.privateKey.export({ type: 'pkcs8', format: 'der' }),
    'sec1.bin': pair.privateKey.export({ type: 'sec1', format: 'der' }),
    'pkcs1.bin': rsa.export({ type: 'pkcs1', format: 'der' }),
    'encrypted.bin': pair.privateKey.export({ type: 'pkcs8', format: 'der', ...encryption }),
    'store.bin': readFileSync(join(folder.path, 'server.p12')),
    'public.bin': pair.publicKey.export({ type: 'spki', format: 'der' }),
    'jwk.json': JSON.stringify(secret, null, 2),
    'jwks.json': JSON.stringify({ keys: [{ k: 'c2VjcmV0', kty: 'oct' }] }),
    'public.json': JSON.stringify(pair.publicKey.export({ format: 'jwk' })),
    'server.p12.bak': 'anything',
    'tls.key~': 'anything',
    'putty.txt': 'PuTTY-User-Key-File-3: ssh-ed25519\n',
    'utf16.txt': Buffer.from(`\ufeff${pem}`, 'utf16le'),
    'readme.md': pem,
    'key.html': `\n${pem}`,
    'howto.md': `# Keys\n\n${pem}`,
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(place, name), content);
}

interface Running {
  readonly url: string;
  readonly port: number;
  readonly err: () => string;
  readonly stop: () => Promise<CliResult>;
}

const running = new Set<() => Promise<unknown>>();
afterEach(async () => {
  for (const stop of running) await stop();
  running.clear();
});

/** Runs `serve` on a free port until it has printed its URL. */
const start = (...args: string[]): Promise<Running> =>
  startWith({}, ...args, '--cert', 'server.pem', '--key', 'server.key');

async function startWith(surroundings: CliSurroundings, ...args: string[]): Promise<Running> {
  const controller = new AbortController();
  let err = '';
  let heard: (url: string) => void = () => undefined;
  const printed = new Promise<string>((resolve) => (heard = resolve));
  const ended = runCli(['serve', ...args, '--port', '0'], {
    ...surroundings,
    directory: folder.path,
    stop: controller.signal,
    onOut: heard,
    onErr: (text) => (err += text),
  });
  const stop = (): Promise<CliResult> => {
    controller.abort();
    return ended;
  };
  running.add(stop);
  const first = await Promise.race([printed, ended]);
  if (typeof first !== 'string') throw new Error(`serve has ended with ${first.code}: ${first.err}`);
  const url = first.trim();
  return { url, port: Number(new URL(url).port), err: () => err, stop };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function get(port: number, path = '/', options: RequestOptions = {}): Promise<Answer> {
  return new Promise((settle, fail) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path,
        ca: folder.ca,
        servername: 'localhost',
        agent: false,
        headers: { Host: 'localhost' },
        ...options,
      },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => settle({ status: response.statusCode!, headers: response.headers, body }));
      },
    );
    sent.on('error', fail);
    sent.end();
  });
}

describe('serve', () => {
  it('serves the app of a module, prints its URL alone on standard output, and ends with 0 when it is stopped', async () => {
    const { port, err, stop } = await start('app.mjs');
    expect(await get(port)).toMatchObject({ status: 200, body: 'hello from the app' });
    const { code, out } = await stop();
    expect([code, out]).toEqual([0, `https://localhost:${port}/\n`]);
    expect(err()).toMatch(
      /^serving {2}app\.mjs; TLS 1\.2 and 1\.3, HTTP\/1\.1\nclients {2}are asked for no certificate\nstop /,
    );
    await expect(get(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it.each([
    ['a promise of an app', 'export const app = Promise.resolve((q, s) => void s.end("found"));', 'mjs'],
    ['a CommonJS module', 'module.exports = (q, s) => void s.end("found");', 'cjs'],
    [
      'a module with another handler',
      'export const handler = (event, context) => {}; export default (q, s) => void s.end("found");',
      'mjs',
    ],
    ['a CommonJS module that names it', 'exports.app = (q, s) => void s.end("found");', 'cjs'],
    [
      'an Express app',
      `import express from '${import.meta.resolve('express')}'; const app = express(); app.get('/', (q, s) => s.send('found')); export default app;`,
      'mjs',
    ],
  ])('takes %s', async (what, source, extension) => {
    const name = `${what.replace(/\W+/g, '-')}.${extension}`;
    writeFileSync(join(folder.path, name), source);
    const { port } = await start(name);
    expect(await get(port)).toMatchObject({ status: 200, body: 'found' });
  });

  it('lets a request that has begun end before it stops', async () => {
    writeFileSync(
      join(folder.path, 'slow.mjs'),
      `import { channel } from 'node:diagnostics_channel';
       export default (request, response) => { channel('test:slow').publish(() => response.end('whole')); };`,
    );
    const { port, stop } = await start('slow.mjs');
    const { channel } = await import('node:diagnostics_channel');
    const asked = new Promise<() => void>((settle) =>
      channel('test:slow').subscribe((answer) => settle(answer as () => void)),
    );
    const answered = get(port);
    const answer = await asked;
    const stopped = stop();
    answer();
    expect(await answered).toMatchObject({ status: 200, body: 'whole' });
    expect((await stopped).code).toBe(0);
  });

  it('speaks HTTP/2 where it is told to', async () => {
    const { url, err } = await start('app.mjs', '--http2');
    const session = connectHttp2(url, { ca: folder.ca, host: '127.0.0.1', servername: 'localhost' });
    const stream = session.request({ ':path': '/' });
    stream.setEncoding('utf8');
    let body = '';
    stream.on('data', (chunk: string) => (body += chunk));
    await once(stream, 'end');
    expect([session.alpnProtocol, body]).toEqual(['h2', 'hello from the app']);
    session.close();
    await once(session, 'close');
    expect(err()).toContain('HTTP/2 and HTTP/1.1');
  });

  it('keeps out who has no certificate where one is required', async () => {
    const { port, err } = await start('app.mjs', '--client-auth', 'required', '--ca', 'clients-ca.pem');
    await expect(get(port)).rejects.toHaveProperty('code');
    expect(await get(port, '/', folder.client)).toMatchObject({ status: 200 });
    expect(err()).toContain('need a certificate of clients-ca.pem');
  });

  it('asks at a terminal for the passphrase of an encrypted key', async () => {
    const pair = ['--cert', 'server.pem', '--key', 'encrypted.key'];
    const { port, stop } = await startWith({ secrets: ['open sesame'] }, 'app.mjs', ...pair);
    expect(await get(port)).toMatchObject({ status: 200 });
    expect((await stop()).err).toMatch(/^Passphrase of encrypted\.key: serving/);
  });

  it.each(['0', '0.0.0.0'])('says that it listens on all addresses: --host %s', async (host) => {
    const { url, err } = await start('app.mjs', '--host', host);
    expect(url).toMatch(/^https:\/\/localhost:/);
    expect(err()).toContain('on all addresses of this machine');
  });

  it('opens a PKCS#12 file', async () => {
    const { port } = await startWith(
      {},
      'app.mjs',
      '--pfx',
      'server.p12',
      '--passphrase-file',
      'passphrase.txt',
    );
    expect(await get(port)).toMatchObject({ status: 200, body: 'hello from the app' });
  });

  it('keeps out whom a list revokes, and lets in the others', async () => {
    const authority = await createAuthority({ subject: { CN: 'With a list' } });
    const issue = (name: string): Promise<IssuedCertificate> =>
      authority.issueClientCertificate({ subject: { CN: name } });
    const [alice, mallory] = [await issue('alice'), await issue('mallory')];
    writeFileSync(join(folder.path, 'listed-ca.pem'), authority.root);
    writeFileSync(
      join(folder.path, 'list.crl'),
      await authority.crl({ revoked: [{ certificate: mallory.certificate }] }),
    );
    const asked = ['--client-auth', 'required', '--ca', 'listed-ca.pem', '--crl', 'list.crl'];
    const { port } = await start('app.mjs', ...asked);
    const as = ({ key, chain: cert }: IssuedCertificate): Promise<Answer> => get(port, '/', { key, cert });
    expect(await as(alice)).toMatchObject({ status: 200 });
    await expect(as(mallory)).rejects.toHaveProperty('code');
  });

  it('redirects from a plain port', async () => {
    const { port, err } = await start('app.mjs', '--redirect', '0');
    const [, plainPort] = /redirect http:\/\/localhost:(\d+)\//.exec(err())!;
    const options = {
      host: '127.0.0.1',
      port: plainPort,
      agent: false,
      headers: { Host: `localhost:${plainPort}` },
    };
    const [response] = await once(plainRequest(options).end(), 'response');
    response.resume();
    expect([response.statusCode, response.headers.location]).toEqual([308, `https://localhost:${port}/`]);
  });

  it('names the port that is in use, its own and that of the redirect', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const used = String((other.address() as AddressInfo).port);
    const pair = ['--cert', 'server.pem', '--key', 'server.key'];
    const options = { directory: folder.path };
    const own = await runCli(['serve', 'app.mjs', '--port', used, ...pair], options);
    const plain = await runCli(['serve', 'app.mjs', '--port', '0', '--redirect', used, ...pair], options);
    other.close();
    expect([own.code, plain.code]).toEqual([3, 3]);
    expect(own.err).toContain(
      `port ${used} of 127.0.0.1 is in use\nhint: Choose another: --port ${Number(used) + 1}`,
    );
    expect(plain.err).toContain(`port ${used} of 127.0.0.1 is in use\nhint: Choose another: --redirect`);
  });

  it('makes no development certificate in production', async () => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    const { code, err } = await runCli(['serve', 'app.mjs'], { directory: folder.path });
    process.env['NODE_ENV'] = before;
    expect(code).toBe(3);
    expect(err).toContain('--cert: there is no certificate\nhint: Give --cert and --key, or --pfx');
  });
});

describe('the files of a folder', () => {
  it('come with security headers, and what else is asked for is a problem', async () => {
    const { port, err } = await start('site');
    const home = await get(port);
    expect([home.status, home.body]).toEqual([200, '<h1>home</h1>']);
    expect(home.headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
    expect(home.headers['content-security-policy']).toContain("default-src 'self'");
    expect(home.headers['x-powered-by']).toBeUndefined();
    const missing = await get(port, '/nowhere');
    expect(JSON.parse(missing.body)).toMatchObject({ status: 404 });
    expect(missing.headers['content-type']).toBe('application/problem+json');
    const posted = await get(port, '/page.html', { method: 'POST' });
    expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect(await get(port, '/page.html', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect(err()).toMatch(/^warning: private keys lie in this folder \(/);
  });

  it('are served by Express 5, though the folder has another one', async () => {
    const express = join(folder.path, 'node_modules', 'express');
    mkdirSync(express, { recursive: true });
    writeFileSync(join(express, 'package.json'), '{"name": "express", "version": "4.22.0"}');
    writeFileSync(join(express, 'index.js'), 'throw new Error("Express 4");');
    const { port } = await start('site');
    expect(await get(port, '/.env')).toMatchObject({ status: 404 });
    expect(await get(port)).toMatchObject({ status: 200 });
  });

  it.each([
    ['/page.html', 200],
    ['/notes.txt', 200],
    ['/public.pem', 200],
    ['/inside.html', 200],
    ['/.env', 404],
    ['/.git/config', 404],
    ['/%2eenv', 404],
    ['/tls.key', 404],
    ['/tls%2ekey', 404],
    ['/server.txt', 404],
    ['/account.json', 404],
    ['/KEYS.P12', 404],
    ['/id_ed25519', 404],
    ['/outside.txt', 404],
    ['/env.txt', 404],
    ['/round.txt', 404],
    ['/pipe.txt', 404],
    ['/mounted.txt', 200],
    ['/..data/mounted.txt', 404],
    ['/pkcs8.bin', 404],
    ['/sec1.bin', 404],
    ['/pkcs1.bin', 404],
    ['/encrypted.bin', 404],
    ['/store.bin', 404],
    ['/public.bin', 200],
    ['/jwk.json', 404],
    ['/jwks.json', 404],
    ['/public.json', 200],
    ['/server.p12.bak', 404],
    ['/tls.key~', 404],
    ['/putty.txt', 404],
    ['/utf16.txt', 404],
    ['/readme.md', 404],
    ['/key.html', 404],
    ['/howto.md', 200],
    ['/empty/', 404],
    ['/../server.key', 404],
    ['/%2e%2e/server.key', 404],
    ['/..%2fserver.key', 404],
    ['/..%5cserver.key', 404],
    ['//../server.key', 404],
    ['/%00', 404],
    ['/%ff', 404],
  ])('%s answers %i', async (path, status) => {
    const { port } = await site();
    expect(await get(port, path)).toMatchObject({ status });
  });
});

let kept: Promise<Running> | undefined;

/** One for all paths, which the end of the suite stops. */
function site(): Promise<Running> {
  kept ??= start('site').then((one) => {
    running.delete(one.stop);
    return one;
  });
  return kept;
}
afterAll(async () => (await kept)?.stop());
