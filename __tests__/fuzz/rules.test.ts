import { BlockList, isIPv4 } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ConfigError, ruleName, type Rule, san, serialNumber, spiffe, subject } from 'portcullis';
import { addressOctets } from '../../lib/pki/names.ts';
import { matchAddress, readRange } from '../../lib/policy/names/address.ts';
import { matchDns, readDnsPattern } from '../../lib/policy/names/dns.ts';
import { matchEmail, readMailbox } from '../../lib/policy/names/email.ts';
import { hostInCertificate, hostInRule } from '../../lib/policy/names/host.ts';
import { matchUri, readUri } from '../../lib/policy/names/uri.ts';
import { readSpiffeId } from '../../lib/connection/spiffe-id.ts';
import { canonicalAddress } from '../../lib/x509/extensions.ts';
import { client, decide, named, noContext, outcome } from '../policy/certificates.ts';
import { attribute, generalName, name } from '../support/odd-names.ts';
import { times } from '../support/fuzz-runs.ts';

/** Enough to find what one wrong character lets through, and few enough for a few seconds. */
const runs = times(2000);
const few = times(200);

/** What a matcher has to be told apart from: the characters that others stumble over. */
const strange = fc.constantFrom(
  '.',
  '*',
  '-',
  '_',
  '@',
  '/',
  ':',
  '%2e',
  '%2F',
  '\0',
  '\n',
  ' ',
  ',',
  '\\',
  '"',
  'xn--',
  'ü',
  'K',
  'ı',
  '。',
);
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(fc.oneof(strange, fc.constantFrom('a', 'b', 'example', 'org', 'spiffe://', 'https://')), {
      maxLength: 12,
    })
    .map((parts) => parts.join('')),
);
const label = fc
  .stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?$/)
  .filter((each) => !each.startsWith('xn--'));
const host = fc
  .tuple(fc.array(label, { maxLength: 3 }), fc.constantFrom('example', 'org', 'internal'))
  .map(([labels, last]) => [...labels, last].join('.'));
const anyCase = (word: string): fc.Arbitrary<string> =>
  fc.array(fc.boolean(), { minLength: word.length, maxLength: word.length }).map((upper) =>
    Array.from(word)
      .map((each, index) => (upper[index] ? each.toUpperCase() : each))
      .join(''),
  );

/** What reads a pattern gives it or throws a ConfigError of its own code, and nothing else. */
function build<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code !== 'RULE_INVALID' || error.remedy === '') throw error;
    return undefined;
  }
}

describe('whatever is written in a rule', () => {
  it.each<[string, (value: string) => Rule]>([
    ['san.dns', san.dns],
    ['san.email', san.email],
    ['san.uri', san.uri],
    ['san.ip', san.ip],
    ['spiffe.id', spiffe.id],
    ['spiffe.memberOf', spiffe.memberOf],
    ['spiffe.path', spiffe.path],
    ['serialNumber', serialNumber],
    ['subject', (value) => subject({ CN: value })],
    ['an attribute of subject', (value) => subject({ [value]: 'a' })],
  ])('%s is built, or says what is wrong with it', (_what, make) => {
    const certificate = client();
    fc.assert(
      fc.property(text, (value) => {
        const made = build(() => make(value));
        if (made === undefined) return;
        expect(ruleName(made).length).toBeLessThanOrEqual(200);
        expect(typeof decide(made, certificate).allow).toBe('boolean');
      }),
      runs,
    );
  });
});

describe('whatever stands in a certificate', () => {
  const rules: readonly Rule[] = [
    san.dns('*.example.org', 'a.example'),
    san.email('ops@example.org'),
    san.uri('https://example.org/a'),
    spiffe.memberOf('example.org'),
    spiffe.path('/ns/*/sa/web'),
    subject({ CN: 'a', OU: ['b', 'c'] }),
  ];

  it('is judged without a throw, and tells in few printable words', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), (texts) => {
        const certificate = client({
          subject: name(...texts.map((each, index) => attribute(index % 2 === 0 ? 'CN' : 'OU', each))),
        });
        const alternatives = named(
          ...texts.flatMap((each) => [generalName.dns(each), generalName.email(each), generalName.uri(each)]),
        );
        for (const each of [certificate, alternatives]) {
          for (const tried of rules) {
            outcome(tried, each);
            const decision = tried(each, noContext) as { allow: boolean; detail?: string };
            if (decision.allow) continue;
            expect(decision.detail!.length).toBeLessThanOrEqual(500);
            expect(decision.detail).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
          }
        }
      }),
      few,
    );
  });

  it('is judged in a time that grows with its length', () => {
    const pumps = [
      'a',
      'a.',
      '.',
      '-',
      'xn--a.',
      '@',
      'a@',
      '%',
      '%2e',
      '%25',
      '/',
      '//',
      '/..',
      ':',
      '[',
      '*',
      'ü',
      '\u0130',
      '\0',
    ];
    const matchers: ReadonlyArray<(seen: string) => unknown> = [
      (seen) => matchDns(seen)({ host: 'example.org', wildcard: true }),
      (seen) => matchEmail(seen)({ local: 'ops', domain: 'example.org' }),
      (seen) => matchUri(seen)(readUri('https://example.org/a', 'p')),
      (seen) => readSpiffeId(seen),
      (seen) => build(() => san.dns(seen)),
      (seen) => build(() => san.uri(seen)),
      (seen) => build(() => san.ip(seen)),
      (seen) => build(() => spiffe.path(seen)),
    ];
    const started = process.cpuUsage();
    for (const pump of pumps)
      for (const prefix of ['', 'https://', 'spiffe://a/', 'a@'])
        for (const match of matchers) match(prefix + pump.repeat(Math.floor(16_384 / pump.length)));
    const { user, system } = process.cpuUsage(started);
    // 608 inputs of 16 KB take a tenth of this; one that is squared takes longer by itself.
    expect((user + system) / 1000).toBeLessThan(5000);
  });
});

/** What RFC 9525 6.3 says of a wildcard, label by label: not how it is done here. */
function modelOfWildcard(pattern: string, seen: string): boolean {
  const [wanted, labels] = [pattern.toLowerCase().split('.'), seen.toLowerCase().split('.')];
  return (
    wanted.length === labels.length &&
    wanted.every((each, index) => (each === '*' && index === 0 ? labels[0] !== '' : each === labels[index]))
  );
}

describe('san.dns', () => {
  it('is as its model for every valid name', () => {
    const pattern = fc.tuple(fc.boolean(), host).map(([wildcard, base]) => (wildcard ? `*.${base}` : base));
    const pairs = pattern.chain((each) => {
      const bare = each.replace('*.', '');
      const near = fc.oneof(
        fc.constant(bare),
        label.map((first) => `${first}.${bare}`),
        fc.tuple(label, label).map(([first, second]) => `${first}.${second}.${bare}`),
        label.map((last) => `${bare}.${last}x`),
        host,
      );
      return near.chain((seen) => anyCase(seen).map((mixed) => [each, mixed] as const));
    });
    fc.assert(
      fc.property(pairs, ([wanted, seen]) => {
        const expected = modelOfWildcard(wanted, seen) ? 'yes' : 'no';
        expect(matchDns(seen)(readDnsPattern(wanted, 'p'))).toBe(expected);
      }),
      runs,
    );
  });

  it('takes a certificate by nothing that is not a plain name', () => {
    fc.assert(
      fc.property(text, (seen) => {
        const found = hostInCertificate(seen);
        if (found === undefined) return;
        expect(found).toMatch(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/);
        expect(found).toBe(seen.toLowerCase());
      }),
      runs,
    );
  });

  it('reads a name in a rule as what a certificate can have, and reads that again as it is', () => {
    const unicode = fc.array(fc.constantFrom('ü', 'ß', 'é', 'ж', '日', 'a', 'B', '-', '.'), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(unicode, (parts) => {
        const read = build(() => hostInRule(parts.join(''), 'p'));
        if (read === undefined) return;
        expect(hostInCertificate(read)).toBe(read);
        expect(hostInRule(read, 'p')).toBe(read);
      }),
      runs,
    );
  });
});

describe('san.email', () => {
  it('takes an address by itself alone, the case of its domain aside', () => {
    const local = fc.stringMatching(/^[A-Za-z0-9+_-]{1,6}(?:\.[A-Za-z0-9]{1,4})?$/);
    fc.assert(
      fc.property(local, host, text, (user, domain, other) => {
        const wanted = readMailbox(`${user}@${domain}`, 'p');
        expect(matchEmail(`${user}@${domain.toUpperCase()}`)(wanted)).toBe('yes');
        for (const seen of [
          other,
          `${other}@${domain}`,
          `${user}@${other}`,
          `${user}@${domain}${other}`,
          `${other}${user}@${domain}`,
        ])
          expect(matchEmail(seen)(wanted) === 'yes').toBe(
            seen.replace(/@[^@]*$/, (end) => end.toLowerCase()) === `${user}@${domain}`,
          );
      }),
      runs,
    );
  });
});

describe('san.uri', () => {
  it('takes a URI by itself alone, the case of scheme and host aside', () => {
    const path = fc.stringMatching(/^(?:\/[A-Za-z0-9._~-]{0,5}|%2[Ff]){0,4}$/);
    fc.assert(
      fc.property(host, path, path, text, (authority, tail, another, other) => {
        const uri = `https://${authority}/${tail}`;
        const wanted = readUri(uri, 'p');
        expect(matchUri(`HTTPS://${authority.toUpperCase()}/${tail}`)(wanted)).toBe('yes');
        for (const seen of [
          `https://${authority}/${another}`,
          uri + other,
          other,
          `https://${other}@${authority}/${tail}`,
          `https://${authority}${other}/${tail}`,
        ]) {
          const same = seen.replace(/^https:\/\/[^/]*/i, (start) => start.toLowerCase()) === uri;
          expect(matchUri(seen)(wanted) === 'yes').toBe(same);
        }
      }),
      runs,
    );
  });
});

describe('san.ip', () => {
  it("is as Node's BlockList", () => {
    const range = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 })),
      fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 128 })),
    );
    fc.assert(
      fc.property(range, fc.nat(130), fc.oneof(fc.ipV4(), fc.ipV6()), ([start, bits], flipped, other) => {
        const octets = addressOctets(canonicalAddress(start)!);
        const masked = octets.map(
          (octet, index) => octet & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff,
        );
        const format = (all: readonly number[]): string =>
          all.length === 4
            ? all.join('.')
            : canonicalAddress(Buffer.from(all).toString('hex').match(/.{4}/g)!.join(':'))!;
        const wanted = build(() => readRange(`${format(masked)}/${bits}`, 'p'));
        if (wanted === undefined) return;
        const blocks = new BlockList();
        blocks.addSubnet(format(masked), bits, octets.length === 4 ? 'ipv4' : 'ipv6');
        const near = octets.with(
          Math.floor(flipped / 8) % octets.length,
          octets[Math.floor(flipped / 8) % octets.length]! ^ (0x80 >> (flipped % 8)),
        );
        for (const seen of [format(octets), format(near), canonicalAddress(other)!]) {
          const mapped = seen.startsWith('::ffff:');
          const expected =
            !mapped &&
            blocks.check(seen, isIPv4(seen) ? 'ipv4' : 'ipv6') &&
            isIPv4(seen) === (octets.length === 4);
          expect(matchAddress(seen)(wanted) === 'yes').toBe(expected);
        }
      }),
      runs,
    );
  });
});

describe('spiffe', () => {
  it('reads an ID only as it is written', () => {
    const segment = fc.oneof(fc.stringMatching(/^[A-Za-z0-9._-]{0,6}$/), strange);
    fc.assert(
      fc.property(fc.oneof(host, text), fc.array(segment, { maxLength: 5 }), (domain, segments) => {
        const id = `spiffe://${[domain, ...segments].join('/')}`;
        const read = readSpiffeId(id);
        if (read === undefined) return;
        expect(`spiffe://${read.trustDomain}${read.path}`).toBe(id);
        expect(new URL(id).pathname).toBe(read.path);
        expect(new URL(id).host).toBe(read.trustDomain);
        expect(new URL(id).href).toBe(id);
      }),
      runs,
    );
  });

  it('matches a path segment by segment', () => {
    const segment = fc.constantFrom('a', 'b', 'ns', 'a.b');
    const segments = fc.array(segment, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        segments,
        segments,
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        (wanted, seen, wild) => {
          const pattern = wanted.map((each, index) => (wild[index] ? '*' : each));
          const tried = build(() => spiffe.path(`/${pattern.join('/')}`));
          if (tried === undefined) return;
          const model = new RegExp(
            `^/${pattern.map((each) => (each === '*' ? '[^/]+' : each.replace('.', '\\.'))).join('/')}$`,
          );
          const path = `/${seen.join('/')}`;
          const certificate = named(generalName.uri(`spiffe://example.org${path}`));
          expect(decide(tried, certificate).allow).toBe(model.test(path));
        },
      ),
      few,
    );
  });
});
