import { expectTag, readChildren, readElement, tags } from '../../x509/der.ts';
import { readName } from '../../x509/name.ts';
import { CliFailure } from '../failure.ts';
import { type Pinned, pinnedKey, textOfName } from './pinned.ts';

/** Of a CertificationRequest (RFC 2986 4) in DER. Its signature is not looked at: a pin says nothing of who has the key. */
export function pinnedRequest(der: Buffer, name: string): Pinned {
  const found = readRequest(der);
  if (found === undefined)
    throw new CliFailure(`${name} holds a request that is damaged`, 'Export it again.');
  return found;
}

/** Undefined where `der` is none. */
export function readRequest(der: Buffer): Pinned | undefined {
  try {
    const [info, , signature] = readChildren(readElement(der, tags.sequence));
    const [version, subject, publicKey] = readChildren(expectTag(info, tags.sequence));
    expectTag(version, tags.integer);
    expectTag(signature, tags.bitString);
    const spki = expectTag(publicKey, tags.sequence).raw;
    return pinnedKey(spki, 'request', textOfName(readName(subject)));
  } catch {
    return undefined;
  }
}
