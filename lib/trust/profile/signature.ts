import { type Certificate, signatureAlgorithmOid } from '../../x509/certificate.ts';
import { type DerElement, explicitTag, readChildren, readElement, readOid } from '../../x509/der.ts';
import { weaknessOfSignature } from '../algorithms.ts';
import { type Fault, fault } from './path-check.ts';

const nullElement = Buffer.of(0x05, 0x00);
const pkcs1 = /^1\.2\.840\.113549\.1\.1\.(?:5|11|12|13|14)$/;
const rsaPss = '1.2.840.113549.1.1.10';
const mgf1 = '1.2.840.113549.1.1.8';

/** What the algorithm of a certificate's signature breaks. Of an anchor it does not matter: nobody asks its signature. */
export function* faultsOfSignature(certificate: Certificate): Generator<Fault> {
  const weakness = weaknessOfSignature(certificate);
  if (weakness !== undefined) yield fault('weak-signature', 'RFC 9325 4.5', `is signed with ${weakness}`);
  const [, parameters, ...others] = readChildren(certificate.signatureAlgorithm);
  const oid = signatureAlgorithmOid(certificate);
  if (others.length > 0) yield wrong('RFC 5280 4.1.1.2', 'parameters that have no place there');
  if (oid === rsaPss) yield* faultsOfPss(parameters);
  else if (pkcs1.test(oid)) {
    // RFC 4055 5: NULL, and whoever reads it takes it without.
    if (parameters !== undefined && !parameters.raw.equals(nullElement))
      yield wrong('RFC 4055 5', 'other parameters than NULL');
  } else if (parameters !== undefined) yield wrong('RFC 5758 3.2', 'parameters that its algorithm has not');
}

const wrong = (section: string, text: string): Fault =>
  fault('algorithm-parameters', section, `is signed with ${text}`);

/** RFC 4055 3.1: MGF1 with the hash of the message; what is absent stands for SHA-1. */
function* faultsOfPss(parameters: DerElement | undefined): Generator<Fault> {
  const parts = parameters === undefined ? [] : readChildren(parameters);
  const part = (n: number): DerElement | undefined => {
    const found = parts.find(({ tag }) => tag === explicitTag(n));
    return found && readElement(found.content);
  };
  const [hash, mask] = [part(0), part(1)];
  const [maskType, maskHash] = mask === undefined ? [] : readChildren(mask);
  if (maskType === undefined || readOid(maskType) !== mgf1 || oidOf(maskHash) !== oidOf(hash))
    yield wrong('RFC 4055 3.1', 'a mask that is not made by the hash of the message');
}

const oidOf = (algorithm: DerElement | undefined): string | undefined =>
  algorithm && readOid(readChildren(algorithm)[0]);
