import { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type Kept, place } from '../../middleware/kept-headers.ts';
import { type HeaderLine, readyHeaders } from '../../middleware/ready-headers.ts';

const lines: HeaderLine[] = [
  ['X-Frame-Options', 'SAMEORIGIN'],
  ['Content-Security-Policy', "default-src 'self'"],
  ['X-XSS-Protection', '0'],
];
const set = readyHeaders(lines, ['X-Powered-By']);

const keptOf = (response: ServerResponse): Kept => Reflect.get(response, place!) as Kept;

const newResponse = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

afterEach(() => {
  jest.restoreAllMocks();
});

describe('ready headers', () => {
  it('are the same to all who ask as those that were set one by one, and in the head that is sent', () => {
    const [ready, oneByOne] = [newResponse(), newResponse()];
    for (const response of [ready, oneByOne]) {
      response.sendDate = false;
      response.setHeader('x-frame-options', 'DENY');
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.setHeader('X-Powered-By', 'Express');
    }
    set(ready);
    oneByOne.removeHeader('X-Powered-By');
    for (const [name, value] of lines) oneByOne.setHeader(name, value);
    expect(ready.getHeaders()).toEqual(oneByOne.getHeaders());
    expect(ready.getHeaderNames().toSorted()).toEqual(oneByOne.getHeaderNames().toSorted());
    expect(ready.hasHeader('X-Powered-By')).toBe(false);
    expect(ready.hasHeader('constructor')).toBe(false);
    const head = (response: ServerResponse): string[] => {
      response.writeHead(204);
      return (response as unknown as { _header: string })._header.split('\r\n').toSorted();
    };
    expect(head(ready)).toEqual(head(oneByOne));
  });

  it('are put where this Node keeps headers, all at once', () => {
    const response = newResponse();
    const kept = (): unknown[] =>
      Object.getOwnPropertySymbols(response).map((symbol) => Reflect.get(response, symbol) as unknown);
    response.setHeader('X-Before', '1');
    const before = kept();
    set(response);
    // setHeader would have added to the object that was there.
    const replaced = kept().filter((value, index) => value !== before[index]);
    expect(replaced).toContainEqual(expect.objectContaining({ 'x-before': ['X-Before', '1'] }));
  });

  it('of one response do not change with those of another', () => {
    const [first, second] = [newResponse(), newResponse()];
    set(first);
    set(second);
    first.appendHeader('Content-Security-Policy', "frame-ancestors 'none'");
    first.removeHeader('X-Frame-Options');
    first.setHeader('X-XSS-Protection', '1');
    expect(second.getHeaders()).toEqual({
      'x-frame-options': 'SAMEORIGIN',
      'content-security-policy': "default-src 'self'",
      'x-xss-protection': '0',
    });
    const third = newResponse();
    set(third);
    expect(third.getHeaders()).toEqual(second.getHeaders());
  });

  const headOf = (response: ServerResponse): string => {
    response.sendDate = false;
    if (!response.headersSent) response.writeHead(200);
    return (response as unknown as { _header: string })._header;
  };
  const others: HeaderLine[] = [
    ['X-Frame-Options', 'DENY'],
    ['X-Added', '1'],
  ];

  it.each<[string, (response: ServerResponse) => unknown]>([
    ['nothing', () => {}],
    ['another header', (response) => response.setHeader('Content-Type', 'text/plain')],
    ['a length', (response) => response.setHeader('Content-Length', 3)],
    ['Connection: close', (response) => response.setHeader('Connection', 'close')],
    ['one of them, with another value', (response) => response.setHeader('X-XSS-Protection', '1')],
    ['the first of them, with the same value', (response) => response.setHeader(...lines[0]!)],
    ['one of them, spelt otherwise', (response) => response.setHeader('x-frame-options', 'SAMEORIGIN')],
    [
      'one of them, appended to',
      (response) => response.appendHeader('content-security-policy', "img-src 'self'"),
    ],
    [
      "one of them, appended to by Node's own method",
      (response) => OutgoingMessage.prototype.appendHeader.call(response, 'X-Frame-Options', 'DENY'),
    ],
    [
      'one of them, appended to by a method in front of the prototype',
      (response) => (Object.create(response) as ServerResponse).appendHeader('X-XSS-Protection', '1'),
    ],
    [
      'the names of all, spelt otherwise where Node keeps them',
      (response) => Object.values(keptOf(response)).forEach((pair) => (pair[0] = pair[0].toUpperCase())),
    ],
    ['a new one, appended', (response) => response.appendHeader('Set-Cookie', ['a=1', 'b=2'])],
    ['one of them, removed', (response) => response.removeHeader('X-Frame-Options')],
    ['all of them, removed', (response) => lines.forEach(([name]) => response.removeHeader(name))],
    [
      'one of them, removed and set again',
      (response) => {
        response.removeHeader('X-Frame-Options');
        response.setHeader('X-Frame-Options', 'SAMEORIGIN');
      },
    ],
    [
      'headers of writeHead',
      (response) => response.writeHead(404, { 'X-Frame-Options': 'DENY', 'X-Last': '1' }),
    ],
    [
      'a list in writeHead',
      (response) => response.writeHead(404, ['X-Frame-Options', 'DENY', 'X-Last', '1']),
    ],
    [
      'all of them, by another set of ready headers',
      (response) => readyHeaders(others, ['X-XSS-Protection'])(response),
    ],
    ['all of them, by the same', set],
  ])('give the head of setHeader, octet for octet, after %s', (what, change) => {
    const [ready, oneByOne] = [newResponse(), newResponse()];
    set(ready);
    for (const [name, value] of lines) oneByOne.setHeader(name, value);
    change(ready);
    if (change === set) for (const [name, value] of lines) oneByOne.setHeader(name, value);
    else change(oneByOne);
    const sorted = (response: ServerResponse): string[] => headOf(response).split('\r\n').toSorted();
    // A whole set by another one is put in front of what is there.
    const shown = what.includes('another set') ? sorted : headOf;
    expect(shown(ready)).toEqual(shown(oneByOne));
    expect(ready.getHeaders()).toEqual(oneByOne.getHeaders());
    expect(ready.shouldKeepAlive).toBe(oneByOne.shouldKeepAlive);
    // What one response does to its own reaches no other.
    const next = newResponse();
    set(next);
    expect(next.getHeaders()).toEqual(
      Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value])),
    );
  });

  it('that Node acts upon are acted upon', () => {
    const response = newResponse();
    readyHeaders([['Connection', 'close'], ...lines], [])(response);
    expect(headOf(response)).toMatch(/^Connection: close\r\n/m);
    expect((response as unknown as { _last: boolean })._last).toBe(true);
  });

  it('are still there when the head could not be written, and after it was', () => {
    const response = newResponse();
    set(response);
    const before = response.getHeaders();
    response.setHeader('Content-Length', 3);
    response.setHeader('Trailer', 'X-Sum');
    expect(() => response.writeHead(200)).toThrow(
      expect.objectContaining({ code: 'ERR_HTTP_TRAILER_INVALID' }),
    );
    response.removeHeader('Trailer');
    response.removeHeader('Content-Length');
    expect(response.getHeaders()).toEqual(before);
    response.writeHead(200);
    expect(response.getHeaders()).toEqual(before);
  });

  it('appended to by a name that is none throw as ever', () => {
    const response = newResponse();
    set(response);
    expect(() => response.appendHeader(7 as never, 'x')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_HTTP_TOKEN' }),
    );
  });

  it("go through a setHeader that somebody has put in front of Node's", () => {
    const response = newResponse();
    const setHeader = jest.spyOn(response, 'setHeader');
    set(response);
    expect(setHeader.mock.calls).toEqual(lines);
    expect(response.getHeader('x-frame-options')).toBe('SAMEORIGIN');
  });

  it('throw as setHeader does once the head has been sent', () => {
    const response = newResponse();
    response.writeHead(204);
    expect(() => set(response)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }));
  });
});
