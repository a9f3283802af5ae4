import { constants } from 'node:crypto';
import type { SecureContextOptions, SecureVersion } from 'node:tls';
import { ecdhCurve, signatureAlgorithms } from '../connection/runtime.ts';
import { ConfigError } from '../errors.ts';
import { oneOf } from '../options.ts';
import { readProfile, type TlsProfile } from '../profiles/profile.ts';

/** What is offered to a server, and what it may choose from. */
export interface ClientProtocol {
  readonly profile: TlsProfile;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Names as `getCipher()` tells them. */
  readonly ciphers: readonly string[];
}

/** Reads `profile` and `minVersion`, which may only raise that of the profile. ConfigErrors: `OPTION_…`. */
export function readProtocol(profileOption: unknown, minVersionOption: unknown): ClientProtocol {
  const profile = readProfile(profileOption);
  const asked =
    minVersionOption === undefined
      ? profile.minVersion
      : oneOf(minVersionOption, ['TLSv1.2', 'TLSv1.3'], 'minVersion');
  if (asked === 'TLSv1.2' && profile.minVersion === 'TLSv1.3') {
    throw new ConfigError(
      'OPTION_WEAKENS',
      'minVersion',
      `the profile begins at ${profile.minVersion}`,
      "Leave it out, or give profile: 'intermediate'.",
    );
  }
  const ciphers = asked === 'TLSv1.3' ? profile.cipherSuites : [...profile.cipherSuites, ...profile.ciphers];
  return { profile, minVersion: asked, ciphers };
}

/** OpenSSL refuses a cipher string with a security level and no TLS 1.2 cipher; with minVersion TLSv1.3 it is never used. */
const placeholder = ['ECDHE-ECDSA-AES128-GCM-SHA256'];

/**
 * The part of a context that decides what is spoken. Each is set, so that neither `--tls-min-v1.0`, nor `OPENSSL_CONF`,
 * nor a later default of Node's changes it.
 */
export function contextOf({ profile, minVersion }: ClientProtocol): SecureContextOptions {
  const ciphers = [
    ...profile.cipherSuites,
    ...(minVersion === 'TLSv1.3' || profile.ciphers.length === 0 ? placeholder : profile.ciphers),
  ];
  return {
    minVersion,
    maxVersion: 'TLSv1.3' satisfies SecureVersion,
    ciphers: `${ciphers.join(':')}:@SECLEVEL=${profile.securityLevel}`,
    ecdhCurve: ecdhCurve(profile.groups),
    sigalgs: signatureAlgorithms(profile.signatureAlgorithms),
    secureOptions: (constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_NO_RENEGOTIATION) >>> 0,
  };
}

/** For errors: what a server has to speak. */
export const wordsOf = ({ profile, minVersion }: ClientProtocol): string =>
  minVersion === 'TLSv1.3'
    ? `TLSv1.3 by the profile '${profile.name}'`
    : `TLSv1.2 or TLSv1.3 by the profile '${profile.name}'`;
