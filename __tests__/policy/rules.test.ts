import { describe, expect, it } from '@jest/globals';
import {
  allOf,
  anyOf,
  certificatePolicy,
  ConfigError,
  extendedKeyUsage,
  fingerprint,
  issuedBy,
  issuer,
  not,
  pin,
  publicKey,
  requireClientCertificate,
  rule,
  type Rule,
  ruleName,
  san,
  serialNumber,
  spiffe,
  subject,
} from 'portcullis';
import {
  impostorOf,
  oddAuthority,
  type OddCertificate,
  oddCertificate,
} from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { newKeys, sharedKeys } from '../support/odd-keys.ts';
import { commonName } from '../support/odd-names.ts';
import { client, type Outcome, outcome, verified } from './certificates.ts';

const root = oddAuthority({ moreExtensions: [extension.certificatePolicies(['1.2.99'])] });
const keys = newKeys('ec-p256');

describe('fingerprint and pin', () => {
  const one = client();
  const other = client();

  it('know the certificate and the key, in every spelling', () => {
    const { fingerprint256 } = one;
    for (const text of [fingerprint256, fingerprint256.toLowerCase(), fingerprint256.replaceAll(':', '')]) {
      expect(outcome(fingerprint(text), one)).toBe('yes');
      expect(outcome(fingerprint('00'.repeat(32), text), one)).toBe('yes');
      expect(outcome(fingerprint(text), other)).toBe('no');
    }
    expect(outcome(pin(one.pin), one)).toBe('yes');
    // Renewed with the same key.
    expect(outcome(pin([one.pin]), other)).toBe('yes');
    expect(outcome(pin(one.pin), client({ keys: newKeys('ec-p256') }))).toBe('no');
  });
});

describe('serialNumber', () => {
  const serial = (hex: string): Buffer => Buffer.from(hex, 'hex');

  it.each<[wanted: string, seen: string, Outcome]>([
    ['0A', '0a', 'yes'],
    ['a', '0a', 'yes'],
    ['0x0a', '0a', 'yes'],
    ['00:00:0a', '0a', 'yes'],
    ['A1:b2:C3', '00a1b2c3', 'yes'],
    ['a1b2c3', '00a1b2c3', 'yes'],
    ['0', '00', 'yes'],
    ['10', '0a', 'no'],
    ['0a', 'f6', 'no'],
    ['0a', '0a00', 'no'],
    ['11'.repeat(20), '11'.repeat(20), 'yes'],
    ['-0A', 'f6', 'yes'],
    ['-a', 'fff6', 'yes'],
    ['-0A', '0a', 'no'],
  ])('%s asks about %s: %s', (wanted, seen, expected) => {
    expect(outcome(serialNumber(wanted), client({ serialNumber: serial(seen) }))).toBe(expected);
  });

  it('knows one of several', () => {
    expect(outcome(serialNumber('01', ['02', '03']), client({ serialNumber: serial('03') }))).toBe('yes');
  });
});

describe('issuedBy', () => {
  const intermediate = oddAuthority({ issuer: root });
  const leaf = oddCertificate({ issuer: intermediate });
  const path = verified(leaf, intermediate, root);

  it('knows the root and every intermediate of the path', () => {
    for (const ca of [root, intermediate])
      for (const input of [ca.certificate, ca.der, [oddAuthority().certificate, ca.certificate]])
        expect(outcome(issuedBy(input), path)).toBe('yes');
    expect(outcome(issuedBy(oddAuthority().certificate), path)).toBe('no');
  });

  it('knows a CA that was renewed with its name and key', () => {
    const renewed = oddAuthority({ keys: root.keys, notAfter: new Date(Date.now() + 1e10) });
    expect(outcome(issuedBy(renewed.certificate), path)).toBe('yes');
  });

  it('is not deceived by a name, a key identifier, or a key under another name', () => {
    expect(outcome(issuedBy(impostorOf(root).certificate), path)).toBe('no');
    expect(outcome(issuedBy(impostorOf(intermediate).certificate), path)).toBe('no');
    const renamed = oddAuthority({ keys: root.keys, subject: commonName('another') });
    expect(outcome(issuedBy(renamed.certificate), path)).toBe('no');
  });

  it('knows who has signed the end of a path that is known in part', () => {
    expect(outcome(issuedBy(root.certificate), verified(leaf, intermediate))).toBe('yes');
    expect(outcome(issuedBy(intermediate.certificate), verified(leaf))).toBe('yes');
    expect(outcome(issuedBy(root.certificate), verified(leaf))).toBe('neither');
    expect(outcome(issuedBy(impostorOf(intermediate).certificate), verified(leaf))).toBe('neither');
  });
});

describe('extendedKeyUsage', () => {
  const smartcard = '1.3.6.1.4.1.311.20.2.2';
  const usages = (...oids: string[]) =>
    client({ extensions: { extendedKeyUsage: extension.extendedKeyUsage(oids) } });

  it('wants it named', () => {
    expect(outcome(extendedKeyUsage(smartcard), usages(purposes.clientAuth, smartcard))).toBe('yes');
    expect(outcome(extendedKeyUsage(smartcard), usages(purposes.clientAuth))).toBe('no');
    expect(outcome(extendedKeyUsage(smartcard), usages(purposes.clientAuth, `${smartcard}.1`))).toBe('no');
  });

  it('tells nothing of what may be used for anything', () => {
    expect(outcome(extendedKeyUsage(smartcard), usages(purposes.clientAuth, purposes.any))).toBe('neither');
    expect(outcome(extendedKeyUsage(smartcard), client({ extensions: { extendedKeyUsage: null } }))).toBe(
      'neither',
    );
  });
});

describe('certificatePolicy', () => {
  const anyPolicy = '2.5.29.32.0';
  const under = (...policies: string[]) => ({ moreExtensions: [extension.certificatePolicies(policies)] });
  const ca = (policies?: string[], ...more: Buffer[]): OddCertificate =>
    oddAuthority({
      issuer: root,
      keys,
      moreExtensions: [...(policies ? [extension.certificatePolicies(policies)] : []), ...more],
    });
  const named = oddCertificate({ issuer: root, ...under('1.2.3', '1.2.4') });

  it('wants it named by the certificate', () => {
    expect(outcome(certificatePolicy('1.2.3'), verified(named, root))).toBe('yes');
    expect(outcome(certificatePolicy('1.2.5'), verified(named, root))).toBe('no');
    expect(outcome(certificatePolicy('1.2.99'), verified(named, root))).toBe('no');
    expect(outcome(certificatePolicy('1.2.3'), verified(oddCertificate(), root))).toBe('no');
    expect(outcome(certificatePolicy('1.2.3'), verified(oddCertificate(under(anyPolicy)), root))).toBe(
      'neither',
    );
  });

  it.each<[string, OddCertificate, Outcome]>([
    ['names it', ca(['1.2.3']), 'yes'],
    ['names any policy', ca([anyPolicy]), 'yes'],
    ['names another', ca(['1.2.4']), 'yes'],
    ['names a third', ca(['1.2.5']), 'neither'],
    ['names none', ca(), 'neither'],
    ['inhibits any policy', ca([anyPolicy], extension.raw('2.5.29.54', Buffer.of(2, 1, 0))), 'neither'],
    ['maps policies', ca(['1.2.3'], extension.raw('2.5.29.33', Buffer.of(0x30, 0))), 'neither'],
  ])('asks the intermediate, which %s', (_what, intermediate, expected) => {
    const wanted = _what === 'names another' ? '1.2.4' : '1.2.3';
    expect(outcome(certificatePolicy(wanted), verified(named, intermediate, root))).toBe(expected);
    // Without its root the intermediate may be all that is known, and counts as one.
    expect(outcome(certificatePolicy(wanted), verified(named, intermediate))).toBe(expected);
  });
});

describe('publicKey', () => {
  const rsa = client({ keys: sharedKeys('rsa-2048') });
  const ec = client();
  const ed = client({ keys: newKeys('ed25519') });

  it.each<[Rule, Outcome, Outcome, Outcome]>([
    [publicKey({ type: 'rsa' }), 'yes', 'no', 'no'],
    [publicKey({ type: 'rsa', minBits: 2048 }), 'yes', 'no', 'no'],
    [publicKey({ type: 'rsa', minBits: 2049 }), 'no', 'no', 'no'],
    [publicKey({ minBits: 2048 }), 'yes', 'no', 'neither'],
    [publicKey({ type: 'ec', minBits: 256 }), 'no', 'yes', 'no'],
    [publicKey({ type: 'ec', minBits: 384 }), 'no', 'no', 'no'],
    [publicKey({ curve: 'P-256' }), 'no', 'yes', 'no'],
    [publicKey({ type: 'ec', curve: 'secp256r1' }), 'no', 'yes', 'no'],
    [publicKey({ curve: 'P-384' }), 'no', 'no', 'no'],
    [publicKey({ type: 'ed25519' }), 'no', 'no', 'yes'],
  ])('%p', (of, ...expected) => {
    expect([rsa, ec, ed].map((each) => outcome(of, each))).toEqual(expected);
  });
});

const nobody = undefined as never;
const filtered: Rule[] = [];

/** What can match nothing, or would match everybody. */
const meaningless: ReadonlyArray<[path: string, remedy: RegExp, () => unknown]> = [
  ['allOf', /Give one/, () => allOf()],
  ['allOf', /Give one/, () => allOf(...filtered)],
  ['allOf[0]', /Give a rule/, () => allOf(nobody)],
  ['allOf[1]', /Give a rule/, () => allOf(san.dns('a.example'), true as never)],
  ['allOf[0]', /Spread/, () => allOf([san.dns('a.example')] as never)],
  ['anyOf', /Give one/, () => anyOf()],
  ['anyOf[0]', /Give a rule/, () => anyOf('a' as never)],
  ['anyOf[0]', /Give a rule/, () => anyOf(Promise.resolve(() => ({ allow: true })) as never)],
  ['not', /Give one/, () => Reflect.apply(not, undefined, [])],
  ['not', /Give a rule/, () => not(nobody)],
  ['not', /Give one/, () => Reflect.apply(not, undefined, [san.dns('a.b'), san.dns('c.d')])],
  ['rule', /Write rule/, () => rule('', () => true)],
  ['rule', /Write rule/, () => rule('name', nobody)],
  ['subject', /Give attributes/, () => subject({})],
  ['subject', /Give attributes/, () => subject(nobody)],
  ['subject', /Give attributes/, () => subject('CN=a' as never)],
  ['subject', /Give attributes/, () => subject([['CN', 'a']] as never)],
  ['subject', /Give attributes/, () => subject(Object.create({ CN: 'a' }) as never)],
  ['subject.CN', /Give text/, () => subject({ CN: '' })],
  ['subject.CN', /Give text/, () => subject({ CN: nobody })],
  ['subject.CN', /at least one/, () => subject({ CN: [] })],
  ['subject.CN', /Give text/, () => subject({ CN: ['a', nobody] })],
  // oxlint-disable-next-line no-sparse-arrays -- that is what is tried
  ['subject.CN', /Give text/, () => subject({ CN: ['a', , 'b'] as never })],
  ['subject.CN', /whole value/, () => subject({ CN: '*' })],
  ['subject.CN', /whole value/, () => subject({ CN: '*.example.org' })],
  ['subject.CN', /never matched/, () => subject({ CN: 'a\0' })],
  ['subject.CN', /rule\(\)/, () => subject({ CN: '#0500' })],
  ['subject', /in a list/, () => subject({ CN: 'a', '2.5.4.3': 'b' })],
  ['subject.cn', /'CN'/, () => subject({ cn: 'a' })],
  ['subject.commonName', /'CN'/, () => subject({ commonName: 'a' })],
  ['subject.organizationalUnit', /'OU'/, () => subject({ organizationalUnit: 'a' })],
  ['subject.emailAdress', /'emailAddress'/, () => subject({ emailAdress: 'a' })],
  ['subject.X', /^.*Known: CN/, () => subject({ X: 'a' })],
  ['subject.constructor', /Known/, () => subject({ constructor: 'a' })],
  ['subject.__proto__', /Known/, () => subject(JSON.parse('{"__proto__":"a"}') as never)],
  ['issuer', /Give attributes/, () => issuer({})],
  ['issuer.o', /'O'/, () => issuer({ o: 'a' })],
  ['san.dns', /Give a name/, () => san.dns()],
  ['san.dns', /Give a name/, () => san.dns(nobody)],
  ['san.dns', /Give a name/, () => san.dns('')],
  ['san.dns', /Give a name/, () => san.dns([])],
  ['san.dns[1]', /Give a name/, () => san.dns('a.example', '')],
  ...['*', '*.', '*.*', '*.*.example', 'a.*.example', 'a*.example', '**.example', '.*'].map(
    (text): [string, RegExp, () => unknown] => ['san.dns', /whole first label/, () => san.dns(text)],
  ),
  ...[
    '.',
    '..',
    'a..b',
    '.a',
    '-a.example',
    'a_b.example',
    'a b',
    'a,b',
    'a\0',
    'xn--a.example',
    '%61ü.example',
    '1.2',
  ].map((text): [string, RegExp, () => unknown] => ['san.dns', /Give/, () => san.dns(text)]),
  ['san.dns', /san\.ip/, () => san.dns('127.0.0.1')],
  ['san.dns', /san\.ip/, () => san.dns('::1')],
  ['san.dns', /name alone/, () => san.dns('https://a.example')],
  ['san.dns', /name alone/, () => san.dns('a.example:443')],
  ['san.dns', /Give/, () => san.dns(`${'a'.repeat(64)}.example`)],
  ['san.email', /whole address/, () => san.email('ops')],
  ['san.email', /whole address/, () => san.email('@example.org')],
  ['san.email', /whole domain/, () => san.email('*@example.org')],
  ['san.email', /labels/, () => san.email('ops@')],
  ['san.email', /whole address/, () => san.email('a@b@example.org')],
  ['san.email', /whole address/, () => san.email('Ops <ops@example.org>')],
  ['san.email', /9598/, () => san.email('öps@example.org')],
  ['san.uri', /absolute/, () => san.uri('/a')],
  ['san.uri', /absolute/, () => san.uri('example.org')],
  ['san.uri', /absolute/, () => san.uri('https:')],
  ['san.uri', /absolute/, () => san.uri('https://exa mple.org')],
  ['san.uri', /spiffe\.path/, () => san.uri('https://example.org/*')],
  ['san.ip', /address/, () => san.ip('example.org')],
  ['san.ip', /address/, () => san.ip('10.0.0.0/33')],
  ['san.ip', /address/, () => san.ip('10.0.0.0/08')],
  ['san.ip', /address/, () => san.ip('010.0.0.1')],
  ['san.ip', /address/, () => san.ip('fe80::1%eth0')],
  ['san.ip', /address/, () => san.ip('0.0.0.0/0')],
  ['san.ip', /address/, () => san.ip('::/0')],
  ['san.ip', /'10\.0\.0\.0\/8'/, () => san.ip('10.0.0.1/8')],
  ['san.ip', /'2001:db8::\/33'/, () => san.ip('2001:db8::1/33')],
  ['san.ip', /IPv4/, () => san.ip('::ffff:10.0.0.1')],
  ['spiffe.id', /Give one/, () => spiffe.id('')],
  ['spiffe.id', /Give one/, () => spiffe.id('https://example.org/a')],
  ['spiffe.id', /memberOf/, () => spiffe.id('spiffe://example.org')],
  ['spiffe.id', /lower case/, () => spiffe.id('spiffe://Example.org/a')],
  ['spiffe.id', /lower case/, () => spiffe.id('SPIFFE://example.org/a')],
  ['spiffe.id', /spiffe\.path/, () => spiffe.id('spiffe://example.org/*')],
  ['spiffe.id', /Give one/, () => spiffe.id('spiffe://example.org/a/')],
  ['spiffe.id', /Give one/, () => spiffe.id('spiffe://example.org/a/../b')],
  ['spiffe.memberOf', /Give one/, () => spiffe.memberOf('*')],
  ['spiffe.memberOf', /Give one/, () => spiffe.memberOf('.')],
  ['spiffe.memberOf', /Give one/, () => spiffe.memberOf('*.example.org')],
  ['spiffe.memberOf', /'example\.org'/, () => spiffe.memberOf('Example.org')],
  ['spiffe.memberOf', /Give one/, () => spiffe.memberOf('spiffe://example.org/a')],
  ['spiffe.path', /slash/, () => spiffe.path('a/b')],
  ['spiffe.path', /Give one/, () => spiffe.path('/')],
  ['spiffe.path', /Name one/, () => spiffe.path('/*')],
  ['spiffe.path', /Name one/, () => spiffe.path('/*/*')],
  ['spiffe.path', /whole segment/, () => spiffe.path('/a/**')],
  ['spiffe.path', /whole segment/, () => spiffe.path('/a-*')],
  ['spiffe.path', /Give one/, () => spiffe.path('/a/../b')],
  ['spiffe.path', /Give one/, () => spiffe.path('/a%2Fb')],
  ['fingerprint', /64/, () => fingerprint()],
  ['fingerprint', /64/, () => fingerprint('aa')],
  ['fingerprint', /64/, () => fingerprint('aa'.repeat(20))],
  ['fingerprint', /pin\(\)/, () => fingerprint(`sha256/${Buffer.alloc(32).toString('base64')}`)],
  ['pin', /base64/, () => pin()],
  ['pin', /base64/, () => pin('sha256/')],
  ['pin', /base64/, () => pin('sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')],
  ['pin', /fingerprint\(\)/, () => pin('aa'.repeat(32))],
  ['serialNumber', /hexadecimal/, () => serialNumber()],
  ['serialNumber', /hexadecimal/, () => serialNumber('')],
  ['serialNumber', /hexadecimal/, () => serialNumber(10 as never)],
  ['serialNumber', /hexadecimal/, () => serialNumber('xyz')],
  ['serialNumber', /hexadecimal/, () => serialNumber('0x')],
  ['serialNumber', /hexadecimal/, () => serialNumber(':')],
  ['serialNumber', /hexadecimal/, () => serialNumber('--0A')],
  ['serialNumber', /hexadecimal/, () => serialNumber('0a:1')],
  ['serialNumber', /hexadecimal/, () => serialNumber('a:1b')],
  ['serialNumber', /hexadecimal/, () => serialNumber('0a1b:2c')],
  ['serialNumber', /hexadecimal/, () => serialNumber('a'.repeat(200))],
  ['extendedKeyUsage', /object identifier/, () => extendedKeyUsage('')],
  ['extendedKeyUsage', /'1\.3\.6\.1\.5\.5\.7\.3\.2'/, () => extendedKeyUsage('clientAuth')],
  ['extendedKeyUsage', /object identifier/, () => extendedKeyUsage('1')],
  ['extendedKeyUsage', /object identifier/, () => extendedKeyUsage('3.1.2')],
  ['extendedKeyUsage', /object identifier/, () => extendedKeyUsage('1.40.2')],
  ['extendedKeyUsage', /object identifier/, () => extendedKeyUsage('1.2.03')],
  ['extendedKeyUsage', /object identifier/, () => extendedKeyUsage('1.2.')],
  ['extendedKeyUsage', /object identifier/, () => extendedKeyUsage('constructor')],
  ['extendedKeyUsage', /anyOf/, () => Reflect.apply(extendedKeyUsage, undefined, ['1.2.3', '1.2.4'])],
  ['certificatePolicy', /object identifier/, () => certificatePolicy(nobody)],
  ['extendedKeyUsage', /object identifier/, () => extendedKeyUsage('2.5.29.37.0')],
  ['certificatePolicy', /object identifier/, () => certificatePolicy('2.5.29.32.0')],
  ['publicKey', /Give type/, () => publicKey({})],
  ['publicKey.type', /'rsa'/, () => publicKey({ type: 'RSA' })],
  ['publicKey.type', /Allowed/, () => publicKey({ type: '' })],
  ['publicKey.minBits', /from 1/, () => publicKey({ type: 'rsa', minBits: 0 })],
  ['publicKey.minBits', /from 1/, () => publicKey({ minBits: Number.NaN })],
  ['publicKey.minBits', /from 1/, () => publicKey({ minBits: '2048' as never })],
  ['publicKey.minBits', /to 521/, () => publicKey({ type: 'ec', minBits: 2048 })],
  ['publicKey.minBits', /to 256/, () => publicKey({ curve: 'P-256', minBits: 384 })],
  ['publicKey.minBits', /Leave/, () => publicKey({ type: 'ed25519', minBits: 256 })],
  ['publicKey.curve', /'P-256'/, () => publicKey({ curve: 'P256' })],
  ['publicKey.curve', /type 'ec'/, () => publicKey({ type: 'rsa', curve: 'P-256' })],
  ['issuedBy', /list/, () => Reflect.apply(issuedBy, undefined, [root.certificate, root.certificate])],
  ['subject', /allOf/, () => Reflect.apply(subject, undefined, [{ CN: 'a' }, { O: 'b' }])],
  ['issuer', /allOf/, () => Reflect.apply(issuer, undefined, [{ CN: 'a' }, { O: 'b' }])],
  ['publicKey', /allOf/, () => Reflect.apply(publicKey, undefined, [{ type: 'ec' }, { curve: 'P-256' }])],
  ['certificatePolicy', /allOf/, () => Reflect.apply(certificatePolicy, undefined, ['1.2.3', '1.2.4'])],
  ['rule', /allOf/, () => Reflect.apply(rule, undefined, ['a', () => true, {}, () => false])],
];

describe('a rule that means nothing', () => {
  it.each(meaningless)('is a ConfigError: %s, %s', (path, remedy, build) => {
    let thrown: unknown;
    try {
      build();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    expect(thrown).toMatchObject({ code: 'RULE_INVALID', path, remedy: expect.stringMatching(remedy) });
  });

  it.each<[string, string, () => unknown]>([
    ['OPTION_UNKNOWN', 'publicKey.minbits', () => publicKey({ type: 'rsa', minbits: 2048 } as never)],
    ['OPTION_UNKNOWN', 'rule.options.cached', () => rule('a', () => true, { cached: true } as never)],
    ['OPTION_INVALID', 'rule.options.pure', () => rule('a', () => true, { pure: 1 as never })],
    ['CLIENT_CA_MISSING', 'issuedBy', () => issuedBy(nobody)],
    ['CLIENT_CA_MISSING', 'issuedBy', () => issuedBy([])],
    ['CLIENT_CA_INVALID', 'issuedBy', () => issuedBy('a CA')],
    ['CLIENT_CA_INVALID', 'issuedBy', () => issuedBy(oddCertificate().certificate)],
    ['OPTION_INVALID', 'requireClientCertificate.allow', () => requireClientCertificate(nobody)],
    ['OPTION_INVALID', 'requireClientCertificate.allow', () => requireClientCertificate({ allow: nobody })],
    ['OPTION_INVALID', 'requireClientCertificate.timeout', () => requireClientCertificate({ timeout: 0 })],
    [
      'OPTION_INVALID',
      'requireClientCertificate.timeout',
      () => requireClientCertificate({ timeout: Infinity }),
    ],
  ])('has the code of its fault: %s %s', (code, path, build) => {
    expect(build).toThrow(expect.objectContaining({ code, path }));
  });
});

it('has a name for every rule', () => {
  expect(
    [
      fingerprint('ab'.repeat(32)),
      issuedBy(root.certificate),
      extendedKeyUsage('1.2.3'),
      certificatePolicy('1.2.3'),
      publicKey({ type: 'ec', curve: 'P-256', minBits: 256 }),
      san.ip('10.0.0.0/8', 'fd00::/8'),
      issuer({ O: "O'Neill" }),
    ].map(ruleName),
  ).toEqual([
    `fingerprint('${'AB:'.repeat(26)}A…')`,
    "issuedBy('odd root')",
    "extendedKeyUsage('1.2.3')",
    "certificatePolicy('1.2.3')",
    "publicKey({ type: 'ec', curve: 'prime256v1', minBits: 256 })",
    "san.ip('10.0.0.0/8', 'fd00::/8')",
    "issuer({ O: 'O\\'Neill' })",
  ]);
});
