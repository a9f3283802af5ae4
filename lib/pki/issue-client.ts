import { createPublicKey, type KeyObject } from 'node:crypto';
import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { oids } from '../x509/extensions.ts';
import {
  type DistinguishedNameInput,
  type NameAttribute,
  readDistinguishedName,
} from './distinguished-name.ts';
import { readStatusOptions } from './extensions.ts';
import { authoritiesOf, type Issuer } from './issuer.ts';
import { requireStrongKey } from './keys.ts';
import {
  type IssuedCertificate,
  type IssuedPublicCertificate,
  issueFor,
  issueWithKey,
  type LeafContent,
  leafDays,
  leafKeys,
  type LeafOptions,
} from './leaf.ts';
import { clientDays, renewalReason } from './limits.ts';
import { type AltNamesInput, readAltNames } from './names.ts';
import { requirePermitted } from './permitted-names.ts';
import { readValidity } from './validity.ts';

/** What a client's certificate shall be. It needs a subject or names. */
export interface ClientCertificateOptions extends LeafOptions {
  /** Default: empty. */
  readonly subject?: DistinguishedNameInput;
  /** Default: none. */
  readonly names?: AltNamesInput;
}

/** The same for a key that its owner made and keeps. That the owner has the private key is yours to make sure. */
export interface ClientPublicKeyOptions extends Omit<ClientCertificateOptions, 'keyType'> {
  /** SubjectPublicKeyInfo in PEM (`BEGIN PUBLIC KEY`). */
  readonly publicKey: string;
  /** None: the key is there. */
  readonly keyType?: never;
}

const keys = [...leafKeys, 'keyType'];

// oxlint-disable-next-line require-await -- a bad option shall be a rejection
export async function issueClient(
  options: ClientCertificateOptions | ClientPublicKeyOptions,
  issuer: Issuer,
): Promise<IssuedCertificate | IssuedPublicCertificate> {
  checkKeys(options, [...keys, 'publicKey'], 'options');
  const content = readClientContent(options, issuer);
  if ('publicKey' in options && options.publicKey !== undefined) {
    return issueFor(readPublicKey(options), content, issuer);
  }
  return issueWithKey(content, options.keyType, issuer);
}

/** A client's certificate that signs itself: whom nobody vouches for. */
// oxlint-disable-next-line require-await -- a bad option shall be a rejection
export async function issueSelfSignedClient(options: ClientCertificateOptions): Promise<IssuedCertificate> {
  checkKeys(options, keys, 'options');
  return issueWithKey(readClientContent(options, undefined), options.keyType);
}

/** What a client's certificate says; the subject that it asks for may be given in the stead of `subject`. */
export function readClientContent(
  options: Omit<ClientCertificateOptions, 'keyType'>,
  issuer: Issuer | undefined,
  requested: readonly NameAttribute[] = [],
): LeafContent {
  const subject =
    options.subject === undefined ? requested : readDistinguishedName(options.subject, 'subject');
  const altNames = options.names === undefined ? undefined : readAltNames(options.names, 'names');
  if (subject.length === 0 && altNames === undefined) {
    throw new ConfigError(
      'OPTION_INVALID',
      'subject',
      'a client without a name',
      'Give a subject, names, or both.',
    );
  }
  const named = { subject, purposes: [oids.clientAuth], ...(altNames !== undefined && { altNames }) };
  if (issuer !== undefined) requirePermitted(named, authoritiesOf(issuer));
  const validity = readValidity(options, {
    defaultDays: leafDays,
    maxDays: clientDays,
    reason: renewalReason,
    ...(issuer !== undefined && { issuer: issuer.certificate }),
  });
  return { ...named, validity, extensions: readStatusOptions(options) };
}

function readPublicKey({ publicKey, keyType }: ClientPublicKeyOptions): KeyObject {
  if (keyType !== undefined) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'keyType',
      'given together with publicKey',
      'Leave one of them out.',
    );
  }
  const key = parsePublicKey(publicKey);
  requireStrongKey(key, 'publicKey');
  return key;
}

/** Node would take a certificate or a private key as well: a private key does not belong here. */
function parsePublicKey(pem: unknown): KeyObject {
  const remedy = "Give a SubjectPublicKeyInfo in PEM ('BEGIN PUBLIC KEY').";
  if (typeof pem !== 'string' || !pem.startsWith('-----BEGIN PUBLIC KEY-----')) {
    const problem =
      typeof pem === 'string' ? 'it is no public key in PEM' : `expected a PEM text, got ${describe(pem)}`;
    throw new ConfigError('KEY_INVALID', 'publicKey', problem, remedy);
  }
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new ConfigError('KEY_INVALID', 'publicKey', 'it is damaged', remedy, error);
  }
}
