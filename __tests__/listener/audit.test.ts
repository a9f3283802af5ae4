import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Logger, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { oddAuthority } from '../support/odd-certificates.ts';
import { newKeys } from '../support/odd-keys.ts';
import { ocspServer } from '../support/ocsp.ts';
import { closeAll, listen } from './harness.ts';

const issuer = oddAuthority();
const { key, chain: cert } = ocspServer({}, { issuer });
const day = 86_400_000;
const start = (options: PortcullisOptions = {}): PortcullisServer =>
  createServer({ key, cert, logger: false, ...options }, (_request, response) => response.end('in'));
const findings = (options: PortcullisOptions): Array<[code: string, path: string | undefined]> =>
  start(options)
    .audit()
    .findings.map(({ code, path }) => [code, path]);

afterEach(closeAll);

describe('audit() of a server', () => {
  it('that is as it should be finds nothing above low, but for the runtime', () => {
    const grave = start()
      .audit()
      .findings.filter(({ severity }) => severity === 'medium' || severity === 'high');
    expect(grave.filter(({ code }) => !code.endsWith('_END_OF_LIFE'))).toEqual([]);
  });

  it.each<[string, PortcullisOptions, string, string | undefined]>([
    [
      'each weakening',
      { dangerouslyAllowRenegotiation: true },
      'DANGEROUS_OPTION',
      'dangerouslyAllowRenegotiation',
    ],
    [
      'a limit that is off',
      { dangerouslyUnlimited: ['requestTimeout'] },
      'LIMIT_UNLIMITED',
      'dangerouslyUnlimited',
    ],
    [
      "the user's SNICallback",
      { SNICallback: (_name, done) => done(null) },
      'SNI_CALLBACK_NOT_SEEN',
      'SNICallback',
    ],
    [
      'clients without revocation',
      { clientAuth: { mode: 'optional', ca: issuer.certificate } },
      'CLIENT_REVOCATION_NONE',
      'clientAuth',
    ],
    [
      'a client CA near its end',
      { clientAuth: { mode: 'optional', ca: issuer.certificate } },
      'CLIENT_CA_EXPIRES_WITHIN_MONTH',
      'clientAuth.ca',
    ],
    ['unknown names', {}, 'UNKNOWN_NAME_SERVED', 'unknownServerName'],
  ])('finds %s', (_what, options, code, path) => {
    expect(findings(options)).toContainEqual([code, path]);
  });

  it('does not take what is switched off for a weakening', () => {
    const codes = findings({ dangerouslyAllowRenegotiation: false, dangerouslyCiphers: undefined });
    expect(codes.map(([code]) => code)).not.toContain('DANGEROUS_OPTION');
  });

  it('looks at each certificate, and names the option that it came from', () => {
    const long = ocspServer(
      {},
      { issuer, keys: newKeys('rsa-2048'), notAfter: new Date(Date.now() + 900 * day) },
    );
    expect(findings({ key: [key, long.key], cert: [cert, long.chain] })).toContainEqual([
      'CERTIFICATE_LIFE_TOO_LONG',
      'cert[1]',
    ]);
  });

  it('sees what a reload has changed', async () => {
    const server = start();
    const long = ocspServer({}, { issuer, notAfter: new Date(Date.now() + 900 * day) });
    const codes = (): string[] => server.audit().findings.map(({ code }) => code);
    expect(codes()).not.toContain('CERTIFICATE_LIFE_TOO_LONG');
    await server.reload({ key: long.key, cert: long.chain });
    expect(codes()).toContain('CERTIFICATE_LIFE_TOO_LONG');
  });

  it('counts the listeners for upgrades', () => {
    const server = start();
    server.on('upgrade', () => {});
    expect(server.audit().findings.map(({ code }) => code)).toContain('UPGRADE_NOT_SEEN');
  });
});

describe('a server that begins to listen', () => {
  const logger = (): { info: jest.Mock<Logger['info']>; warn: jest.Mock<Logger['warn']> } => ({
    info: jest.fn<Logger['info']>(),
    warn: jest.fn<Logger['warn']>(),
  });

  it('says in one line what it is, once', async () => {
    const log = logger();
    const server = start({ logger: log, clientAuth: { mode: 'required', ca: issuer.certificate } });
    const port = await listen(server);
    expect(log.info.mock.calls).toEqual([
      [
        expect.stringContaining(
          `https://127.0.0.1:${port}, profile intermediate, TLSv1.2 to TLSv1.3, HTTP/1.1`,
        ),
      ],
    ]);
    const [[line]] = log.info.mock.calls as [[string]];
    expect(line).toContain(
      'client certificates required, certificate localhost 127.0.0.1 (0 days left), tickets off',
    );
    expect(line).not.toContain('\n');
    await closeAll();
    await listen(server);
    expect(log.info.mock.calls).toHaveLength(1);
  });

  it('tells of a certificate that has expired', async () => {
    const log = logger();
    const expired = ocspServer({}, { issuer, notBefore: new Date(0), notAfter: new Date(Date.now() - day) });
    await listen(start({ logger: log, key: expired.key, cert: expired.chain }));
    expect(log.warn.mock.calls.flat()).toContainEqual(
      expect.stringContaining('server certificate of localhost'),
    );
    expect(log.info.mock.calls.flat()).toContainEqual(expect.stringContaining('(EXPIRED)'));
  });
});
