import { createSecureContext, getCiphers, type SecureContextOptions } from 'node:tls';

/** What the OpenSSL of this Node accepts, asked of itself: names that it does not know differ by version and build. */
function accepts(options: SecureContextOptions): boolean {
  try {
    createSecureContext(options);
    return true;
  } catch {
    return false;
  }
}

const known = new Map<string, boolean>();

function remembered(key: string, ask: () => boolean): boolean {
  let answer = known.get(key);
  if (answer === undefined) known.set(key, (answer = ask()));
  return answer;
}

export const supportsGroup = (name: string): boolean =>
  /^[\w-]+$/.test(name) && remembered(`group ${name}`, () => accepts({ ecdhCurve: name }));

export const supportsSignatureAlgorithm = (name: string): boolean =>
  /^[\w+-]+$/.test(name) && remembered(`signature ${name}`, () => accepts({ sigalgs: name }));

/**
 * Single ciphers only, by OpenSSL's or (TLS 1.3) IANA's name: of a list OpenSSL silently drops what it does not know.
 * Node lists them in lower case, but OpenSSL knows a cipher in upper case only.
 */
export const supportsCipher = (name: string): boolean =>
  name === name.toUpperCase() && getCiphers().includes(name.toLowerCase());

const postQuantumGroup = /MLKEM/;

/**
 * `ecdhCurve` for a list of groups: post-quantum ones in a tuple of their own ('A/B:C'), so that OpenSSL asks a client
 * that first offers a classical share for the hybrid one. In a flat list it would take the classical one: a downgrade.
 */
export function ecdhCurve(groups: readonly string[]): string {
  const supported = groups.filter(supportsGroup);
  const postQuantum = supported.filter((name) => postQuantumGroup.test(name));
  const classical = supported.filter((name) => !postQuantumGroup.test(name));
  return [postQuantum, classical]
    .filter((tuple) => tuple.length > 0)
    .map((tuple) => tuple.join(':'))
    .join('/');
}

/** ML-DSA (FIPS 204) beside the profile's list, where OpenSSL is 3.5 or later. */
const postQuantumSignatures = ['mldsa44', 'mldsa65', 'mldsa87'];

export const signatureAlgorithms = (names: readonly string[]): string =>
  [...names, ...postQuantumSignatures].filter(supportsSignatureAlgorithm).join(':');
