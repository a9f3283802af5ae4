import { createHash } from 'node:crypto';
import type { Got, Sent } from './http2-harness.ts';

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const json = { 'content-type': 'application/json' };
const binary = { 'content-type': 'application/octet-stream' };

/** What is sent to `parityApp`, and the status that must come, over both protocols. */
export const kinds: ReadonlyArray<readonly [string, Sent, number]> = [
  ['JSON', { path: '/json?a=1&b=2' }, 200],
  ['text', { path: '/send' }, 200],
  ['a buffer', { path: '/buffer' }, 200],
  ['HEAD', { path: '/json', method: 'HEAD' }, 200],
  ['OPTIONS', { path: '/json', method: 'OPTIONS' }, 200],
  ['sendStatus', { path: '/status' }, 418],
  ['204', { path: '/empty' }, 204],
  ['an empty answer', { path: '/nothing' }, 200],
  ['a redirect', { path: '/redirect' }, 303],
  ['cookies both ways', { path: '/cookies', headers: { cookie: 'a=1; b=2' } }, 200],
  ['fields that are appended', { path: '/append' }, 200],
  ['a negotiated format', { path: '/format', headers: { accept: 'text/plain' } }, 200],
  ['ip, secure, protocol and path', { path: '/facts?x=y' }, 200],
  ['writeHead with words and fields', { path: '/write-head' }, 201],
  ['writeHead with a list', { path: '/write-head-list' }, 200],
  ['a status message', { path: '/message' }, 202],
  ['fields of the connection', { path: '/hop-by-hop' }, 200],
  ['a fresh ETag', { path: '/etag', headers: { 'if-none-match': etagOf('the same each time') } }, 304],
  ['writes at several times', { path: '/writes' }, 200],
  ['3 MB that are piped', { path: '/pipe' }, 200],
  ['300 KB at once', { path: '/large' }, 200],
  ['a static file', { path: '/static/file.txt' }, 200],
  ['a range', { path: '/static/file.txt', headers: { range: 'bytes=10-29' } }, 206],
  ['a range that there is not', { path: '/static/file.txt', headers: { range: 'bytes=9999999-' } }, 416],
  ['sendFile', { path: '/send-file' }, 200],
  ['a download', { path: '/download' }, 200],
  ['a JSON body', { path: '/json', method: 'POST', headers: json, body: '{"a":[1,2]}' }, 200],
  [
    'a JSON body without a length',
    { path: '/json', method: 'POST', headers: json, chunks: ['{"a":', '1}'] },
    200,
  ],
  ['a malformed JSON body', { path: '/json', method: 'POST', headers: json, body: '{"a":' }, 400],
  ['a JSON body that is too large', { path: '/json', method: 'POST', headers: json, body: big(2_000) }, 413],
  ['the same without a length', { path: '/json', method: 'POST', headers: json, chunks: [big(2_000)] }, 413],
  ['a form', { path: '/form', method: 'POST', headers: form, body: 'a=1&b[c]=2' }, 200],
  [
    'a text body',
    { path: '/text', method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'words' },
    200,
  ],
  ['raw octets', { path: '/raw', method: 'POST', headers: binary, body: Buffer.alloc(300_000, 7) }, 200],
  [
    'an echo of 300 KB',
    { path: '/echo', method: 'POST', headers: binary, body: Buffer.alloc(300_000, 9) },
    200,
  ],
  ['an empty body', { path: '/json', method: 'POST', headers: json, body: '' }, 200],
  ['a body that nobody reads', { path: '/ignored', method: 'POST', body: 'x'.repeat(200) }, 200],
  [
    'trailers both ways',
    { path: '/trailers', method: 'POST', chunks: ['a'], trailers: { 'X-In': 'sum' } },
    200,
  ],
  ['a handler that throws', { path: '/throws' }, 503],
  ['a handler that rejects', { path: '/rejects' }, 409],
  ['no such page', { path: '/nowhere' }, 404],
  ['a Router', { path: '/router/7' }, 200],
  ['a mounted app', { path: '/mounted/below' }, 200],
  ['helmet', { path: '/helmet' }, 200],
  ['compression', { path: '/gzip' }, 200],
  ['early hints', { path: '/early' }, 200],
  ['a processing notice', { path: '/processing' }, 200],
  [
    'Expect: 100-continue',
    {
      path: '/text',
      method: 'POST',
      headers: { expect: '100-continue', 'content-type': 'text/plain' },
      body: 'awaited',
    },
    200,
  ],
  ['another expectation', { path: '/json', headers: { expect: 'miracles' } }, 417],
];

function etagOf(text: string): string {
  return `W/"${text.length.toString(16)}-${hashOf(text)}"`;
}

function hashOf(text: string): string {
  return createHash('sha1').update(text).digest('base64').slice(0, 27);
}

function big(length: number): string {
  return JSON.stringify({ text: 'x'.repeat(length) });
}

/** What the protocols themselves have to differ in. */
export const ofProtocol: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'date',
  'proxy-connection',
  'te',
  'upgrade',
]);

/** What must be the same over both protocols. */
export function comparable({ status, headers, body, trailers, interim }: Got): object {
  const kept = Object.entries(headers).filter(([name]) => !ofProtocol.has(name));
  return {
    status,
    headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
    body: body.toString('latin1'),
    trailers: { ...trailers },
    interim: interim.map((one) => ({ status: one.status, link: one.headers['link'] })),
  };
}
