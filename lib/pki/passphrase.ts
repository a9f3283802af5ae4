import { ConfigError } from '../errors.ts';
import { describeSecret } from '../options.ts';

/** More than anybody needs, and what the dialogs of importers take differs. */
const maxLength = 255;

/**
 * A passphrase that protects: not empty, and of characters that both encodings of it can hold (UTF-8, and UTF-16 in
 * PKCS#12). The error never carries it.
 */
export function readPassphrase(value: unknown, path: string): string {
  const refuse = (problem: string, remedy: string): ConfigError =>
    new ConfigError('OPTION_INVALID', path, problem, remedy);
  if (typeof value !== 'string' || value === '')
    throw refuse(`expected a passphrase, got ${describeSecret(value)}`, 'Give one that is not empty.');
  if (value.length > maxLength)
    throw refuse('too long a passphrase', `Give at most ${maxLength} characters.`);
  // A NUL ends it for some readers, and half of a surrogate pair is no character in UTF-8.
  if (/[\p{Cc}\p{Cs}]/u.test(value))
    throw refuse(
      'a passphrase with control characters or half characters',
      'Leave them out: nobody can type them.',
    );
  return value;
}
