import { ConfigError } from '../errors.ts';
import {
  type DerElement,
  DerError,
  expectTag,
  explicitTag,
  readBitString,
  readChildren,
  readElement,
  tags,
} from '../x509/der.ts';
import { readExtensions } from '../x509/extensions.ts';
import { findPem } from '../x509/pem.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Issuer } from './issuer.ts';
import { isSignedBy } from './request/signature.ts';

const crlNumber = '2.5.29.20';

/**
 * The number of a list that this authority has signed (RFC 5280 5.2.3), -1 for one without. Another's list says nothing
 * of ours, and one that somebody has changed could use all numbers up: a ConfigError `CRL_INVALID`.
 */
export function readCrlNumber(pem: string, issuer: Issuer, path: string): bigint {
  const [block, ...others] = findPem(pem) ?? [];
  if (block?.label !== 'X509 CRL' || others.length > 0)
    throw refusal(path, 'it is not one CRL in PEM', "Give the last list ('BEGIN X509 CRL'), or its number.");
  try {
    return readNumber(block.decode() ?? Buffer.alloc(0), issuer, path);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw refusal(path, 'it is damaged', 'Give the list as it was published.', error);
  }
}

/** The fields of a list that this authority has signed; undefined for another's. Throws a DerError. */
export function readOwnCrl(der: Buffer, issuer: Certificate): readonly DerElement[] | undefined {
  const [list, algorithm, signature] = readChildren(readElement(der, tags.sequence));
  const fields = readChildren(expectTag(list, tags.sequence));
  const [version] = fields;
  const name = fields[version?.tag === tags.integer ? 2 : 1];
  const isOurs =
    name?.raw.equals(issuer.subjectRaw) === true &&
    isSignedBy(issuer.x509.publicKey, algorithm, list!.raw, readBitString(signature));
  return isOurs ? fields : undefined;
}

function readNumber(der: Buffer, issuer: Issuer, path: string): bigint {
  const fields = readOwnCrl(der, issuer.certificate);
  if (fields === undefined)
    throw refusal(path, 'it is not signed by this authority', 'Give the last list of this one.');
  const extensions = fields.find(({ tag }) => tag === explicitTag(0));
  const value = extensions && readExtensions(extensions).get(crlNumber)?.value;
  return value === undefined ? -1n : readUnsigned(readElement(value, tags.integer));
}

function readUnsigned({ content }: DerElement): bigint {
  if (content.length === 0 || content[0]! >= 0x80) throw new DerError('a number that is none');
  return BigInt(`0x${content.toString('hex')}`);
}

const refusal = (path: string, problem: string, remedy: string, cause?: unknown): ConfigError =>
  new ConfigError('CRL_INVALID', path, problem, remedy, cause);
