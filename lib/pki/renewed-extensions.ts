import { ConfigError } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { readChildren, readElement } from '../x509/der.ts';
import { oids } from '../x509/extensions.ts';
import type { RawExtension } from './certificate.ts';
import { readStatusOptions, type StatusOptions } from './extensions.ts';

/** Where an option does not say otherwise these stay as they are. */
const kept: ReadonlySet<string> = new Set([
  oids.crlDistributionPoints,
  oids.authorityInfoAccess,
  oids.certificatePolicies,
]);

/** In an authority's certificate these too: what bounds it goes on to bound it. */
const keptOfAuthority: ReadonlySet<string> = new Set([
  ...kept,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
  oids.nameConstraints,
  oids.policyConstraints,
  oids.policyMappings,
  oids.inhibitAnyPolicy,
]);

/** Made anew for every certificate. */
const madeAnew: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
  oids.subjectKeyIdentifier,
  oids.authorityKeyIdentifier,
]);

/**
 * What a renewed certificate says besides its names, purposes and dates. An extension that is neither made anew nor kept
 * is left out, unless it is critical: then it restricts, and the renewal would restrict no more.
 */
export function renewedExtensions(old: Certificate, options: StatusOptions): readonly RawExtension[] {
  if (!old.isCa) requireKnownNames(old);
  const given = readStatusOptions(options);
  const keeps = old.isCa ? keptOfAuthority : kept;
  const others = [...old.extensions].filter(([oid]) => given.every((extension) => extension.oid !== oid));
  for (const [oid, { critical }] of others) {
    if (!critical || keeps.has(oid) || madeAnew.has(oid)) continue;
    throw refusal(`it has the critical extension ${oid}`);
  }
  return [
    ...others
      .filter(([oid]) => keeps.has(oid))
      .map(([oid, { critical, value }]) => ({ oid, critical, value })),
    ...given,
  ];
}

/** A name of a kind that is not issued here would be lost without a word. */
function requireKnownNames({ extensions, subjectAltNames }: Certificate): void {
  const value = extensions.get(oids.subjectAltName)?.value;
  const all = value === undefined ? 0 : readChildren(readElement(value)).length;
  const { dns, uri, email, ip } = subjectAltNames;
  if (all > dns.length + uri.length + email.length + ip.length)
    throw refusal('it has a name of a kind that is not issued here');
}

const refusal = (problem: string): ConfigError =>
  new ConfigError('CERTIFICATE_INVALID', 'certificate', problem, 'Issue a new one.');
