import { describe, expect, it, jest } from '@jest/globals';
import { ConfigError } from 'portcullis';
import { readRedirect } from '../../lib/listener/redirect/redirect-options.ts';

function refusalOf(read: () => unknown): ConfigError {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('the option `redirect`', () => {
  it('is off by default, and leaves open what is not given', () => {
    expect(readRedirect(undefined)).toBeUndefined();
    const config = readRedirect({ port: 80 });
    expect(config).toEqual({
      port: 80,
      host: undefined,
      hosts: [],
      httpsPort: undefined,
      acmeChallenge: undefined,
    });
    expect([Object.isFrozen(config), Object.isFrozen(config?.hosts)]).toEqual([true, true]);
  });

  it('is read into one form', () => {
    const acmeChallenge = jest.fn();
    const hosts = ['Example.ORG.', '*.EXAMPLE.org', '2001:DB8:0::1', '[::1]', '127.0.0.1', 'localhost'];
    expect(readRedirect({ port: 65_535, host: '::', hosts, httpsPort: 443, acmeChallenge })).toEqual({
      port: 65_535,
      host: '::',
      hosts: ['example.org', '*.example.org', '2001:db8::1', '::1', '127.0.0.1', 'localhost'],
      httpsPort: 443,
      acmeChallenge,
    });
  });

  it.each<[string, unknown, string, string, RegExp]>([
    ['true', true, 'OPTION_INVALID', 'redirect', /plain object, got true/],
    ['false', false, 'OPTION_INVALID', 'redirect', /plain object, got false/],
    ['a port alone', 80, 'OPTION_INVALID', 'redirect', /plain object, got 80/],
    ['a misspelt key', { port: 80, host5: [] }, 'OPTION_UNKNOWN', 'redirect.host5', /Did you mean 'hosts?'/],
    ['no port', {}, 'OPTION_INVALID', 'redirect.port', /got undefined\. Give a whole number from 0 to 65535/],
    ['a port in text', { port: '80' }, 'OPTION_INVALID', 'redirect.port', /got '80'/],
    ['a port below 0', { port: -1 }, 'OPTION_INVALID', 'redirect.port', /got -1/],
    ['a port that is too large', { port: 65_536 }, 'OPTION_INVALID', 'redirect.port', /got 65536/],
    ['a broken port', { port: 80.5 }, 'OPTION_INVALID', 'redirect.port', /got 80\.5/],
    ['httpsPort 0', { port: 80, httpsPort: 0 }, 'OPTION_INVALID', 'redirect.httpsPort', /from 1 to 65535/],
    [
      'itself',
      { port: 8080, httpsPort: 8080 },
      'OPTION_CONFLICT',
      'redirect.httpsPort',
      /the redirect itself/,
    ],
    ['an empty host', { port: 80, host: '' }, 'OPTION_INVALID', 'redirect.host', /got an empty string/],
    ['a list as host', { port: 80, host: ['a'] }, 'OPTION_INVALID', 'redirect.host', /belong in `hosts`/],
    ['a wildcard as host', { port: 80, host: '*.a.test' }, 'OPTION_INVALID', 'redirect.host', /to listen on/],
    ['a host with a port', { port: 80, host: '[::]:80' }, 'OPTION_INVALID', 'redirect.host', /to listen on/],
    [
      'hosts that are no list',
      { port: 80, hosts: 'a.test' },
      'OPTION_INVALID',
      'redirect.hosts',
      /\['example\.org'/,
    ],
    [
      'a hook that is none',
      { port: 80, acmeChallenge: {} },
      'OPTION_INVALID',
      'redirect.acmeChallenge',
      /got an object/,
    ],
  ])('refuses %s', (_what, option, code, path, message) => {
    const error = refusalOf(() => readRedirect(option));
    expect(error).toMatchObject({ code, path });
    expect(error.message).toMatch(message);
  });

  it.each<[string, unknown, RegExp]>([
    ['a number', 7, /Give such as 'example\.org'/],
    ['an empty text', '', /an empty string is no host name/],
    ['a URL', 'https://example.org', /without scheme and path/],
    ['a path', 'example.org/', /without scheme and path/],
    ['a port', 'example.org:8443', /the port to redirect to is httpsPort/],
    ['a port behind an IPv6 address', '[::1]:8443', /the port to redirect to is httpsPort/],
    ['letters beyond ASCII', 'bücher.example', /in ASCII: 'xn--bcher-kva\.example'/],
    ['a lone *', '*', /one whole label/],
    ['a * within a label', 'a*.example.org', /one whole label/],
    ['two wildcards', '*.*.example.org', /one whole label/],
    ['a wildcard of addresses', '*.0.0.1', /one whole label/],
    ['user information', 'a@example.org', /is no host name/],
    ['a space', 'example.org ', /is no host name/],
    ['a line end', 'example.org\r\nX: y', /is no host name/],
    ['a number that browsers take for an address', '2130706433', /is no host name/],
    ['an IPv4 address in brackets', '[127.0.0.1]', /is no host name/],
    ['a hole', undefined, /undefined is no host name/],
  ])('refuses in hosts %s', (_what, item, message) => {
    const error = refusalOf(() => readRedirect({ port: 80, hosts: ['example.org', item] }));
    expect(error).toMatchObject({ code: 'OPTION_INVALID', path: 'redirect.hosts[1]' });
    expect(error.message).toMatch(message);
  });

  it('refuses in hosts a wildcard of all names under a top-level domain', () => {
    const error = refusalOf(() => readRedirect({ port: 80, hosts: ['*.org'] }));
    expect(error).toMatchObject({ code: 'OPTION_WEAKENS', path: 'redirect.hosts[0]' });
  });

  it('names the path under which it was read', () => {
    expect(refusalOf(() => readRedirect({}, 'servers[1].redirect')).path).toBe('servers[1].redirect.port');
  });
});
