import type { Certificate } from '../../x509/certificate.ts';
import { explicitTag, implicitTag, readChildren, readElement, tags } from '../../x509/der.ts';
import { oids } from '../../x509/extensions.ts';

/** A CA that names more places than this for one list has made a mistake. */
const maxUrls = 8;

/**
 * The URLs at which a certificate says that its issuer's list lies (RFC 5280 4.2.1.13), as they stand there; each of
 * them leads to a list that covers it. Points for some reasons only, or of another CRL issuer, are left out, as such
 * lists are not used here, and so is whatever is no URI. Empty where there is none, or where the extension cannot be
 * read. Ask this of a verified certificate only: a stranger's would send us wherever it likes.
 */
export function distributionPointsOf(certificate: Certificate): readonly string[] {
  const value = certificate.extensions.get(oids.crlDistributionPoints)?.value;
  if (value === undefined) return [];
  try {
    const urls = readChildren(readElement(value, tags.sequence)).flatMap((point) => {
      const [name, ...more] = readChildren(point);
      // `[1] reasons`, `[2] cRLIssuer`.
      if (name?.tag !== explicitTag(0) || more.length > 0) return [];
      const fullName = readElement(name.content);
      if (fullName.tag !== explicitTag(0)) return [];
      return readChildren(fullName)
        .filter(({ tag }) => tag === implicitTag(6))
        .map(({ content }) => content.toString('latin1'));
    });
    return [...new Set(urls)].slice(0, maxUrls);
  } catch {
    return [];
  }
}
