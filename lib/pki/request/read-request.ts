import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import { describe } from '../../options.ts';
import {
  type DerElement,
  DerError,
  expectTag,
  explicitTag,
  readBitString,
  readChildren,
  readElement,
  readSmallInteger,
  tags,
} from '../../x509/der.ts';
import type { SubjectAltNames } from '../../x509/extensions.ts';
import { type DistinguishedName, readName } from '../../x509/name.ts';
import { findPem } from '../../x509/pem.ts';
import { type PublicKeyInfo, readPublicKey } from '../../x509/public-key.ts';
import { requireStrongKey } from '../keys.ts';
import { readAttributes } from './attributes.ts';
import { isSignedBy } from './signature.ts';

/** What a certificate signing request asks for, and proves: that whoever made it has the private key. */
export interface CertificateRequest {
  /** The name it asks for. Anybody may ask for any name. */
  readonly subject: DistinguishedName;
  /** The alternative names it asks for, by type. */
  readonly names: SubjectAltNames;
  /** SubjectPublicKeyInfo in PEM (`BEGIN PUBLIC KEY`). */
  readonly publicKey: string;
  /** Its kind, in Node's terms. */
  readonly keyInfo: PublicKeyInfo;
  /** `sha256/…` of the SubjectPublicKeyInfo: the pin of every certificate for this key. */
  readonly pin: string;
  /** OIDs of all extensions it asks for. None is granted but the names, and these only when you say so. */
  readonly requestedExtensions: readonly string[];
}

/** The same, with what only signs of it. */
export interface ReadRequest extends CertificateRequest {
  readonly key: KeyObject;
  readonly subjectElement: DerElement;
  /** Alternative names of kinds that cannot be granted here. */
  readonly otherNames: number;
}

/** Of the DER. Hundreds of names have room in it. */
const maxSize = 65_536;
const labels: ReadonlySet<string> = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);

/**
 * Reads a certificate signing request (PKCS#10, RFC 2986) and verifies the proof of possession, its own signature. What
 * it says of names is what somebody wishes, no more: show it to who decides, escaped, as it may hold any character.
 *
 * ConfigErrors: `REQUEST_INVALID` where it is damaged, malformed, signed by another key or with SHA-1 or MD5,
 * `KEY_INVALID` where its key is weak or of another type than those that are issued for here.
 */
export function readRequest(pem: string): CertificateRequest {
  const { subject, names, publicKey, keyInfo, pin, requestedExtensions } = openRequest(pem, 'request');
  return Object.freeze({ subject, names, publicKey, keyInfo, pin, requestedExtensions });
}

export function openRequest(pem: unknown, path: string): ReadRequest {
  const der = decode(pem, path);
  try {
    return parse(der, path);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw refusal(path, `it is damaged: ${error.message}`, 'Make it again.', error);
  }
}

function decode(pem: unknown, path: string): Buffer {
  const remedy = "Give one request in PEM ('BEGIN CERTIFICATE REQUEST').";
  if (typeof pem !== 'string') throw refusal(path, `expected a PEM text, got ${describe(pem)}`, remedy);
  const [block, ...others] = pem.length > 4 * maxSize ? [] : (findPem(pem) ?? []);
  if (block === undefined) throw refusal(path, 'it is no PEM', remedy);
  if (others.length > 0) throw refusal(path, `${others.length + 1} PEM blocks`, remedy);
  if (!labels.has(block.label)) throw refusal(path, `the PEM block is a ${block.label}`, remedy);
  const der = block.decode();
  if (der === undefined || der.length > maxSize) throw refusal(path, 'its PEM is damaged', remedy);
  return der;
}

function parse(der: Buffer, path: string): ReadRequest {
  const [info, algorithm, signature, ...after] = readChildren(readElement(der, tags.sequence));
  const [version, subject, spki, ...optional] = readChildren(expectTag(info, tags.sequence));
  if (expectTag(version, tags.integer).content.length !== 1 || readSmallInteger(version) !== 0)
    throw new DerError('not version 1');
  const [attributes, ...more] = optional;
  if (attributes !== undefined) expectTag(attributes, explicitTag(0));
  if (after.length > 0 || more.length > 0) throw new DerError('a field that has no place there');
  const name = readName(subject);
  const { names, otherNames, extensions } = readAttributes(attributes);
  const key = readKey(expectTag(spki, tags.sequence).raw, path);
  const publicKey = key.export({ type: 'spki', format: 'der' });
  // A key that is written anew has another pin than the one the requester knows.
  if (!publicKey.equals(spki!.raw)) throw new DerError('its key is not in DER');
  if (signature?.content[0] !== 0) throw new DerError('its signature is not of whole octets');
  if (!isSignedBy(key, algorithm, info!.raw, readBitString(signature))) {
    throw refusal(
      path,
      'it is not signed with the key that it shows',
      'Make it again, with the private key that belongs to it.',
    );
  }
  return {
    subject: name,
    subjectElement: subject!,
    names,
    otherNames,
    publicKey: key.export({ type: 'spki', format: 'pem' }).toString(),
    keyInfo: readPublicKey(spki!),
    pin: `sha256/${createHash('sha256').update(publicKey).digest('base64')}`,
    requestedExtensions: extensions,
    key,
  };
}

function readKey(spki: Buffer, path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (error) {
    throw refusal(path, 'its public key cannot be read', 'Use a key of a type that Node knows.', error);
  }
  requireStrongKey(key, path);
  return key;
}

const refusal = (path: string, problem: string, remedy: string, cause?: unknown): ConfigError =>
  new ConfigError('REQUEST_INVALID', path, problem, remedy, cause);
