import { isFileEntry, readFileSource } from '../credentials/files/file-source.ts';
import { type KeyPair, readKeyPairs } from '../credentials/key-pair.ts';
import { loadKeyPairs } from '../credentials/source.ts';
import { ConfigError } from '../errors.ts';
import { describeSecret } from '../options.ts';

/** By what a client proves who it is. Empty: by nothing. */
export interface ClientCredentials {
  readonly pairs: readonly KeyPair[];
}

/**
 * Reads `certificate`, or `key`, `cert`, `pfx` and `passphrase`; `kept` stands for the latter, where what was given as
 * octets may have been wiped since. ConfigErrors as the listener's: `KEY_MISMATCH`, `CERTIFICATE_INVALID` …
 */
export function readCredentials(
  given: Readonly<Record<string, unknown>>,
  kept: readonly KeyPair[] | undefined,
): ClientCredentials {
  const entry = given['certificate'];
  if (entry === undefined) return { pairs: kept ?? readKeyPairs(given) };
  const twice = ['key', 'cert', 'pfx', 'passphrase'].find((name) => given[name] !== undefined);
  if (twice !== undefined)
    throw new ConfigError(
      'OPTION_CONFLICT',
      twice,
      'the option certificate is there as well',
      twice === 'passphrase' ? 'Give it within `certificate`.' : 'Give one of them.',
    );
  if (!isFileEntry(entry)) {
    throw new ConfigError(
      'OPTION_INVALID',
      'certificate',
      `expected files, got ${describeSecret(entry)}`,
      'Give { keyFile, certFile } or { pfxFile }, or key and cert.',
    );
  }
  const pairs = loadKeyPairs(readFileSource(entry, 'certificate'));
  // Files are read at once.
  if (pairs instanceof Promise) throw new TypeError('a file that gives a promise');
  return { pairs };
}
