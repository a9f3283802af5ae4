import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { HeaderNames } from '../../lib/forwarded/header-names.ts';
import { removeHeaders } from '../../lib/forwarded/remove-headers.ts';

const server = createServer();
const names = new HeaderNames(['Client-Cert', 'X-Chain']);

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Sends a request of these lines, and answers it once `look` has seen it. */
async function receive<T>(
  lines: readonly string[],
  look: (request: IncomingMessage) => T | Promise<T>,
): Promise<T> {
  const asked = once(server, 'request');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(['POST / HTTP/1.1', 'Host: a', ...lines].join('\r\n'));
  const [request] = (await asked) as [IncomingMessage];
  try {
    return await look(request);
  } finally {
    socket.destroy();
  }
}

/** All forms in which Node gives the headers of a request. */
const forms = ({ headers, headersDistinct, rawHeaders }: IncomingMessage): unknown => ({
  headers: { ...headers },
  headersDistinct: { ...headersDistinct },
  rawHeaders,
});
const plain = ['X-Other: stays', 'Content-Length: 0', '', ''];
const left = {
  headers: { host: 'a', 'x-other': 'stays', 'content-length': '0' },
  headersDistinct: { host: ['a'], 'x-other': ['stays'], 'content-length': ['0'] },
  rawHeaders: ['Host', 'a', 'X-Other', 'stays', 'Content-Length', '0'],
};

it('takes headers away in every form, whatever reads the same as their names', async () => {
  const meant = ['Client-Cert: a', 'client_cert: b', 'CLIENT.CERT: c', 'x-chain: d'];
  const [found, seen] = await receive([...meant, ...plain], (request) => [
    removeHeaders(request, names),
    forms(request),
  ]);
  expect(found).toBe(true);
  expect(seen).toEqual(left);
});

it('takes them away where the forms were made before, and says nothing where there are none', async () => {
  await receive(['Client-Cert: a', ...plain], (request) => {
    expect(request.headers['client-cert']).toBe('a');
    expect(request.headersDistinct['client-cert']).toEqual(['a']);
    expect(removeHeaders(request, names)).toBe(true);
    expect(forms(request)).toEqual(left);
    expect(removeHeaders(request, names)).toBe(false);
    expect(forms(request)).toEqual(left);
  });
});

it('finds a name in the place of names alone', async () => {
  await receive(['X-Named: client-cert', 'X-Empty:', ...plain], (request) => {
    expect(removeHeaders(request, names)).toBe(false);
    expect(request.headers).toMatchObject({ 'x-named': 'client-cert', 'x-empty': '' });
  });
});

it('leaves those that are to be kept, and no others', async () => {
  await receive(['Client-Cert: a', 'Client_Cert: b', ...plain], (request) => {
    expect(removeHeaders(request, names, (name) => name === 'Client-Cert')).toBe(true);
    expect(request.rawHeaders).toEqual(['Host', 'a', 'Client-Cert', 'a', ...left.rawHeaders.slice(2)]);
  });
  await receive(['Client-Cert: a', ...plain], (request) => {
    expect(removeHeaders(request, names, () => true)).toBe(false);
    expect(request.rawHeaders).toContain('Client-Cert');
  });
});

const chunked = ['X-Other: stays', 'Transfer-Encoding: chunked', '', '0'];
const trailers = ['Client-Cert: a', 'client_cert: b', 'X-Late: stays', '', ''];
const lateOnly = {
  trailers: { 'x-late': 'stays' },
  trailersDistinct: { 'x-late': ['stays'] },
  rawTrailers: ['X-Late', 'stays'],
};
const late = ({ trailers: found, trailersDistinct, rawTrailers }: IncomingMessage): unknown => ({
  trailers: { ...found },
  trailersDistinct: { ...trailersDistinct },
  rawTrailers,
});

it('takes them out of the trailers before anybody hears of the end, be they kept among the headers', async () => {
  await receive([...chunked, ...trailers], async (request) => {
    const seen: unknown[] = [];
    request.on('end', () => seen.push(late(request)));
    expect(removeHeaders(request, names, () => true)).toBe(false);
    request.resume();
    await once(request, 'end');
    expect(seen).toEqual([lateOnly]);
  });
});

it('takes them out of trailers that are there already', async () => {
  await receive([...chunked, ...trailers], async (request) => {
    request.resume();
    await once(request, 'end');
    expect(request.rawTrailers).toContain('Client-Cert');
    removeHeaders(request, names);
    expect(late(request)).toEqual(lateOnly);
  });
});

it('waits for no trailers where none can come', async () => {
  await receive(['Content-Length: 1', '', ''], (request) => {
    removeHeaders(request, names);
    expect(request.listenerCount('end')).toBe(0);
  });
  await receive(chunked, (request) => {
    removeHeaders(request, names);
    expect(request.listenerCount('end')).toBe(1);
  });
});
