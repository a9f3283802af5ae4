import { sequence, der, objectIdentifier } from '../../lib/pki/der.ts';
import { explicitTag } from '../../lib/x509/der.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { type OddCertificate, oddCertificate, type Overrides } from './odd-certificates.ts';
import { extension } from './odd-extensions.ts';
import { commonName, generalName } from './odd-names.ts';

/** CRLDistributionPoints: one point, with these places of one list. */
export const distributionPoints = (...urls: readonly string[]): Buffer =>
  extension.raw(
    oids.crlDistributionPoints,
    sequence(sequence(der(explicitTag(0), der(explicitTag(0), ...urls.map((url) => generalName.uri(url)))))),
  );

/** AuthorityInfoAccess: responders. */
export const responders = (...urls: readonly string[]): Buffer =>
  extension.raw(
    '1.3.6.1.5.5.7.1.1',
    sequence(...urls.map((url) => sequence(objectIdentifier('1.3.6.1.5.5.7.48.1'), generalName.uri(url)))),
  );

/** A client of the CA with these extensions. */
export const clientOf = (
  issuer: OddCertificate,
  name: string,
  moreExtensions: readonly Buffer[],
  more: Overrides = {},
): OddCertificate => oddCertificate({ issuer, subject: commonName(name), moreExtensions, ...more });
