import { createPublicKey } from 'node:crypto';
import { ConfigError } from '../errors.ts';
import { checkKeys, flag } from '../options.ts';
import type { Certificate } from '../x509/certificate.ts';
import { oids } from '../x509/extensions.ts';
import { statusKeys, type StatusOptions } from './extensions.ts';
import { authoritiesOf, type Issuer } from './issuer.ts';
import { type KeyType, keyTypes, readPrivateKey, requireStrongKey } from './keys.ts';
import {
  type IssuedCertificate,
  type IssuedPublicCertificate,
  issueFor,
  issueWithKey,
  type LeafContent,
} from './leaf.ts';
import { clientDays, renewalReason, serverDays, serverReason } from './limits.ts';
import { readOneCertificate } from './pem.ts';
import { requirePermitted } from './permitted-names.ts';
import { renewedExtensions } from './renewed-extensions.ts';
import { openRequest } from './request/read-request.ts';
import { readStatedNames } from './stated-names.ts';
import { readValidity, sameLength, type ValidityOptions } from './validity.ts';

interface RenewalBase extends ValidityOptions, StatusOptions {
  /** From when it is valid; default: five minutes ago. */
  readonly notBefore?: Date;
  /** Until when; default: as long as the certificate was, within the limits for new ones and the issuer's end. */
  readonly notAfter?: Date;
}

/** A renewal that gives a private key back: a new one, or `key`. */
export interface RenewalOptions extends RenewalBase {
  /** What key to make; default: one as before. Mandatory (`OPTION_INVALID`) where that is of no such kind, as RSA of 2560 bits. */
  readonly keyType?: KeyType;
  /** A private key in PEM, the one of the certificate or another. */
  readonly key?: string;
  /** What `key` is encrypted with, if it is. */
  readonly passphrase?: string;
  /** None: for a renewal without the private key. */
  readonly request?: never;
  /** False at most: give the key itself in `key`. */
  readonly keepKey?: false;
}

/** A renewal for a key that its owner keeps. Give one of `request` and `keepKey`. */
export interface PublicKeyRenewalOptions extends RenewalBase {
  /** A signing request in PEM for the owner's new key. What it asks for does not count. */
  readonly request?: string;
  /** Certifies the same public key again. */
  readonly keepKey?: boolean;
  /** None: its owner keeps it. */
  readonly key?: never;
  /** None: no key is made. */
  readonly keyType?: never;
  /** None: no key is read. */
  readonly passphrase?: never;
}

const keys = ['notBefore', 'notAfter', 'keyType', 'key', 'passphrase', 'request', 'keepKey', ...statusKeys];

// oxlint-disable-next-line require-await -- a bad option shall be a rejection
export async function renewCertificate(
  pem: string,
  options: RenewalOptions | PublicKeyRenewalOptions,
  issuer: Issuer,
): Promise<IssuedCertificate | IssuedPublicCertificate> {
  checkKeys(options, keys, 'options');
  requireOneKey(options);
  const old = readOneCertificate(pem, 'certificate');
  requireRenewable(old, issuer);
  const content = renewedContent(old, options, issuer);
  const { key, request } = options;
  if (key !== undefined) {
    const publicKey = createPublicKey(readPrivateKey(key, options.passphrase, 'key'));
    requireStrongKey(publicKey, 'key');
    return { ...(await issueFor(publicKey, content, issuer)), key };
  }
  if (request !== undefined) return issueFor(openRequest(request, 'request').key, content, issuer);
  if (flag(options.keepKey, 'keepKey', false)) {
    const { publicKey } = old.x509;
    requireStrongKey(publicKey, 'certificate');
    return issueFor(publicKey, content, issuer);
  }
  return issueWithKey(content, options.keyType ?? sameKeyType(old), issuer);
}

function requireOneKey(options: RenewalOptions | PublicKeyRenewalOptions): void {
  const { keyType, key, passphrase, request, keepKey } = options;
  const given = { keyType, key, request, keepKey: keepKey === false ? undefined : keepKey };
  const [first, second] = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  if (second !== undefined) {
    const problem = `given together with ${first}`;
    throw new ConfigError('OPTION_CONFLICT', second, problem, 'Leave one of them out.');
  }
  if (passphrase !== undefined && key === undefined)
    throw new ConfigError('OPTION_CONFLICT', 'passphrase', 'given without a key', 'It opens `key`.');
}

/** An authority speaks for what it has issued itself, and for leaves: its own certificate is renewed by `renew`. */
function requireRenewable(certificate: Certificate, { certificate: issuer }: Issuer): void {
  if (!certificate.issuerRaw.equals(issuer.subjectRaw) || !certificate.x509.verify(issuer.x509.publicKey))
    throw refusal('it was not issued by this authority', 'Let its own issuer renew it.');
  if (certificate.isCa) throw refusal('it is a CA certificate', 'Renew an authority by its `renew`.');
  const purposes = certificate.extendedKeyUsage ?? [];
  if (purposes.length === 0 || purposes.some((oid) => oid !== oids.serverAuth && oid !== oids.clientAuth))
    throw refusal('its purposes are others than TLS server and client', 'Issue a new one.');
}

function renewedContent(
  old: Certificate,
  options: StatusOptions & ValidityOptions,
  issuer: Issuer,
): LeafContent {
  const purposes = old.extendedKeyUsage!;
  const isServer = purposes.includes(oids.serverAuth);
  const maxDays = isServer ? serverDays : clientDays;
  const altNames = readStatedNames(old.subjectAltNames, 'certificate.names');
  if (altNames.length === 0 && (isServer || Object.keys(old.subject).length === 0))
    throw refusal('it has no names', 'Issue a new one with names.');
  const named = { subject: old.subjectRaw, purposes, ...(altNames.length > 0 && { altNames }) };
  requirePermitted(named, authoritiesOf(issuer), 'certificate.');
  return {
    ...named,
    validity: readValidity(options, {
      defaultDays: sameLength(old, maxDays),
      maxDays,
      reason: isServer ? serverReason : renewalReason,
      issuer: issuer.certificate,
    }),
    extensions: renewedExtensions(old, options),
  };
}

const curveTypes: Readonly<Record<string, KeyType>> = {
  prime256v1: 'ecdsa-p256',
  secp384r1: 'ecdsa-p384',
  secp521r1: 'ecdsa-p521',
};

function sameKeyType({ publicKey: { type, bits, curve } }: Certificate): KeyType {
  const same =
    type === 'ec'
      ? curveTypes[curve ?? '']
      : keyTypes.find((keyType) => keyType === type || keyType === `${type}-${bits}`);
  if (same !== undefined) return same;
  throw new ConfigError(
    'OPTION_INVALID',
    'keyType',
    `the certificate's key is of a kind that is not made here (${[type, curve ?? bits].join(' ')})`,
    `Give one of ${keyTypes.join(', ')}.`,
  );
}

const refusal = (problem: string, remedy: string): ConfigError =>
  new ConfigError('CERTIFICATE_INVALID', 'certificate', problem, remedy);
