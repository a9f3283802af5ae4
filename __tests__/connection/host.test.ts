import { isIPv6 } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { HostCheck, hostMismatch, isLocalHost, normalizeHost } from '../../lib/connection/host.ts';

const label = fc.stringMatching(/^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,10}[A-Za-z0-9_])?$/);
const name = fc
  .array(label, { minLength: 1, maxLength: 4 })
  .map((labels) => labels.join('.'))
  // What is all digits at the end is an address to some, and to us only where it is one in full.
  .filter((text) => !/^[\d.]+$/.test(text));
const port = fc.oneof(
  fc.constant(''),
  fc.constant(':'),
  fc.nat(65_535).map((number) => `:${number}`),
);
/** Text near to a Host, and far from it. */
const anything = fc.oneof(
  fc.string({ unit: fc.constantFrom(...Array.from('aA0.-_:[]@/\\%?# ,\0\r\n\tü*')) }),
  fc.uint16Array({ maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  fc.tuple(name, name).map(([user, host]) => `https://${user}@${host}:443/path?query#fragment`),
);

describe('normalizeHost', () => {
  it('takes name[:port] in any letter case, with or without one trailing dot, for the same host', () => {
    fc.assert(
      fc.property(name, port, fc.boolean(), fc.boolean(), (text, suffix, dot, upper) => {
        const written = `${upper ? text.toUpperCase() : text}${dot ? '.' : ''}${suffix}`;
        expect(normalizeHost(written)).toEqual({ name: text.toLowerCase(), address: false });
      }),
    );
  });

  it('knows an IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), port, (text, suffix) => {
        expect(normalizeHost(text + suffix)).toEqual({ name: text, address: true });
      }),
    );
  });

  it('gives every spelling of an IPv6 address the same name', () => {
    fc.assert(
      fc.property(fc.ipV6(), port, (text, suffix) => {
        const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
        expect(normalizeHost(`[${text}]${suffix}`)).toEqual({ name: canonical, address: true });
        expect(normalizeHost(`[${text.toUpperCase()}]${suffix}`)).toEqual({ name: canonical, address: true });
      }),
    );
  });

  it('knows no name with an empty label, one dot at the end aside', () => {
    for (const text of ['a..', 'a...', '.a', 'a..b', '.', '..', 'a..:443'])
      expect([text, normalizeHost(text)]).toEqual([text, undefined]);
  });

  it('throws at nothing, and what it takes it takes again unchanged', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const host = normalizeHost(text);
        if (host === undefined) return;
        expect(host.name).toMatch(/^[a-z0-9_.:-]+$/);
        expect(host.name).not.toMatch(/^\.|\.\.|\.$/);
        expect(normalizeHost(isIPv6(host.name) ? `[${host.name}]` : host.name)).toEqual(host);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('hostMismatch', () => {
  it('lets a name pass on a connection of that name only', () => {
    fc.assert(
      fc.property(name, name, port, (serverName, host, suffix) => {
        const mismatch = hostMismatch(serverName.toLowerCase(), { rawHeaders: ['host', host + suffix] });
        expect(mismatch === undefined).toBe(serverName.toLowerCase() === host.toLowerCase());
      }),
    );
  });

  it('lets no text pass for a name that is not the whole of it', () => {
    fc.assert(
      fc.property(name, anything, anything, (text, before, after) => {
        fc.pre(before + after !== '');
        const serverName = text.toLowerCase();
        const authority = `${before}${text}${after}`;
        const rest = /^\.?(?::\d{0,5})?$/;
        const belongs =
          authority.toLowerCase().startsWith(serverName) && rest.test(authority.slice(serverName.length));
        expect(hostMismatch(serverName, { rawHeaders: ['Host', authority] }) === undefined).toBe(belongs);
      }),
      { numRuns: 500 },
    );
  });

  it('finds Host lines in any letter case, and h2’s :authority', () => {
    for (const line of ['Host', 'host', 'HOST', 'hOsT', ':authority']) {
      expect(hostMismatch('a.test', { rawHeaders: ['accept', 'host', line, 'b.test'] })).toBeDefined();
      expect(hostMismatch('a.test', { rawHeaders: ['accept', 'b.test', line, 'a.test'] })).toBeUndefined();
      expect(hostMismatch('a.test', { rawHeaders: [line, 'a.test', 'host', 'a.test'] })).toBeDefined();
    }
  });

  it('judges the absolute form beside the Host, and no other form', () => {
    const rawHeaders = ['host', 'a.test'];
    for (const url of ['/', '*', '/http://b.test/', '//b.test/', undefined])
      expect(hostMismatch('a.test', { rawHeaders, url })).toBeUndefined();
    for (const url of [
      'http://b.test/',
      'HTTPS://B.test',
      'https://a.test@b.test/',
      'https://b.test@a.test/',
      'ws://a.test.b.test/',
      'https:///',
      'https://a.test\\b.test/',
    ])
      expect(hostMismatch('a.test', { rawHeaders, url })).toBeDefined();
    for (const url of [
      'http://a.test',
      'https://A.test:443/b',
      'https://a.test?@b.test',
      'https://a.test#@b.test',
    ])
      expect(hostMismatch('a.test', { rawHeaders, url })).toBeUndefined();
  });
});

describe('hostMismatch, by what is missing', () => {
  it('takes no other header for the Host, be it as long', () => {
    for (const line of ['date', 'hos', 'hosts', 'xhost', 'authority', ''])
      expect(hostMismatch('a.test', { rawHeaders: ['host', 'a.test', line, 'b.test'] })).toBeUndefined();
  });

  it('needs a Host where the connection is for a name, and none where it is for no name', () => {
    for (const rawHeaders of [[], ['accept', 'a.test'], ['date', 'a.test', 'hosts', 'a.test']]) {
      expect(hostMismatch('a.test', { rawHeaders })).toBe("no Host on a connection for 'a.test'");
      expect(hostMismatch(undefined, { rawHeaders })).toBeUndefined();
    }
    expect(hostMismatch('a.test', { rawHeaders: [], url: 'https://a.test/' })).toBeUndefined();
    expect(hostMismatch(undefined, { rawHeaders: [], url: 'https://a.test/' })).toBeDefined();
  });

  it('lets addresses alone pass on a connection without SNI', () => {
    for (const host of ['192.0.2.1', '192.0.2.1:8443', '[2001:db8::1]', '[2001:DB8:0::1]:443'])
      expect(hostMismatch(undefined, { rawHeaders: ['host', host] })).toBeUndefined();
    for (const host of ['a.test', 'localhost', '192.0.2.256', '1.2.3', '[a.test]', '', 'undefined'])
      expect(hostMismatch(undefined, { rawHeaders: ['host', host] })).toBeDefined();
    expect(hostMismatch(undefined, { rawHeaders: ['host', 'a.test'] })).toBe(
      "the request names 'a.test', the connection was opened for no name",
    );
  });

  it('counts two Host lines, and reads a target without an authority as none', () => {
    const rawHeaders = ['host', 'a.test'];
    expect(hostMismatch('a.test', { rawHeaders: [...rawHeaders, ...rawHeaders] })).toBe('2 Host lines');
    for (const url of ['', 'a.test:443', 'x http://b.test/', '1http://b.test/', 'mailto:b.test'])
      expect(hostMismatch('a.test', { rawHeaders, url })).toBeUndefined();
    expect(hostMismatch('a.test', { rawHeaders, url: 'h+t.t-p1://b.test/' })).toBeDefined();
  });
});

describe('HostCheck', () => {
  const right = { rawHeaders: ['accept', '*/*', 'Host', 'a.test'], url: '/' };

  it('remembers the Host that was right, and no request passes by what another was', () => {
    const check = new HostCheck('a.test', false);
    for (let request = 0; request < 2; request++) {
      expect(check.mismatch(right)).toBeUndefined();
      expect(check.mismatch({ rawHeaders: right.rawHeaders })).toBeUndefined();
      expect(check.mismatch({ ...right, url: '*' })).toBeUndefined();
      expect(check.mismatch({ ...right, url: 'https://a.test/' })).toBeUndefined();
      for (const wrong of [
        { rawHeaders: ['Host', 'b.test'], url: '/' },
        { rawHeaders: [], url: '/' },
        { rawHeaders: ['accept', 'a.test'], url: '/' },
        { rawHeaders: [...right.rawHeaders, 'host', 'b.test'], url: '/' },
        { rawHeaders: ['host', 'b.test', ...right.rawHeaders], url: '/' },
        { rawHeaders: [...right.rawHeaders, 'host', 'a.test'], url: '/' },
        { rawHeaders: right.rawHeaders, url: 'https://b.test/' },
        { rawHeaders: right.rawHeaders, url: 'https://b.test' },
      ])
        expect([wrong, check.mismatch(wrong)]).toEqual([wrong, expect.any(String)]);
    }
  });

  it('remembers nothing of a request that was wrong', () => {
    const check = new HostCheck('a.test', false);
    const wrong = { rawHeaders: ['host', 'b.test'], url: '/' };
    for (let request = 0; request < 3; request++) expect(check.mismatch(wrong)).toMatch(/names 'b.test'/);
    expect(check.mismatch(right)).toBeUndefined();
  });

  it('lets a request without Host pass only where no name was asked for, however often', () => {
    const [named, nameless] = [new HostCheck('a.test', false), new HostCheck(undefined, false)];
    for (let request = 0; request < 2; request++) {
      expect(named.mismatch({ rawHeaders: [], url: '/' })).toBeDefined();
      expect(nameless.mismatch({ rawHeaders: [], url: '/' })).toBeUndefined();
      expect(nameless.mismatch(right)).toBeDefined();
    }
  });

  it('lets nothing pass where the spelling of the SNI leaves open who has judged the client', () => {
    const check = new HostCheck('a.test', true);
    for (const target of [right, right, { rawHeaders: [] }])
      expect(check.mismatch(target)).toMatch(/not in its plain form/);
  });
});

it('knows this machine by name and address, and not by what looks like it', () => {
  for (const host of [
    'localhost',
    'LOCALHOST:8443',
    'app.localhost',
    'localhost.',
    '127.0.0.1',
    '127.9.9.9:1',
    '[::1]',
    '[0:0:0:0:0:0:0:1]:8443',
  ])
    expect([host, isLocalHost(host)]).toEqual([host, true]);
  for (const host of [
    undefined,
    '',
    'localhost.example.org',
    'mylocalhost',
    '127.example.org',
    '128.0.0.1',
    '[::2]',
    '127.0.0.1.example.org',
    'localhost@example.org',
  ])
    expect([host, isLocalHost(host)]).toEqual([host, false]);
});
