import { once } from 'node:events';
import { createServer as createPlainHttp, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { request as requestHttps } from 'node:https';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import {
  createServer,
  type ForwardedClientCertificateOptions,
  forwardedClientCertificate,
  type PortcullisServer,
  requireClientCertificate,
  san,
} from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { createTestPki, type RequestIdentity, type TestPki } from 'portcullis/testing';
import { byteSequence, pemUrl } from '../forwarded/writers.ts';
import { Proxy } from './support/proxy.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-proxies-'));
const at = (name: string): string => join(folder, name);
const write = (name: string, content: string): string => {
  writeFileSync(at(name), content, { mode: 0o600 });
  return at(name);
};

const proxies: Proxy[] = [];
const servers: Array<PortcullisServer | HttpServer> = [];
let pki: TestPki;
/** Of a CA between: it sends that CA's certificate along. */
let deep: RequestIdentity;
let deepPem: string;

beforeAll(async () => {
  pki = await createTestPki();
  const issuing = await pki.authority.issueIntermediate({ subject: 'Issuing' });
  const issued = await issuing.issueClientCertificate({ subject: 'deep' });
  deep = { key: issued.key, cert: issued.chain };
  deepPem = issued.certificate;
  const ofProxies = await createAuthority({ subject: 'Proxies' });
  const own = await ofProxies.issueClientCertificate({ names: { dns: ['proxy.internal'] } });
  write('ca.pem', pki.ca);
  write('server.pem', pki.server.cert);
  write('server.key', pki.server.key);
  write('server-both.pem', pki.server.cert + pki.server.key);
  write('proxy.pem', own.chain);
  write('proxy.key', own.key);
  write('proxy-both.pem', own.chain + own.key);

  const trust = san.dns('proxy.internal');
  const clientAuth = { mode: 'required', ca: ofProxies.root } as const;
  const app = backend({
    nginx: { format: 'nginx', trust },
    'nginx-no-ca': { format: 'nginx', trust, verifiedByProxy: false },
    haproxy: { format: 'haproxy', trust, chainHeader: 'X-SSL-Client-Chain' },
    rfc9440: { format: 'rfc9440', trust },
    stranger: { format: 'nginx', trust: san.dns('other.internal') },
  });
  const port = await listening(createServer({ ...pki.server, clientAuth }, app), 0);
  const plain = { format: 'nginx', trust: 'unix', dangerouslyAllowPlainHttp: true } as const;
  await listening(createPlainHttp(backend({ plain })), at('backend.sock'));
  await Promise.all([startNginx(port), startHaproxy(port)]);
}, 30_000);

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function listening(server: PortcullisServer | HttpServer, where: number | string): Promise<number> {
  servers.push(server);
  if (typeof where === 'string') server.listen(where);
  else server.listen(where, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Under each prefix a way to forward, with a route that trusts its proxy and one that verifies by itself. */
function backend(ways: Readonly<Record<string, ForwardedClientCertificateOptions>>): Express {
  const app = express();
  const answer: RequestHandler = ({ tls, headers }, response) => {
    const { clientCertificate, source } = tls!;
    const issuers = clientCertificate?.chain.map(({ subject }) => subject['CN']?.join());
    response.json({ name: clientCertificate?.subject['CN']?.join(), source, issuers, headers });
  };
  for (const [prefix, options] of Object.entries(ways)) {
    app.use(`/${prefix}`, forwardedClientCertificate(options));
    app.get(`/${prefix}/trusted`, requireClientCertificate({ acceptForwarded: true }), answer);
    app.get(`/${prefix}/by-ca`, requireClientCertificate({ acceptForwarded: true, ca: pki.ca }), answer);
    app.get(`/${prefix}/direct`, requireClientCertificate(), answer);
  }
  app.use(((error, _incoming, response, _next) => {
    response.status(error.status ?? 500).json({ code: error.code ?? String(error) });
  }) as ErrorRequestHandler);
  return app;
}

async function startNginx(port: number): Promise<void> {
  const tls = `ssl_certificate ${at('server.pem')}; ssl_certificate_key ${at('server.key')};`;
  const upstream = `
    proxy_http_version 1.1;
    proxy_set_header Host localhost;
    proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
    proxy_set_header X-SSL-Client-Verify $ssl_client_verify;
    proxy_ssl_certificate ${at('proxy.pem')};
    proxy_ssl_certificate_key ${at('proxy.key')};
    proxy_ssl_trusted_certificate ${at('ca.pem')};
    proxy_ssl_verify on;
    proxy_ssl_server_name on;
    proxy_ssl_name localhost;`;
  const config = `
    daemon off;
    master_process off;
    pid ${at('nginx.pid')};
    error_log stderr;
    events {}
    http {
      access_log off;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${at(kind)};`).join(' ')}
      ${tls}
      ${upstream}
      server {
        listen unix:${at('nginx.sock')} ssl;
        ssl_client_certificate ${at('ca.pem')};
        ssl_verify_client optional;
        ssl_verify_depth 3;
        location / { proxy_pass https://127.0.0.1:${port}; }
        location /plain/ { proxy_pass http://unix:${at('backend.sock')}; }
      }
      server {
        listen unix:${at('nginx-no-ca.sock')} ssl;
        ssl_verify_client optional_no_ca;
        location / { proxy_pass https://127.0.0.1:${port}; }
      }
    }`;
  const nginx = new Proxy('nginx', ['-p', folder, '-c', write('nginx.conf', config), '-e', 'stderr']);
  proxies.push(nginx);
  await Promise.all([nginx.ready(at('nginx.sock')), nginx.ready(at('nginx-no-ca.sock'))]);
}

async function startHaproxy(port: number): Promise<void> {
  const config = `
defaults
  mode http
  timeout connect 10s
  timeout client 10s
  timeout server 10s
frontend clients
  bind ${at('haproxy.sock')} ssl crt ${at('server-both.pem')} ca-file ${at('ca.pem')} verify optional ca-ignore-err all crt-ignore-err all
  http-request set-header Host localhost
  http-request set-header X-SSL-Client-Cert %[ssl_c_der,base64]
  http-request set-header X-SSL-Client-Chain %[ssl_c_chain_der,base64]
  http-request set-header X-SSL-Client-Verify %[ssl_c_verify]
  http-request del-header Client-Cert
  http-request del-header Client-Cert-Chain
  http-request set-header Client-Cert :%[ssl_c_der,base64]: if { ssl_c_used } { ssl_c_verify 0 }
  default_backend app
backend app
  server app 127.0.0.1:${port} ssl verify required ca-file ${at('ca.pem')} crt ${at('proxy-both.pem')} sni str(localhost)
`;
  const haproxy = new Proxy('haproxy', ['-db', '-f', write('haproxy.cfg', config)]);
  proxies.push(haproxy);
  await haproxy.ready(at('haproxy.sock'));
}

interface Answer {
  readonly status: number;
  readonly body: any;
}

/** One request over a handshake of its own with the proxy. */
async function ask(
  proxy: string,
  path: string,
  identity: RequestIdentity | object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const outgoing = requestHttps({
    socketPath: at(`${proxy}.sock`),
    path,
    headers: { Host: 'localhost', ...headers },
    servername: 'localhost',
    agent: false,
    ...identity,
    ca: pki.ca,
  });
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return { status: incoming.statusCode!, body: text.startsWith('{') ? JSON.parse(text) : text };
}

const codes = async (proxy: string, way: string, identity?: RequestIdentity): Promise<unknown[]> => {
  const found: unknown[] = [];
  for (const route of ['trusted', 'by-ca']) {
    const { status, body } = await ask(proxy, `/${way}/${route}`, identity);
    found.push(status === 200 ? body.name : body.code);
  }
  return found;
};

describe.each([
  ['nginx', 'nginx'],
  ['haproxy', 'haproxy'],
  ['haproxy', 'rfc9440'],
] as const)('a client of %s, told of by %s', (proxy, way) => {
  it('is who it is, with nothing of the headers left', async () => {
    const { status, body } = await ask(proxy, `/${way}/trusted`, pki.clients.good);
    expect([status, body.name, body.source]).toEqual([200, 'good', 'forwarded']);
    expect(Object.keys(body.headers).join()).not.toMatch(
      way === 'rfc9440' ? /(^|,)client-cert/ : /ssl-client/,
    );
    expect(await codes(proxy, way, pki.clients.good)).toEqual(['good', 'good']);
  });

  it('is nobody without a certificate, and never the proxy', async () => {
    expect(await codes(proxy, way)).toEqual(['CLIENT_CERTIFICATE_REQUIRED', 'CLIENT_CERTIFICATE_REQUIRED']);
    for (const identity of [{}, pki.clients.good])
      expect((await ask(proxy, `/${way}/direct`, identity)).body).toEqual({
        code: 'CLIENT_CERTIFICATE_REQUIRED',
      });
  });

  it('is nobody else by the headers that it sends itself', async () => {
    const forged = {
      'X-SSL-Client-Cert': pemUrl(pki.clients.spiffe.certificate),
      'X-SSL-Client-Verify': 'SUCCESS',
      'Client-Cert': byteSequence(pki.clients.spiffe.certificate),
      X_SSL_Client_Cert: pemUrl(pki.clients.spiffe.certificate),
      Client_Cert: 'x',
    };
    expect((await ask(proxy, `/${way}/trusted`, {}, forged)).status).toBe(403);
    const { body } = await ask(proxy, `/${way}/trusted`, pki.clients.good, forged);
    expect(body.name).toBe('good');
    expect(Object.keys(body.headers).join()).not.toMatch(way === 'rfc9440' ? /(^|,)client_cert/ : /x_ssl/);
  });
});

it('a client of a CA between is verified by its proxy, and here where the proxy forwards that CA', async () => {
  expect(await codes('nginx', 'nginx', deep)).toEqual(['deep', 'CLIENT_CERTIFICATE_UNTRUSTED']);
  expect(await codes('haproxy', 'haproxy', deep)).toEqual(['deep', 'deep']);
  const { body } = await ask('haproxy', '/haproxy/by-ca', deep);
  expect(body.issuers).toEqual(['Issuing', 'Test root']);
  expect(deepPem).toMatch(/BEGIN CERTIFICATE/);
});

it("HAProxy's verdict on a bad client is told by its code", async () => {
  const { expired, notYetValid, unknownCa, selfSigned } = pki.clients;
  const told: unknown[] = [];
  for (const client of [expired, notYetValid, unknownCa, selfSigned])
    told.push((await codes('haproxy', 'haproxy', client))[1]);
  expect(told).toEqual([
    'CLIENT_CERTIFICATE_EXPIRED',
    'CLIENT_CERTIFICATE_NOT_YET_VALID',
    'CLIENT_CERTIFICATE_UNTRUSTED',
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ]);
});

it('nginx with optional_no_ca verifies nobody, and a ca of the route does', async () => {
  expect(await codes('nginx-no-ca', 'nginx-no-ca', pki.clients.good)).toEqual([
    'CLIENT_CERTIFICATE_UNTRUSTED',
    'good',
  ]);
  expect(await codes('nginx-no-ca', 'nginx-no-ca', pki.clients.unknownCa)).toEqual([
    'CLIENT_CERTIFICATE_UNTRUSTED',
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ]);
  expect(await codes('nginx-no-ca', 'nginx', pki.clients.good)).toEqual([
    'CLIENT_CERTIFICATE_UNTRUSTED',
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ]);
  expect(await codes('nginx-no-ca', 'nginx-no-ca')).toEqual([
    'CLIENT_CERTIFICATE_REQUIRED',
    'CLIENT_CERTIFICATE_REQUIRED',
  ]);
});

it('a proxy that the rule does not name forwards nobody', async () => {
  const { status, body } = await ask('nginx', '/stranger/by-ca', pki.clients.good);
  expect([status, body.code]).toEqual([403, 'CLIENT_CERTIFICATE_UNTRUSTED']);
});

it('nginx forwards over plain HTTP on a Unix socket', async () => {
  expect(await codes('nginx', 'plain', pki.clients.good)).toEqual(['good', 'good']);
  expect(await codes('nginx', 'plain')).toEqual([
    'CLIENT_CERTIFICATE_REQUIRED',
    'CLIENT_CERTIFICATE_REQUIRED',
  ]);
});
