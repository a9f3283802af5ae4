import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Answer, endExamples, get, type RunningExample, startExample } from './run-example.ts';

const names = [
  'plain-to-hardened',
  'mtls-on-one-route',
  'pins',
  'plain-https-server',
  'router-and-sub-app',
] as const;
let home: string;
let examples: Record<(typeof names)[number], RunningExample>;

const pem = (...path: string[]): Buffer => readFileSync(join(home, 'development', ...path));
const serverCa = (): Buffer[] => [pem('authority.pem'), pem('example-clients', 'authority.pem')];

function as(client?: string): ConnectionOptions {
  if (client === undefined) return { ca: serverCa() };
  const both = pem('example-clients', `${client}.pem`);
  return { ca: serverCa(), cert: both, key: both };
}

const ask = (example: (typeof names)[number], path: string, options: ConnectionOptions): Promise<Answer> =>
  get(`${examples[example].url}${path}`, options);

const refusedWith = (code: string): object => ({
  status: 403,
  headers: expect.objectContaining({ 'content-type': 'application/problem+json' }),
  body: expect.stringContaining(`"${code}"`),
});

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'portcullis-examples-'));
  const environment = { PORTCULLIS_HOME: home };
  // The first one makes the certificates that the others then find.
  const first = await startExample('mtls-on-one-route', environment);
  await first.wrote('serving localhost with a development certificate');
  const others = names.filter((name) => name !== 'mtls-on-one-route');
  const started = await Promise.all(
    others.map(async (name) => [name, await startExample(name, environment)] as const),
  );
  examples = { 'mtls-on-one-route': first, ...Object.fromEntries(started) } as typeof examples;
});

afterAll(() => {
  endExamples();
  rmSync(home, { recursive: true, force: true });
});

test('plain-to-hardened serves, and refuses the CBC ciphers that Node allows', async () => {
  expect(await ask('plain-to-hardened', '/', as())).toMatchObject({ status: 200, body: 'Hello\n' });
  const { port } = new URL(examples['plain-to-hardened'].url);
  const offer = (ciphers: string): TLSSocket =>
    connect({ host: 'localhost', port: Number(port), ca: serverCa(), maxVersion: 'TLSv1.2', ciphers });
  const good = offer('ECDHE-ECDSA-AES128-GCM-SHA256');
  await once(good, 'secureConnect');
  good.destroy();
  const bad = offer('ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA');
  await expect(once(bad, 'secureConnect')).rejects.toMatchObject({
    message: expect.stringMatching(/handshake|reset/i),
  });
});

test('mtls-on-one-route wants a certificate for /admin only', async () => {
  expect(await ask('mtls-on-one-route', '/', as())).toMatchObject({ status: 200 });
  expect(await ask('mtls-on-one-route', '/admin', as())).toMatchObject(
    refusedWith('CLIENT_CERTIFICATE_REQUIRED'),
  );
  expect(await ask('mtls-on-one-route', '/admin', as('unknown-ca'))).toMatchObject(
    refusedWith('CLIENT_CERTIFICATE_UNTRUSTED'),
  );
  expect(await ask('mtls-on-one-route', '/admin', as('ops'))).toMatchObject({
    status: 200,
    body: 'Hello ops\n',
  });
});

test('pins lets in the two known keys, and no other one of the same CA and name', async () => {
  for (const client of ['payments', 'payments-backup']) {
    // oxlint-disable-next-line no-await-in-loop -- two requests
    expect(await ask('pins', '/payments', as(client))).toMatchObject({ status: 200 });
  }
  for (const client of ['payments-unpinned', 'ops']) {
    // oxlint-disable-next-line no-await-in-loop -- two requests
    expect(await ask('pins', '/payments', as(client))).toMatchObject(refusedWith('PIN_MISMATCH'));
  }
  expect(await ask('pins', '/payments', as())).toMatchObject(refusedWith('CLIENT_CERTIFICATE_REQUIRED'));
});

test('plain-https-server lets a client in at each of its connections, and nobody else', async () => {
  const { url } = examples['plain-https-server'];
  const sessions: Buffer[] = [];
  for (let round = 0; round < 3; round += 1) {
    const options = { ...as('ops'), session: sessions.at(-1) };
    // oxlint-disable-next-line no-await-in-loop -- each takes the session of the one before
    const [answer, session] = await getWithSession(`${url}/admin`, options);
    expect(answer).toMatchObject({ status: 200, body: 'Hello ops\n' });
    if (session !== undefined) sessions.push(session);
  }
  expect(await ask('plain-https-server', '/admin', as())).toMatchObject(
    refusedWith('CLIENT_CERTIFICATE_REQUIRED'),
  );
  expect(await ask('plain-https-server', '/admin', as('unknown-ca'))).toMatchObject(
    refusedWith('CLIENT_CERTIFICATE_UNTRUSTED'),
  );
  expect(
    await get(`${url}/admin`, {
      ...as('ops'),
      servername: 'localhost',
      headers: { host: 'other.example.org' },
    }),
  ).toMatchObject({
    status: 421,
  });
});

test('router-and-sub-app keeps each policy to its own routes', async () => {
  expect(await ask('router-and-sub-app', '/admin/users', as())).toMatchObject(
    refusedWith('CLIENT_CERTIFICATE_REQUIRED'),
  );
  const { body } = await ask('router-and-sub-app', '/admin/users', as('ops'));
  expect(JSON.parse(body)).toEqual({ you: ['ops@example.org'], users: ['ada', 'grace'] });
  expect(await ask('router-and-sub-app', '/reports', as())).toMatchObject({ body: '{"protocol":"TLSv1.3"}' });
  expect(await ask('router-and-sub-app', '/reports', { ...as(), maxVersion: 'TLSv1.2' })).toMatchObject(
    refusedWith('TLS_VERSION_REFUSED'),
  );
});

test('each ends by Ctrl-C, and has warned of nothing', async () => {
  const ended = await Promise.all(names.map((name) => examples[name].interrupt()));
  expect(ended.map(({ code }) => code)).toEqual(names.map(() => 0));
  expect(ended.map(({ output }) => output).join('')).not.toMatch(/warn|error/i);
});

test('each has 30 lines at most, and is tried here', () => {
  const folder = resolve(import.meta.dirname, '../../examples');
  const helpers = new Set(['clients.ts', 'commands.ts', 'serve.ts', 'start.ts']);
  // Tried in observability.test.ts, and in client-examples.test.ts.
  for (const name of ['metrics', 'with-opentelemetry', 'with-pino']) helpers.add(`${name}.ts`);
  for (const name of ['client-axios', 'client-fetch', 'client-got']) helpers.add(`${name}.ts`);
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !helpers.has(file));
  expect(files.toSorted()).toEqual(names.map((name) => `${name}.ts`).toSorted());
  const long = files.filter((file) => readFileSync(join(folder, file), 'utf8').split('\n').length > 31);
  expect(long).toEqual([]);
});

/** A request, and the session that the server has given for the next one. */
async function getWithSession(
  url: string,
  options: ConnectionOptions,
): Promise<[Answer, Buffer | undefined]> {
  let session: Buffer | undefined;
  const { hostname: host, port } = new URL(url);
  const socket = connect({ ...options, host, port: Number(port), servername: host });
  socket.on('session', (given) => (session = given));
  await once(socket, 'secureConnect');
  const answer = await get(url, { agent: undefined, createConnection: () => socket });
  return [answer, session];
}
