import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { blocksOf, Kitchen } from '../examples/run-recipe.ts';
import { run } from './support/program.ts';

const page = { nginx: 'recipes/nginx.md', haproxy: 'recipes/haproxy.md' } as const;
const clientNames = ['good', 'expired', 'unknownCa', 'selfSigned'] as const;
let pki: TestPki;
let kitchen: Kitchen;
const daemons: string[] = [];

beforeAll(async () => {
  const [clients, proxies] = await Promise.all([createTestPki(), createTestPki()]);
  pki = clients;
  const [app, nginx, haproxy, edge] = await Promise.all([
    pki.issueServer({ names: ['app.internal'] }),
    proxies.issueClient({ names: { dns: ['nginx.internal'] } }),
    proxies.issueClient({ names: { dns: ['haproxy.internal'] } }),
    pki.issueServer({ names: ['www.example.org'] }),
  ]);
  kitchen = new Kitchen({
    'clients-ca.pem': pki.ca,
    'proxies-ca.pem': proxies.ca,
    'app-ca.pem': pki.ca,
    'app.key': app.key,
    'app.pem': app.cert,
    'edge.key': edge.key,
    'edge.pem': edge.cert,
    'edge-with-key.pem': `${edge.cert}${edge.key}`,
    'nginx.key': nginx.key,
    'nginx.pem': nginx.cert,
    'haproxy-with-key.pem': `${haproxy.cert}${haproxy.key}`,
    ...Object.fromEntries(
      clientNames.map((name) => [`${name}.pem`, `${pki.clients[name].cert}${pki.clients[name].key}`]),
    ),
  });
});

afterAll(async () => {
  for (const file of daemons)
    if (existsSync(file)) process.kill(Number(readFileSync(file, 'utf8')), 'SIGTERM');
  await kitchen.close();
});

const path = (name: string): string => join(kitchen.folder, name);

/** `text` with files and addresses of this machine; what is not there to be replaced is an error. */
function localized(text: string, instead: ReadonlyArray<readonly [string, string]>): string {
  let result = text;
  for (const [from, to] of instead) {
    expect(result).toContain(from);
    result = result.replaceAll(from, to);
  }
  return result;
}

const startApp = (of: keyof typeof page, index = 0): Promise<{ port: number }> =>
  kitchen.start(blocksOf(page[of], 'js')[index]!, { 'server.key': 'app.key', 'server.pem': 'app.pem' });

/** What a client of www.example.org gets of `where` (a Unix socket), by curl. */
async function ask(
  where: string,
  client?: (typeof clientNames)[number],
  headers: readonly string[] = [],
): Promise<string> {
  const { status, stdout, stderr } = await run('curl', [
    '--silent',
    '--show-error',
    '--unix-socket',
    where,
    '--cacert',
    path('app-ca.pem'),
    ...(client === undefined ? [] : ['--cert', path(`${client}.pem`)]),
    ...headers.flatMap((header) => ['--header', header]),
    '--write-out',
    '\n%{http_code}',
    'https://www.example.org/admin',
  ]);
  expect([status, stderr]).toEqual([0, '']);
  const [body = '', code = ''] = stdout.split(/\n(?=\d+$)/);
  return `${code} ${/"code":"(\w+)"/.exec(body)?.[1] ?? (code === '200' ? body : '')}`.trim();
}

/** Starts nginx with the recipe's server; gives the Unix socket on which it listens. */
async function startNginx(
  name: string,
  port: number,
  change: (text: string) => string = (text) => text,
): Promise<string> {
  const socket = path(`${name}.sock`);
  const server = localized(change(blocksOf(page.nginx, 'nginx')[0]!), [
    ['listen 443 ssl http2', `listen unix:${socket} ssl http2`],
    ['10.0.0.7:8443', `127.0.0.1:${port}`],
    ['/etc/nginx/tls/server', path('edge')],
    ['/etc/nginx/tls/proxy', path('nginx')],
    ['/etc/nginx/tls/app-ca', path('app-ca')],
  ]).replace('/etc/nginx/tls/clients-ca', path('clients-ca'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${path(`${name}-${kind}`)};`,
  );
  const file = kitchen.write(
    `${name}.conf`,
    [
      ...(process.getuid?.() === 0 ? ['user root;'] : []),
      `worker_processes 1; pid ${path(`${name}.pid`)}; error_log ${path(`${name}.log`)};`,
      `events {} http { access_log off; ${temporary.join(' ')}\n${server}}`,
    ].join('\n'),
  );
  expect(await run('nginx', ['-t', '-q', '-c', file])).toMatchObject({ status: 0 });
  // It goes to the background once it listens.
  expect(await run('nginx', ['-c', file])).toMatchObject({ status: 0 });
  daemons.push(path(`${name}.pid`));
  return socket;
}

describe('nginx as in its recipe', () => {
  it('forwards whoever has the key, and the app verifies', async () => {
    const { port } = await startApp('nginx');
    const socket = await startNginx('passthrough', port);
    expect(await ask(socket, 'good')).toBe('200 {"hello":["good"]}');
    expect(await ask(socket)).toBe('403 CLIENT_CERTIFICATE_REQUIRED');
    expect(await ask(socket, 'unknownCa')).toBe('403 CLIENT_CERTIFICATE_UNTRUSTED');
    expect(await ask(socket, 'selfSigned')).toBe('403 CLIENT_CERTIFICATE_UNTRUSTED');
    // By nginx, which forgives an unknown CA and nothing else.
    expect(await ask(socket, 'expired')).toBe('400');
    const forged = encodeURIComponent(pki.clients.good.certificate);
    const headers = [`X-SSL-Client-Cert: ${forged}`, 'X-SSL-Client-Verify: SUCCESS'];
    expect(await ask(socket, undefined, headers)).toBe('403 CLIENT_CERTIFICATE_REQUIRED');
    expect(await ask(socket, 'unknownCa', headers)).toBe('403 CLIENT_CERTIFICATE_UNTRUSTED');
    expect(await ask(socket, undefined, [`X_SSL_Client_Cert: ${forged}`])).toBe(
      '403 CLIENT_CERTIFICATE_REQUIRED',
    );
  });

  it('verifies itself, and the app believes it', async () => {
    const { port } = await startApp('nginx', 1);
    const part = blocksOf(page.nginx, 'nginx')[1]!;
    const socket = await startNginx('verifying', port, (text) =>
      localized(text, [['ssl_verify_client   optional_no_ca;', part]]),
    );
    expect(await ask(socket, 'good')).toBe('200 {"hello":["good"]}');
    expect(await ask(socket)).toBe('403 CLIENT_CERTIFICATE_REQUIRED');
    // By nginx.
    expect(await ask(socket, 'unknownCa')).toBe('400');
    expect(await ask(socket, 'expired')).toBe('400');
  });
});

it('HAProxy as in its recipe forwards the certificate with its verdict', async () => {
  const { port } = await startApp('haproxy');
  const socket = path('haproxy.sock');
  const configuration = localized(blocksOf(page.haproxy, 'haproxy')[0]!, [
    ['bind :443', `bind unix@${socket}`],
    ['10.0.0.7:8443', `127.0.0.1:${port}`],
    ['/etc/haproxy/server-with-key', path('edge-with-key')],
    ['/etc/haproxy/proxy-with-key', path('haproxy-with-key')],
    ['/etc/haproxy/clients-ca', path('clients-ca')],
    ['/etc/haproxy/app-ca', path('app-ca')],
  ]);
  const file = kitchen.write('haproxy.cfg', configuration);
  expect(await run('haproxy', ['-c', '-f', file])).toMatchObject({ status: 0 });
  expect(await run('haproxy', ['-D', '-p', path('haproxy.pid'), '-f', file])).toMatchObject({ status: 0 });
  daemons.push(path('haproxy.pid'));
  expect(await ask(socket, 'good')).toBe('200 {"hello":["good"]}');
  expect(await ask(socket)).toBe('403 CLIENT_CERTIFICATE_REQUIRED');
  expect(await ask(socket, 'unknownCa')).toBe('403 CLIENT_CERTIFICATE_UNTRUSTED');
  expect(await ask(socket, 'expired')).toBe('403 CLIENT_CERTIFICATE_EXPIRED');
  const forged = Buffer.from(pki.clients.good.certificate).toString('base64');
  const headers = [`X-SSL-Client-Cert: ${forged}`, 'X-SSL-Client-Verify: 0'];
  expect(await ask(socket, undefined, headers)).toBe('403 CLIENT_CERTIFICATE_REQUIRED');
});
