import type { ClientCertificate } from '../connection/index.ts';
import { checkKeys, closest, describe } from '../options.ts';
import type { Match } from './match.ts';
import { matchRule } from './pure-rule.ts';
import type { Rule } from './rule.ts';
import { ruleError, takesOne } from './rule-error.ts';

/** What `publicKey` asks of the key; an unknown size is never enough. */
export interface PublicKeyRequirement {
  /** In Node's terms: `rsa`, `rsa-pss`, `ec`, `ed25519`, `ed448`, `ml-dsa-44`, `ml-dsa-65`, `ml-dsa-87`. */
  readonly type?: string | undefined;
  /** Of the modulus (RSA) or the curve (EC). Other keys have no size, and are refused where it is given. */
  readonly minBits?: number | undefined;
  /** Of an EC key: `P-256`, or `prime256v1` as OpenSSL, or `secp256r1` as IANA calls it. */
  readonly curve?: string | undefined;
}

const types = ['rsa', 'rsa-pss', 'ec', 'ed25519', 'ed448', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'];

/** What no key of the type is longer than; the others have no size. */
const maxBits: Readonly<Record<string, number>> = { rsa: 16_384, 'rsa-pss': 16_384, ec: 521 };

const curves: Readonly<Record<string, readonly [name: string, bits: number]>> = {
  'P-256': ['prime256v1', 256],
  secp256r1: ['prime256v1', 256],
  prime256v1: ['prime256v1', 256],
  'P-384': ['secp384r1', 384],
  secp384r1: ['secp384r1', 384],
  'P-521': ['secp521r1', 521],
  secp521r1: ['secp521r1', 521],
  secp256k1: ['secp256k1', 256],
  brainpoolP256r1: ['brainpoolP256r1', 256],
  brainpoolP384r1: ['brainpoolP384r1', 384],
  brainpoolP512r1: ['brainpoolP512r1', 512],
};

/**
 * Clients with such a key: of the type, of the curve, of so many bits or more. Give one at least. A ConfigError
 * `RULE_INVALID` for what no key has, as 2048 bits of an EC key, and `OPTION_UNKNOWN` for another option.
 */
export function publicKey(...given: readonly [requirement: PublicKeyRequirement]): Rule {
  takesOne(given, 'publicKey');
  const [requirement] = given;
  checkKeys(requirement, ['type', 'minBits', 'curve'], 'publicKey');
  const { type, minBits } = requirement;
  const curve = readCurve(requirement.curve);
  if (type !== undefined) readChoice(type, types, 'publicKey.type');
  if (minBits !== undefined) checkBits(minBits, curve?.[1] ?? longest(type));
  if (type === undefined && minBits === undefined && curve === undefined)
    throw ruleError(
      'publicKey',
      'it asks for nothing',
      "Give type, minBits or curve: { type: 'rsa', minBits: 3072 }.",
    );
  if (curve !== undefined && type !== undefined && type !== 'ec')
    throw ruleError(
      'publicKey.curve',
      `a key of type ${type} has no curve to choose`,
      "Give it with type 'ec'.",
    );
  const words = [
    ...(type === undefined ? [] : [`type: '${type}'`]),
    ...(curve === undefined ? [] : [`curve: '${curve[0]}'`]),
    ...(minBits === undefined ? [] : [`minBits: ${minBits}`]),
  ].join(', ');
  return matchRule({
    name: `publicKey({ ${words} })`,
    match: ({ publicKey: seen }) => matchKey(type, curve?.[0], minBits, seen),
    expected: `a key with ${words}`,
    seen: ({ publicKey: seen }) =>
      [seen.type, seen.curve, seen.bits && `${seen.bits} bits`].filter(Boolean).join(', '),
  });
}

function matchKey(
  type: string | undefined,
  curve: string | undefined,
  minBits: number | undefined,
  seen: ClientCertificate['publicKey'],
): Match {
  if (type !== undefined && seen.type !== type) return 'no';
  if (curve !== undefined && seen.curve !== curve) return 'no';
  if (minBits === undefined) return 'yes';
  if (seen.bits === undefined) return 'unclear';
  return seen.bits >= minBits ? 'yes' : 'no';
}

const longest = (type: string | undefined): number => (type === undefined ? 16_384 : (maxBits[type] ?? 0));

function checkBits(bits: unknown, max: number): void {
  if (max === 0)
    throw ruleError('publicKey.minBits', 'keys of that type have no size to compare', 'Leave minBits out.');
  if (typeof bits === 'number' && Number.isInteger(bits) && bits >= 1 && bits <= max) return;
  throw ruleError(
    'publicKey.minBits',
    `expected a whole number of bits, got ${describe(bits)}`,
    `Give one from 1 to ${max}.`,
  );
}

function readCurve(curve: unknown): readonly [name: string, bits: number] | undefined {
  return curve === undefined ? undefined : curves[readChoice(curve, Object.keys(curves), 'publicKey.curve')];
}

function readChoice(value: unknown, allowed: readonly string[], path: string): string {
  const found = allowed.find((each) => each === value);
  if (found !== undefined) return found;
  const guess = typeof value === 'string' && value !== '' ? closest(value, allowed) : undefined;
  throw ruleError(
    path,
    `${describe(value)} is not a choice`,
    guess === undefined ? `Allowed: ${allowed.join(', ')}.` : `Did you mean '${guess}'?`,
  );
}
