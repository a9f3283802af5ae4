import {
  createECDH,
  createPublicKey,
  diffieHellman,
  type ECDH,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import type { KeyShare } from '../wire/client-hello.ts';

/** Key pairs for the groups that every OpenSSL of ours has; made once and used for all questions of an inspection. */
export interface KeyShares {
  readonly shares: readonly KeyShare[];
  /** The secret shared with the server's key; undefined for another group. Throws where the key is none. */
  readonly agree: (group: number, key: Buffer) => Buffer | undefined;
}

const x25519 = 29;
const curves = [
  [23, 'prime256v1'],
  [24, 'secp384r1'],
  [25, 'secp521r1'],
] as const;

/** SubjectPublicKeyInfo of X25519 before its 32 octets (RFC 8410 4). */
const x25519Prefix = Buffer.from('302a300506032b656e032100', 'hex');

export function makeKeyShares(): KeyShares {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  const pairs = new Map<number, ECDH>();
  const shares: KeyShare[] = [
    { group: x25519, key: publicKey.export({ type: 'spki', format: 'der' }).subarray(x25519Prefix.length) },
  ];
  for (const [group, curve] of curves) {
    const pair = createECDH(curve);
    shares.push({ group, key: pair.generateKeys() });
    pairs.set(group, pair);
  }
  return {
    shares,
    agree: (group, key) =>
      group === x25519 ? agreeX25519(privateKey, key) : pairs.get(group)?.computeSecret(key),
  };
}

function agreeX25519(privateKey: KeyObject, key: Buffer): Buffer {
  const publicKey = createPublicKey({
    key: Buffer.concat([x25519Prefix, key]),
    format: 'der',
    type: 'spki',
  });
  return diffieHellman({ privateKey, publicKey });
}
