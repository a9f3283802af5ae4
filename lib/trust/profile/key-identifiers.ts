import type { Certificate } from '../../x509/certificate.ts';
import { explicitTag, implicitTag, readChildren, readElement, tags } from '../../x509/der.ts';
import { oids } from '../../x509/extensions.ts';
import { serialOf } from '../revocation/crl-name.ts';
import { type Fault, fault } from './path-check.ts';

const section = 'RFC 5280 4.2.1.1';

interface AuthorityKey {
  /** GeneralNames' content. */
  readonly issuer: Buffer | undefined;
  readonly serial: Buffer | undefined;
}

/** Whether what `certificate` says of its issuer's certificate fits `issuer`, key identifiers aside. */
export function namesIssuer(certificate: Certificate, issuer: Certificate): boolean {
  const authority = readAuthorityKey(certificate);
  if (authority === undefined) return true;
  if (authority.serial !== undefined && !authority.serial.equals(serialOf(issuer))) return false;
  return authority.issuer === undefined || hasDirectoryName(authority.issuer, issuer.issuerRaw);
}

/** What the key identifiers of a certificate break. */
export function* faultsOfKeyIdentifiers(certificate: Certificate): Generator<Fault> {
  const { authorityKeyId, subjectKeyId, isCa, version, extensions } = certificate;
  if (version !== 3) return;
  const isThere = extensions.has(oids.authorityKeyIdentifier);
  // A self-signed certificate may leave its authority out: it is its own.
  if (authorityKeyId === undefined && (isThere || !isSelfSigned(certificate)))
    yield fault('missing-key-identifier', section, 'has no authority key identifier');
  if (isCa && subjectKeyId === undefined)
    yield fault('missing-key-identifier', 'RFC 5280 4.2.1.2', 'is a CA without a subject key identifier');
  if (authorityKeyId === '' || subjectKeyId === '')
    yield fault('empty-extension', section, 'has an empty key identifier');
  const authority = readAuthorityKey(certificate);
  if ((authority?.issuer === undefined) !== (authority?.serial === undefined))
    yield fault(
      'key-identifier',
      section,
      'names its issuer with a name but no serial number, or without a name',
    );
}

/** What a root says of its own key. A self-issued certificate may name another one: the key before it. */
export function* faultsOfOwnIdentifier(root: Certificate): Generator<Fault> {
  const { authorityKeyId, subjectKeyId, isSelfIssued } = root;
  if (!isSelfIssued) return;
  const differs =
    authorityKeyId !== undefined && subjectKeyId !== undefined && authorityKeyId !== subjectKeyId;
  if ((differs || !namesIssuer(root, root)) && isSelfSigned(root))
    yield fault('key-identifier', section, 'is a root whose authority key identifier is not its own');
}

/** Asked only where it matters, as it costs a signature; a giant key is not tried. */
function isSelfSigned(certificate: Certificate): boolean {
  if (!certificate.isSelfIssued || (certificate.publicKey.bits ?? 0) > 8192) return false;
  try {
    return certificate.x509.verify(certificate.x509.publicKey);
  } catch {
    return false;
  }
}

function readAuthorityKey({ extensions }: Certificate): AuthorityKey | undefined {
  const extension = extensions.get(oids.authorityKeyIdentifier);
  if (extension === undefined) return undefined;
  const parts = readChildren(readElement(extension.value, tags.sequence));
  const content = (tag: number): Buffer | undefined => parts.find((part) => part.tag === tag)?.content;
  return { issuer: content(explicitTag(1)), serial: content(implicitTag(2)) };
}

function hasDirectoryName(names: Buffer, name: Buffer): boolean {
  const all = readChildren({ tag: tags.sequence, content: names, raw: names });
  return all.some(({ tag, content }) => tag === explicitTag(4) && content.equals(name));
}
