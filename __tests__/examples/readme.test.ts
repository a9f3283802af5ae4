import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestPki, type TestPki } from 'portcullis/testing';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const snippets = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1]!);

/** A folder like a user's project: the built package and express in node_modules, certificates beside. */
let project: string;
let pki: TestPki;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'readme-'));
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules', 'portcullis'));
  symlinkSync(join(root, 'node_modules', 'express'), join(project, 'node_modules', 'express'));
  pki = await createTestPki();
  writeFileSync(join(project, 'server.key'), pki.server.key);
  writeFileSync(join(project, 'server.pem'), pki.server.cert);
  writeFileSync(join(project, 'clients-ca.pem'), pki.ca);
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

interface Run {
  readonly port: number | undefined;
  readonly stop: () => Promise<{ code: number | null; stderr: string }>;
}

/** Runs a snippet as a module of its own, on a free port; resolves when it listens or has ended. */
function run(snippet: string, name: string): Promise<Run> {
  const file = join(project, `${name}.mjs`);
  const told = `.listen(0, '127.0.0.1', function () { process.send(this.address().port); })`;
  writeFileSync(file, snippet.replace('.listen(8443)', told).replace('port: 8080', 'port: 0'));
  const child = spawn(process.execPath, [file], {
    cwd: project,
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      NODE_ENV: 'development',
      PORTCULLIS_HOME: join(project, 'home'),
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<{ code: number | null; stderr: string }>((settle) => {
    child.once('close', (code) => settle({ code, stderr }));
  });
  const stop = (): typeof ended => {
    child.kill();
    return ended;
  };
  return new Promise((settle) => {
    child.once('message', (port) => settle({ port: Number(port), stop }));
    void ended.then(() => settle({ port: undefined, stop: () => ended }));
  });
}

type Identity = Partial<TestPki['clients']['good']>;

function get(
  port: number | undefined,
  path: string,
  ca: string,
  client: Identity = {},
): Promise<[number, string]> {
  const { key, cert } = client;
  return new Promise((settle, fail) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      ca,
      agent: false as const,
      ...(key && { key }),
      ...(cert && { cert }),
    };
    const request = httpsRequest(options, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => settle([response.statusCode!, body]));
    });
    request.on('error', fail);
    request.end();
  });
}

const snippetWith = (text: string): string => {
  const found = snippets.filter((snippet) => snippet.includes(text));
  expect(found).toHaveLength(1);
  return found[0]!;
};

describe('the README', () => {
  it('has at most 200 lines, and a runnable example within the first 15 lines', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(201);
    expect(readme.slice(0, readme.indexOf('```js')).split('\n').length).toBeLessThanOrEqual(15);
  });

  it('shows the facts of the connection in its first example, with the development certificate', async () => {
    const { port, stop } = await run(snippetWith('createServer(app).listen'), 'first');
    await get(port, '/', pki.ca).catch(() => undefined);
    const authority = readFileSync(join(project, 'home', 'development', 'authority.pem'), 'utf8');
    const [status, body] = await get(port, '/', authority);
    await stop();
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ protocol: 'TLSv1.3', forwardSecrecy: true, resumed: false });
  });

  it('serves the hardened hello', async () => {
    const { port, stop } = await run(snippetWith("res.send('hello')"), 'hello');
    expect(await get(port, '/', pki.ca)).toEqual([200, 'hello']);
    await stop();
  });

  it('serves HTTP/2 for years, and ends at SIGTERM when it has answered', async () => {
    const { port, stop } = await run(snippetWith("res.send('still here')"), 'years');
    const session = connect(`https://127.0.0.1:${port}`, { ca: pki.ca });
    const stream = session.request({ ':path': '/' });
    let body = '';
    stream.on('data', (chunk: Buffer) => (body += chunk.toString()));
    await once(stream, 'end');
    expect(body).toBe('still here');
    session.close();
    expect(await stop()).toMatchObject({ stderr: '' });
  });

  it('lets a client certificate into the route that wants one, and nobody else', async () => {
    const { port, stop } = await run(snippetWith("app.get('/admin'"), 'mtls');
    expect(await get(port, '/', pki.ca)).toEqual([200, 'for everyone']);
    expect(await get(port, '/admin', pki.ca, pki.clients.good)).toEqual([
      200,
      expect.stringMatching(/^hello \w/),
    ]);
    const [status, body] = await get(port, '/admin', pki.ca);
    expect([status, JSON.parse(body).code]).toEqual([403, 'CLIENT_CERTIFICATE_REQUIRED']);
    await stop();
  });

  it('lets in whom a rule names, and refuses whose key is not pinned', async () => {
    const { port, stop } = await run(snippetWith('requirePin(pins)'), 'who');
    const device = await pki.issueClient({ names: { dns: ['one.devices.example.org'] } });
    expect(await get(port, '/devices', pki.ca, device)).toEqual([200, 'paid']);
    const refusals = [
      await get(port, '/devices', pki.ca, pki.clients.good),
      await get(port, '/payments', pki.ca, device),
    ];
    expect(refusals.map(([status]) => status)).toEqual([403, 403]);
    await stop();
  });

  it('makes certificates that its listener takes', async () => {
    const made = mkdtempSync(join(project, 'made-'));
    const { stop } = await run(
      `process.chdir(${JSON.stringify(made)});\n${snippetWith('createAuthority(')}`,
      'authority',
    );
    expect(await stop()).toMatchObject({ code: 0 });
    const read = (name: string): string => readFileSync(join(made, name), 'utf8');
    const server = await run(
      `process.chdir(${JSON.stringify(made)});\n${snippetWith("app.get('/admin'")}`,
      'made',
    );
    const alice = { key: read('client.key'), cert: read('client.pem') };
    expect(await get(server.port, '/admin', read('clients-ca.pem'), alice)).toEqual([200, 'hello alice']);
    await server.stop();
  });

  it('runs the example for tests to its end', async () => {
    const { stop } = await run(snippetWith('createTestPki()'), 'ends');
    expect(await stop()).toMatchObject({ code: 0 });
  });
});
