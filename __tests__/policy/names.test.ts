import { describe, expect, it, jest } from '@jest/globals';
import { type ClientCertificate, issuer, type Rule, san, spiffe, subject } from 'portcullis';
import { oddAuthority, type Overrides } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { attribute, commonName, generalName, name } from '../support/odd-names.ts';
import { client, decide, named, type Outcome, outcome } from './certificates.ts';

type Row = readonly [wanted: string, seen: string, Outcome];

const check = (kind: 'dns' | 'email' | 'uri', rows: readonly Row[]): void => {
  it.each(rows)(`of the ${kind} name %j asks about %j: %s`, (wanted, seen, expected) => {
    expect(outcome(san[kind](wanted), named(generalName[kind](seen)))).toBe(expected);
  });
};

describe('san.dns', () => {
  check('dns', [
    ['a.example.org', 'a.example.org', 'yes'],
    ['a.example.org', 'A.Example.ORG', 'yes'],
    ['A.EXAMPLE.org', 'a.example.org', 'yes'],
    ['a.example.org.', 'a.example.org', 'yes'],
    ['localhost', 'localhost', 'yes'],
    ['a.example.org', 'b.example.org', 'no'],
    ['example.org', 'a.example.org', 'no'],
    ['a.example.org', 'a.example.org.evil', 'no'],
    ['a.example.org', 'evil-a.example.org', 'no'],
    ['*.example.org', 'a.example.org', 'yes'],
    ['*.example.org', 'a.EXAMPLE.org', 'yes'],
    ['*.example.org', 'example.org', 'no'],
    ['*.example.org', 'a.b.example.org', 'no'],
    ['*.example.org', 'aexample.org', 'no'],
    ['*.example.org', 'a.example.org.evil', 'no'],
    ['*.example.org', 'a.example.organic', 'no'],
    ['*.internal', 'a.internal', 'yes'],
    // No name of a host: neither the rule nor its opposite holds.
    ['a.example.org', '*.example.org', 'neither'],
    ['*.example.org', '*.example.org', 'neither'],
    ['*.example.org', '*.*.example.org', 'neither'],
    ['*.example.org', '*', 'neither'],
    ['a.example.org', 'a.example.org.', 'neither'],
    ['*.example.org', 'a.example.org.', 'neither'],
    ['*.example.org', '.example.org', 'neither'],
    ['*.example.org', 'a..example.org', 'neither'],
    ['*.example.org', '', 'neither'],
    ['*.example.org', ' a.example.org', 'neither'],
    ['*.example.org', 'a.example.org ', 'neither'],
    ['*.example.org', 'a b.example.org', 'neither'],
    ['*.example.org', 'a_b.example.org', 'neither'],
    ['*.example.org', '_.example.org', 'neither'],
    ['*.example.org', '-a.example.org', 'neither'],
    ['*.example.org', 'a-.example.org', 'neither'],
    ['a.example.org', 'a.example.org\0.evil.org', 'neither'],
    ['a.example.org', 'a.example.org\n', 'neither'],
    ['a.example.org', 'a.example.org\r\nb.example.org', 'neither'],
    ['a.example.org', 'b.example.org, DNS:a.example.org', 'neither'],
    ['a.example.org', '"a.example.org"', 'neither'],
    ['a.example.org', 'https://a.example.org', 'neither'],
    ['a.example.org', 'a.example.org:443', 'neither'],
    ['a.example.org', 'a.example.org/x', 'neither'],
    ['a.example.org', 'x@a.example.org', 'neither'],
    ['*.example.org', 'a%2eexample.org', 'neither'],
    ['*.example.org', `${'a'.repeat(64)}.example.org`, 'neither'],
    [`${'a'.repeat(63)}.example.org`, `${'a'.repeat(63)}.example.org`, 'yes'],
    ['*.example.org', `${'a.'.repeat(130)}example.org`, 'neither'],
    ['a.example.org', '127.0.0.1', 'neither'],
    // Internationalised names (RFC 5280 7.2).
    ['bücher.example', 'xn--bcher-kva.example', 'yes'],
    ['BÜCHER.Example', 'XN--BCHER-KVA.example', 'yes'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', 'yes'],
    ['*.bücher.example', 'a.xn--bcher-kva.example', 'yes'],
    ['*.example', 'xn--bcher-kva.example', 'yes'],
    ['straße.example', 'strasse.example', 'no'],
    ['straße.example', 'xn--strae-oqa.example', 'yes'],
    ['bücher.example', 'b\u00fccher.example', 'neither'],
    ['*.example', 'xn--example-.example', 'neither'],
    ['*.example', 'xn--a.example', 'neither'],
    ['*.example', 'xn--zzzzzzz99999.example', 'neither'],
    ['*.example', 'xn--.example', 'neither'],
    ['istanbul.example', 'ISTANBUL.EXAMPLE', 'yes'],
    ['ıstanbul.example', 'istanbul.example', 'no'],
    ['İstanbul.example', 'istanbul.example', 'no'],
    // Cyrillic letters that look Latin.
    ['apple.example', 'xn--80ak6aa92e.example', 'no'],
    ['аррӏе.example', 'xn--80ak6aa92e.example', 'yes'],
  ]);

  it('lets in by one of several names, and by one of several patterns', () => {
    const both = named(generalName.dns('a.example'), generalName.dns('b.example'));
    for (const rule of [
      san.dns('b.example'),
      san.dns('x.example', 'a.example'),
      san.dns(['c.example', '*.example']),
    ])
      expect(outcome(rule, both)).toBe('yes');
    expect(outcome(san.dns('c.example'), both)).toBe('no');
  });

  it('is not turned around by a good name beside a strange one', () => {
    const both = named(generalName.dns('a.example'), generalName.dns('B_.example'));
    expect(outcome(san.dns('a.example'), both)).toBe('yes');
    expect(outcome(san.dns('c.example'), both)).toBe('neither');
  });

  it('asks neither the common name nor names of other kinds', () => {
    const others = client({
      subject: commonName('a.example'),
      extensions: {
        subjectAltName: extension.subjectAltName([
          generalName.uri('a.example'),
          generalName.email('a.example'),
          generalName.other('1.3.6.1.5.5.7.8.9', Buffer.from('0c09612e6578616d706c65', 'hex')),
        ]),
      },
    });
    expect(outcome(san.dns('a.example'), others)).toBe('no');
    expect(outcome(san.dns('a.example'), client({ subject: commonName('a.example') }))).toBe('no');
  });
});

describe('san.email', () => {
  check('email', [
    ['ops@example.org', 'ops@example.org', 'yes'],
    ['ops@EXAMPLE.org', 'ops@example.ORG', 'yes'],
    ['a+b@example.org', 'a+b@example.org', 'yes'],
    ['ops@bücher.example', 'ops@xn--bcher-kva.example', 'yes'],
    ['ops@example.org', 'dev@example.org', 'no'],
    ['ops@example.org', 'ops@sub.example.org', 'no'],
    ['ops@example.org', 'ops@example.org.evil', 'no'],
    ['ops@example.org', 'x.ops@example.org', 'no'],
    ['ops@example.org', 'OPS@example.org', 'neither'],
    ['ops@example.org', 'ops@example.org.', 'neither'],
    ['ops@example.org', '"ops"@example.org', 'neither'],
    ['ops@example.org', 'ops@example.org\0', 'neither'],
    ['ops@example.org', 'ops@example.org@evil.org', 'neither'],
    ['ops@example.org', 'ops@example.org,x@evil.org', 'neither'],
    ['ops@example.org', 'Ops <ops@example.org>', 'neither'],
    ['ops@example.org', 'mailto:ops@example.org', 'neither'],
    ['ops@example.org', ' ops@example.org', 'neither'],
    ['ops@example.org', '*@example.org', 'neither'],
    ['ops@example.org', 'ops@*.org', 'neither'],
    ['ops@example.org', 'ops', 'neither'],
    ['ops@example.org', '@example.org', 'neither'],
    ['ops@example.org', 'ops@[127.0.0.1]', 'neither'],
    ['ops@example.org', 'öps@example.org', 'neither'],
    ['ops@bücher.example', 'ops@b\u00fccher.example', 'neither'],
  ]);

  it('is not answered by a SmtpUTF8Mailbox (RFC 9598), nor by the subject', () => {
    const mailbox = Buffer.from('ops@example.org');
    const other = generalName.other(
      '1.3.6.1.5.5.7.8.9',
      Buffer.concat([Buffer.of(12, mailbox.length), mailbox]),
    );
    expect(outcome(san.email('ops@example.org'), named(other))).toBe('no');
    const inSubject = client({ subject: name(attribute('emailAddress', 'ops@example.org')) });
    expect(outcome(san.email('ops@example.org'), inSubject)).toBe('no');
  });
});

describe('san.uri', () => {
  check('uri', [
    ['https://example.org/a', 'https://example.org/a', 'yes'],
    ['HTTPS://Example.org/a', 'https://EXAMPLE.org/a', 'yes'],
    ['https://example.org/a,b;c', 'https://example.org/a,b;c', 'yes'],
    ['urn:uuid:1234', 'URN:uuid:1234', 'yes'],
    ['https://bücher.example/a', 'https://xn--bcher-kva.example/a', 'yes'],
    ['https://[::1]:8443/a', 'https://[::1]:8443/a', 'yes'],
    ['https://example.org/a', 'https://example.org/b', 'no'],
    ['https://example.org/a', 'https://example.org/a/b', 'no'],
    ['https://example.org/a', 'https://example.org.evil/a', 'no'],
    ['https://example.org/a', 'https://example.org@evil.org/a', 'no'],
    ['https://example.org/a', 'https://evil.org/https://example.org/a', 'no'],
    ['https://example.org/a', 'https://example.org:8443/a', 'no'],
    ['https://example.org/a', 'http://example.org/a', 'no'],
    ['https://example.org/a', 'https://example.org/a?b', 'no'],
    ['https://example.org/a', 'https://example.org/a#b', 'no'],
    ['https://example.org/a%2Fb', 'https://example.org/a%2Fb', 'yes'],
    // Some programs take these for the same, some do not.
    ['https://example.org/a', 'https://example.org/A', 'neither'],
    ['https://example.org/a', 'https://example.org/%61', 'neither'],
    ['https://example.org/a/b', 'https://example.org/a%2Fb', 'neither'],
    ['https://example.org/a%2Fb', 'https://example.org/a%2fb', 'neither'],
    ['https://example.org/a', 'https://example.org:443/a', 'neither'],
    ['https://example.org/a', 'https://example.org/b/../a', 'neither'],
    ['https://example.org/a', 'https://example.org/%2e%2e/a', 'neither'],
    ['https://example.org/a', 'https://example.org\\a', 'neither'],
    ['https://example.org/a', 'https://example.org/a\0', 'neither'],
    ['https://example.org/a', 'https://example.org/a, URI:https://x', 'neither'],
    ['https://example.org/a', 'https://example.org/%zz', 'neither'],
    ['https://example.org/a', '//example.org/a', 'neither'],
    ['https://example.org/a', 'example.org/a', 'neither'],
    ['https://example.org/a', 'https://x@y@example.org/a', 'neither'],
    ['https://example.org/a', 'https://b\u00fccher.example/a', 'neither'],
    ['https://example.org/a', '', 'neither'],
  ]);

  it('is read once of each certificate, however many rules and patterns ask', () => {
    const seen = named(...Array.from({ length: 40 }, (_, index) => generalName.uri(`a:${index}`)));
    const patterns = Array.from({ length: 10 }, (_, index) => `b:${index}`);
    const rules = [...patterns.map((pattern) => san.uri(pattern)), san.uri(...patterns)];
    const { URL } = globalThis;
    const construct = jest.fn((target: typeof URL, given: [string]) => new target(...given));
    globalThis.URL = new Proxy(URL, { construct });
    for (const rule of rules) expect(outcome(rule, seen)).toBe('no');
    globalThis.URL = URL;
    expect(construct).toHaveBeenCalled();
    expect(construct.mock.calls.length).toBeLessThanOrEqual(2 * 40);
  });
});

describe('san.ip', () => {
  const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const v6 = (tail: string, head = '20010db8'): Buffer => octets(head + tail.padStart(32 - head.length, '0'));

  it.each<[wanted: string, seen: Buffer, Outcome]>([
    ['192.0.2.1', octets('c0000201'), 'yes'],
    ['192.0.2.1', octets('c0000202'), 'no'],
    ['10.0.0.0/8', octets('0a010203'), 'yes'],
    ['10.0.0.0/8', octets('0b000000'), 'no'],
    ['192.0.2.128/25', octets('c0000280'), 'yes'],
    ['192.0.2.128/25', octets('c000027f'), 'no'],
    ['2001:db8::/32', v6('1'), 'yes'],
    ['2001:DB8:0:0::1', v6('1'), 'yes'],
    ['2001:db8::/33', v6('1'), 'yes'],
    ['2001:db8:8000::/33', v6('1'), 'no'],
    ['2001:db8::/32', v6('1', '20010db9'), 'no'],
    ['::1', v6('1', '00'), 'yes'],
    ['2001:db8::/32', octets('c0000201'), 'no'],
    ['192.0.2.1', v6('1'), 'no'],
    ['192.0.2.1', v6('ffffc0000201', '00'), 'neither'],
    ['::/8', v6('ffffc0000201', '00'), 'neither'],
    ['192.0.2.1', v6('c0000201', '00'), 'no'],
  ])('asks for %s', (wanted, seen, expected) => {
    expect(outcome(san.ip(wanted), named(generalName.ip(seen)))).toBe(expected);
  });

  it('is not answered by an address in a DNS name', () => {
    expect(outcome(san.ip('192.0.2.1'), named(generalName.dns('192.0.2.1')))).toBe('no');
  });
});

describe('spiffe', () => {
  const web = 'spiffe://example.org/ns/prod/sa/web';
  const svid = (uri: string, overrides: Overrides['extensions'] = {}): ClientCertificate =>
    client({
      extensions: { subjectAltName: extension.subjectAltName([generalName.uri(uri)]), ...overrides },
    });
  const rules: readonly Rule[] = [
    spiffe.id(web),
    spiffe.memberOf('example.org'),
    spiffe.path('/ns/*/sa/web'),
  ];

  it('lets in by ID, trust domain and path', () => {
    expect(rules.map((rule) => outcome(rule, svid(web)))).toEqual(['yes', 'yes', 'yes']);
    expect(outcome(spiffe.id('spiffe://example.org/x', web), svid(web))).toBe('yes');
    expect(outcome(spiffe.memberOf('spiffe://example.org'), svid(web))).toBe('yes');
    expect(outcome(spiffe.memberOf('a_b.example-1.org'), svid('spiffe://a_b.example-1.org/x'))).toBe('yes');
  });

  it.each<[uri: string, ...Outcome[]]>([
    ['spiffe://example.org/ns/prod/sa/other', 'no', 'yes', 'no'],
    ['spiffe://example.org/ns/prod/sa/Web', 'no', 'yes', 'no'],
    ['spiffe://example.org/ns/prod/x/sa/web', 'no', 'yes', 'no'],
    ['spiffe://example.org/ns/sa/web', 'no', 'yes', 'no'],
    ['spiffe://example.org.evil/ns/prod/sa/web', 'no', 'no', 'yes'],
    ['https://example.org/ns/prod/sa/web', 'no', 'no', 'no'],
  ])('%s is an ID, a member, a path: %s, %s, %s', (uri, ...expected) => {
    expect(rules.map((rule) => outcome(rule, svid(uri)))).toEqual(expected);
  });

  it.each([
    'spiffe://example.org',
    'spiffe://example.org/',
    'spiffe://example.org/ns/prod/sa/web/',
    'spiffe://example.org//ns/prod/sa/web',
    'spiffe://example.org/ns/./prod/sa/web',
    'spiffe://example.org/x/../ns/prod/sa/web',
    'spiffe://example.org/ns%2Fprod/sa/web',
    'spiffe://example.org/ns/prod/sa/%77eb',
    'spiffe://example.org/ns/*/sa/web',
    'spiffe://example.org/ns/prod/sa/web?x',
    'spiffe://example.org/ns/prod/sa/web#x',
    'spiffe://example.org:443/ns/prod/sa/web',
    'spiffe://user@example.org/ns/prod/sa/web',
    'spiffe://EXAMPLE.org/ns/prod/sa/web',
    'SPIFFE://example.org/ns/prod/sa/web',
    'spiffe:///ns/prod/sa/web',
    'spiffe:example.org/ns/prod/sa/web',
    'spiffe://example.org/ns/prod/sa/web\0',
    'spiffe://example.org/ns/prod/sa/web\n',
    'spiffe://example.org/ns/prod/sa/wéb',
    'spiffe://exämple.org/ns/prod/sa/web',
    `spiffe://example.org/${'a'.repeat(2048)}`,
  ])('%j is no SPIFFE ID of a workload', (uri) => {
    expect(rules.map((rule) => outcome(rule, svid(uri)))).toEqual(['neither', 'neither', 'neither']);
  });

  it('wants exactly one URI', () => {
    const two = named(generalName.uri(web), generalName.uri('https://example.org/'));
    const beside = named(
      generalName.uri(web),
      generalName.dns('a.example'),
      generalName.email('a@b.example'),
    );
    expect(rules.map((rule) => outcome(rule, two))).toEqual(['neither', 'neither', 'neither']);
    expect(rules.map((rule) => outcome(rule, beside))).toEqual(['yes', 'yes', 'yes']);
    expect(rules.map((rule) => outcome(rule, client()))).toEqual(['no', 'no', 'no']);
  });

  it.each([
    ['is a CA', { basicConstraints: extension.basicConstraints({ ca: true }) }],
    ['may sign certificates', { keyUsage: extension.keyUsage(['digitalSignature', 'keyCertSign']) }],
    ['may sign CRLs', { keyUsage: extension.keyUsage(['digitalSignature', 'cRLSign']) }],
  ])('refuses what %s', (_what, overrides) => {
    expect(rules.map((rule) => outcome(rule, svid(web, overrides)))).toEqual([
      'neither',
      'neither',
      'neither',
    ]);
  });

  it('is shown on the certificate only where it is a valid one', () => {
    expect(svid(web).spiffeId).toBe(web);
    expect(svid('spiffe://example.org/a/../b').spiffeId).toBeUndefined();
    expect(svid(web).isCa).toBe(false);
  });
});

it('reads all nine bits of the key usage', () => {
  const usage = (hex: string): readonly string[] =>
    client({ extensions: { keyUsage: extension.raw('2.5.29.15', Buffer.from(hex, 'hex')) } }).keyUsage;
  expect(usage('03020780')).toEqual(['digitalSignature']);
  expect(usage('0303075580')).toEqual([
    'nonRepudiation',
    'dataEncipherment',
    'keyCertSign',
    'encipherOnly',
    'decipherOnly',
  ]);
  expect(client({ extensions: { keyUsage: null } }).keyUsage).toEqual([]);
});

describe('subject', () => {
  const dn = (...attributes: Array<[string, string]>): ClientCertificate =>
    client({ subject: name(...attributes.map(([type, text]) => attribute(type, text))) });
  const alice = dn(['O', 'Example'], ['OU', 'billing'], ['OU', 'admins'], ['CN', 'alice']);

  it('wants every attribute, with one value of the list', () => {
    expect(outcome(subject({ CN: 'alice' }), alice)).toBe('yes');
    expect(outcome(subject({ CN: ['bob', 'alice'], O: 'Example' }), alice)).toBe('yes');
    expect(outcome(subject({ CN: 'alice', O: 'Other' }), alice)).toBe('no');
    expect(outcome(subject({ CN: 'alice', L: 'Here' }), alice)).toBe('no');
  });

  it('takes any of several values in the certificate', () => {
    expect(outcome(subject({ OU: 'admins' }), alice)).toBe('yes');
    expect(outcome(subject({ OU: 'billing' }), alice)).toBe('yes');
    expect(outcome(subject({ OU: 'billing,admins' }), alice)).toBe('no');
    const rdn = client({ subject: name([attribute('CN', 'a'), attribute('UID', 'b')]) });
    expect(outcome(subject({ CN: 'a', UID: 'b' }), rdn)).toBe('yes');
  });

  it('knows an attribute by its OID', () => {
    expect(outcome(subject({ '2.5.4.3': 'alice' }), alice)).toBe('yes');
    expect(outcome(subject({ '1.2.3.4': 'x' }), dn(['1.2.3.4', 'x']))).toBe('yes');
    expect(outcome(subject({ '1.2.3.4': 'x' }), alice)).toBe('no');
  });

  it.each<[string, Outcome]>([
    ['alice', 'yes'],
    ['Alice', 'neither'],
    ['alice ', 'neither'],
    ['al ice', 'neither'],
    ['alice\0', 'neither'],
    ['\u200balice', 'neither'],
    ['ａlice', 'neither'],
    ['', 'neither'],
    ['alice\0.evil', 'no'],
    ['alice\nCN=bob', 'no'],
    ['bob, CN=alice', 'no'],
    ['bob/CN=alice', 'no'],
    ['["alice"]', 'no'],
    ['*', 'no'],
    ['аlice', 'no'],
  ])('compares %j exactly', (seen, expected) => {
    expect(outcome(subject({ CN: 'alice' }), dn(['CN', seen]))).toBe(expected);
  });

  it('takes a company with a comma', () => {
    expect(outcome(subject({ O: 'Example, Inc.' }), dn(['O', 'Example, Inc.']))).toBe('yes');
  });

  it('reads every encoding alike', () => {
    for (const encoding of ['utf8', 'printable', 'bmp', 't61', 'universal', 'ia5'] as const)
      expect(outcome(subject({ CN: 'alice' }), client({ subject: commonName('alice', encoding) }))).toBe(
        'yes',
      );
  });

  it('does not know the empty subject', () => {
    expect(outcome(subject({ CN: 'alice' }), client({ subject: name() }))).toBe('no');
  });

  it('has a sibling for the issuer', () => {
    const root = oddAuthority({ subject: name(attribute('O', 'Example'), attribute('CN', 'root')) });
    expect(outcome(issuer({ CN: 'root', O: 'Example' }), client({ issuer: root }))).toBe('yes');
    expect(outcome(issuer({ CN: 'odd' }), client({ issuer: root }))).toBe('no');
    expect(outcome(subject({ CN: 'root' }), client({ issuer: root }))).toBe('no');
  });
});

describe('a refusal', () => {
  it('says what was expected and what was seen', () => {
    const seen = named(generalName.dns('b.example'), generalName.dns('c.example'));
    expect(decide(san.dns('a.example'), seen)).toEqual({
      allow: false,
      code: 'CLIENT_CERTIFICATE_DENIED',
      detail: "expected a dns name 'a.example', saw 'b.example', 'c.example'",
    });
    expect(decide(subject({ CN: ['a', 'b'], L: 'x' }), client())).toMatchObject({
      detail: "expected subject with CN: ['a', 'b'], L: 'x', saw CN: 'odd', L: none",
    });
    expect(decide(san.email('a@b.example'), seen)).toMatchObject({
      detail: expect.stringMatching(/saw none$/),
    });
  });

  it('is bounded, and shows no control character, whatever the names are', () => {
    const long = Array.from({ length: 50 }, (_each, index) =>
      generalName.dns(`${index}\n\x1b[2J${'x'.repeat(200)}`),
    );
    const texts = [
      decide(san.dns('a.example'), named(...long)),
      decide(subject({ CN: 'a' }), client({ subject: commonName(`\u202e\0'\\${'y'.repeat(3000)}`) })),
      decide(spiffe.memberOf('example.org'), named(generalName.uri('spiffe://\r\n'.repeat(500)))),
    ].map((decision) => (decision as { detail: string }).detail);
    for (const text of texts) {
      expect(text.length).toBeLessThanOrEqual(500);
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });
});
