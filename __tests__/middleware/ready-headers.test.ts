import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { type HeaderLine, readyHeaders } from '../../middleware/ready-headers.ts';

const lines: HeaderLine[] = [
  ['X-Frame-Options', 'SAMEORIGIN'],
  ['Content-Security-Policy', "default-src 'self'"],
  ['X-XSS-Protection', '0'],
];
const set = readyHeaders(lines, ['X-Powered-By']);

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
    expect(replaced).toEqual([expect.objectContaining({ 'x-before': ['X-Before', '1'] })]);
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
