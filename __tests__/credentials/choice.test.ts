import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CertificateChoice } from '../../lib/credentials/choice.ts';
import { keyTypeOf, type KeyPair } from '../../lib/credentials/key-pair.ts';

/** Only what the choice looks at: names and the type of the key. */
const pair = (
  dns: readonly string[],
  type = 'ec',
  path = 'certificate',
  ip: readonly string[] = [],
): KeyPair => ({ leaf: { publicKey: { type }, subjectAltNames: { dns, ip } }, path }) as unknown as KeyPair;

const first = pair(['first.test']);

/** What is thrown for entries after one for first.test. */
function refusal(...groups: ReadonlyArray<readonly KeyPair[]>): unknown {
  try {
    return new CertificateChoice([[first], ...groups]);
  } catch (error) {
    const { code, path } = error as { code: unknown; path: unknown };
    return { code, path };
  }
}

describe('the certificate of a name', () => {
  const exact = pair(['www.example.test', 'alone.example.test']);
  const wildcard = pair(['*.example.test']);
  const other = pair(['xn--bcher-kva.test', 'Mixed.Case.Test.'], 'ec', 'certificate', ['192.0.2.1']);
  const choice = new CertificateChoice([[first], [wildcard], [exact], [other]]);

  it.each<[string, string, KeyPair | undefined]>([
    ['is the one that has it', 'first.test', first],
    ['is the exact one before a wildcard, though that comes first', 'www.example.test', exact],
    ['is that of a wildcard, for one label', 'shop.example.test', wildcard],
    ['is that of a wildcard, for a label of one letter', 'a.example.test', wildcard],
    ['is found in any case', 'WWW.Example.TEST', exact],
    ['is found with a dot at the end', 'www.example.test.', exact],
    ['is found by a wildcard with a dot at the end', 'Shop.example.test.', wildcard],
    ['is found though the certificate has a dot and capitals', 'mixed.case.test', other],
    ['is found by its A-labels', 'XN--BCHER-KVA.test', other],
    ['is found by its address, where a client wrongly sends it', '192.0.2.1', other],
    ['is none for two labels under a wildcard', 'a.b.example.test', undefined],
    ['is none for the parent of a wildcard', 'example.test', undefined],
    ['is none for an empty label under a wildcard', '.example.test', undefined],
    ['is none for the wildcard itself', '*.example.test', undefined],
    ['is none for two dots at the end', 'www.example.test..', undefined],
    ['is none for its U-labels', 'bücher.test', undefined],
    ['is none for the empty name', '', undefined],
    ['is none for a dot', '.', undefined],
    ['is none for another one', 'second.test', undefined],
    ['is none for a property that objects inherit', 'constructor', undefined],
  ])('%s', (_what, name, expected) => {
    expect(choice.choose(name)).toEqual(expected && [expected]);
  });

  it('is the very list of the default where that has it', () => {
    expect(choice.choose('first.test')).toBe(choice.default);
  });

  it('is of both key types, where they stand in entries of their own', () => {
    const rsa = pair(['*.example.test', 'first.test'], 'rsa');
    const both = new CertificateChoice([[first], [wildcard], [rsa]]);
    expect(both.choose('a.example.test')).toEqual([wildcard, rsa]);
    expect(both.choose('first.test')).toEqual([first, rsa]);
    expect(both.default).toEqual([first]);
  });

  it('is the first of its key type, RSA-PSS counting as RSA', () => {
    const rsa = pair(['both.test'], 'rsa');
    const pss = pair(['both.test', 'pss.test'], 'rsa-pss');
    const overlapping = new CertificateChoice([[first], [rsa], [pss]]);
    expect(overlapping.choose('both.test')).toEqual([rsa]);
    expect(overlapping.choose('pss.test')).toEqual([pss]);
  });
});

describe('a choice of certificates', () => {
  it('tells all names, wildcards and addresses', () => {
    const choice = new CertificateChoice([
      [first],
      [pair(['*.B.test', 'first.test'], 'rsa', '', ['192.0.2.1'])],
    ]);
    expect(choice.names).toEqual(['first.test', '*.b.test', '192.0.2.1']);
  });

  it('serves a single entry whole, though not all of its certificates have all names', () => {
    const only = new CertificateChoice([[first, pair(['second.test'], 'rsa')]]);
    expect(only.choose('first.test')).toBe(only.default);
    expect(only.choose('second.test')).toBe(only.default);
    expect(only.choose('third.test')).toBeUndefined();
  });

  it('takes a default without names', () => {
    const nameless = pair([]);
    expect(new CertificateChoice([[nameless], [first]]).default).toEqual([nameless]);
    expect(new CertificateChoice([[nameless]]).choose('first.test')).toBeUndefined();
  });

  it.each<[string, readonly KeyPair[], string]>([
    ['no name', [pair([], 'ec', 'certificate[1].certFile')], 'CERTIFICATE_INVALID'],
    ['addresses only', [pair([], 'ec', 'certificate[1].certFile', ['192.0.2.1'])], 'CERTIFICATE_INVALID'],
    [
      'stars in other places only',
      [pair(['*', 'w*.test', 'a.*.test', '*.*.test'], 'ec', 'certificate[1].certFile')],
      'CERTIFICATE_INVALID',
    ],
    [
      'names only that the default has',
      [pair(['FIRST.test.'], 'ec', 'certificate[1].certFile')],
      'OPTION_CONFLICT',
    ],
  ])('refuses a further entry with %s', (_what, group, code) => {
    expect(refusal(group)).toEqual({ code, path: 'certificate[1].certFile' });
  });

  it('refuses an entry without certificates, and none at all', () => {
    expect(refusal([])).toMatchObject({ code: 'CERTIFICATE_MISSING' });
    expect(() => new CertificateChoice([])).toThrow(/without any certificate/);
  });
});

describe('whatever the certificates', () => {
  const label = fc.constantFrom('a', 'b', 'www');
  const name = fc.tuple(label, label).map((labels) => `${labels.join('.')}.test`);
  const certificateName = fc.oneof(
    name,
    label.map((parent) => `*.${parent}.test`),
  );
  const entries = fc.array(
    fc.tuple(fc.array(certificateName, { minLength: 1, maxLength: 3 }), fc.constantFrom('ec', 'rsa')),
    { minLength: 1, maxLength: 5 },
  );
  const asked = fc.tuple(name, fc.constantFrom('', '.')).map((parts) => parts.join(''));

  /** By the book, slowly. */
  function expected(pairs: readonly KeyPair[], serverName: string): KeyPair[] {
    const bare = serverName.replace(/\.$/, '');
    const having = (wanted: string): KeyPair[] =>
      pairs.filter(({ leaf }) => leaf.subjectAltNames.dns.includes(wanted));
    const exact = having(bare);
    const found = exact.length > 0 ? exact : having(bare.replace(/^[^.]+/, '*'));
    return found.filter(
      (one, index) => found.findIndex((two) => keyTypeOf(one) === keyTypeOf(two)) === index,
    );
  }

  /** Undefined where some certificate would never be served. */
  function madeOf(pairs: readonly KeyPair[]): CertificateChoice | undefined {
    try {
      return new CertificateChoice(pairs.map((one) => [one]));
    } catch (error) {
      if ((error as { code?: unknown }).code === 'OPTION_CONFLICT') return undefined;
      throw error;
    }
  }

  it('a name gets the first of each type that has it, the exact ones before wildcards, and never another', () => {
    let chosen = 0;
    fc.assert(
      fc.property(entries, asked, (given, serverName) => {
        const pairs = given.map(([names, type], index) => pair(names, type, `certificate[${index}]`));
        const choice = madeOf(pairs);
        if (choice === undefined) return;
        chosen++;
        expect(choice.choose(serverName) ?? []).toEqual(expected(pairs, serverName));
        expect(choice.choose(serverName.toUpperCase())).toBe(choice.choose(serverName));
      }),
      { numRuns: 500 },
    );
    expect(chosen).toBeGreaterThan(100);
  });

  it('an entry is refused exactly if no name of it would ever lead to it', () => {
    fc.assert(
      fc.property(entries, (given) => {
        const pairs = given.map(([names, type], index) => pair(names, type, `certificate[${index}]`));
        const useless = pairs
          .slice(1)
          .find((one) => !one.leaf.subjectAltNames.dns.some((dns) => expected(pairs, dns).includes(one)));
        const thrown = (() => {
          try {
            void new CertificateChoice(pairs.map((one) => [one]));
          } catch (error) {
            return (error as { path: string }).path;
          }
          return undefined;
        })();
        expect(thrown).toBe(useless?.path);
      }),
    );
  });
});
