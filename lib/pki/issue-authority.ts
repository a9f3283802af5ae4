import { createPublicKey } from 'node:crypto';
import { ConfigError } from '../errors.ts';
import { checkKeys, oneOf, wholeNumber } from '../options.ts';
import { oids } from '../x509/extensions.ts';
import { type RawExtension, signCertificate } from './certificate.ts';
import {
  type DistinguishedNameInput,
  type NameAttribute,
  readDistinguishedName,
} from './distinguished-name.ts';
import { readStatusOptions, type StatusOptions, statusKeys } from './extensions.ts';
import { keyIdentifier, randomSerialNumber } from './identifiers.ts';
import { authoritiesOf, depthLeft, type Issuer, issuerFields } from './issuer.ts';
import { generateKeys, type KeyType, keyTypes } from './keys.ts';
import { intermediateDays, renewalReason, rootDays } from './limits.ts';
import { encodeNameConstraints, type NameConstraintsInput } from './name-constraints.ts';
import { requirePermitted } from './permitted-names.ts';
import { signerOf } from './signer.ts';
import { readValidity, type ValidityOptions } from './validity.ts';

/** What a new authority shall be. */
export interface AuthorityOptions extends ValidityOptions, StatusOptions {
  /** Its name; by default a common name with the start of its key identifier, so that two are not mixed up. */
  readonly subject?: DistinguishedNameInput;
  /** Default `'ecdsa-p256'`. */
  readonly keyType?: KeyType;
  /** From when it is valid; default: five minutes ago, for clocks that are slow. */
  readonly notBefore?: Date;
  /**
   * Until when: at most 25 years for a root, ten for an intermediate. Default: ten years for a root, five for an
   * intermediate, but no longer than its issuer.
   */
  readonly notAfter?: Date;
  /** How many intermediates may stand below it; default: no limit for a root, 0 for an intermediate. */
  readonly pathLength?: number;
  /** The names that may be issued for below it; default: all. */
  readonly nameConstraints?: NameConstraintsInput;
}

const keys = ['subject', 'keyType', 'notBefore', 'notAfter', 'pathLength', 'nameConstraints', ...statusKeys];

export function issueRoot(options: AuthorityOptions): Promise<Issuer> {
  checkKeys(options, keys, 'options');
  requireNoStatus(options);
  return issue(options, undefined, options.pathLength);
}

export function issueIntermediate(options: AuthorityOptions, issuer: Issuer): Promise<Issuer> {
  checkKeys(options, keys, 'options');
  const left = depthLeft(issuer);
  const { pathLength = 0 } = options;
  if (left < 1) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'pathLength',
      'the issuer may have no intermediate below it',
      'Give the issuer a greater pathLength.',
    );
  }
  if (pathLength >= left) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'pathLength',
      `${pathLength} reaches further than the issuer's own`,
      `Give at most ${left - 1}.`,
    );
  }
  return issue(options, issuer, pathLength);
}

async function issue(
  options: AuthorityOptions,
  issuer: Issuer | undefined,
  pathLength: number | undefined,
): Promise<Issuer> {
  const keyType = oneOf(options.keyType ?? 'ecdsa-p256', keyTypes, 'keyType');
  const depth =
    pathLength === undefined ? undefined : wholeNumber(pathLength, 'pathLength', 'intermediates', 0, 127);
  const extensions = readExtensions(options);
  const given = options.subject === undefined ? undefined : readSubject(options.subject);
  const validity = readValidity(options, {
    ...(issuer === undefined
      ? { defaultDays: 3652, maxDays: rootDays }
      : { defaultDays: 1826, maxDays: intermediateDays }),
    reason: renewalReason,
    ...(issuer !== undefined && { issuer: issuer.certificate }),
  });
  const { privateKey } = await generateKeys(keyType);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const keyId = keyIdentifier(publicKey);
  const subject = given ?? defaultSubject(issuer === undefined ? 'root' : 'intermediate', keyId);
  const authority = { pathLength: depth };
  if (issuer !== undefined) requirePermitted({ subject, authority }, authoritiesOf(issuer));
  const signer = signerOf(privateKey, 'keyType');
  const certificate = await signCertificate(
    {
      serialNumber: randomSerialNumber(),
      subject,
      issuer: issuer && issuerFields(issuer),
      validity,
      publicKey,
      keyId,
      authority,
      extensions,
    },
    issuer?.signer ?? signer,
  );
  const issuers = issuer === undefined ? [] : [issuer.certificate, ...issuer.issuers];
  return { certificate, key: privateKey, signer, issuers };
}

function readExtensions(options: AuthorityOptions): readonly RawExtension[] {
  const status = readStatusOptions(options);
  if (options.nameConstraints === undefined) return status;
  const value = encodeNameConstraints(options.nameConstraints, 'nameConstraints');
  return [{ oid: oids.nameConstraints, critical: true, value }, ...status];
}

/** They speak of the certificate in which they stand: nobody revokes a root, and policies begin below it. */
export function requireNoStatus(options: StatusOptions): void {
  const key = statusKeys.find((name) => options[name] !== undefined);
  if (key === undefined) return;
  throw new ConfigError(
    'OPTION_CONFLICT',
    key,
    'in a root it means nothing',
    'Give it to what the root issues.',
  );
}

/** RFC 5280 4.1.2.6: a CA has a name. */
function readSubject(input: DistinguishedNameInput): readonly NameAttribute[] {
  const subject = readDistinguishedName(input, 'subject');
  if (subject.length > 0) return subject;
  throw new ConfigError(
    'OPTION_INVALID',
    'subject',
    'an authority without a name',
    "Give one as { CN: 'Example CA' }.",
  );
}

const defaultSubject = (kind: string, keyId: string): readonly NameAttribute[] =>
  readDistinguishedName(`Portcullis private ${kind} ${keyId.slice(0, 8)}`, 'subject');
