import { der, sequence } from '../../../lib/pki/der.ts';
import { explicitTag, implicitTag } from '../../../lib/x509/der.ts';
import { oids } from '../../../lib/x509/extensions.ts';
import { oddAuthority, oddCertificate, type Overrides } from '../odd-certificates.ts';
import { extension } from '../odd-extensions.ts';
import { attribute, commonName, generalName, name } from '../odd-names.ts';
import { type PathCase, root } from './odd-path.ts';

const { dns, email, uri, ip, directory, other, registeredId } = generalName;

interface Trees {
  readonly permitted?: Buffer[];
  readonly excluded?: Buffer[];
}

const refused = 'name-constraints';
const anonymous = name();

/** A constrained root, and a leaf with alternative names below it, without any other name unless told. */
function below(trees: Trees | Buffer, names: readonly Buffer[], overrides: Overrides = {}): PathCase['path'] {
  const nameConstraints = Buffer.isBuffer(trees)
    ? extension.raw(oids.nameConstraints, trees, true)
    : extension.nameConstraints(trees);
  const anchor = oddAuthority({ extensions: { nameConstraints } });
  const subjectAltName = names.length === 0 ? null : extension.subjectAltName(names, true);
  const leaf = oddCertificate({
    issuer: anchor,
    subject: anonymous,
    extensions: { subjectAltName },
    ...overrides,
  });
  return { leaf, anchors: [anchor] };
}

const only = (base: Buffer, given: Buffer, isIn: boolean): PathCase => ({
  name: `permitted ${show(base)}: ${show(given)}`,
  expected: isIn ? 'in' : refused,
  path: below({ permitted: [base] }, [given]),
});
const but = (base: Buffer, given: Buffer, isIn: boolean): PathCase => ({
  name: `excluded ${show(base)}: ${show(given)}`,
  expected: isIn ? 'in' : refused,
  path: below({ excluded: [base] }, [given]),
});
const show = (item: Buffer): string =>
  `${(item[0]! & 0xf).toString()} ${JSON.stringify(item.subarray(2).toString('latin1'))}`;

const range = (...octets: number[]): Buffer => ip(Buffer.from(octets));
const ten = range(10, 0, 0, 0, 255, 0, 0, 0);
const v6 = (first: number, last: number): Buffer =>
  Buffer.concat([Buffer.of(first), Buffer.alloc(14), Buffer.of(last)]);
const mapped = Buffer.from('00000000000000000000ffff0a010203', 'hex');
const org = (text: string, encoding?: 'printable' | 'utf8'): Buffer => attribute('O', text, encoding);
const acme = directory(name(attribute('C', 'DE'), org('Acme')));
const acmeAlone = directory(name(org('Acme')));
/** What RFC 4518 2.2 takes for nothing, and 2.3 and 2.6 for the same. */
const invisible = [
  'Ac\u00ADme',
  'Ac\u200Bme',
  '\uFEFFAcme',
  'Ac\u{E0041}me',
  'Acme\u0085',
  '\uFF21cme',
  'A\0cme',
];
/** Longer than a name is compared: to bring these into order takes the square of their number. */
const marks = 'a\u0301\u0316'.padEnd(400, '\u0301\u0316');
const subtree = (...parts: Buffer[]): Buffer => der(explicitTag(0), sequence(...parts));
const smtp = other('1.3.6.1.5.5.7.8.9', der(0x0c, Buffer.from('ü@example.org')));
const named = (subject: Buffer, trees: Trees, names: Buffer[] = []): PathCase['path'] =>
  below(trees, names, {
    subject,
    extensions: { subjectAltName: names.length === 0 ? null : extension.subjectAltName(names) },
  });

const permitting = (dnsName: string, above = root): ReturnType<typeof oddAuthority> =>
  oddAuthority({
    issuer: above,
    subject: commonName(`CA of ${dnsName}`),
    extensions: { nameConstraints: extension.nameConstraints({ permitted: [dns(dnsName)] }) },
  });
const wide = permitting('example.org');
const narrow = permitting('a.example.org', wide);
const wider = permitting('org', wide);
const client = (issuer: typeof wide, ...names: Buffer[]): ReturnType<typeof oddCertificate> =>
  oddCertificate({ issuer, extensions: { subjectAltName: extension.subjectAltName(names) } });
const rollover = oddAuthority({
  issuer: wide,
  subject: wide.subject,
  extensions: { subjectAltName: extension.subjectAltName([dns('elsewhere.test')]) },
});
const outside = oddAuthority({
  issuer: wide,
  subject: commonName('outside'),
  extensions: { subjectAltName: extension.subjectAltName([dns('elsewhere.test')]) },
});
const a = dns('a.example.org');
const many = Array.from({ length: 300 }, (_, index) => dns(`n${index}.example.org`));

export const oddConstraints: readonly PathCase[] = [
  only(dns('example.org'), dns('example.org'), true),
  only(dns('example.org'), dns('a.b.EXAMPLE.org'), true),
  only(dns('EXAMPLE.ORG'), dns('a.example.org'), true),
  only(dns('example.org'), dns('notexample.org'), false),
  only(dns('example.org'), dns('example.com'), false),
  only(dns('example.org'), dns('example.org.evil.test'), false),
  only(dns('example.org'), dns('*.example.org'), true),
  only(dns('example.org'), dns('*.org'), false),
  only(dns('a.example.org'), dns('*.example.org'), false),
  only(dns('example.org'), dns('.example.org'), false),
  only(dns('example.org'), dns('a.example.org.'), false),
  only(dns('example.org'), dns('evil.test\0.example.org'), false),
  only(dns('example.org'), dns('evil.test/.example.org'), false),
  only(dns('example.org'), dns('a b.example.org'), false),
  only(dns(''), dns('anything.test'), true),
  but(dns('example.org'), dns('example.org'), false),
  but(dns('example.org'), dns('A.Example.Org'), false),
  but(dns('example.org'), dns('example.com'), true),
  but(dns('a.example.org'), dns('*.example.org'), false),
  but(dns('example.org'), dns('*.org'), false),
  but(dns('example.org'), dns('*.example.com'), true),
  but(dns(''), dns('anything.test'), false),
  only(email('example.org'), email('a@example.org'), true),
  only(email('example.org'), email('a@EXAMPLE.org'), true),
  only(email('example.org'), email('a@sub.example.org'), false),
  only(email('.example.org'), email('a@sub.example.org'), true),
  only(email('.example.org'), email('a@example.org'), false),
  only(email('a@example.org'), email('a@Example.org'), true),
  only(email('a@example.org'), email('A@example.org'), false),
  only(email('example.org'), email('evil@test@example.org'), false),
  only(email('example.org'), email('"evil@test"@example.org'), false),
  only(email('example.org'), email('example.org'), false),
  but(email('example.org'), email('a@example.org'), false),
  but(email('example.org'), email('a@example.com'), true),
  but(email('example.org'), email('a@b@example.com'), false),
  only(uri('example.org'), uri('spiffe://example.org/a'), true),
  only(uri('example.org'), uri('https://EXAMPLE.org:8443/a?b#c'), true),
  only(uri('example.org'), uri('https://user@example.org/'), false),
  but(uri('example.org'), uri('https://user@example.com/'), false),
  only(uri('example.org'), uri('spiffe://a.example.org/a'), false),
  only(uri('.example.org'), uri('spiffe://a.example.org/a'), true),
  only(uri('.example.org'), uri('spiffe://example.org/a'), false),
  only(uri('example.org'), uri('spiffe://evil.test/@example.org'), false),
  only(uri('example.org'), uri('spiffe://evil.test\\@example.org'), false),
  only(uri('example.org'), uri('https://evil.test?@example.org'), false),
  only(uri('example.org'), uri('urn:example.org'), false),
  but(uri('example.org'), uri('urn:uuid:1'), false),
  but(uri('example.org'), uri('https://10.0.0.1/'), false),
  but(uri('example.org'), uri('https://example.com/'), true),
  but(uri('example.org'), uri('https://ex%61mple.org/'), false),
  only(ten, ip('10.1.2.3'), true),
  only(ten, ip('11.1.2.3'), false),
  only(ten, ip(v6(0x20, 1)), false),
  only(ten, ip(mapped), false),
  but(ten, ip('10.1.2.3'), false),
  but(ten, ip('11.1.2.3'), true),
  but(ten, ip(mapped), false),
  only(range(0, 0, 0, 0, 0, 0, 0, 0), ip('1.2.3.4'), true),
  only(ip(Buffer.concat([v6(0x20, 0), v6(0xff, 0)])), ip(v6(0x20, 9)), true),
  only(ip(Buffer.concat([v6(0x20, 0), v6(0xff, 0)])), ip(v6(0x21, 9)), false),
  only(range(10, 0, 0, 0), ip('10.0.0.0'), false),
  only(range(10, 0, 0, 0, 255, 0, 255, 0), ip('10.0.0.0'), false),
  only(acme, directory(name(attribute('C', 'DE'), org('Acme'), org('x'))), true),
  only(acme, directory(name(attribute('C', 'de'), org('  ACME '))), true),
  only(acme, directory(name(attribute('C', 'DE'), org('Acme', 'printable'))), true),
  only(acme, directory(name(attribute('C', 'DE'), org('Acme2'))), false),
  only(acme, directory(name(org('Acme'), attribute('C', 'DE'))), false),
  only(acme, directory(name(attribute('C', 'DE'))), false),
  but(acme, directory(name(attribute('C', 'DE'), org('acme'), org('x'))), false),
  but(acme, directory(name(attribute('C', 'DE'))), true),
  only(dns('*.example.org'), a, false),
  { ...only(dns('.example.org'), a, true), expected: 'leading-dot' },
  only(dns('example.org.'), a, false),
  only(email('a@b@example.org'), a, false),
  only(email(''), a, true),
  only(email(''), email('a@example.org'), false),
  but(email(''), email('a@example.org'), false),
  but(email(''), a, true),
  but(uri(''), uri('spiffe://example.org/a'), false),
  but(uri(''), a, true),
  ...invisible.map((text) => but(acmeAlone, directory(name(org(text))), false)),
  but(acmeAlone, directory(name(org('Ac me'))), true),
  only(acmeAlone, directory(name(org('Acme'), org(marks))), false),
  but(acmeAlone, directory(name(org('Other'), org(marks))), false),
  but(directory(name(org('Straße'))), directory(name(org('STRASSE'))), false),
  only(uri('https://example.org'), a, false),
  only(dns('example.org'), ip('10.0.0.1'), true),
  only(ten, a, true),
  but(other('1.2.3', der(5)), other('1.2.4', der(5)), false),
  only(other('1.2.3', der(5)), other('1.2.3', der(5)), false),
  but(other('1.2.3', der(5)), a, true),
  but(registeredId('1.2.3'), registeredId('1.2.4'), false),
  only(email('example.org'), smtp, false),
  but(email('example.com'), smtp, false),
  only(dns('example.org'), smtp, true),
  {
    name: 'permitted and excluded at once',
    expected: refused,
    path: below({ permitted: [dns('example.org')], excluded: [dns('a.example.org')] }, [a]),
  },
  {
    name: 'the second of two names',
    expected: refused,
    path: below({ permitted: [dns('example.org')] }, [a, dns('evil.test')]),
  },
  { name: 'one of two permitted', expected: 'in', path: below({ permitted: [dns('b.test'), a] }, [a]) },
  { name: 'no name to judge', expected: 'in', path: named(commonName('x'), { permitted: [dns('b.test')] }) },
  {
    name: 'a common name that is a host',
    expected: refused,
    path: named(commonName('evil.test'), { permitted: [dns('example.org')] }),
  },
  {
    name: 'a common name that is a host within',
    expected: 'in',
    path: named(commonName('a.example.org'), { permitted: [dns('example.org')] }),
  },
  ...['evil.test\0', 'evil.test\0.example.org', 'evil.test.', '*.evil.test'].map((text) => ({
    name: `the common name ${JSON.stringify(text)}`,
    expected: refused,
    path: named(commonName(text), { permitted: [dns('example.org')] }),
  })),
  {
    name: 'a common name that is a wildcard within',
    expected: 'in',
    path: named(commonName('*.example.org'), { permitted: [dns('example.org')] }),
  },
  {
    name: 'a common name that is no host',
    expected: 'in',
    path: named(commonName('Dr. Who'), { permitted: [dns('example.org')] }),
  },
  {
    name: 'a common name beside an alternative one',
    expected: 'in',
    path: named(commonName('evil.test'), { permitted: [dns('example.org')] }, [a]),
  },
  {
    name: 'a common name that is an address',
    expected: refused,
    path: named(commonName('10.0.0.1'), { excluded: [ten] }),
  },
  {
    name: 'an e-mail address in the subject',
    expected: refused,
    path: named(name(attribute('emailAddress', 'a@evil.test', 'ia5')), { permitted: [email('example.org')] }),
  },
  {
    name: 'an e-mail address in the subject, beside another',
    expected: refused,
    path: named(
      name(attribute('emailAddress', 'a@evil.test', 'ia5')),
      { permitted: [email('example.org')] },
      [email('a@example.org')],
    ),
  },
  {
    name: 'the subject',
    expected: refused,
    path: named(commonName('x'), { permitted: [acme] }, [directory(name(attribute('C', 'DE'), org('Acme')))]),
  },
  {
    name: 'a subject within',
    expected: 'in',
    path: named(name(attribute('C', 'DE'), org('Acme'), attribute('CN', 'x')), { permitted: [acme] }),
  },
  { name: 'nothing in the extension', expected: refused, path: below(sequence(), [a]) },
  { name: 'empty lists', expected: refused, path: below({ permitted: [], excluded: [] }, [a]) },
  { name: 'text for constraints', expected: refused, path: below(Buffer.from('dns'), [a]) },
  {
    name: 'a minimum',
    expected: refused,
    path: below(sequence(subtree(dns('org'), der(implicitTag(0), Buffer.of(0)))), [a]),
  },
  {
    name: 'a maximum',
    expected: refused,
    path: below(sequence(subtree(dns('org'), der(implicitTag(1), Buffer.of(9)))), [a]),
  },
  {
    name: 'a base of no known type',
    expected: refused,
    path: below(sequence(subtree(der(implicitTag(9), Buffer.of(1)))), [a]),
  },
  {
    name: 'lists in the wrong order',
    expected: refused,
    path: below(
      sequence(der(explicitTag(1), sequence(dns('x'))), der(explicitTag(0), sequence(dns('org')))),
      [a],
    ),
  },
  {
    name: 'constraints that are not critical',
    expected: 'critical-flag',
    path: (() => {
      const nameConstraints = extension.nameConstraints({ permitted: [dns('example.org')] }, false);
      const anchor = oddAuthority({ extensions: { nameConstraints } });
      return { leaf: client(anchor, a), anchors: [anchor] };
    })(),
  },
  {
    name: 'narrowed, within',
    expected: 'in',
    path: { leaf: client(narrow, a), hints: [narrow, wide], anchors: [root] },
  },
  {
    name: 'narrowed, outside of the lower',
    expected: refused,
    path: { leaf: client(narrow, dns('b.example.org')), hints: [narrow, wide], anchors: [root] },
  },
  {
    name: 'widened below, outside of the upper',
    expected: refused,
    path: { leaf: client(wider, dns('b.org')), hints: [wider, wide], anchors: [root] },
  },
  {
    name: 'a self-issued intermediate is free',
    expected: 'in',
    path: { leaf: client(rollover, a), hints: [rollover, wide], anchors: [root] },
  },
  {
    name: 'an intermediate is not',
    expected: refused,
    path: { leaf: client(outside, a), hints: [outside, wide], anchors: [root] },
  },
  {
    name: 'a self-issued leaf is not',
    expected: refused,
    path: {
      leaf: oddCertificate({
        issuer: wide,
        subject: wide.subject,
        extensions: { subjectAltName: extension.subjectAltName([dns('evil.test')]) },
      }),
      hints: [wide],
      anchors: [root],
    },
  },
  {
    name: 'too many names for too many constraints',
    expected: refused,
    path: below({ excluded: many }, many),
  },
];
