import { mozilla60 } from '../../../profiles/mozilla-6.0.ts';
import type { Accepted, AcceptedCipher, InspectFinding } from '../inspection.ts';
import { opensslName } from '../wire/suites.ts';
import { found, type InspectCode } from './codes.ts';

type Profile = 'intermediate' | 'modern';
type Kind = readonly [code: InspectCode, is: (name: string) => boolean];

const path = 'accepted.ciphers';
const forwardSecret = /^TLS_(?:ECDHE|DHE|PSK_DHE|SRP|ECCPWD)/;
const of13 = /^TLS_(?:AES|CHACHA20|SM4)_|_MGM_[LS]$/;

/** What is wrong with a suite, the gravest first: each suite is told once. */
const kinds: readonly Kind[] = [
  ['CIPHER_NULL', (name) => name.includes('_NULL_') || /^TLS_SHA(?:256|384)_/.test(name)],
  ['CIPHER_ANONYMOUS', (name) => name.includes('_anon_')],
  ['CIPHER_EXPORT', (name) => name.includes('_EXPORT')],
  ['CIPHER_RC4', (name) => name.includes('_RC4_')],
  ['CIPHER_DES', (name) => /_DES(?:40|_64)?_(?!192)/.test(name) || name.includes('_RC2_')],
  ['CIPHER_3DES', (name) => /_3DES_|DES_192_EDE3|_IDEA_/.test(name)],
  ['CIPHER_NO_FORWARD_SECRECY', (name) => !forwardSecret.test(name) && !of13.test(name)],
  ['CIPHER_CBC', (name) => name.includes('_CBC_')],
  ['CIPHER_DHE', (name) => name.startsWith('TLS_DHE_')],
];

/** What of the accepted suites and of their DH parameters the profile does not have. */
export function judgeCiphers({ ciphers }: Accepted, profile: Profile): InspectFinding[] {
  const left = new Map(kinds.map(([code]) => [code, [] as AcceptedCipher[]]));
  const outside: AcceptedCipher[] = [];
  for (const cipher of ciphers) {
    const kind = kinds.find(([, is]) => is(cipher.name));
    if (kind !== undefined) left.get(kind[0])!.push(cipher);
    else if (!isInProfile(cipher.name, profile)) outside.push(cipher);
  }
  const findings = [...left]
    .filter(([, some]) => some.length > 0)
    .map(([code, some]) => found(code, path, list(some)));
  if (outside.length > 0) findings.push(found('CIPHER_OUTSIDE_PROFILE', path, list(outside)));
  return [...findings, ...judgePrimes(ciphers)];
}

/** The suites of TLS 1.2 are a matter of the version, which has a finding of its own where the profile has none. */
function isInProfile(name: string, profile: Profile): boolean {
  const { cipherSuites } = mozilla60[profile];
  return cipherSuites.includes(name) || mozilla60.intermediate.ciphers.includes(opensslName(name));
}

function judgePrimes(ciphers: readonly AcceptedCipher[]): InspectFinding[] {
  const weak = ciphers.filter(({ dhBits }) => dhBits !== null && dhBits < 2048);
  if (weak.length === 0) return [];
  const least = Math.min(...weak.map(({ dhBits }) => dhBits!));
  return [found('DH_PARAMETERS_WEAK', path, `a prime of ${least} bits: ${list(weak)}`)];
}

const mostNames = 5;

/** Each name once; `accepted.ciphers` has all of them. */
function list(ciphers: readonly AcceptedCipher[]): string {
  const names = [...new Set(ciphers.map(({ name }) => name))];
  const more = names.length - mostNames;
  return `${names.slice(0, mostNames).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
