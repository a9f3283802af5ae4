import { checkKeys } from '../options.ts';
import { oids } from '../x509/extensions.ts';
import {
  type DistinguishedNameInput,
  type NameAttribute,
  readDistinguishedName,
} from './distinguished-name.ts';
import { authoritiesOf, type Issuer } from './issuer.ts';
import { type IssuedCertificate, issueWithKey, leafDays, type LeafOptions } from './leaf.ts';
import { type AltName, readServerNames } from './names.ts';
import { requirePermitted } from './permitted-names.ts';
import { readValidity } from './validity.ts';

/** What a server's certificate shall be. */
export interface ServerCertificateOptions extends LeafOptions {
  /** DNS names (`*.` in front is a wildcard) and IP addresses, at least one; each gets the type that clients look for. */
  readonly names: readonly string[];
  /** Default: the first name as common name, which nobody compares, if it has 64 characters at most; else empty. */
  readonly subject?: DistinguishedNameInput;
}

/** CA/Browser Forum Baseline Requirements 6.3.2, and Apple for private CAs' too: clients refuse longer ones. */
const maxDays = 398;

// oxlint-disable-next-line require-await -- a bad option shall be a rejection
export async function issueServer(
  options: ServerCertificateOptions,
  issuer: Issuer,
): Promise<IssuedCertificate> {
  checkKeys(options, ['names', 'subject', 'keyType', 'notBefore', 'notAfter'], 'options');
  const altNames = readServerNames(options.names, 'names');
  requirePermitted(altNames, authoritiesOf(issuer), 'names');
  const subject =
    options.subject === undefined ? commonName(altNames) : readDistinguishedName(options.subject, 'subject');
  const validity = readValidity(options, { defaultDays: leafDays, maxDays, issuer: issuer.certificate });
  return issueWithKey({ subject, altNames, validity, purposes: [oids.serverAuth] }, options.keyType, issuer);
}

function commonName([first]: readonly AltName[]): readonly NameAttribute[] {
  return first !== undefined && first.value.length <= 64 ? readDistinguishedName(first.value, 'subject') : [];
}
