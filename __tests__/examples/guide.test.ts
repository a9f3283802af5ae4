import { request as requestHttp } from 'node:http';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { WebSocket } from 'ws';
import { ask, type Asked, blocksOf, Kitchen, type RunningRecipe } from './run-recipe.ts';

// That each program of docs/guide.md runs is shown by snippets.test.ts; here, that its steps do what they say.

type Identity = Pick<TestPki['clients']['good'], 'key' | 'cert'>;

let pki: TestPki;
let alice: Identity;
let operator: Identity;
let kitchen: Kitchen;

beforeAll(async () => {
  pki = await createTestPki();
  [alice, operator] = await Promise.all([
    pki.issueClient({ subject: { CN: 'alice' }, names: { email: ['alice@example.org'] } }),
    pki.issueClient({ subject: { OU: 'Operators', CN: 'carol' } }),
  ]);
  kitchen = new Kitchen({
    'server.key': pki.server.key,
    'server.pem': pki.server.cert,
    'clients-ca.pem': pki.ca,
    'clients.crl': pki.crl,
    'client.key': alice.key,
    'client.pem': alice.cert,
  });
});

afterAll(() => kitchen.close());

/** The one program of the guide that has this in it. */
function programWith(text: string): string {
  const found = blocksOf('guide.md', 'js').filter((block) => block.includes(text));
  expect(found).toHaveLength(1);
  return found[0]!;
}

const start = (text: string): Promise<RunningRecipe> => kitchen.start(programWith(text));
const as = (who?: Identity, more: Asked = {}): Asked => ({
  ca: pki.ca,
  ...(who && { key: who.key, cert: who.cert }),
  ...more,
});

it('a weakened option is told by its code, its path and its remedy', async () => {
  const { code, output } = await kitchen.run(programWith("minVersion: 'TLSv1'"));
  expect([code, output]).toEqual([
    0,
    'OPTION_WEAKENS\nminVersion\nIf that is meant, say so with dangerouslyMinVersion.\n',
  ]);
});

it('plain HTTP is led to https, for the names of the certificate only', async () => {
  const { ports, port } = await start('redirect: { port: 8080 }');
  // The plain listener follows the other one.
  // oxlint-disable-next-line no-await-in-loop
  while (ports['8080'] === undefined) await ask(port, '/', as());
  const led = (host: string): Promise<[number | undefined, string | undefined]> =>
    new Promise((settle, fail) => {
      const options = { host: '127.0.0.1', port: ports['8080'], path: '/a?b', headers: { host } };
      requestHttp(options, (response) => {
        response.resume();
        settle([response.statusCode, response.headers.location]);
      })
        .on('error', fail)
        .end();
    });
  expect(await led('localhost')).toEqual([308, `https://localhost:${port}/a?b`]);
  expect(await led('attacker.example')).toEqual([400, undefined]);
});

it('rules let in whom they name', async () => {
  const { port } = await start('in office hours');
  expect(await ask(port, '/mail', as(alice))).toMatchObject({ status: 404 });
  expect(await ask(port, '/mail', as(operator))).toMatchObject({ status: 404 });
  expect(await ask(port, '/mail', as(pki.clients.good))).toMatchObject({ code: 'CLIENT_CERTIFICATE_DENIED' });
  expect(await ask(port, '/admin', as(alice))).toMatchObject({ code: 'CLIENT_CERTIFICATE_DENIED' });
  expect(await ask(port, '/fresh', as(operator))).toMatchObject({ status: 404 });
  expect(await ask(port, '/terminal', as(operator))).toMatchObject({ code: 'PIN_MISMATCH' });
});

it('a revoked client is refused', async () => {
  const { port } = await start('denyList: denied');
  expect(await ask(port, '/', as(pki.clients.revoked))).toMatchObject({ code: 'CLIENT_CERTIFICATE_REVOKED' });
  expect(await ask(port, '/', as(alice))).toMatchObject({ status: 200 });
});

it('a header of a proxy that was not named opens nothing', async () => {
  const { port } = await start("format: 'nginx'");
  const headers = { 'X-SSL-Client-Cert': encodeURIComponent(alice.cert), 'X-SSL-Client-Verify': 'SUCCESS' };
  expect(await ask(port, '/admin', as(undefined, { headers }))).toMatchObject({
    code: 'CLIENT_CERTIFICATE_REQUIRED',
  });
});

it('a WebSocket opens to a client, and to nobody else', async () => {
  const { port } = await start('new WebSocketServer');
  const opened = (who?: Identity): Promise<string> =>
    new Promise((settle) => {
      const socket = new WebSocket(`wss://127.0.0.1:${port}/`, { ca: pki.ca, ...who });
      socket.once('message', (data: Buffer) => {
        settle(data.toString());
        socket.terminate();
      });
      socket.once('unexpected-response', (_request, { statusCode }) => settle(`refused: ${statusCode}`));
      socket.on('error', ({ message }) => settle(message));
    });
  expect(await opened({ key: alice.key, cert: alice.cert })).toBe('hello');
  expect(await opened()).toBe('refused: 403');
});

it('the client is let in by the server, and speaks to no other one', async () => {
  const client = programWith('createFetch(');
  const { port } = await start('denyList: denied');
  const to = (there: number): Record<string, string> => ({
    DOCUMENTED_PORTS: JSON.stringify({ 8443: there }),
  });
  expect(await kitchen.run(client, {}, to(port))).toEqual({ code: 0, output: 'hello\n' });
  kitchen.write('clients-ca.pem', (await createTestPki()).ca);
  const refused = await kitchen.run(client, {}, to(port));
  expect(refused.output).toContain('CERTIFICATE_VERIFICATION_FAILED');
});
