import { once } from 'node:events';
import { createServer as createPlainServer, type RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, connect, type Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import axios, { create, isAxiosError } from 'axios';
import { got, RequestError } from 'got';
import { createAgent, createFetch, type TlsAgent, type TlsClientOptions } from 'portcullis/client';
import { otherRoot, pinOf, root, serverCertificate, strangePin } from '../client/pki.ts';

const leaf = serverCertificate();
const open: Array<() => unknown> = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

interface Heard {
  readonly port: number;
  /** Method, path and body of each request. */
  readonly requests: string[];
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  open.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const listener =
  (requests: string[], location?: () => string): RequestListener =>
  (request, response) => {
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => {
      requests.push(`${request.method} ${request.url} ${Buffer.concat(body).toString()}`);
      if (request.httpVersionMajor === 1) response.setHeader('connection', 'close');
      if (location !== undefined) response.writeHead(307, { location: location() });
      response.end('in');
    });
  };

async function startTls(location?: () => string): Promise<Heard> {
  const requests: string[] = [];
  const server = createSecureServer(
    { key: leaf.key, cert: leaf.certificate, allowHTTP1: true },
    listener(requests, location) as never,
  );
  server.on('tlsClientError', () => undefined).on('sessionError', () => undefined);
  return { port: await listening(server), requests };
}

async function startPlain(): Promise<Heard> {
  const requests: string[] = [];
  return { port: await listening(createPlainServer(listener(requests))), requests };
}

/** Answers CONNECT, and leads all to one server. */
async function startProxy(to: number): Promise<Heard> {
  const requests: string[] = [];
  const proxy = createPlainServer(listener(requests));
  proxy.on('connect', (request, near) => {
    requests.push(`CONNECT ${request.url}`);
    const far = connect(to, '127.0.0.1', () => near.write('HTTP/1.1 200 OK\r\n\r\n'));
    near.on('error', () => far.destroy()).pipe(far);
    far.on('error', () => near.destroy()).pipe(near);
  });
  return { port: await listening(proxy), requests };
}

function agentOf(options: TlsClientOptions): TlsAgent {
  const agent = createAgent(options);
  open.push(() => agent.destroy());
  return agent;
}

async function withEnvironment<T>(
  variables: Readonly<Record<string, string>>,
  run: () => Promise<T>,
): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

const good: TlsClientOptions = { ca: root.certificate };
const others = { ca: root.certificate, pins: [strangePin(), strangePin()] };

const causeOf = (error: unknown): unknown =>
  isAxiosError(error) || error instanceof RequestError ? error.cause : error;
const failureOf = (outcome: Promise<unknown>): Promise<unknown> => outcome.then(() => 'in', causeOf);

describe('a proxy that the environment gives to axios', () => {
  const byProxy = async (
    agent: TlsAgent,
    more: object,
  ): Promise<{ failure: unknown; heard: string[]; proxy: Heard }> => {
    const server = await startTls();
    const proxy = await startProxy(server.port);
    const failure = await withEnvironment(
      {
        HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
        https_proxy: `http://127.0.0.1:${proxy.port}`,
        NODE_TLS_REJECT_UNAUTHORIZED: '0',
      },
      () =>
        failureOf(
          axios.get(`https://localhost:${server.port}/secret`, {
            httpsAgent: agent,
            maxRedirects: 0,
            ...more,
          }),
        ),
    );
    return { failure, heard: server.requests, proxy };
  };

  it('leads to no server that nobody has verified', async () => {
    const { failure, heard, proxy } = await byProxy(agentOf(others), {});
    expect(proxy.requests).toHaveLength(1);
    expect(failure).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    expect(heard).toEqual([]);
  });

  it('nor to one that Node itself believes', async () => {
    const agent = agentOf(others);
    // As if its root were one of Node's.
    Object.assign(agent.options, { ca: root.certificate });
    const { failure, heard } = await byProxy(agent, {});
    expect(heard).toEqual([]);
    expect(failure).toMatchObject({
      code: 'HANDSHAKE_FAILED',
      reason: 'AGENT_REPLACED',
      message: expect.stringContaining('proxy: false'),
    });
  });

  it('is not asked with proxy: false', async () => {
    const { failure, heard, proxy } = await byProxy(agentOf(good), { proxy: false });
    expect([failure, heard, proxy.requests]).toEqual(['in', ['GET /secret '], []]);
  });
});

describe('a redirect that leaves TLS', () => {
  it.each([
    [
      'got',
      'ERR_INVALID_PROTOCOL',
      (url: string, agent: TlsAgent) =>
        got(url, { agent: { http: agent, https: agent }, retry: { limit: 0 } }).text(),
    ],
    [
      'axios',
      'ERR_FR_REDIRECTION_FAILURE',
      (url: string, agent: TlsAgent) => axios.get(url, { httpAgent: agent, httpsAgent: agent, proxy: false }),
    ],
  ])('is not followed by %s with the agent for both', async (_name, code, get) => {
    const plain = await startPlain();
    const server = await startTls(() => `http://localhost:${plain.port}/plain`);
    const failure = await failureOf(get(`https://localhost:${server.port}/moved`, agentOf(good)));
    expect(failure).toMatchObject({ code });
    expect([server.requests, plain.requests]).toEqual([['GET /moved '], []]);
  });
});

describe('axios over a fetch that verifies', () => {
  const by = (options: TlsClientOptions): ReturnType<typeof create> => {
    const own = createFetch({ ...options, http2: true });
    open.push(() => own.close());
    return create({ adapter: 'fetch', env: { fetch: own } });
  };

  it('speaks to a server that is good', async () => {
    const server = await startTls();
    const answer = await by({ ...good, pins: [pinOf(leaf), strangePin()] }).post(
      `https://localhost:${server.port}/`,
      { a: 1 },
    );
    expect([answer.data, server.requests]).toEqual(['in', ['POST / {"a":1}']]);
  });

  it('tells one that is not nothing', async () => {
    const server = await startTls();
    const failure = await failureOf(
      by({ ca: otherRoot.certificate }).get(`https://localhost:${server.port}/`),
    );
    expect(failure).toMatchObject({ code: 'CERTIFICATE_VERIFICATION_FAILED', reason: 'ISSUER_UNKNOWN' });
    expect(server.requests).toEqual([]);
  });
});
