import { beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { type CheckedLimits, readLimits } from '../../lib/listener/connections/limits.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const refusedBy = (options: object): unknown => {
  try {
    createServer({ key: pki.server.key, cert: pki.server.cert, ...options } as PortcullisOptions);
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted');
};

it('every limit is finite by default, and the largest is that of all together', () => {
  const { isExempt, ...numbers } = readLimits({});
  expect(numbers).toEqual({
    handshakeTimeout: 10_000,
    headersTimeout: 10_000,
    requestTimeout: 300_000,
    keepAliveTimeout: 60_000,
    sendTimeout: 60_000,
    maxConnections: 20_000,
    connectionsPerAddress: 5_000,
    handshakesPerAddress: 1_000,
    pendingHandshakes: 4_000,
    exemptAddresses: [],
  });
  expect(isExempt('127.0.0.1')).toBe(false);
});

it('dangerouslyUnlimited switches off those by address, too', () => {
  const names = [
    'sendTimeout',
    'connectionsPerAddress',
    'handshakesPerAddress',
    'pendingHandshakes',
  ] as const;
  const limits: CheckedLimits = readLimits({ dangerouslyUnlimited: names });
  expect(names.map((name) => limits[name])).toEqual([0, 0, 0, 0]);
});

it('what is read cannot be changed afterwards', () => {
  const exemptAddresses = ['10.0.0.1'];
  const limits = readLimits({ limits: { exemptAddresses } });
  exemptAddresses.push('10.0.0.2');
  expect([limits.exemptAddresses, limits.isExempt('10.0.0.2')]).toEqual([['10.0.0.1'], false]);
  expect(Object.isFrozen(limits) && Object.isFrozen(limits.exemptAddresses)).toBe(true);
});

describe('a ConfigError is', () => {
  const unlimited = (name: string): RegExp => new RegExp(`dangerouslyUnlimited: \\['${name}'`);
  it.each([
    [
      'no limit by address',
      { connectionsPerAddress: 0 },
      'OPTION_WEAKENS',
      'connectionsPerAddress',
      unlimited('connectionsPerAddress'),
    ],
    [
      'endless handshakes',
      { handshakesPerAddress: Infinity },
      'OPTION_WEAKENS',
      'handshakesPerAddress',
      unlimited('handshakesPerAddress'),
    ],
    [
      'endless handshakes in all',
      { pendingHandshakes: 0 },
      'OPTION_WEAKENS',
      'pendingHandshakes',
      unlimited('pendingHandshakes'),
    ],
    ['a reader without end', { sendTimeout: 0 }, 'OPTION_WEAKENS', 'sendTimeout', unlimited('sendTimeout')],
    ['a fraction', { connectionsPerAddress: 1.5 }, 'OPTION_INVALID', 'connectionsPerAddress', /from 1 to/],
    ['a text', { pendingHandshakes: '5' }, 'OPTION_INVALID', 'pendingHandshakes', /from 1 to/],
    [
      'a misspelt name',
      { connectionPerAddress: 5 },
      'OPTION_UNKNOWN',
      'connectionPerAddress',
      /connectionsPerAddress/,
    ],
    [
      'one address without a list',
      { exemptAddresses: '10.0.0.1' },
      'OPTION_INVALID',
      'exemptAddresses',
      /addresses and CIDRs/,
    ],
    [
      'the Internet in halves',
      { exemptAddresses: ['0.0.0.0/1', '128.0.0.0/1'] },
      'OPTION_WEAKENS',
      'exemptAddresses',
      /./,
    ],
    [
      'null for the list',
      { exemptAddresses: null },
      'OPTION_INVALID',
      'exemptAddresses',
      /addresses and CIDRs/,
    ],
    [
      'a name',
      { exemptAddresses: ['10.0.0.1', 'proxy'] },
      'OPTION_INVALID',
      'exemptAddresses[1]',
      /192\.0\.2\.7/,
    ],
    [
      'a gap in the list',
      { exemptAddresses: Array(1) },
      'OPTION_INVALID',
      'exemptAddresses[0]',
      /192\.0\.2\.7/,
    ],
    [
      'a network that is too long',
      { exemptAddresses: ['10.0.0.0/33'] },
      'OPTION_INVALID',
      'exemptAddresses[0]',
      /CIDR|192/,
    ],
    ['one of IPv6 that is', { exemptAddresses: ['::/129'] }, 'OPTION_INVALID', 'exemptAddresses[0]', /192/],
    [
      'an address with a zone',
      { exemptAddresses: ['fe80::1%eth0'] },
      'OPTION_INVALID',
      'exemptAddresses[0]',
      /192/,
    ],
    [
      'all addresses',
      { exemptAddresses: ['0.0.0.0/0'] },
      'OPTION_WEAKENS',
      'exemptAddresses[0]',
      unlimited('connectionsPerAddress'),
    ],
    [
      'all of IPv6',
      { exemptAddresses: ['::/0'] },
      'OPTION_WEAKENS',
      'exemptAddresses[0]',
      unlimited('connectionsPerAddress'),
    ],
  ])('%s', (_what, limits, code, path, remedy) => {
    expect(refusedBy({ limits })).toMatchObject({
      name: 'ConfigError',
      code,
      path: `limits.${path}`,
      remedy: expect.stringMatching(remedy),
    });
  });
});
