/* oxlint-disable jest/no-conditional-expect, jest/expect-expect -- a property is of the inputs that it speaks of */
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readCredentials } from '../../lib/client/credentials.ts';
import { readClientOptions } from '../../lib/client/options.ts';
import { readProtocol } from '../../lib/client/protocol.ts';
import { readWatched } from '../../lib/client/watched.ts';
import { readCertificateSources } from '../../lib/credentials/source.ts';
import { ConfigError } from '../../lib/errors.ts';
import { readClientAuth } from '../../lib/listener/client-auth.ts';
import { readLimits } from '../../lib/listener/connections/limits.ts';
import { readShutdownTimeout } from '../../lib/listener/lifecycle/shutdown.ts';
import { readSignals } from '../../lib/listener/lifecycle/signals.ts';
import { readWatch } from '../../lib/listener/lifecycle/watching.ts';
import { readLogger } from '../../lib/listener/logger.ts';
import { readOptions } from '../../lib/listener/options.ts';
import { checkHttpsOptions, passedOn } from '../../lib/listener/passed-on.ts';
import { readRedirect } from '../../lib/listener/redirect/redirect-options.ts';
import { readStapling, responderUrl } from '../../lib/listener/stapling/stapling-options.ts';
import {
  checkKeys,
  closest,
  describe as worded,
  flag,
  looksLikeContent,
  oneOf,
  wholeNumber,
} from '../../lib/options.ts';
import { readDistinguishedName } from '../../lib/pki/distinguished-name.ts';
import { readAltNames, readEmail, readHostname, readServerNames } from '../../lib/pki/names.ts';
import { readStatedNames } from '../../lib/pki/stated-names.ts';
import { readDate } from '../../lib/pki/validity.ts';
import { matchName, readAttributes } from '../../lib/policy/names/distinguished-name.ts';
import { parsePin, readPins } from '../../lib/policy/pins.ts';
import { asDetail, quote, shortened } from '../../lib/policy/wording.ts';
import { readProfile } from '../../lib/profiles/profile.ts';
import { readCa, readPki } from '../../lib/testing/server-for.ts';
import { readTickets } from '../../lib/tickets/config.ts';
import { readAnchors } from '../../lib/trust/anchors.ts';
import { readAll, readDenyList } from '../../lib/trust/deny-list/deny-list.ts';
import {
  readFingerprint,
  readHash,
  readPin,
  readSerialNumber,
} from '../../lib/trust/deny-list/identifiers.ts';
import { readCertificateOf, readIssuer, readName } from '../../lib/trust/deny-list/issuer.ts';
import { readInputs } from '../../lib/trust/input.ts';
import { readOcsp } from '../../lib/trust/ocsp/ocsp-options.ts';
import { readRelaxations, relaxableChecks } from '../../lib/trust/profile/path-check.ts';
import { readHosts } from '../../lib/trust/revocation/allowed-hosts.ts';
import { readFetch } from '../../lib/trust/revocation/fetch-options.ts';
import { readRevocation } from '../../lib/trust/revocation/revocation-options.ts';
import { readRouteTrust } from '../../lib/trust/route-trust.ts';
import { times } from '../support/fuzz-runs.ts';
import { unless } from './support/damage.ts';

/** Who reads an option, and the keys that it knows. */
type Reader = readonly [name: string, read: (value: never) => unknown, keys: readonly string[]];

const readers: readonly Reader[] = [
  ['clientAuth', readClientAuth, ['mode', 'ca', 'crl', 'revocation', 'denyList', 'dangerouslyAllow']],
  [
    'a client',
    (value) => readClientOptions(value, []),
    ['ca', 'pins', 'connectTimeout', 'minVersion', 'servername', 'profile'],
  ],
  [
    "a client's credentials",
    (value) => readCredentials({ key: value, cert: value, certificate: value }, undefined),
    [],
  ],
  ["a client's files", (value) => readWatched({ ca: value, certificate: value }), []],
  ['protocol', (value) => readProtocol(value, value), ['name', 'minVersion', 'ciphers', 'groups']],
  ['certificate', readCertificateSources, ['key', 'cert', 'pfx', 'passphrase', 'names']],
  [
    'limits',
    (value) => readLimits({ limits: value }),
    ['headersTimeout', 'maxConnections', 'exemptAddresses'],
  ],
  ['shutdown', (value) => readShutdownTimeout(value, 'shutdown'), ['timeout']],
  ['signals', readSignals, ['shutdown', 'reload']],
  ['watch', (value) => readWatch({ watch: value }, undefined), []],
  ['logger', readLogger, ['info', 'warn', 'error']],
  [
    'options',
    readOptions,
    [
      'key',
      'cert',
      'certificate',
      'clientAuth',
      'http2',
      'limits',
      'profile',
      'redirect',
      'tickets',
      'servername',
      'ciphers',
    ],
  ],
  [
    'what is passed on',
    (value) => passedOn(Object(value) as never),
    ['maxHeaderSize', 'noDelay', 'keepAlive'],
  ],
  [
    'what https has',
    (value) => checkHttpsOptions(Object(value) as never, true, true),
    ['rejectUnauthorized', 'requestCert', 'ca', 'ALPNProtocols'],
  ],
  ['redirect', readRedirect, ['port', 'host', 'hosts', 'httpsPort', 'acmeChallenge']],
  ['ocspStapling', readStapling, ['responder', 'timeout']],
  [
    'profile',
    readProfile,
    ['name', 'minVersion', 'ciphers', 'cipherSuites', 'groups', 'signatureAlgorithms'],
  ],
  ['pki', readPki, ['ca', 'clients']],
  ['ca of a test', readCa, []],
  ['tickets', (value) => readTickets(value, false), ['store', 'rotateEvery', 'keys', 'lifetime']],
  ['anchors', (value) => readAnchors(value, 'ca'), ['file', 'directory']],
  [
    'lists',
    (value) =>
      readInputs(value, 'crl', {
        label: 'X509 CRL',
        noun: 'list',
        missing: 'CRL_MISSING',
        invalid: 'CRL_INVALID',
        missingRemedy: 'Give one.',
        remedy: 'Give one.',
      } as never),
    ['file'],
  ],
  ["a route's trust", (value) => readRouteTrust({ ca: value, dangerouslyAllow: value }, 'route'), []],
  ['denyList', (value) => readDenyList(value, 'denyList'), ['has', 'add']],
  [
    'its entries',
    (value) => readAll([value], 'denyList'),
    ['fingerprint256', 'pin', 'issuer', 'serialNumber', 'certificate', 'until'],
  ],
  ['an issuer', (value) => readIssuer(value, 'issuer'), ['CN', 'O', '1.2.3']],
  ['a name as text', (value) => readName(value, 'caName'), []],
  ['a certificate', (value) => readCertificateOf(value, 'certificate'), []],
  ['a fingerprint', (value) => readFingerprint(value, 'x'), []],
  ['a pin', (value) => readPin(value, 'x'), []],
  ['a serial number', (value) => readSerialNumber(value, 'x'), []],
  ['pins', (value) => readPins(value, 'pins'), []],
  [
    'ocsp',
    (value) => readOcsp(value, 'ocsp'),
    ['mode', 'responder', 'hosts', 'nonce', 'timeout', 'interval'],
  ],
  ['relaxations', (value) => readRelaxations(value, 'dangerouslyAllow'), []],
  ['hosts', (value) => readHosts(value, 'hosts'), []],
  ['fetch', (value) => readFetch(value, 'fetch'), ['hosts', 'interval', 'timeout', 'maxBytes']],
  [
    'revocation',
    (value) => readRevocation({ crl: value, revocation: value }, [], 'clientAuth'),
    ['expired', 'unknown', 'fetch', 'ocsp'],
  ],
  ['a subject', (value) => readDistinguishedName(value, 'subject'), ['CN', 'O', 'C', '__proto__']],
  ['a subject of a rule', (value) => readAttributes(value, 'subject'), ['CN', 'O', '2.5.4.3', '__proto__']],
  ['names of a server', (value) => readServerNames([value], 'names'), []],
  ['names', (value) => readAltNames(value, 'names'), ['dns', 'ip', 'uri', 'email']],
  ['a host', (value) => readHostname(value, 'name'), []],
  ['an address of mail', (value) => readEmail(value, 'email'), []],
  ['a date', (value) => readDate(value, 'notAfter'), []],
  ['keys', (value) => checkKeys(value, ['a', 'abc', 'timeout'], 'x'), ['a', 'abx']],
  ['one of', (value) => oneOf(value, ['abc', 'xyz'], 'x'), []],
  ['a flag', (value) => flag(value, 'x', false), []],
  ['a number', (value) => wholeNumber(value, 'x', 'things', 1, 9), []],
];

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    'http://a.test/',
    'a.test',
    '10.0.0.0/8',
    '10.0.0.1',
    '::1',
    'sha256/',
    'TLSv1.3',
    'modern',
    'required',
    'hard',
    '__proto__',
    '-----BEGIN X-----',
  ),
);
const leafValue = fc.oneof(
  text,
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    false,
    NaN,
    Infinity,
    -0,
    0,
    1,
    -1,
    443,
    65_536,
    2 ** 53,
    10n,
  ),
  fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
  fc.date({ noInvalidDate: false }),
);
const anything = fc.oneof(
  leafValue,
  fc.array(leafValue, { maxLength: 3 }),
  fc.sparseArray(leafValue, { maxNumElements: 2, maxLength: 4 }),
  fc.anything({
    withNullPrototype: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withBigInt: true,
    withSparseArray: true,
    maxDepth: 2,
  }),
);
const objectOf = (keys: readonly string[]): fc.Arbitrary<unknown> =>
  fc
    .array(fc.tuple(fc.constantFrom(...keys, 'constructor', '__proto__'), anything), { maxLength: 4 })
    .map(ownKeys);

/** Also `__proto__` as a key of its own, as JSON.parse makes it. */
function ownKeys(entries: ReadonlyArray<readonly [string, unknown]>): object {
  const made = {};
  for (const [key, value] of entries)
    Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true });
  return made;
}

/** What is frozen cannot be changed without a word: a TypeError would fail the test. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  for (const child of Object.values(value)) frozen(child);
  return value;
}

describe('an option of any kind', () => {
  const prototype = Object.getOwnPropertyNames(Object.prototype).toSorted();

  it.each(readers)(
    'as %s is read, or is a ConfigError with a remedy, and is left as it was',
    (_name, read, keys) => {
      fc.assert(
        fc.property(keys.length === 0 ? anything : fc.oneof(objectOf(keys), anything), (value) => {
          try {
            read(frozen(value) as never);
          } catch (error) {
            const { code, path, remedy, message } = error as ConfigError;
            expect([error instanceof ConfigError, typeof code, typeof path, remedy !== '']).toEqual([
              true,
              'string',
              'string',
              true,
            ]);
            expect(message.length).toBeLessThan(4_000);
          }
          expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(prototype);
        }),
        times(80),
      );
    },
  );
});

describe('what is read of an option', () => {
  it('of numbers is within the bounds, and is the very number', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double(), fc.integer(), fc.constantFrom(NaN, Infinity)),
        fc.integer(),
        fc.nat(),
        (value, min, more) => {
          const read = unless([ConfigError], () => wholeNumber(value, 'x', 'things', min, min + more));
          expect(read).toBe(
            Number.isInteger(value) && value >= min && value <= min + more ? value : undefined,
          );
        },
      ),
      times(1_000),
    );
  });

  it('is worded shortly, and a guess is one of the words', () => {
    fc.assert(
      fc.property(
        anything,
        text,
        fc.array(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 5 }),
        (value, word, words) => {
          expect(worded(typeof value === 'object' && value !== null ? [value] : value).length).toBeLessThan(
            200,
          );
          const guess = closest(word, words);
          expect(guess === undefined || words.includes(guess)).toBe(true);
          if (words.includes(word)) expect(guess?.toLowerCase()).toBe(word.toLowerCase());
          expect(typeof looksLikeContent(value)).toBe('boolean');
        },
      ),
      times(1_000),
    );
  });

  it('as a responder is a URL without a user, of plain http', () => {
    const part = fc.constantFrom(
      'http:',
      'https:',
      '//',
      'a.test',
      '@',
      'u:p',
      ':80',
      '/x',
      '?',
      '#',
      '\\',
      ' ',
      'file:',
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 7 }).map((parts) => parts.join('')),
        (given) => {
          const url = responderUrl(given);
          if (url === undefined) return;
          const { protocol, username, password } = new URL(url);
          expect([protocol, username, password]).toEqual(['http:', '', '']);
        },
      ),
      times(1_000),
    );
  });

  it('as a relaxation lets go what it names and nothing else', () => {
    fc.assert(
      fc.property(fc.subarray([...relaxableChecks]), text, (checks, other) => {
        expect([...readRelaxations(checks, 'x')].toSorted()).toEqual(checks.toSorted());
        const isOne = (relaxableChecks as readonly string[]).includes(other);
        expect(unless([ConfigError], () => readRelaxations([...checks, other], 'x')) !== undefined).toBe(
          isOne,
        );
      }),
      times(300),
    );
  });
});

describe('pins and fingerprints', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array));

  it('are the same in each of their forms, in a rule and on a deny list, and no other', () => {
    fc.assert(
      fc.property(hash, fc.nat(60), text, (octets, place, noise) => {
        const pin = `sha256/${octets.toString('base64')}`;
        const hex = octets.toString('hex');
        const colons = hex.toUpperCase().match(/../g)!.join(':');
        expect([...readPins([pin, hex, colons, `SHA256:${hex}`], 'pins')]).toEqual([pin, colons]);
        expect(readHash(hex, 'x')?.key).toBe(readHash(colons, 'x')?.key);
        expect(readPin(pin, 'x').key).toBe(readHash(pin, 'x')?.key);
        for (const one of [pin, hex]) {
          const changed = one.slice(0, place) + noise + one.slice(place);
          const parsed = parsePin(changed);
          if (changed.toLowerCase() !== one.toLowerCase() && 'pin' in parsed)
            expect([pin, colons].includes(parsed.pin) && !/^[:\s]*$/.test(noise)).toBe(false);
        }
      }),
      times(500),
    );
  });
});

describe('names', () => {
  it('that a certificate states are taken as if they were given, or refused', () => {
    const given = fc.record({
      dns: fc.array(text, { maxLength: 2 }),
      uri: fc.array(text, { maxLength: 2 }),
      email: fc.array(text, { maxLength: 2 }),
      ip: fc.array(text, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(given, (names) => {
        const read = unless([ConfigError], () => readStatedNames(names, 'names'));
        if (read === undefined) return;
        // Those that are the same count once.
        const stated = Object.values(names).flat();
        expect(read.length).toBeLessThanOrEqual(stated.length);
        expect(read.length === 0).toBe(stated.length === 0);
      }),
      times(1_000),
    );
  });

  it('match by all their attributes, and one more never matches more', () => {
    const value = fc.constantFrom('a', 'b', 'A', 'a ', 'ä');
    const name = fc.dictionary(
      fc.constantFrom('CN', 'O', 'OU'),
      fc.array(value, { minLength: 1, maxLength: 2 }),
    );
    fc.assert(
      fc.property(name, value, value, (seen, one, two) => {
        const [few, more] = [{ CN: one }, { CN: one, O: two }].map((wanted) =>
          matchName(readAttributes(wanted, 'x'), seen),
        );
        expect(few === 'yes').toBe(Object.hasOwn(seen, 'CN') && seen['CN']!.includes(one));
        if (few !== 'yes') expect(more).not.toBe('yes');
      }),
      times(1_000),
    );
  });

  it('and values are shown shortly, and without what a terminal would obey', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.integer({ min: 1, max: 300 }),
        (given, length) => {
          for (const shown of [quote(given), asDetail(given), shortened(given, length)])
            expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
          expect(shortened(given, length).length).toBeLessThanOrEqual(length + 1);
        },
      ),
      { ...times(1_000), examples: [['\u{16e40}\0', 2]] },
    );
  });
});
