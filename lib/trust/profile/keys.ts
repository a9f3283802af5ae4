import type { Certificate } from '../../x509/certificate.ts';
import { type DerElement, readBitString, readChildren, readElement, readOid, tags } from '../../x509/der.ts';
import type { KeyUsage } from '../../x509/extensions.ts';
import { weaknessOfKey } from '../algorithms.ts';
import { type Fault, fault } from './path-check.ts';

const nullElement = Buffer.of(0x05, 0x00);
const rsaEncryption = '1.2.840.113549.1.1.1';
const ecPublicKey = '1.2.840.10045.2.1';

/** RSA below this can be factored by anybody with some patience: nothing lets it in. */
const leastRsaBits = 1024;
/** Beyond it each signature costs milliseconds, of which a path may try 20. */
const mostRsaBits = 8192;
/** FIPS 186-5 A.1.1. */
const mostExponentOctets = 32;

/** What a certificate's key breaks: its size, its form, and the parameters of its algorithm. */
export function* faultsOfKey(certificate: Certificate): Generator<Fault> {
  const spki = readElement(certificate.publicKeyRaw, tags.sequence);
  const [algorithm, key, ...others] = readChildren(spki);
  const [type, parameters, ...more] = algorithm === undefined ? [] : readChildren(algorithm);
  if (key?.tag !== tags.bitString || others.length > 0 || more.length > 0) {
    yield fault('malformed', 'RFC 5280 4.1.2.7', 'has a malformed public key');
    return;
  }
  const oid = readOid(type);
  const { publicKey } = certificate;
  if (publicKey.type === 'rsa' || publicKey.type === 'rsa-pss') yield* faultsOfRsa(publicKey.bits ?? 0, key);
  if (oid === ecPublicKey) yield* faultsOfEc(parameters, readBitString(key));
  yield* faultsOfParameters(oid, parameters);
  const weakness = weaknessOfKey(publicKey);
  if (weakness !== undefined) yield fault('weak-key', 'RFC 9325 4.5', `has ${weakness}`);
  if (
    publicKey.type.startsWith('ml-dsa-') &&
    notForSignatures.some((usage) => certificate.keyUsage?.has(usage))
  )
    yield fault('key-usage', 'RFC 9881 5', 'has a key that only signs, and a key usage for more');
}

const notForSignatures: readonly KeyUsage[] = [
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'encipherOnly',
  'decipherOnly',
];

function* faultsOfRsa(bits: number, key: DerElement): Generator<Fault> {
  const [modulus, exponent, ...others] = readChildren(readElement(readBitString(key), tags.sequence));
  if (modulus?.tag !== tags.integer || exponent?.tag !== tags.integer || others.length > 0) {
    yield invalid('RFC 3279 2.3.1', 'an RSA key that is none');
    return;
  }
  const e = exponent.content;
  if (modulus.content[0]! >= 0x80 || (modulus.content.at(-1)! & 1) === 0)
    yield invalid('RFC 8017 3.1', 'an RSA modulus that is negative or even');
  if (e[0] === undefined || e[0] >= 0x80 || (e.at(-1)! & 1) === 0 || (e.length === 1 && e[0] === 1))
    yield invalid('RFC 8017 3.1', 'an RSA exponent that is even, one or negative');
  if (e.length > mostExponentOctets + 1)
    yield invalid('CA/Browser Forum BR 6.1.6', 'too large an RSA exponent');
  if (bits < leastRsaBits) yield invalid('RFC 9325 4.5', `an RSA key of ${bits} bits`);
  if (bits > mostRsaBits) yield fault('large-key', 'RFC 8017 3.1', `has an RSA key of ${bits} bits`);
  if (bits % 8 !== 0)
    yield fault(
      'rsa-size',
      'CA/Browser Forum BR 6.1.5',
      `has an RSA key of ${bits} bits, which is no multiple of 8`,
    );
}

function* faultsOfEc(parameters: DerElement | undefined, point: Buffer): Generator<Fault> {
  if (parameters?.tag !== tags.objectIdentifier)
    yield invalid('RFC 5480 2.1.1', 'an EC key whose curve is not named');
  if (point[0] === 0x02 || point[0] === 0x03)
    yield fault('compressed-point', 'RFC 5480 2.2', 'has an EC key as a compressed point');
  else if (point[0] !== 0x04) yield invalid('RFC 5480 2.2', 'an EC key that is no point');
}

function* faultsOfParameters(oid: string, parameters: DerElement | undefined): Generator<Fault> {
  if (oid === rsaEncryption && parameters?.raw.equals(nullElement) !== true)
    yield fault('algorithm-parameters', 'RFC 3279 2.3.1', 'has an RSA key with other parameters than NULL');
  if (/^1\.3\.101\.|^2\.16\.840\.1\.101\.3\.4\.3\./.test(oid) && parameters !== undefined)
    yield fault('algorithm-parameters', 'RFC 8410 3', 'has a key with parameters that its type has not');
}

const invalid = (section: string, text: string): Fault => fault('invalid-key', section, `has ${text}`);
