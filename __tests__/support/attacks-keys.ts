import { createPrivateKey, generateKeyPairSync, type JsonWebKey, X509Certificate } from 'node:crypto';
import type { Credentials } from './attacks-raw-client.ts';
import {
  bitString,
  der,
  objectIdentifier,
  octetString,
  sequence,
  unsignedInteger,
} from '../../lib/pki/der.ts';
import { encodePem } from '../../lib/pki/pem.ts';
import { explicitTag } from '../../lib/x509/der.ts';

/**
 * A certificate (of ECDSA P-256) as a thief has it who has not got its key: with a key of the thief's whose public half
 * is said to be that of the certificate (SEC 1, RFC 5915 3). OpenSSL believes that, and sends it with a signature that is wrong.
 */
export function withoutKey(cert: string): Credentials {
  const own = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ format: 'jwk' });
  const theirs = new X509Certificate(cert).publicKey.export({ format: 'jwk' });
  const key = sequence(
    unsignedInteger(1),
    octetString(octets(own, 'd')),
    der(explicitTag(0), objectIdentifier('1.2.840.10045.3.1.7')),
    der(explicitTag(1), bitString(Buffer.concat([Buffer.of(4), octets(theirs, 'x'), octets(theirs, 'y')]))),
  );
  const pem = encodePem('EC PRIVATE KEY', key);
  createPrivateKey(pem);
  return { cert, key: pem };
}

const octets = (key: JsonWebKey, field: 'd' | 'x' | 'y'): Buffer => Buffer.from(key[field]!, 'base64url');
