import type { TLSSocket } from 'node:tls';
import type { KeyPair } from '../../credentials/key-pair.ts';

/** What a handshake that has reached its certificates tells of the client. */
export type ClientOffer = Pick<TLSSocket, 'getProtocol' | 'getSharedSigalgs'>;

/**
 * Which of a name's certificates, each of another key type, suits a client best. Over TLS 1.3 it is the one that
 * OpenSSL would take: that of the first shared signature algorithm. Over TLS 1.2 the cipher decides, which Node does
 * not tell here: then RSA, which hardly any client is without, unless the client verifies no RSA signatures.
 */
export function preferredPair(client: ClientOffer, pairs: readonly KeyPair[]): KeyPair | undefined {
  const shared = client.getSharedSigalgs();
  if (client.getProtocol() !== 'TLSv1.3') {
    const rsa = pairs.find(({ leaf }) => leaf.publicKey.type === 'rsa');
    if (rsa !== undefined && (shared.length === 0 || shared.some((name) => name.startsWith('RSA'))))
      return rsa;
    return firstOf(shared, pairs, (pair) => algorithmsOf(pair).map((name) => name.replace(/SHA.*$/, '')));
  }
  return firstOf(shared, pairs, algorithmsOf);
}

function firstOf(
  shared: readonly string[],
  pairs: readonly KeyPair[],
  prefixes: (pair: KeyPair) => readonly string[],
): KeyPair | undefined {
  for (const name of shared) {
    const found = pairs.find((pair) => prefixes(pair).some((prefix) => name.startsWith(prefix)));
    if (found !== undefined) return found;
  }
  return pairs[0];
}

/** RFC 8446 4.2.3: the hash belongs to the curve. */
const hashes: Readonly<Record<string, string>> = {
  prime256v1: 'SHA256',
  secp384r1: 'SHA384',
  secp521r1: 'SHA512',
};

/** The signature algorithms of TLS 1.3 for a key, as `getSharedSigalgs()` spells them, or their beginnings. */
function algorithmsOf({ leaf: { publicKey } }: KeyPair): readonly string[] {
  switch (publicKey.type) {
    case 'rsa':
    case 'rsa-pss':
      return ['RSA-PSS+'];
    case 'ec':
      return [`ECDSA+${hashes[publicKey.curve ?? ''] ?? ''}`];
    case 'ed25519':
      return ['Ed25519+'];
    case 'ed448':
      return ['Ed448+'];
    default:
      return [publicKey.type.toUpperCase(), publicKey.type];
  }
}
