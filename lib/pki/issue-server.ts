import { checkKeys } from '../options.ts';
import { oids } from '../x509/extensions.ts';
import {
  type DistinguishedNameInput,
  type NameAttribute,
  readDistinguishedName,
} from './distinguished-name.ts';
import { readStatusOptions } from './extensions.ts';
import { authoritiesOf, type Issuer } from './issuer.ts';
import {
  type IssuedCertificate,
  issueWithKey,
  type LeafContent,
  leafDays,
  leafKeys,
  type LeafOptions,
} from './leaf.ts';
import { serverDays, serverReason } from './limits.ts';
import { type AltName, readServerNames } from './names.ts';
import { requirePermitted } from './permitted-names.ts';
import { readValidity } from './validity.ts';

/** What a server's certificate shall be. */
export interface ServerCertificateOptions extends LeafOptions {
  /** DNS names (`*.` in front is a wildcard) and IP addresses, at least one; each gets the type that clients look for. */
  readonly names: readonly string[];
  /** Default: the first DNS name as common name, which nobody compares, if it has 64 characters at most; else empty. */
  readonly subject?: DistinguishedNameInput;
}

// oxlint-disable-next-line require-await -- a bad option shall be a rejection
export async function issueServer(
  options: ServerCertificateOptions,
  issuer: Issuer,
): Promise<IssuedCertificate> {
  checkKeys(options, [...leafKeys, 'keyType'], 'options');
  return issueWithKey(readServerContent(options, issuer), options.keyType, issuer);
}

/** What a server's certificate says; the subject that it asks for may be given in the stead of `subject`. */
export function readServerContent(
  options: Omit<ServerCertificateOptions, 'keyType'>,
  issuer: Issuer,
  requested?: readonly NameAttribute[],
): LeafContent {
  const altNames = readServerNames(options.names, 'names');
  const subject =
    options.subject === undefined
      ? (requested ?? commonName(altNames))
      : readDistinguishedName(options.subject, 'subject');
  const named = { subject, altNames, purposes: [oids.serverAuth] };
  requirePermitted(named, authoritiesOf(issuer));
  const validity = readValidity(options, {
    defaultDays: leafDays,
    maxDays: serverDays,
    reason: serverReason,
    issuer: issuer.certificate,
  });
  return { ...named, validity, extensions: readStatusOptions(options) };
}

/** Never an address: to OpenSSL and GnuTLS it would be a DNS name, which name constraints rule out. */
function commonName(names: readonly AltName[]): readonly NameAttribute[] {
  const first = names.find(({ type }) => type === 'dns');
  return first !== undefined && first.value.length <= 64 ? readDistinguishedName(first.value, 'subject') : [];
}
