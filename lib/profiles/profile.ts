import { ConfigError } from '../errors.ts';
import { checkKeys, closest, describe, flag, oneOf, wholeNumber } from '../options.ts';
import { mozilla60 } from './mozilla-6.0.ts';

/** What a listener speaks. Frozen. The two of Mozilla's guideline are `profiles.intermediate` and `profiles.modern`. */
export interface TlsProfile {
  /** What reports call it. */
  readonly name: string;
  /** The least version that is spoken; the best is always TLS 1.3. */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** TLS 1.3 suites, IANA names. */
  readonly cipherSuites: readonly string[];
  /** TLS 1.2 ciphers, OpenSSL names; forward secret and authenticated ones only. Empty with TLS 1.3 alone. */
  readonly ciphers: readonly string[];
  /** Key exchange groups in the order of preference: 'X25519MLKEM768', 'X25519', 'prime256v1', 'secp384r1' … */
  readonly groups: readonly string[];
  /** Signature algorithms, OpenSSL names. */
  readonly signatureAlgorithms: readonly string[];
  /** OpenSSL's security level, 2 (112 bits) to 5. */
  readonly securityLevel: number;
  /** Whether the server's order of ciphers counts, rather than the client's. */
  readonly serverCipherPreference: boolean;
  /** Strict-Transport-Security, in seconds. */
  readonly hstsMaxAge: number;
}

/**
 * Every strong algorithm that a client may sign with: a list without `rsa_pss_pss_*` locks out clients with RSA-PSS
 * keys without a word. ML-DSA joins where OpenSSL has it (`forRuntime`).
 */
const signatureAlgorithms = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'ed25519',
  'ed448',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pss_pss_sha256',
  'rsa_pss_pss_sha384',
  'rsa_pss_pss_sha512',
  'rsa_pkcs1_sha256',
  'rsa_pkcs1_sha384',
  'rsa_pkcs1_sha512',
];

const knownGroups = [
  'X25519MLKEM768',
  'SecP256r1MLKEM768',
  'SecP384r1MLKEM1024',
  'X25519',
  'X448',
  'prime256v1',
  'secp384r1',
  'secp521r1',
];

function fromGuideline(name: 'intermediate' | 'modern'): TlsProfile {
  const { minVersion, cipherSuites, ciphers, groups, serverCipherPreference, hstsMaxAge } = mozilla60[name];
  return Object.freeze({
    name,
    minVersion,
    cipherSuites: Object.freeze([...cipherSuites]),
    ciphers: Object.freeze([...ciphers]),
    groups: Object.freeze([...groups]),
    signatureAlgorithms: Object.freeze(signatureAlgorithms),
    securityLevel: 2,
    serverCipherPreference,
    hstsMaxAge,
  });
}

/** Mozilla Server Side TLS 6.0: `intermediate` for anybody, `modern` for clients of the last years (TLS 1.3, ECDSA). */
export const profiles: { readonly intermediate: TlsProfile; readonly modern: TlsProfile } = Object.freeze({
  intermediate: fromGuideline('intermediate'),
  modern: fromGuideline('modern'),
});

const keys = [
  'name',
  'minVersion',
  'cipherSuites',
  'ciphers',
  'groups',
  'signatureAlgorithms',
  'securityLevel',
  'serverCipherPreference',
  'hstsMaxAge',
] as const;

/**
 * Reads the `profile` option. A profile of one's own starts from `intermediate` and may only be as strong or stronger:
 * its lists are chosen from that one's, so that it cannot be the door by which a weak cipher comes in.
 */
export function readProfile(option: unknown): TlsProfile {
  if (option === undefined) return profiles.intermediate;
  if (typeof option === 'string') return profiles[oneOf(option, ['intermediate', 'modern'], 'profile')];
  checkKeys(option, keys, 'profile');
  const given = option as Partial<Record<(typeof keys)[number], unknown>>;
  const base = profiles.intermediate;
  const minVersion =
    given.minVersion === undefined
      ? base.minVersion
      : oneOf(given.minVersion, ['TLSv1.2', 'TLSv1.3'], 'profile.minVersion');
  const profile: TlsProfile = {
    name: given.name === undefined ? 'custom' : text(given.name, 'profile.name'),
    minVersion,
    cipherSuites: chosen(given.cipherSuites, base.cipherSuites, base.cipherSuites, 'profile.cipherSuites', 1),
    ciphers: chosen(
      given.ciphers,
      base.ciphers,
      minVersion === 'TLSv1.3' ? [] : base.ciphers,
      'profile.ciphers',
      minVersion === 'TLSv1.3' ? 0 : 1,
    ),
    groups: chosen(given.groups, knownGroups, base.groups, 'profile.groups', 1),
    signatureAlgorithms: chosen(
      given.signatureAlgorithms,
      base.signatureAlgorithms,
      base.signatureAlgorithms,
      'profile.signatureAlgorithms',
      1,
    ),
    securityLevel:
      given.securityLevel === undefined
        ? base.securityLevel
        : wholeNumber(given.securityLevel, 'profile.securityLevel', 'a level', 2, 5),
    serverCipherPreference: flag(
      given.serverCipherPreference,
      'profile.serverCipherPreference',
      base.serverCipherPreference,
    ),
    hstsMaxAge:
      given.hstsMaxAge === undefined
        ? base.hstsMaxAge
        : wholeNumber(given.hstsMaxAge, 'profile.hstsMaxAge', 'seconds', 1, 2 ** 31),
  };
  return Object.freeze(profile);
}

function text(value: unknown, path: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new ConfigError('OPTION_INVALID', path, `expected a name, got ${describe(value)}`, 'Give a string.');
}

/** A list whose members all stand in `allowed`, letter case aside; OpenSSL would drop a misspelt one without a word. */
function chosen(
  value: unknown,
  allowed: readonly string[],
  fallback: readonly string[],
  path: string,
  atLeast: number,
): readonly string[] {
  if (value === undefined) return Object.freeze(fallback);
  if (!Array.isArray(value) || value.length < atLeast) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `expected a list of names, got ${describe(value)}`,
      `Choose from: ${allowed.join(', ')}.`,
    );
  }
  // Not map(), which skips the holes of an array.
  const names = Array.from(value, (item: unknown, index) => {
    const found = allowed.find(
      (name) => typeof item === 'string' && name.toLowerCase() === item.toLowerCase(),
    );
    if (found !== undefined) return found;
    const guess = typeof item === 'string' ? closest(item, allowed) : undefined;
    throw new ConfigError(
      'OPTION_INVALID',
      `${path}[${index}]`,
      `${describe(item)} is not a choice`,
      guess === undefined ? `Choose from: ${allowed.join(', ')}.` : `Did you mean '${guess}'?`,
    );
  });
  return Object.freeze([...new Set(names)]);
}
