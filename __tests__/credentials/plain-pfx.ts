import { createPrivateKey } from 'node:crypto';
import { der, objectIdentifier, octetString, sequence, unsignedInteger } from '../../lib/pki/der.ts';
import { explicitTag } from '../../lib/x509/der.ts';
import { readPem } from '../../lib/x509/pem.ts';

const data = '1.2.840.113549.1.7.1';
const bag = (type: number, value: Buffer): Buffer =>
  sequence(objectIdentifier(`1.2.840.113549.1.12.10.1.${type}`), der(explicitTag(0), value));
const content = (value: Buffer): Buffer =>
  sequence(objectIdentifier(data), der(explicitTag(0), octetString(value)));

/** A PFX (RFC 7292) without MAC or encryption, as `openssl pkcs12 -nomac -keypbe NONE -certpbe NONE` writes it. */
export function plainPfx(key: string, ...certificates: string[]): Buffer {
  const keyBag = bag(1, createPrivateKey(key).export({ type: 'pkcs8', format: 'der' }));
  const certificateBags = readPem(certificates.join(''))!.map((block) =>
    bag(
      3,
      sequence(objectIdentifier('1.2.840.113549.1.9.22.1'), der(explicitTag(0), octetString(block.der))),
    ),
  );
  const safe = content(sequence(keyBag, ...certificateBags));
  return sequence(unsignedInteger(3), content(sequence(safe)));
}
