import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { audit } from '../../lib/profiles/audit.ts';
import { auditCodes, type AuditFinding } from '../../lib/profiles/audit-finding.ts';
import type { AuditedAuthority, AuditedCertificate, AuditInput } from '../../lib/profiles/audit-input.ts';
import { profiles } from '../../lib/profiles/profile.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 9, 1);

const certificate = (overrides: Partial<AuditedCertificate> = {}): AuditedCertificate => ({
  path: 'cert',
  names: ['a.example'],
  notBefore: now - 10 * day,
  notAfter: now + 80 * day,
  keyType: 'ec',
  keyBits: 256,
  keyCurve: 'prime256v1',
  weakSignature: undefined,
  selfSigned: false,
  development: false,
  issuers: 1,
  namesResponder: false,
  mustStaple: false,
  stapling: undefined,
  ...overrides,
});

/** A listener without fault, but for the overrides. */
const input = (overrides: Partial<AuditInput> = {}): AuditInput => ({
  now,
  profile: profiles.intermediate,
  certificates: [certificate()],
  dangerous: {},
  node: '24.21.0',
  openssl: '3.5.8',
  postQuantum: { available: true, offered: true },
  tickets: { on: true, shared: true },
  clientAuth: undefined,
  refusesUnknownNames: true,
  ownSniCallback: false,
  upgradeListeners: 0,
  upgradesGuarded: false,
  unguardedUpgrades: 0,
  ...overrides,
});

const authority = (overrides: Partial<AuditedAuthority> = {}): AuditedAuthority => ({
  name: 'Root',
  notBefore: now - 1000 * day,
  notAfter: now + 1000 * day,
  weakness: undefined,
  ...overrides,
});

/** What is found beyond what every listener has. */
const found = (overrides: Partial<AuditInput> = {}): AuditFinding[] =>
  audit(input(overrides)).findings.filter(({ code }) => code !== 'HSTS_NOT_SEEN');
const of = (overrides: Partial<AuditedCertificate>): Partial<AuditInput> => ({
  certificates: [certificate(overrides)],
});
const clients = (...authorities: AuditedAuthority[]): Partial<AuditInput> => ({
  clientAuth: { authorities, revocation: true },
});
const noResponse = { unstaplable: undefined, status: undefined, problem: undefined } as const;

describe('an audit', () => {
  it('finds nothing about a listener without fault but what it cannot see', () => {
    expect(audit(input())).toEqual({
      ok: true,
      guideline: { version: '6.0', configuration: 'intermediate' },
      findings: [expect.objectContaining({ code: 'HSTS_NOT_SEEN', severity: 'info' })],
    });
  });

  it.each<[string, AuditFinding['code'], AuditFinding['severity'], Partial<AuditInput>]>([
    ['no certificate yet', 'CERTIFICATE_MISSING', 'info', { certificates: undefined }],
    ['an expired one', 'CERTIFICATE_EXPIRED', 'high', of({ notAfter: now - 1 })],
    ['one of the future', 'CERTIFICATE_NOT_YET_VALID', 'high', of({ notBefore: now + 1 })],
    [
      'one that ends in 6 days',
      'CERTIFICATE_EXPIRES_WITHIN_WEEK',
      'medium',
      of({ notBefore: now - 80 * day, notAfter: now + 6 * day }),
    ],
    [
      'one that ends in 29 days',
      'CERTIFICATE_EXPIRES_WITHIN_MONTH',
      'low',
      of({ notBefore: now - 61 * day, notAfter: now + 29 * day }),
    ],
    ['one of 367 days', 'CERTIFICATE_LIFE_TOO_LONG', 'medium', of({ notAfter: now + 357 * day })],
    ['one of 100 days', 'CERTIFICATE_LIFE_LONG', 'info', of({ notAfter: now + 90 * day })],
    [
      'one of 100 days with modern',
      'CERTIFICATE_LIFE_TOO_LONG',
      'medium',
      { ...of({ notAfter: now + 90 * day }), profile: profiles.modern },
    ],
    [
      'RSA with modern',
      'CERTIFICATE_KEY_TYPE',
      'low',
      { ...of({ keyType: 'rsa', keyBits: 2048, keyCurve: undefined }), profile: profiles.modern },
    ],
    [
      'Ed25519',
      'CERTIFICATE_KEY_TYPE',
      'low',
      of({ keyType: 'ed25519', keyBits: undefined, keyCurve: undefined }),
    ],
    ['RSA-1024', 'CERTIFICATE_KEY_WEAK', 'high', of({ keyType: 'rsa', keyBits: 1024, keyCurve: undefined })],
    ['P-521', 'CERTIFICATE_CURVE', 'low', of({ keyBits: 521, keyCurve: 'secp521r1' })],
    ['SHA-1', 'CERTIFICATE_SIGNATURE_WEAK', 'high', of({ weakSignature: 'SHA-1' })],
    ['a self-signed one', 'CERTIFICATE_SELF_SIGNED', 'medium', of({ selfSigned: true, issuers: 0 })],
    [
      'the development one',
      'CERTIFICATE_DEVELOPMENT',
      'info',
      of({ development: true, names: ['*.localhost'], issuers: 0 }),
    ],
    ['one without issuers', 'CERTIFICATE_WITHOUT_ISSUERS', 'info', of({ issuers: 0 })],
    ['one without names', 'CERTIFICATE_WITHOUT_NAMES', 'medium', of({ names: [] })],
    ['a wildcard', 'CERTIFICATE_WILDCARD', 'info', of({ names: ['a.example', '*.a.example'] })],
    ['stapling off', 'STAPLING_OFF', 'info', of({ namesResponder: true })],
    [
      'no staple where it must be',
      'MUST_STAPLE_WITHOUT_RESPONSE',
      'high',
      of({ mustStaple: true, namesResponder: true }),
    ],
    [
      'no staple yet where it must be',
      'MUST_STAPLE_WITHOUT_RESPONSE',
      'high',
      of({ mustStaple: true, stapling: noResponse }),
    ],
    ['a failing responder', 'STAPLING_FAILING', 'low', of({ stapling: { ...noResponse, problem: 'down' } })],
    [
      'no responder',
      'STAPLING_NO_RESPONDER',
      'info',
      of({ stapling: { ...noResponse, unstaplable: 'NO_RESPONDER' } }),
    ],
    ['no issuer', 'STAPLING_NO_ISSUER', 'low', of({ stapling: { ...noResponse, unstaplable: 'NO_ISSUER' } })],
    [
      'two keys',
      'STAPLING_SEVERAL_KEYS',
      'low',
      of({ stapling: { ...noResponse, unstaplable: 'SEVERAL_KEYS' } }),
    ],
    ['a revoked one', 'CERTIFICATE_REVOKED', 'high', of({ stapling: { ...noResponse, status: 'revoked' } })],
    ['Node 20 after its end', 'NODE_END_OF_LIFE', 'medium', { node: '20.20.2' }],
    ['an odd Node after its end', 'NODE_END_OF_LIFE', 'medium', { node: '25.1.0' }],
    [
      'Node 22 near its end',
      'NODE_END_OF_LIFE_SOON',
      'low',
      { node: '22.23.3', now: Date.UTC(2027, 2, 1), certificates: [] },
    ],
    ['OpenSSL 3.0 after its end', 'OPENSSL_END_OF_LIFE', 'medium', { openssl: '3.0.19' }],
    ['no ML-KEM', 'POST_QUANTUM_UNAVAILABLE', 'low', { postQuantum: { available: false, offered: false } }],
    ['ML-KEM left out', 'POST_QUANTUM_OFF', 'low', { postQuantum: { available: true, offered: false } }],
    ['TLS 1.1', 'DANGEROUS_OPTION', 'high', { dangerous: { dangerouslyMinVersion: 'TLSv1.1' } }],
    [
      'TLS 1.2 beneath modern',
      'DANGEROUS_OPTION',
      'medium',
      { dangerous: { dangerouslyMinVersion: 'TLSv1.2' } },
    ],
    ['no TLS 1.3', 'DANGEROUS_OPTION', 'low', { dangerous: { dangerouslyMaxVersion: 'TLSv1.2' } }],
    ['a low security level', 'DANGEROUS_OPTION', 'high', { dangerous: { dangerouslySecurityLevel: 0 } }],
    [
      'a weakening of a later version',
      'DANGEROUS_OPTION',
      'medium',
      { dangerous: { dangerouslyAnything: true } },
    ],
    ['no limit', 'LIMIT_UNLIMITED', 'medium', { dangerous: { dangerouslyUnlimited: ['maxConnections'] } }],
    ['tickets that nobody shares', 'TICKETS_NOT_SHARED', 'low', { tickets: { on: true, shared: false } }],
    ['unknown names served', 'UNKNOWN_NAME_SERVED', 'info', { refusesUnknownNames: false }],
    ["a user's SNICallback", 'SNI_CALLBACK_NOT_SEEN', 'info', { ownSniCallback: true }],
    ['upgrades', 'UPGRADE_NOT_SEEN', 'info', { upgradeListeners: 1 }],
    [
      'upgrades beside client authentication',
      'UPGRADE_NOT_SEEN',
      'low',
      { upgradeListeners: 1, ...clients(authority()) },
    ],
    [
      'upgrades that came by the guard',
      'UPGRADE_UNGUARDED',
      'medium',
      { upgradeListeners: 1, upgradesGuarded: true, unguardedUpgrades: 1, ...clients(authority()) },
    ],
    [
      'the same without client authentication',
      'UPGRADE_UNGUARDED',
      'info',
      { upgradeListeners: 1, upgradesGuarded: true, unguardedUpgrades: 1 },
    ],
    [
      'clients that cannot be revoked',
      'CLIENT_REVOCATION_NONE',
      'low',
      { clientAuth: { authorities: [authority()], revocation: false } },
    ],
    ['an expired client CA', 'CLIENT_CA_EXPIRED', 'medium', clients(authority({ notAfter: now - 1 }))],
    [
      'a client CA near its end',
      'CLIENT_CA_EXPIRES_WITHIN_MONTH',
      'low',
      clients(authority({ notAfter: now + 29 * day })),
    ],
    [
      'a client CA of the future',
      'CLIENT_CA_NOT_YET_VALID',
      'low',
      clients(authority({ notBefore: now + 1 })),
    ],
    [
      'a weak client CA',
      'CLIENT_CA_WEAK',
      'high',
      clients(authority({ weakness: 'an RSA key of 1024 bits' })),
    ],
  ])('finds %s', (_what, code, severity, overrides) => {
    expect(found(overrides)).toEqual([expect.objectContaining({ code, severity })]);
  });

  it.each<[string, Partial<AuditInput>]>([
    ['a certificate of 6 days in its last week', of({ notBefore: now - day, notAfter: now + 5 * day })],
    ['RSA with intermediate', of({ keyType: 'rsa', keyBits: 2048, keyCurve: undefined })],
    [
      'a good staple',
      of({ mustStaple: true, namesResponder: true, stapling: { ...noResponse, status: 'good' } }),
    ],
    ['a Node and an OpenSSL that are not known yet', { node: '28.0.0', openssl: '4.2.0' }],
    [
      'Node 20 on its last day',
      { node: '20.20.2', now: Date.UTC(2026, 3, 30, 23), openssl: '3.5.8', certificates: [] },
    ],
    ['no tickets', { tickets: { on: false, shared: false } }],
    ['client authentication with revocation', clients(authority())],
  ])('finds nothing about %s', (_what, overrides) => {
    expect(found(overrides).filter(({ code }) => code !== 'NODE_END_OF_LIFE_SOON')).toEqual([]);
  });

  it('tells the gravest first, and is not ok above low', () => {
    const report = audit(input({ ...of({ notAfter: now - 1, names: [] }), openssl: '3.0.19' }));
    expect(report.ok).toBe(false);
    expect(report.findings.map(({ severity }) => severity)).toEqual(['high', 'medium', 'medium', 'info']);
    expect(audit(input({ tickets: { on: true, shared: false } })).ok).toBe(true);
  });

  it('tells the path, the remedy and where to read on', () => {
    const [first] = found(of({ path: 'cert[1]', selfSigned: true }));
    expect(first).toEqual({
      code: 'CERTIFICATE_SELF_SIGNED',
      severity: 'medium',
      path: 'cert[1]',
      message: 'the certificate of a.example has signed itself',
      remedy: expect.stringContaining('CA'),
      link: 'docs/audit.md#certificate_self_signed',
    });
  });

  it('is frozen, and JSON keeps all of it', () => {
    const report = audit(input({ ...of({ selfSigned: true }), dangerous: { dangerouslyCiphers: 'A' } }));
    expect([report, report.guideline, report.findings, ...report.findings].every(Object.isFrozen)).toBe(true);
    expect(JSON.parse(JSON.stringify(report))).toEqual(JSON.parse(JSON.stringify({ ...report })));
    expect(JSON.stringify(report)).toContain('"DANGEROUS_OPTION"');
  });
});

describe('docs/audit.md', () => {
  it('has a paragraph for each code, and for no other', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8');
    const headings = [...text.matchAll(/^## (\w+)$/gm)].map(([, heading]) => heading);
    expect(headings).toHaveLength(auditCodes.length);
    expect(new Set(headings)).toEqual(new Set(auditCodes));
  });
});
