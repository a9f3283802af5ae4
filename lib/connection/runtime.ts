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

interface Kind {
  readonly name: 'group' | 'signature';
  readonly pattern: RegExp;
  readonly option: 'ecdhCurve' | 'sigalgs';
}

const groupKind: Kind = { name: 'group', pattern: /^[\w-]+$/, option: 'ecdhCurve' };
const signatureKind: Kind = { name: 'signature', pattern: /^[\w+-]+$/, option: 'sigalgs' };

const supports = ({ name: kind, pattern, option }: Kind, name: string): boolean =>
  pattern.test(name) && remembered(`${kind} ${name}`, () => accepts({ [option]: name }));

export const supportsGroup = (name: string): boolean => supports(groupKind, name);

export const supportsSignatureAlgorithm = (name: string): boolean => supports(signatureKind, name);

/**
 * Those that are supported. OpenSSL refuses a whole list for one unknown name in it, so that one question does for a
 * list of known ones: ten questions at the start of a server would cost milliseconds.
 */
function supportedOf(kind: Kind, names: readonly string[]): string[] {
  const open = names.filter((name) => kind.pattern.test(name) && !known.has(`${kind.name} ${name}`));
  if (open.length > 1 && accepts({ [kind.option]: open.join(':') }))
    for (const name of open) known.set(`${kind.name} ${name}`, true);
  return names.filter((name) => supports(kind, name));
}

/**
 * Single ciphers only, by OpenSSL's or (TLS 1.3) IANA's name: of a list OpenSSL silently drops what it does not know.
 * Node lists them in lower case, but OpenSSL knows a cipher in upper case only.
 */
export const supportsCipher = (name: string): boolean =>
  name === name.toUpperCase() && getCiphers().includes(name.toLowerCase());

const isPostQuantum = (name: string): boolean => /MLKEM/.test(name);

/**
 * `ecdhCurve` for a list of groups: post-quantum ones in a tuple of their own ('A/B:C'), so that OpenSSL asks a client
 * that first offers a classical share for the hybrid one. In a flat list it would take the classical one: a downgrade.
 */
export function ecdhCurve(groups: readonly string[]): string {
  const postQuantum = supportedOf(groupKind, groups.filter(isPostQuantum));
  const classical = supportedOf(
    groupKind,
    groups.filter((name) => !isPostQuantum(name)),
  );
  return [postQuantum, classical]
    .filter((tuple) => tuple.length > 0)
    .map((tuple) => tuple.join(':'))
    .join('/');
}

/** ML-DSA (FIPS 204) beside the profile's list, where OpenSSL is 3.5 or later. */
const postQuantumSignatures = ['mldsa44', 'mldsa65', 'mldsa87'];

export const signatureAlgorithms = (names: readonly string[]): string =>
  [...supportedOf(signatureKind, names), ...supportedOf(signatureKind, postQuantumSignatures)].join(':');
