import { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { type Refusal, thrown, wanted } from './refusal.ts';

describe('of the options of https.createServer, createServer refuses', () => {
  it.each<Refusal>([
    ['ca', () => ({ ca: '' }), 'OPTION_WEAKENS', 'ca', /clientAuth: \{ mode, ca \}/],
    ['crl', () => ({ crl: [] }), 'OPTION_WEAKENS', 'crl', /client authentication/],
    ['requestCert', () => ({ requestCert: true }), 'OPTION_WEAKENS', 'requestCert', /clientAuth/],
    [
      'rejectUnauthorized',
      () => ({ rejectUnauthorized: false }),
      'OPTION_WEAKENS',
      'rejectUnauthorized',
      /clientAuth/,
    ],
    [
      'allowPartialTrustChain',
      () => ({ allowPartialTrustChain: true }),
      'OPTION_WEAKENS',
      'allowPartialTrustChain',
      /give the root/,
    ],
    [
      'secureProtocol',
      () => ({ secureProtocol: 'TLSv1_method' }),
      'OPTION_WEAKENS',
      'secureProtocol',
      /minVersion/,
    ],
    ['secureContext', () => ({ secureContext: {} }), 'OPTION_WEAKENS', 'secureContext', /key and cert/],
    ['dhparam', () => ({ dhparam: 'auto' }), 'OPTION_WEAKENS', 'dhparam', /leave it out/],
    ['pskCallback', () => ({ pskCallback: () => null }), 'OPTION_WEAKENS', 'pskCallback', /leave it out/],
    [
      'pskIdentityHint',
      () => ({ pskIdentityHint: 'x' }),
      'OPTION_WEAKENS',
      'pskIdentityHint',
      /leave it out/,
    ],
    [
      'clientCertEngine',
      () => ({ clientCertEngine: 'x' }),
      'OPTION_WEAKENS',
      'clientCertEngine',
      /leave it out/,
    ],
    ['privateKeyEngine', () => ({ privateKeyEngine: 'x' }), 'OPTION_WEAKENS', 'privateKeyEngine', /`key`/],
    [
      'privateKeyIdentifier',
      () => ({ privateKeyIdentifier: 'x' }),
      'OPTION_WEAKENS',
      'privateKeyIdentifier',
      /`key`/,
    ],
    ['timeout', () => ({ timeout: 0 }), 'OPTION_WEAKENS', 'timeout', /limits/],
    ['ALPNCallback', () => ({ ALPNCallback: () => 'ftp' }), 'OPTION_WEAKENS', 'ALPNCallback', /Leave it out/],
    [
      'h2 in ALPNProtocols',
      () => ({ ALPNProtocols: ['h2', 'http/1.1'] }),
      'OPTION_WEAKENS',
      'ALPNProtocols',
      /Leave it out/,
    ],
    [
      'an empty list of ALPNProtocols',
      () => ({ ALPNProtocols: [] }),
      'OPTION_WEAKENS',
      'ALPNProtocols',
      /Leave it out/,
    ],
    [
      'the lenient parser',
      () => ({ insecureHTTPParser: true }),
      'OPTION_WEAKENS',
      'insecureHTTPParser',
      /dangerouslyInsecureHTTPParser/,
    ],
    [
      'requests without Host',
      () => ({ requireHostHeader: false }),
      'OPTION_WEAKENS',
      'requireHostHeader',
      /Leave it out/,
    ],
    [
      'null for the parser',
      () => ({ insecureHTTPParser: null }),
      'OPTION_WEAKENS',
      'insecureHTTPParser',
      /dangerously/,
    ],
    [
      'to look for slow clients once in an hour',
      () => ({ connectionsCheckingInterval: 3_600_000 }),
      'OPTION_INVALID',
      'connectionsCheckingInterval',
      /to 30000/,
    ],
    [
      'to look for slow clients without a pause',
      () => ({ connectionsCheckingInterval: 0 }),
      'OPTION_INVALID',
      'connectionsCheckingInterval',
      /from 1/,
    ],
    [
      'headers of a gigabyte',
      () => ({ maxHeaderSize: 2 ** 30 }),
      'OPTION_INVALID',
      'maxHeaderSize',
      /to 1048576/,
    ],
    [
      'a text for maxHeaderSize',
      () => ({ maxHeaderSize: '16k' }),
      'OPTION_INVALID',
      'maxHeaderSize',
      /from 1/,
    ],
    [
      'a keepAliveTimeoutBuffer of an hour',
      () => ({ keepAliveTimeoutBuffer: 3_600_000 }),
      'OPTION_INVALID',
      'keepAliveTimeoutBuffer',
      /to 60000/,
    ],
    ['a negative highWaterMark', () => ({ highWaterMark: -1 }), 'OPTION_INVALID', 'highWaterMark', /from 1/],
    [
      'a text for keepAliveInitialDelay',
      () => ({ keepAliveInitialDelay: '1' }),
      'OPTION_INVALID',
      'keepAliveInitialDelay',
      /from 0/,
    ],
    [
      'a sessionIdContext of 33 octets',
      () => ({ sessionIdContext: 'x'.repeat(33) }),
      'OPTION_INVALID',
      'sessionIdContext',
      /Correct it/,
    ],
    [
      'an empty sessionIdContext',
      () => ({ sessionIdContext: '' }),
      'OPTION_INVALID',
      'sessionIdContext',
      /Correct it/,
    ],
    [
      'a sessionTimeout of more than a week',
      () => ({ sessionTimeout: 604_801 }),
      'OPTION_INVALID',
      'sessionTimeout',
      /to 604800/,
    ],
    [
      'a sessionTimeout of 0, which is two hours',
      () => ({ sessionTimeout: 0 }),
      'OPTION_INVALID',
      'sessionTimeout',
      /from 1/,
    ],
    [
      'ticketKeys of 32 octets',
      () => ({ ticketKeys: Buffer.alloc(32) }),
      'OPTION_INVALID',
      'ticketKeys',
      /Correct it/,
    ],
    [
      'a text as ticketKeys',
      () => ({ ticketKeys: 'x'.repeat(48) }),
      'OPTION_INVALID',
      'ticketKeys',
      /Correct it/,
    ],
    [
      'an SNICallback that is none',
      () => ({ SNICallback: 'example.org' }),
      'OPTION_INVALID',
      'SNICallback',
      /Correct it/,
    ],
    [
      'a class of requests that is none',
      () => ({ IncomingMessage: {} }),
      'OPTION_INVALID',
      'IncomingMessage',
      /Correct it/,
    ],
    [
      'null as the class of responses',
      () => ({ ServerResponse: null }),
      'OPTION_INVALID',
      'ServerResponse',
      /Correct it/,
    ],
    [
      'a shouldUpgradeCallback that is none',
      () => ({ shouldUpgradeCallback: true }),
      'OPTION_INVALID',
      'shouldUpgradeCallback',
      /Correct it/,
    ],
    ['a list as blockList', () => ({ blockList: ['10.0.0.1'] }), 'OPTION_INVALID', 'blockList', /Correct it/],
    [
      'a text as uniqueHeaders',
      () => ({ uniqueHeaders: 'x' }),
      'OPTION_INVALID',
      'uniqueHeaders',
      /Correct it/,
    ],
    ['1 for noDelay', () => ({ noDelay: 1 }), 'OPTION_INVALID', 'noDelay', /boolean/],
    [
      'a text for joinDuplicateHeaders',
      () => ({ joinDuplicateHeaders: 'no' }),
      'OPTION_INVALID',
      'joinDuplicateHeaders',
      /boolean/,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });
});

describe('of the options of https.createServer, createServer takes', () => {
  let credentials: { key: string; cert: string };
  beforeAll(async () => {
    const authority = await createAuthority();
    const { key, chain } = await authority.issueServerCertificate({ names: ['localhost'] });
    credentials = { key, cert: chain };
  });

  class Request extends IncomingMessage {}
  class Response extends ServerResponse {}

  it.each<[string, PortcullisOptions]>([
    ['allowHalfOpen', { allowHalfOpen: true }],
    ['ALPNProtocols with what is offered anyway', { ALPNProtocols: ['http/1.1'] }],
    ['blockList', { blockList: new BlockList() } as PortcullisOptions],
    ['connectionsCheckingInterval', { connectionsCheckingInterval: 500 }],
    ['highWaterMark', { highWaterMark: 65_536 }],
    [
      'IncomingMessage and ServerResponse',
      { IncomingMessage: Request, ServerResponse: Response } as unknown as PortcullisOptions,
    ],
    ['insecureHTTPParser: false', { insecureHTTPParser: false }],
    ['keepAlive with its delay', { keepAlive: true, keepAliveInitialDelay: 1000 }],
    ['maxHeaderSize', { maxHeaderSize: 32_768 }],
    ['noDelay', { noDelay: true }],
    ['requestCert: false', { requestCert: false } as PortcullisOptions],
    ['rejectUnauthorized: true', { rejectUnauthorized: true } as PortcullisOptions],
    ['requireHostHeader: true', { requireHostHeader: true }],
    [
      'sessionIdContext, sessionTimeout and ticketKeys',
      { sessionIdContext: 'fleet', sessionTimeout: 600, ticketKeys: Buffer.alloc(48, 7) },
    ],
    ['SNICallback', { SNICallback: (_name, done) => done(null) }],
    ['uniqueHeaders', { uniqueHeaders: ['x-one'] }],
    ['an option that is undefined', { requestCert: undefined } as unknown as PortcullisOptions],
  ])('%s', (_what, options) => {
    expect(() => createServer({ ...credentials, ...options })).not.toThrow();
  });

  it('requestTimeout alone, and gives the headers no more time', () => {
    const server = createServer({ ...credentials, limits: { requestTimeout: 5000 } });
    expect([server.requestTimeout, server.headersTimeout]).toEqual([5000, 5000]);
  });
});
