import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';

export type OddKeyType =
  | 'dsa-1024'
  | 'ec-p224'
  | 'ec-p256'
  | 'ec-p384'
  | 'ec-p521'
  | 'ec-secp256k1'
  | 'ed25519'
  | 'ed448'
  | 'rsa-1024'
  | 'rsa-2048'
  | 'rsa-2055'
  | 'rsa-pss-2048';

const generators: Readonly<Record<OddKeyType, () => KeyPairKeyObjectResult>> = {
  'dsa-1024': () => generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }),
  ed25519: () => generateKeyPairSync('ed25519'),
  ed448: () => generateKeyPairSync('ed448'),
  'ec-p224': () => generateKeyPairSync('ec', { namedCurve: 'secp224r1' }),
  'ec-p256': () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  'ec-p384': () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
  'ec-p521': () => generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
  'ec-secp256k1': () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
  'rsa-1024': () => generateKeyPairSync('rsa', { modulusLength: 1024 }),
  'rsa-2055': () => generateKeyPairSync('rsa', { modulusLength: 2055 }),
  'rsa-2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'rsa-pss-2048': () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
};

const shared = new Map<OddKeyType, KeyPairKeyObjectResult>();

/** A new key pair. */
export const newKeys = (type: OddKeyType): KeyPairKeyObjectResult => generators[type]();

/** The one key pair of this type in this file of tests: RSA's take a tenth of a second to find. */
export function sharedKeys(type: OddKeyType): KeyPairKeyObjectResult {
  const keys = shared.get(type) ?? newKeys(type);
  shared.set(type, keys);
  return keys;
}
