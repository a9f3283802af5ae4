import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';
import type { AcmeChallenge } from '../../lib/listener/redirect/redirect-options.ts';
import { ended, listen, received } from './harness.ts';
import {
  ask,
  badRequest,
  closeRedirects,
  location,
  open,
  parse,
  portOf,
  redirectOf,
  request,
  stopTime,
} from './redirect-harness.ts';

afterEach(closeRedirects);

describe('a redirect answers 308', () => {
  it.each<[string, string]>([
    ['a path and a query', '/a/b?c=d&e'],
    ['a path that begins with two slashes', '//evil.example/x'],
    ['a path that begins with a backslash', '/\\evil.example/x'],
    ['a path with percent-encoding', '/%0d%0aSet-Cookie:a=b/%2e%2e/%2F?%00'],
    ['a path with dots', '/a/../../b/./c'],
    ['a path with characters that belong encoded', '/"<>^`{|}?"<>^`{|}\\'],
    ['a path that looks like a URL', '/https://evil.example/'],
    ['a path with an @', '/@evil.example'],
    ['a challenge, as there is no hook', '/.well-known/acme-challenge/abc'],
  ])('and keeps %s as it is', async (_what, target) => {
    await expect(location(redirectOf(), request(target))).resolves.toBe(`https://example.org${target}`);
  });

  it('and keeps a very long target', async () => {
    const target = `/${'x'.repeat(15_000)}?${'y'.repeat(500)}`;
    await expect(location(redirectOf(), request(target))).resolves.toBe(`https://example.org${target}`);
  });

  it.each([
    ['http://example.org/a?b', 'https://example.org/a?b'],
    ['HTTP://EXAMPLE.org:80//a', 'https://example.org//a'],
    ['http://example.org', 'https://example.org/'],
    ['http://example.org?a', 'https://example.org/?a'],
  ])('to a target in absolute form that names the same host: %s', async (target, expected) => {
    await expect(location(redirectOf(), request(target))).resolves.toBe(expected);
  });

  it.each([
    ['the name of the certificate', 'example.org', 'example.org'],
    ['in another case', 'EXAMPLE.oRg', 'example.org'],
    ['with a trailing dot', 'example.org.', 'example.org'],
    ['with a port, which is left out', 'example.org:8080', 'example.org'],
    ['with an empty port', 'example.org:', 'example.org'],
    ['by the wildcard', 'a.example.org', 'a.example.org'],
    ['by the wildcard, in another case and with a dot', 'A.Example.ORG.:80', 'a.example.org'],
    ['an IPv4 address of the certificate', '192.0.2.7', '192.0.2.7'],
    ['an IPv6 address of the certificate', '[2001:db8::1]', '[2001:db8::1]'],
    ['an IPv6 address in another spelling, with a port', '[2001:DB8:0:0::0001]:80', '[2001:db8::1]'],
    ['a name in `hosts`', 'other.test', 'other.test'],
    ['a name by a wildcard in `hosts`', 'x.hosts.test', 'x.hosts.test'],
    ['an IPv6 address in `hosts`', '[::1]', '[::1]'],
  ])('to %s', async (_what, host, expected) => {
    const server = redirectOf({ hosts: ['Other.test.', '*.hosts.test', '::1'] });
    await expect(location(server, request('/x', host))).resolves.toBe(`https://${expected}/x`);
  });

  it('with the port of the https listener, unless that is 443', async () => {
    await expect(location(redirectOf({ listenerPort: 8443 }), request('/x'))).resolves.toBe(
      'https://example.org:8443/x',
    );
    const server = redirectOf({ listenerPort: 8443, names: () => ['::1'] });
    await expect(location(server, request('/x', '[::1]'))).resolves.toBe('https://[::1]:8443/x');
  });

  it('with httpsPort, where clients reach the listener by another port than its own', async () => {
    const server = redirectOf({ httpsPort: 443, listenerPort: 8443 });
    await expect(location(server, request('/x'))).resolves.toBe('https://example.org/x');
  });

  it.each(['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])('to %s', async (method) => {
    const { status, headers, body } = await ask(redirectOf(), request('/x', 'example.org', method));
    expect([status, headers['location']]).toEqual([308, 'https://example.org/x']);
    expect(body).toBe(method === 'HEAD' ? '' : 'Moved to https\n');
  });

  it('with the names of the certificate that serves now', async () => {
    let names = ['old.test'];
    const server = redirectOf({ names: () => names });
    await expect(ask(server, request('/', 'new.test'))).resolves.toMatchObject(badRequest);
    names = ['new.test'];
    await expect(location(server, request('/', 'new.test'))).resolves.toBe('https://new.test/');
    await expect(ask(server, request('/', 'old.test'))).resolves.toMatchObject(badRequest);
  });

  it('to an upgrade, which changes no protocol', async () => {
    const octets =
      'GET /socket HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
    await expect(location(redirectOf(), octets)).resolves.toBe('https://example.org/socket');
  });

  it.each(['100-continue', 'tea'])('at once to a request that expects %s', async (expectation) => {
    const octets = `POST /x HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\nExpect: ${expectation}\r\n\r\n`;
    const server = redirectOf();
    const socket = await open(server);
    socket.write(octets);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(parse(chunk.toString('latin1')).status).toBe(308);
  });

  it('with a date', async () => {
    const { headers } = await ask(redirectOf(), request('/x'));
    expect(Math.abs(Date.parse(headers['date']!) - Date.now())).toBeLessThan(60_000);
  });
});

describe('a redirect answers a constant 400', () => {
  it.each<[string, string]>([
    ['without Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['of HTTP/1.0 without Host', 'GET / HTTP/1.0\r\n\r\n'],
    ['of HTTP/0.9', 'GET /\r\n\r\n'],
    ['with an empty Host', request('/', '')],
    ['with two Host lines', 'GET / HTTP/1.1\r\nHost: example.org\r\nHost: evil.example\r\n\r\n'],
    ['with two Host lines of one value', 'GET / HTTP/1.1\r\nHost: example.org\r\nhost: example.org\r\n\r\n'],
    [
      'with a second Host behind many headers',
      `GET / HTTP/1.1\r\nHost: example.org\r\n${'a:\r\n'.repeat(2500)}Host: evil.example\r\n\r\n`,
    ],
    ['for a name of nobody', request('/', 'evil.example')],
    ['for a name that begins like the certificate’s', request('/', 'example.org.evil.example')],
    ['for a name that ends like the certificate’s', request('/', 'evil-example.org')],
    ['for two labels where the wildcard stands for one', request('/', 'a.b.example.org')],
    ['for the wildcard itself', request('/', '*.example.org')],
    ['for a label that no name system knows', request('/', `${'a'.repeat(64)}.example.org`)],
    ['for an empty label under the wildcard', request('/', '.example.org')],
    ['with two trailing dots', request('/', 'example.org..')],
    ['for two names in one line', request('/', 'example.org, evil.example')],
    ['with user information', request('/', 'example.org@evil.example')],
    ['with user information before the right name', request('/', 'evil.example@example.org')],
    ['with a port that is none', request('/', 'example.org:65536')],
    ['with port 0', request('/', 'example.org:0')],
    ['with a port in letters', request('/', 'example.org:http')],
    ['with a port below 0', request('/', 'example.org:-1')],
    ['with two ports', request('/', 'example.org:80:80')],
    ['with percent-encoding in the name', request('/', 'example%2eorg')],
    ['with a path in the name', request('/', 'example.org/evil')],
    ['with a backslash in the name', request('/', 'evil.example\\.example.org')],
    ['with a query in the name', request('/', 'evil.example?.example.org')],
    ['with a fragment in the name', request('/', 'evil.example#.example.org')],
    ['with a space in the name', request('/', 'evil.example .example.org')],
    ['with octets beyond ASCII in the name', request('/', 'ex\xe4mple.example.org')],
    ['for another IPv4 address', request('/', '192.0.2.8')],
    ['for an IPv4 address as a number', request('/', '3221225991')],
    ['for an IPv4 address in brackets', request('/', '[192.0.2.7]')],
    ['for another IPv6 address', request('/', '[2001:db8::2]')],
    ['for an IPv6 address without brackets', request('/', '2001:db8::1')],
    ['for an IPv6 address with a zone', request('/', '[2001:db8::1%25eth0]')],
    ['for a broken IPv6 address', request('/', '[2001:db8::1')],
    ['for *', request('*')],
    ['for * of OPTIONS', request('*', 'example.org', 'OPTIONS')],
    ['of CONNECT', request('example.org:443', 'example.org', 'CONNECT')],
    ['with a fragment in the target', request('/a#b')],
    ['in absolute form for another host', request('http://evil.example/')],
    ['in absolute form for another accepted host', request('http://a.example.org/')],
    ['in absolute form with user information', request('http://u:p@example.org/')],
    ['in absolute form with a backslash', request('http://evil.example\\@example.org/')],
    ['in absolute form of https', request('https://example.org/')],
    ['in absolute form of another scheme', request('ftp://example.org/')],
    ['in absolute form without Host', 'GET http://example.org/ HTTP/1.1\r\n\r\n'],
    ['with a target of no form', request('example.org')],
    ['with a control character in the target', request('/a\x01b')],
    ['with a tab in the target', request('/a\tb')],
    ['with a lone CR in the target', request('/a\rb')],
    ['with a delete character in the target', request('/a\x7fb')],
    ['with an octet beyond ASCII in the target', request('/\xe4')],
    ['with a space before the colon', 'GET / HTTP/1.1\r\nHost : example.org\r\n\r\n'],
    ['with a folded Host', 'GET / HTTP/1.1\r\nHost: example.org\r\n evil.example\r\n\r\n'],
    ['with a NUL in Host', request('/', 'example.org\0')],
    ['of a version that is none', 'GET / HTTP/9.9\r\nHost: example.org\r\n\r\n'],
    ['of HTTP/2 at once', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [
      'with two lengths of its body',
      `${request('/').trimEnd()}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    ],
    [
      'with two ways to tell its length',
      `${request('/').trimEnd()}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ],
    ['that is a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('to a request %s', async (_what, text) => {
    const answer = await ask(redirectOf(), Buffer.from(text, 'latin1'));
    expect(answer).toMatchObject(badRequest);
    expect(answer.headers).not.toHaveProperty('location');
  });

  it('where a certificate holds no usable name', async () => {
    const names = [
      '*',
      '*.*.test',
      'a*.test',
      'evil.test/x',
      'evil.test:80',
      '*.192.0.2.7',
      'a b',
      '',
      '0x7f.1',
      '12',
    ];
    const server = redirectOf({ names: () => names });
    for (const host of ['a.test', 'a.b.test', 'evil.test', 'evil.test:80', '1.192.0.2.7', '0x7f.1', '12'])
      await expect(ask(server, request('/', host))).resolves.toMatchObject(badRequest);
  });
});

it('headers that are too large get 431', async () => {
  await expect(ask(redirectOf(), request(`/${'x'.repeat(20_000)}`))).resolves.toMatchObject({ status: 431 });
});

it('while the https listener has no port, a redirect answers 503', async () => {
  const answer = await ask(redirectOf({ listenerPort: undefined }), request('/'));
  expect(answer).toMatchObject({ status: 503, body: 'Service Unavailable\n' });
});

describe('a connection to a redirect carries one request', () => {
  it('and what follows it is neither answered nor given to the hook', async () => {
    const acmeChallenge = jest.fn<AcmeChallenge>(() => 'abc.xyz');
    const pipelined = request('/first') + request('/.well-known/acme-challenge/abc') + request('/third');
    await expect(location(redirectOf({ acmeChallenge }), pipelined)).resolves.toBe(
      'https://example.org/first',
    );
    expect(acmeChallenge).not.toHaveBeenCalled();
  });

  it('and garbage that follows it while the hook is thinking closes it', async () => {
    const socket = await open(redirectOf({ acmeChallenge: () => new Promise(() => {}) }));
    socket.write(`${request('/.well-known/acme-challenge/abc')}\0garbage\r\n\r\n`);
    await expect(received(socket)).resolves.toBe('');
  });

  it('and its body is thrown away, so that the client sees the answer and no reset', async () => {
    const body = Buffer.alloc(4_000_000, 'x');
    const head = `POST /x HTTP/1.1\r\nHost: example.org\r\nContent-Length: ${body.length}\r\n\r\n`;
    const socket = await open(redirectOf());
    const failed = jest.fn();
    socket.on('error', failed);
    socket.write(head);
    socket.write(body);
    expect(parse(await received(socket)).status).toBe(308);
    expect(failed).not.toHaveBeenCalled();
  });

  it.each(['Content-Length: 1000000', 'Transfer-Encoding: chunked'])(
    'and a body that does not end is cut soon: %s',
    async (length) => {
      jest.useFakeTimers({
        doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'Date'],
      });
      const socket = await open(redirectOf());
      socket.write(`POST /x HTTP/1.1\r\nHost: example.org\r\n${length}\r\n\r\n`);
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      expect(parse(chunk.toString('latin1')).status).toBe(308);
      expect(jest.getTimerCount()).toBe(1);
      jest.advanceTimersByTime(2_000);
      await ended(socket);
      expect(jest.getTimerCount()).toBe(0);
    },
  );

  it('and leaves no timer behind', async () => {
    stopTime();
    const server = redirectOf({ acmeChallenge: () => 'abc.xyz' });
    const closed: Array<Promise<unknown>> = [];
    server.on('connection', (socket) => closed.push(once(socket, 'close')));
    await ask(server, request('/x'));
    await ask(server, request('/.well-known/acme-challenge/abc'));
    await ask(server, 'garbage\r\n\r\n');
    await Promise.all(closed);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('a redirect is as hardened as the listener: it', () => {
  it('takes its limits', () => {
    const server = redirectOf({
      limits: {
        headersTimeout: 1_001,
        requestTimeout: 1_002,
        keepAliveTimeout: 1_003,
        maxConnections: 1_004,
      },
    });
    expect(server).toMatchObject({
      headersTimeout: 1_001,
      requestTimeout: 1_002,
      keepAliveTimeout: 1_003,
      maxConnections: 1_004,
    });
  });

  it.each([
    ['says nothing', ''],
    ['never ends its headers', 'GET / HTTP/1.1\r\nHost: example.org\r\n'],
  ])('answers 408 to a client that %s, and closes', async (_what, octets) => {
    const socket = await open(redirectOf({ limits: { headersTimeout: 30 } }));
    if (octets !== '') socket.write(octets);
    expect(parse(await received(socket))).toMatchObject({ status: 408, body: 'Request Timeout\n' });
  });

  it('drops connections beyond maxConnections', async () => {
    const server = redirectOf({ limits: { maxConnections: 1 } });
    await open(server);
    const dropped = once(server, 'drop');
    const second = connect(await portOf(server), '127.0.0.1');
    second.on('error', () => {});
    await expect(received(second)).resolves.toBe('');
    await dropped;
  });

  it('outlives a client that resets, before and after its answer', async () => {
    const server = redirectOf();
    for (const octets of ['GET / HTTP/1.1\r\nHost', request('/'), request('a:443', 'a', 'CONNECT')]) {
      const socket = await open(server);
      socket.write(octets, () => socket.resetAndDestroy());
      await ended(socket);
    }
    await expect(location(server, request('/'))).resolves.toBe('https://example.org/');
  });

  it('outlives a tunnel that breaks as it is refused', async () => {
    const server = redirectOf();
    server.on('connect', (_request, socket) => socket.destroy(new Error('reset')));
    const socket = await open(server);
    socket.write(request('a:443', 'a', 'CONNECT'));
    await received(socket);
    await expect(location(server, request('/'))).resolves.toBe('https://example.org/');
  });
});

describe('whatever is asked', () => {
  const odd = fc.string({
    unit: fc.constantFrom(...Array.from('/\\?#@:.%[]aA0-_*<"|\t\r\n\0\x7f\xe4 ')),
    maxLength: 20,
  });
  const target = fc.oneof(
    odd.map((text) => `/${text}`),
    odd.map((text) => `//evil.example${text}`),
    odd.map((text) => `http://example.org${text}`),
    odd.map((text) => `http://${text}example.org/`),
    odd,
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.webPath().map((text) => `/${text}`),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  const host = fc.oneof(
    {
      arbitrary: fc.constantFrom(
        'example.org',
        'EXAMPLE.ORG.:80',
        'a.example.org',
        '192.0.2.7',
        '[2001:db8::1]:80',
      ),
      weight: 6,
    },
    odd.map((text) => `${text}.example.org`),
    odd.map((text) => `example.org${text}`),
    fc.stringMatching(/^[a-z0-9_-]{1,12}$/).map((text) => `${text}.example.org`),
    fc.stringMatching(/^xn--[a-z0-9-]{1,8}$/).map((text) => `${text}.example.org`),
  );

  it('a Location leads to an accepted name by https, holds no control character and repeats the target', async () => {
    const server = redirectOf({ listenerPort: 8443 });
    await listen(server);
    let redirected = 0;
    await fc.assert(
      fc.asyncProperty(target, host, async (asked, named) => {
        const octets = Buffer.from(request(asked, named), 'latin1');
        // What is cut short by a line end within may be no whole request: it ends here.
        const { status, headers, body } = await ask(
          server,
          Buffer.concat([octets, Buffer.from('\r\n\r\n\0\r\n\r\n')]),
        );
        const text = headers['location'];
        expect([status, body]).toEqual(
          text === undefined ? [400, 'Bad Request\n'] : [308, 'Moved to https\n'],
        );
        if (text === undefined) return;
        redirected++;
        expect(text).toMatch(
          /^https:\/\/(?:example\.org|[a-z0-9_-]{1,63}\.example\.org|192\.0\.2\.7|\[2001:db8::1\]):8443\/[\x21-\x7e]*$/,
        );
        const url = new URL(text);
        expect([url.protocol, url.port, url.username, url.password, url.hash]).toEqual([
          'https:',
          '8443',
          '',
          '',
          '',
        ]);
        expect(url.host).toBe(/^https:\/\/([^/]*)/.exec(text)![1]);
        const path = text.slice(text.indexOf('/', 8));
        expect(octets.toString('latin1')).toContain(path === '/' ? ' ' : path.replace(/^\/(?=\?)/, ''));
      }),
      { numRuns: 200 },
    );
    expect(redirected).toBeGreaterThan(10);
  });
});
