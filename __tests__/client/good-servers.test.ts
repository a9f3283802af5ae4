import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { Agent } from 'node:https';
import { type AddressInfo, connect, createServer, type LookupFunction } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createAgent, createFetch, HandshakeError, type TlsClientOptions } from 'portcullis/client';
import { certIdOf } from '../../lib/trust/ocsp/ocsp-request.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import type { OddCertificate, Overrides } from '../support/odd-certificates.ts';
import { oddAuthority } from '../support/odd-certificates.ts';
import { oddCrl } from '../support/odd-crls.ts';
import { sharedKeys } from '../support/odd-keys.ts';
import { commonName } from '../support/odd-names.ts';
import { ocspResponse } from '../support/ocsp.ts';
import {
  ago,
  ahead,
  clientCertificate,
  dns,
  intermediate,
  otherRoot,
  pinOf,
  root,
  serialOf,
  serverCertificate,
  strangePin,
} from './pki.ts';
import { byAgent, ways } from './requests.ts';
import { closeServers, startTcp, startTls } from './servers.ts';

afterEach(closeServers);

interface GoodServer {
  readonly name: string;
  readonly leaf: OddCertificate;
  readonly issuers?: readonly OddCertificate[];
  readonly client?: TlsClientOptions;
  readonly staple?: Buffer;
}

const of = (name: string, overrides: Overrides, more: Partial<GoodServer> = {}): GoodServer => ({
  name,
  leaf: serverCertificate(overrides),
  ...more,
});
const withName = (name: string, servername: string, pattern: string): GoodServer =>
  of(name, { extensions: { subjectAltName: dns(pattern) } }, { client: { servername } });

const lower = oddAuthority({ issuer: intermediate, subject: commonName('Lower') });
/** Of one name and key, as a CA is renewed. */
const renewed = (overrides: Overrides = {}): OddCertificate =>
  oddAuthority({
    notBefore: ago(9),
    notAfter: ahead(9),
    issuer: root,
    subject: commonName('Renewed'),
    keys: sharedKeys('ec-p384'),
    ...overrides,
  });
const [current, revoked, expired, early] = [
  renewed(),
  renewed(),
  renewed({ notAfter: ago(1) }),
  renewed({ notBefore: ahead(1) }),
];
const leaf = serverCertificate();
const idOf = certIdOf(new Certificate(leaf.der), new Certificate(root.der));

const goodServers: readonly GoodServer[] = [
  { name: 'has a key on P-256', leaf },
  of('has a key on P-384', { keys: sharedKeys('ec-p384') }),
  of('has an RSA key', { keys: sharedKeys('rsa-2048') }),
  of('has an RSA-PSS key', { keys: sharedKeys('rsa-pss-2048') }),
  of('has an Ed25519 key', { keys: sharedKeys('ed25519') }),
  withName('has a wildcard for the name', 'a.example.org', '*.example.org'),
  withName('has a wildcard below localhost', 'app.localhost', '*.localhost'),
  withName('has a name in capitals', 'Api.example.org', 'API.EXAMPLE.org'),
  withName('is asked for with a dot at the end', 'api.example.org.', 'api.example.org'),
  withName('has an international name as its A-labels', 'bücher.example', 'xn--bcher-kva.example'),
  of('has an IPv6 address', {}, { client: { servername: '::1' } }),
  of('stands below two intermediates', { issuer: lower }, { issuers: [lower, intermediate] }),
  of('sends its root along', {}, { issuers: [root] }),
  of(
    'stands below an intermediate that only the client knows',
    { issuer: intermediate },
    {
      client: { ca: [root.certificate, intermediate.der] },
    },
  ),
  of(
    'sends an expired intermediate before the renewed one',
    { issuer: current },
    { issuers: [expired, current] },
  ),
  of(
    'sends an intermediate of tomorrow before that of today',
    { issuer: current },
    { issuers: [early, current] },
  ),
  of(
    'sends a revoked intermediate before the renewed one',
    { issuer: current },
    {
      issuers: [revoked, current],
      client: { crl: oddCrl(root as never, { entries: [{ serial: serialOf(revoked) }] }) },
    },
  ),
  of('was renewed with the pinned key', {}, { client: { pins: [strangePin(), pinOf(leaf)] } }),
  of(
    'has a CA that is pinned',
    { issuer: intermediate },
    {
      issuers: [intermediate],
      client: { pins: [pinOf(intermediate), strangePin()], pinsOn: 'chain' },
    },
  ),
  {
    name: 'is pinned by its fingerprint',
    leaf,
    client: { pins: [new Certificate(leaf.der).fingerprint256, strangePin()] },
  },
  {
    name: 'is in no list',
    leaf,
    client: { crl: oddCrl(root as never, {}), revocation: { unknown: 'deny' } },
  },
  {
    name: 'staples a good response, where that is required',
    leaf,
    client: { stapling: 'require' },
    staple: ocspResponse({ id: idOf, signer: root }),
  },
];

const client: TlsClientOptions = {
  ca: root.certificate,
  key: clientCertificate.key,
  cert: clientCertificate.certificate,
};

describe('a server is let through that', () => {
  it.each(goodServers)('$name', async ({ leaf: { key, certificate }, issuers = [], ...good }) => {
    const cert = [certificate, ...issuers.map((issuer) => issuer.certificate)].join('');
    await Promise.all(
      [['agent', 'TLSv1.2'] as const, ['fetch', 'TLSv1.3'] as const].map(async ([way, version]) => {
        const { staple } = good;
        const server = await startTls({ key, cert, minVersion: version, maxVersion: version, staple });
        const answer = await ways[way](server.port, { ...client, ...good.client });
        expect(answer).toEqual({ status: 200, body: 'in' });
        expect(server.sawCertificate()).toBe(true);
      }),
    );
  });

  it('speaks TLS 1.3, to a client of the profile modern', async () => {
    const server = await startTls({ key: leaf.key, cert: leaf.certificate });
    for (const way of ['agent', 'fetch'] as const) {
      // oxlint-disable-next-line no-await-in-loop -- to one server
      expect(await ways[way](server.port, { ...client, profile: 'modern' })).toMatchObject({ status: 200 });
    }
  });

  it.each([
    ['has run out since', renewed({ notBefore: ago(20), notAfter: ago(10) }), 15],
    ['is of tomorrow', early, 0],
  ])('sends the intermediate of today, where that in `ca` %s', async (_what, ours, daysAgo) => {
    const { key, certificate } = serverCertificate({ issuer: current });
    const server = await startTls({ key, cert: certificate + current.certificate });
    const now = jest.spyOn(Date, 'now').mockReturnValue(ago(daysAgo).getTime());
    const agent = createAgent({ ca: [root.certificate, ours.certificate] });
    now.mockRestore();
    await expect(byAgent(server.port, {}, { agent })).resolves.toMatchObject({ status: 200 });
    agent.destroy();
  });

  it('speaks HTTP/2, to a fetch that offers it', async () => {
    const server = createSecureServer(
      { key: leaf.key, cert: leaf.certificate, allowHTTP1: true },
      (request, response) => response.end(request.httpVersion),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const versions = await Promise.all(
      [true, false].map(async (http2) => {
        const own = createFetch({ ca: root.certificate, http2 });
        const response = await own(`https://127.0.0.1:${port}/`);
        const body = await response.text();
        await own.close();
        return body;
      }),
    );
    server.close();
    expect(versions).toEqual(['2.0', '1.1']);
  });
});

it('a fetch takes what Node’s own takes', async () => {
  const server = createSecureServer(
    { key: leaf.key, cert: leaf.certificate, allowHTTP1: true },
    (request, response) => {
      const body: Buffer[] = [];
      request.on('data', (chunk: Buffer) => body.push(chunk));
      request.on('end', () => {
        response.setHeader('location', '/elsewhere');
        response.statusCode = request.url === '/moved' ? 307 : 200;
        const own = String(request.headers['x-own']);
        response.end(`${request.method} ${request.url} ${own} ${Buffer.concat(body).toString()}`);
      });
    },
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const own = createFetch({ ca: root.certificate });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const text = async (...given: Parameters<typeof fetch>): Promise<string> => (await own(...given)).text();
  const form = new FormData();
  form.append('field', 'value');
  form.append('file', new Blob(['content']), 'a.txt');
  const sent = await text(`${url}/form`, { method: 'POST', body: form });
  const request = new Request(`${url}/request`, {
    method: 'PUT',
    body: 'whole',
    headers: { 'x-own': 'yes' },
  });
  const stream = new Blob(['str', 'eam']).stream();
  const answers = [
    await text(request),
    await text(new URL(`${url}/url`), { headers: new Headers({ 'x-own': 'headers' }) }),
    await text(
      `${url}/second`,
      new Request(url, { method: 'PUT', body: 'argument', headers: { 'x-own': 'a' } }),
    ),
    await text(
      `${url}/getters`,
      new (class {
        get method() {
          return 'PUT';
        }
        get body() {
          return 'read';
        }
      })(),
    ),
    await text(`${url}/stream`, { method: 'POST', body: stream, duplex: 'half' } as RequestInit),
    await text(`${url}/moved`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) }),
  ];
  const aborted = own(url, { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  await own.close();
  server.close();
  expect(sent).toMatch(/name="field"\r\n\r\nvalue\r\n[^]*filename="a\.txt"[^]*\r\n\r\ncontent\r\n/);
  expect(answers).toEqual([
    'PUT /request yes whole',
    'GET /url headers ',
    'PUT /second a argument',
    'PUT /getters undefined read',
    'POST /stream undefined stream',
    'POST /elsewhere undefined a=b',
  ]);
});

it('a fetch follows no redirect out of TLS', async () => {
  const plain = await startTcp(() => undefined);
  const server = createSecureServer(
    { key: leaf.key, cert: leaf.certificate, allowHTTP1: true },
    (_request, response) => response.writeHead(302, { location: `http://127.0.0.1:${plain.port}/` }).end(),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(ways.fetch(port, client)).rejects.toMatchObject({
    code: 'HANDSHAKE_FAILED',
    reason: 'NOT_HTTPS',
    port: plain.port,
  });
  server.close();
  expect(plain.heard()).toBe('');
});

it('a fetch reads its URL once', async () => {
  const server = await startTls({ key: leaf.key, cert: leaf.certificate });
  const own = createFetch(client);
  const urls = [`https://127.0.0.1:${server.port}/`, 'data:text/plain,evil'];
  const response = await own({ toString: () => urls.shift() } as never);
  expect([await response.text(), urls.length]).toEqual(['in', 1]);
  await own.close();
});

/** What `client` sends on the wire, by a relay that only reads along. */
async function tapped(port: number): Promise<{ port: number; sent: () => Buffer; close: () => void }> {
  const sent: Buffer[] = [];
  const relay = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.on('data', (chunk: Buffer) => sent.push(chunk));
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await once(relay.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (relay.address() as AddressInfo).port,
    sent: () => Buffer.concat(sent),
    close: () => relay.close(),
  };
}

describe('on the wire', () => {
  it('nothing of a request can be read, nor over TLS 1.3 who the client is', async () => {
    const server = await startTls({ key: leaf.key, cert: leaf.certificate });
    const tap = await tapped(server.port);
    for (const way of ['agent', 'fetch'] as const) {
      // oxlint-disable-next-line no-await-in-loop -- by one tap
      await ways[way](tap.port, client);
    }
    const wire = tap.sent().toString('latin1');
    tap.close();
    expect(server.heard()).toContain('nobody-else-may-see');
    expect(wire.length).toBeGreaterThan(1000);
    for (const secret of ['GET ', 'nobody-else-may-see', 'HTTP/1.1', 'wants to stay unknown']) {
      expect(wire).not.toContain(secret);
    }
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a server that is refused gets a ClientHello over %s, and neither certificate nor alert',
    async (version) => {
      const server = await startTls({
        key: leaf.key,
        cert: leaf.certificate,
        minVersion: version,
        maxVersion: version,
      });
      const tap = await tapped(server.port);
      const pins = [strangePin(), strangePin()];
      await expect(ways.agent(tap.port, { ...client, pins })).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
      await server.quiet();
      tap.close();
      const sent = tap.sent();
      // One record (RFC 8446 5.1) of the type handshake, and in it a client_hello.
      expect([sent[0], sent[5], sent.length]).toEqual([22, 1, 5 + sent.readUInt16BE(3)]);
    },
  );
});

describe('what stays as it is', () => {
  const unused = async (): Promise<number> => {
    const server = await startTcp(() => undefined);
    await server.close();
    return server.port;
  };

  it('a port on which nobody listens', async () => {
    const port = await unused();
    await expect(ways.agent(port, client)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(ways.fetch(port, client)).rejects.toMatchObject({
      name: 'TypeError',
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('a connection that is closed in the middle of the handshake without a word', async () => {
    const hangUp = await startTcp((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await expect(ways.agent(hangUp.port, client)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(ways.fetch(hangUp.port, client)).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  });

  it('the agent, which is one of node:https', async () => {
    const agent = createAgent({ ca: root.certificate, maxSockets: 3 });
    expect(agent).toBeInstanceOf(Agent);
    expect(agent).toMatchObject({ maxSockets: 3, options: { keepAlive: true } });
    expect(JSON.stringify(agent.options)).not.toContain('CERTIFICATE');
    agent.destroy();
  });
});

const alertOrEnd = /^(?:certificate_required|ECONNRESET|EPIPE|UND_ERR_SOCKET)$/;
const codeOf = (error: unknown): unknown => {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  return cause?.code ?? code;
};

it.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'tells of a server that wants a certificate over %s, by its alert',
  async (version) => {
    const server = await startTls({
      key: leaf.key,
      cert: leaf.certificate,
      ca: root.certificate,
      rejectUnauthorized: true,
      minVersion: version,
      maxVersion: version,
    });
    const nobody = { ca: root.certificate };
    for (const way of ['agent', 'fetch'] as const) {
      // oxlint-disable-next-line no-await-in-loop -- to one server
      const error: unknown = await ways[way](server.port, nobody).catch((caught: unknown) => caught);
      // Over TLS 1.3 Node's server may have hung up before its alert was read.
      const told = error instanceof HandshakeError ? error.alert : String(codeOf(error));
      expect(told).toMatch(version === 'TLSv1.2' ? /^handshake_failure$/ : alertOrEnd);
    }
    expect(server.heard()).toBe('');
  },
);

const toLoopback: LookupFunction = (_name, { all }, found) => {
  if (all === true) found(null, [{ address: '127.0.0.1', family: 4 }]);
  else found(null, '127.0.0.1', 4);
};

it('leaves no way to whoever makes another agent of its options, as axios does for a proxy', async () => {
  const server = await startTls({ key: leaf.key, cert: leaf.certificate });
  const agent = createAgent({ ca: root.certificate });
  const replaced = new Agent({ ...agent.options, ca: root.certificate });
  const settled = byAgent(server.port, client, { agent: replaced });
  await expect(settled).rejects.toMatchObject({
    code: 'HANDSHAKE_FAILED',
    reason: 'AGENT_REPLACED',
    message: expect.stringContaining('proxy: false'),
  });
  expect(server.heard()).toBe('');
});

it('takes a CA as Node has it', async () => {
  const server = await startTls({ key: leaf.key, cert: leaf.certificate });
  const ca = new X509Certificate(root.certificate);
  await expect(byAgent(server.port, { ca })).resolves.toMatchObject({ status: 200 });
  expect(() => createAgent({ ca, crl: ca })).toThrow(expect.objectContaining({ code: 'CRL_INVALID' }));
});

it('believes nobody by what the environment and a request say', async () => {
  const server = await startTls({ key: leaf.key, cert: leaf.certificate });
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  try {
    const weak = {
      rejectUnauthorized: false,
      ca: root.certificate,
      checkServerIdentity: () => undefined,
      servername: 'localhost',
      ciphers: 'ALL:@SECLEVEL=0',
      minVersion: 'TLSv1',
    } as const;
    const options = { ca: otherRoot.certificate };
    await expect(byAgent(server.port, options, weak)).rejects.toMatchObject({ reason: 'ISSUER_UNKNOWN' });
    // Nor by the public roots.
    await expect(byAgent(server.port, {}, weak)).rejects.toMatchObject({ reason: 'ISSUER_UNKNOWN' });
    const elsewhere = { ca: root.certificate };
    await expect(
      byAgent(server.port, elsewhere, { ...weak, host: '127.0.0.1', headers: { Host: 'localhost' } }),
    ).resolves.toMatchObject({ status: 200 });
    await expect(
      byAgent(server.port, elsewhere, {
        ...weak,
        host: 'evil.example',
        lookup: toLoopback,
        headers: { Host: 'localhost' },
      }),
    ).rejects.toMatchObject({ code: 'HOSTNAME_MISMATCH', expected: 'evil.example' });
  } finally {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  }
});
