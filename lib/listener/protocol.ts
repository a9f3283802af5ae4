import { constants } from 'node:crypto';
import type { SecureVersion, TlsOptions } from 'node:tls';
import { ConfigError } from '../errors.ts';
import { describe, flag, oneOf, wholeNumber } from '../options.ts';
import type { TlsProfile } from '../profiles/profile.ts';
import {
  ecdhCurve,
  signatureAlgorithms,
  supportsCipher,
  supportsGroup,
  supportsSignatureAlgorithm,
} from '../connection/runtime.ts';

type Given = Readonly<Record<string, unknown>>;

const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
const rank = (version: SecureVersion): number => versions.indexOf(version);

/**
 * The part of `tls.createServer`'s options that decides what is spoken. Each is set explicitly, so that neither
 * `--tls-min-v1.0`, nor `OPENSSL_CONF`, nor a later default of Node's changes it. Node's own option may narrow the
 * profile; what widens it is a ConfigError `OPTION_WEAKENS` that names the `dangerously…` option.
 */
export function protocolOptions(given: Given, profile: TlsProfile, resumption: boolean): TlsOptions {
  const [minVersion, maxVersion] = readVersions(given, profile);
  const level = readSecurityLevel(given, profile, minVersion);
  return {
    minVersion,
    maxVersion,
    ciphers: `${readCiphers(given, profile, minVersion).join(':')}:@SECLEVEL=${level}`,
    ecdhCurve: readGroups(given, profile),
    sigalgs: readSignatureAlgorithms(given, profile),
    honorCipherOrder: flag(given['honorCipherOrder'], 'honorCipherOrder', profile.serverCipherPreference),
    secureOptions: readSecureOptions(given, resumption),
  };
}

function readVersions(given: Given, profile: TlsProfile): [SecureVersion, SecureVersion] {
  const version = (name: string): SecureVersion | undefined =>
    given[name] === undefined ? undefined : oneOf(given[name], versions, name);
  const asked = version('minVersion');
  if (asked !== undefined && rank(asked) < rank(profile.minVersion))
    throw weakens('minVersion', `the profile begins at ${profile.minVersion}`, 'dangerouslyMinVersion');
  const least = version('dangerouslyMinVersion') ?? asked ?? profile.minVersion;
  const most = version('maxVersion');
  if (most !== undefined && most !== 'TLSv1.3')
    throw weakens(
      'maxVersion',
      'it keeps clients from the best version that both speak',
      'dangerouslyMaxVersion',
    );
  const greatest = version('dangerouslyMaxVersion') ?? 'TLSv1.3';
  if (rank(least) > rank(greatest)) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'dangerouslyMaxVersion',
      `${greatest} is below the least version, ${least}`,
      'No client could connect: raise it or leave it out.',
    );
  }
  return [least, greatest];
}

function readSecurityLevel(given: Given, profile: TlsProfile, minVersion: SecureVersion): number {
  const level =
    given['dangerouslySecurityLevel'] === undefined
      ? profile.securityLevel
      : wholeNumber(given['dangerouslySecurityLevel'], 'dangerouslySecurityLevel', 'a level', 0, 5);
  // OpenSSL 3 ends TLS 1.0 and 1.1 at level 1, as they sign with SHA-1, and says nothing.
  if (level > 0 && (minVersion === 'TLSv1' || minVersion === 'TLSv1.1')) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'dangerouslyMinVersion',
      `OpenSSL speaks ${minVersion} only at security level 0`,
      'Add dangerouslySecurityLevel: 0, and the old ciphers in dangerouslyCiphers.',
    );
  }
  return level;
}

/** OpenSSL refuses a cipher string with a security level and no TLS 1.2 cipher; with minVersion TLSv1.3 it is never used. */
const placeholder = ['ECDHE-ECDSA-AES128-GCM-SHA256'];

function readCiphers(given: Given, profile: TlsProfile, minVersion: SecureVersion): string[] {
  const allowed = [...profile.cipherSuites, ...profile.ciphers];
  const dangerous =
    given['dangerouslyCiphers'] === undefined
      ? undefined
      : names(given['dangerouslyCiphers'], 'dangerouslyCiphers', supportsCipher);
  const asked =
    given['ciphers'] === undefined ? undefined : names(given['ciphers'], 'ciphers', supportsCipher);
  const outside = asked?.find((name) => !allowed.includes(name));
  if (outside !== undefined)
    throw weakens('ciphers', `'${outside}' is not in the profile`, 'dangerouslyCiphers');
  const chosen = dangerous ?? asked ?? allowed;
  const suites = chosen.filter((name) => name.startsWith('TLS_'));
  const ciphers = chosen.filter((name) => !name.startsWith('TLS_'));
  if (ciphers.length === 0 && minVersion !== 'TLSv1.3') {
    throw new ConfigError(
      'OPTION_CONFLICT',
      dangerous === undefined ? 'ciphers' : 'dangerouslyCiphers',
      `it leaves no cipher to ${minVersion}`,
      "Add one, or set minVersion: 'TLSv1.3'.",
    );
  }
  return [
    ...(suites.length > 0 ? suites : profile.cipherSuites),
    ...(ciphers.length > 0 ? ciphers : placeholder),
  ];
}

/** OpenSSL knows groups by the names of NIST and IANA as well: `req.tls.group` has the latter. */
const sameGroup: Readonly<Record<string, string>> = {
  'P-256': 'prime256v1',
  'P-384': 'secp384r1',
  'P-521': 'secp521r1',
  secp256r1: 'prime256v1',
  x25519: 'X25519',
};
const groups = (value: unknown, path: string): string[] =>
  names(value, path, supportsGroup).map((name) => sameGroup[name] ?? name);

function readGroups(given: Given, profile: TlsProfile): string {
  const dangerous =
    given['dangerouslyGroups'] === undefined
      ? undefined
      : groups(given['dangerouslyGroups'], 'dangerouslyGroups');
  const asked =
    given['ecdhCurve'] === undefined || given['ecdhCurve'] === 'auto'
      ? undefined
      : groups(given['ecdhCurve'], 'ecdhCurve');
  const outside = asked?.find((name) => !profile.groups.includes(name));
  if (outside !== undefined)
    throw weakens('ecdhCurve', `'${outside}' is not in the profile`, 'dangerouslyGroups');
  const curve = ecdhCurve(dangerous ?? asked ?? profile.groups);
  if (curve !== '') return curve;
  throw new ConfigError(
    'OPTION_INVALID',
    'profile.groups',
    'this OpenSSL has none of them',
    'Add X25519 or prime256v1.',
  );
}

function readSignatureAlgorithms(given: Given, profile: TlsProfile): string {
  const asked =
    given['sigalgs'] === undefined
      ? undefined
      : names(given['sigalgs'], 'sigalgs', supportsSignatureAlgorithm);
  const outside = asked?.find((name) => !profile.signatureAlgorithms.includes(name));
  if (outside !== undefined)
    throw weakens('sigalgs', `'${outside}' is not in the profile`, 'dangerouslySignatureAlgorithms');
  const dangerous = given['dangerouslySignatureAlgorithms'];
  const chosen =
    dangerous === undefined
      ? asked
      : names(dangerous, 'dangerouslySignatureAlgorithms', supportsSignatureAlgorithm);
  return chosen === undefined ? signatureAlgorithms(profile.signatureAlgorithms) : chosen.join(':');
}

/** Switches that close something. Whatever else is set by `secureOptions` opens something. */
const hardening =
  constants.SSL_OP_NO_TICKET |
  constants.SSL_OP_NO_COMPRESSION |
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
  constants.SSL_OP_PRIORITIZE_CHACHA |
  constants.SSL_OP_NO_SSLv2 |
  constants.SSL_OP_NO_SSLv3 |
  constants.SSL_OP_NO_TLSv1 |
  constants.SSL_OP_NO_TLSv1_1 |
  constants.SSL_OP_NO_TLSv1_2;

function readSecureOptions(given: Given, resumption: boolean): number {
  const asked = bits(given['secureOptions'], 'secureOptions');
  if ((asked & ~hardening) !== 0)
    throw weakens('secureOptions', 'it sets a switch that opens something', 'dangerouslySecureOptions');
  const renegotiation = flag(given['dangerouslyAllowRenegotiation'], 'dangerouslyAllowRenegotiation', false);
  const combined =
    asked |
    bits(given['dangerouslySecureOptions'], 'dangerouslySecureOptions') |
    constants.SSL_OP_NO_COMPRESSION |
    (renegotiation ? 0 : constants.SSL_OP_NO_RENEGOTIATION) |
    (resumption ? 0 : constants.SSL_OP_NO_TICKET);
  // A negative number would be extended to 64 bits by Node, and set every switch above the 32nd.
  return combined >>> 0;
}

function bits(value: unknown, path: string): number {
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  // A constant that this OpenSSL does not have is undefined, and `x | undefined` is silently x.
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected a number of 32 bits, got ${describe(value)}`,
    'Combine constants of node:crypto that exist.',
  );
}

/** A list of names, or OpenSSL's 'A:B' form of it, each of which must exist: OpenSSL drops the others without a word. */
function names(value: unknown, path: string, exists: (name: string) => boolean): string[] {
  const list: unknown[] = typeof value === 'string' ? value.split(/[:/]/) : Array.isArray(value) ? value : [];
  if (list.length === 0)
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `expected names, got ${describe(value)}`,
      'Give a list of single names.',
    );
  // Not map(), which skips the holes of an array.
  return Array.from(list, (name) => {
    if (typeof name === 'string' && exists(name)) return name;
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `${describe(name)} is no single name that this OpenSSL knows`,
      'Correct it, or leave it out: OpenSSL would silently drop it.',
    );
  });
}

const weakens = (path: string, problem: string, dangerously: string): ConfigError =>
  new ConfigError('OPTION_WEAKENS', path, problem, `If that is meant, say so with ${dangerously}.`);
