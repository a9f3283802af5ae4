import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { Kitchen, type RunningRecipe } from './run-recipe.ts';
import { isProgram, readBlocks, root } from './snippets/blocks.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const snippets = readBlocks('README.md')
  .filter(isProgram)
  .map(({ text }) => text);

let kitchen: Kitchen;
let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
  kitchen = new Kitchen({
    'server.key': pki.server.key,
    'server.pem': pki.server.cert,
    'clients-ca.pem': pki.ca,
  });
});

afterAll(() => kitchen.close());

const environment = (): Record<string, string> => ({
  NODE_ENV: 'development',
  PORTCULLIS_HOME: join(kitchen.folder, 'home'),
});
const start = (snippet: string): Promise<RunningRecipe> => kitchen.start(snippet, {}, environment());

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
    const { port, stop } = await start(snippetWith('createServer(app).listen'));
    await get(port, '/', pki.ca).catch(() => undefined);
    const authority = readFileSync(join(kitchen.folder, 'home', 'development', 'authority.pem'), 'utf8');
    const [status, body] = await get(port, '/', authority);
    await stop();
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ protocol: 'TLSv1.3', forwardSecrecy: true, resumed: false });
  });

  it('serves the hardened hello', async () => {
    const { port, stop } = await start(snippetWith("res.send('hello')"));
    expect(await get(port, '/', pki.ca)).toEqual([200, 'hello']);
    await stop();
  });

  it('serves HTTP/2 for years, and ends at SIGTERM when it has answered', async () => {
    const { port, stop } = await start(snippetWith("res.send('still here')"));
    const session = connect(`https://127.0.0.1:${port}`, { ca: pki.ca });
    const stream = session.request({ ':path': '/' });
    let body = '';
    stream.on('data', (chunk: Buffer) => (body += chunk.toString()));
    await once(stream, 'end');
    expect(body).toBe('still here');
    session.close();
    expect((await stop()).output).not.toMatch(/error|warn/i);
  });

  it('lets a client certificate into the route that wants one, and nobody else', async () => {
    const { port, stop } = await start(snippetWith("app.get('/admin'"));
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
    const { port, stop } = await start(snippetWith('requirePin(pins)'));
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
    const other = new Kitchen();
    try {
      expect(await other.run(snippetWith('createAuthority('))).toMatchObject({ code: 0 });
      const read = (name: string): string => readFileSync(join(other.folder, name), 'utf8');
      const { port } = await other.start(snippetWith("app.get('/admin'"));
      const alice = { key: read('client.key'), cert: read('client.pem') };
      expect(await get(port, '/admin', read('clients-ca.pem'), alice)).toEqual([200, 'hello alice']);
    } finally {
      await other.close();
    }
  });

  it('runs the example for tests to its end', async () => {
    expect(await kitchen.run(snippetWith('createTestPki()'), {}, environment())).toMatchObject({ code: 0 });
  });
});
