import { ConfigError } from '../errors.ts';
import { signCertificate } from './certificate.ts';
import { statusKeys, type StatusOptions } from './extensions.ts';
import { randomSerialNumber } from './identifiers.ts';
import { requireNoStatus } from './issue-authority.ts';
import { authoritiesOf, depthLeft, type Issuer, issuerFields } from './issuer.ts';
import { intermediateDays, renewalReason, rootDays } from './limits.ts';
import { renewedExtensions } from './renewed-extensions.ts';
import { readValidity, sameLength, type ValidityOptions } from './validity.ts';

/** How an authority is renewed: with the same name, key and bounds. */
export interface AuthorityRenewalOptions extends ValidityOptions, StatusOptions {
  /** From when it is valid; default: five minutes ago. */
  readonly notBefore?: Date;
  /** Until when; default: as long as it was, within the limits for new ones and the issuer's end. */
  readonly notAfter?: Date;
}

export const authorityRenewalKeys: readonly string[] = ['notBefore', 'notAfter', ...statusKeys];

/** `issuer` is the one above an intermediate, with its key, itself renewed or not; undefined for a root. */
export async function renewAuthority(
  options: AuthorityRenewalOptions,
  authority: Issuer,
  issuer: Issuer | undefined,
): Promise<Issuer> {
  const old = authority.certificate;
  if (issuer === undefined) requireNoStatus(options);
  else requireOwnIssuer(authority, issuer);
  const maxDays = issuer === undefined ? rootDays : intermediateDays;
  const certificate = await signCertificate(
    {
      serialNumber: randomSerialNumber(),
      subject: old.subjectRaw,
      issuer: issuer && issuerFields(issuer),
      validity: readValidity(options, {
        defaultDays: sameLength(old, maxDays),
        maxDays,
        reason: renewalReason,
        ...(issuer && { issuer: issuer.certificate }),
      }),
      publicKey: old.publicKeyRaw,
      // What it has issued names it by this.
      keyId: issuerFields(authority).keyId,
      authority: { pathLength: old.basicConstraints?.pathLength },
      extensions: renewedExtensions(old, options),
    },
    (issuer ?? authority).signer,
  );
  return { ...authority, certificate, issuers: issuer === undefined ? [] : authoritiesOf(issuer) };
}

function requireOwnIssuer({ certificate }: Issuer, issuer: Issuer): void {
  if (
    !certificate.issuerRaw.equals(issuer.certificate.subjectRaw) ||
    !certificate.x509.verify(issuer.certificate.x509.publicKey)
  )
    throw refusal('it has not issued this authority');
  if ((certificate.basicConstraints?.pathLength ?? 0) >= depthLeft(issuer))
    throw refusal('its path length leaves no room for this authority');
}

const refusal = (problem: string): ConfigError =>
  new ConfigError('OPTION_CONFLICT', 'issuer', problem, 'Give the authority that has issued this one.');
