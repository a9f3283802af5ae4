import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { root } from './support.ts';

const folder = join(root, 'etc');
const committed = readdirSync(folder).toSorted();
let reports: ReadonlyMap<string, string>;

/** What docs and programs elsewhere rely on: add to it, and take nothing away before a major version. */
const promised: Readonly<Record<string, readonly string[]>> = {
  'portcullis.api.md': [
    'function createServer',
    'class PortcullisServer',
    'class ConfigError',
    'class PolicyViolation',
    'interface TlsState',
    'interface ClientCertificate',
    'function exposeTls',
    'function requireTls',
    'function requireClientCertificate',
    'function requirePin',
    'function requireMatchingHost',
    'function forwardedClientCertificate',
    'function requireBoundToken',
    'function securityHeaders',
    'function problemDetails',
    'function forUpgrade',
    'function allOf',
    'function anyOf',
    'function not',
    'const subject',
    'const issuer',
    'function issuedBy',
    'const san',
    'const spiffe',
    'function fingerprint',
    'function pin',
    'function serialNumber',
    'function extendedKeyUsage',
    'function certificatePolicy',
    'function publicKey',
    'function rule',
    'function denyList',
    'interface PortcullisOptions',
    'interface TlsProfile',
    'interface CertificateSource',
    'type Decision',
    'type Rule',
    'interface ReloadReport',
    'interface ShutdownReport',
    'interface AuditReport',
    'interface HandshakeEvent',
    'interface HandshakeErrorEvent',
    'interface DecisionEvent',
    'interface ReloadEvent',
    'interface TicketRotationEvent',
    'interface CertificateExpiryEvent',
  ],
  'portcullis-client.api.md': [
    'function createAgent',
    'function createFetch',
    'class PinMismatchError',
    'class HostnameMismatchError',
    'class CertificateVerificationError',
  ],
  'portcullis-cluster.api.md': ['function answerWorkers'],
  'portcullis-metrics.api.md': ['function collect'],
  'portcullis-pki.api.md': ['function createAuthority', 'interface Authority'],
  'portcullis-redis.api.md': ['function redisTicketKeys', 'function redisDenyList'],
  'portcullis-testing.api.md': ['function createTestPki', 'function request', 'interface TestClients'],
};

/** Of members and unions: a report, what is declared there, and what it has. */
const members: ReadonlyArray<readonly [string, string, readonly string[]]> = [
  ['portcullis.api.md', 'class PortcullisServer', ['reload', 'shutdown', 'audit', 'stats']],
  [
    'portcullis.api.md',
    'interface TlsState',
    [
      'source',
      'protocol',
      'cipher',
      'group',
      'forwardSecrecy',
      'postQuantum',
      'alpn',
      'serverName',
      'resumed',
      'authenticatedAt',
      'clientCertificate',
      'clientCertificateError',
      'exportKeyingMaterial',
      'channelBinding',
    ],
  ],
  [
    'portcullis.api.md',
    'interface ClientCertificate',
    [
      'subject',
      'issuer',
      'serialNumber',
      'notBefore',
      'notAfter',
      'subjectAltNames',
      'spiffeId',
      'extendedKeyUsage',
      'certificatePolicies',
      'publicKey',
      'fingerprint256',
      'pin',
      'thumbprint',
      'chain',
      'pem',
    ],
  ],
  [
    'portcullis.api.md',
    'interface PortcullisOptions',
    ['certificate', 'profile', 'clientAuth', 'http2', 'tickets', 'limits', 'redirect', 'watch'],
  ],
  [
    'portcullis.api.md',
    'type PolicyViolationCode',
    [
      'TLS_REQUIRED',
      'TLS_VERSION_REFUSED',
      'CIPHER_REFUSED',
      'GROUP_REFUSED',
      'FORWARD_SECRECY_REQUIRED',
      'POST_QUANTUM_REQUIRED',
      'CLIENT_CERTIFICATE_REQUIRED',
      'CLIENT_CERTIFICATE_UNTRUSTED',
      'CLIENT_CERTIFICATE_EXPIRED',
      'CLIENT_CERTIFICATE_NOT_YET_VALID',
      'CLIENT_CERTIFICATE_PURPOSE',
      'CLIENT_CERTIFICATE_REVOKED',
      'REVOCATION_STATUS_UNKNOWN',
      'CLIENT_CERTIFICATE_DENIED',
      'AUTHENTICATION_TOO_OLD',
      'PIN_MISMATCH',
      'HOST_MISMATCH',
      'FORWARDED_CERTIFICATE_MALFORMED',
      'TOKEN_NOT_BOUND',
    ],
  ],
  ['portcullis.api.md', 'interface SanRules', ['dns', 'email', 'uri', 'ip']],
  ['portcullis.api.md', 'interface SpiffeRules', ['id', 'memberOf', 'path']],
  [
    'portcullis-testing.api.md',
    'interface TestClients',
    ['good', 'expired', 'notYetValid', 'revoked', 'wrongPurpose', 'unknownCa', 'selfSigned', 'spiffe'],
  ],
];

beforeAll(async () => {
  // The built one: the extractor reads declarations of the same build.
  const { makeReports } = (await import(join(root, 'dist/scripts/api/reports.js'))) as {
    makeReports: (root: string) => Promise<ReadonlyMap<string, string>>;
  };
  reports = await makeReports(root);
}, 120_000);

/** The declaration of an exported name, with its members; undefined where it is not there. */
function declarationOf(report: string, declared: string): string | undefined {
  const [kind, name] = declared.split(' ');
  return report
    .split(/(?=^\/\/ @\w+)/m)
    .find((part) => new RegExp(`^export (?:declare )?${kind} ${name}\\b`, 'm').test(part));
}

describe('the API', () => {
  it('has a report for every entry', () => {
    expect(committed).toEqual([...reports.keys()].toSorted());
    expect(committed).toEqual(Object.keys(promised).toSorted());
  });

  it.each(committed)('is that of etc/%s (`npm run api` writes it)', (name) => {
    expect(reports.get(name)).toBe(readFileSync(join(folder, name), 'utf8'));
  });

  it.each(Object.entries(promised))('of %s has every name that is promised', (name, names) => {
    const report = readFileSync(join(folder, name), 'utf8');
    expect(names.filter((declared) => declarationOf(report, declared) === undefined)).toEqual([]);
  });

  it.each(members)('in %s %s has every member that is promised', (name, declared, wanted) => {
    const text = declarationOf(readFileSync(join(folder, name), 'utf8'), declared);
    expect(wanted.filter((member) => !new RegExp(`\\b${member}\\b`).test(text ?? ''))).toEqual([]);
  });

  it('has no constructor but of classes that a user can name', () => {
    const inside = [...reports].flatMap(([name, text]) =>
      text
        .split(/(?=^\/\/ @\w+)/m)
        .filter(
          (part) =>
            /^ +(?:constructor\(|protected )/m.test(part) && !/^export (?:abstract )?class/m.test(part),
        )
        .map((part) => `${name}: ${part}`),
    );
    expect(inside).toEqual([]);
  });
});
