import { Reader, WireError } from './bytes.ts';
import { extensions, type Version } from './numbers.ts';
import { readExtensions } from './server-hello.ts';
import type { Suite } from './suites.ts';

/** A chain longer than any client accepts is somebody's attempt to keep us busy. */
const mostCertificates = 32;

export interface SentCertificates {
  /** DER, in the order in which they were sent. */
  readonly certificates: readonly Buffer[];
  /** The OCSP response that came with the first one (TLS 1.3). */
  readonly ocspResponse: Buffer | undefined;
}

/** Certificate of TLS 1.2 and before (RFC 5246 7.4.2). */
export function readCertificates(body: Buffer): SentCertificates {
  const reader = new Reader(body);
  const list = new Reader(reader.vector(3));
  reader.end();
  const certificates: Buffer[] = [];
  while (list.left > 0) certificates.push(bounded(certificates, list.vector(3)));
  return { certificates, ocspResponse: undefined };
}

/** Certificate of TLS 1.3 (RFC 8446 4.4.2). */
export function readCertificates13(body: Buffer): SentCertificates {
  const reader = new Reader(body);
  reader.vector(1);
  const list = new Reader(reader.vector(3));
  reader.end();
  const certificates: Buffer[] = [];
  let ocspResponse: Buffer | undefined;
  while (list.left > 0) {
    const der = bounded(certificates, list.vector(3));
    const status = readExtensions(list.vector(2)).get(extensions.statusRequest);
    if (certificates.length === 0 && status !== undefined) ocspResponse = readStatus(status);
    certificates.push(der);
  }
  return { certificates, ocspResponse };
}

function bounded(before: readonly Buffer[], der: Buffer): Buffer {
  if (before.length >= mostCertificates) throw new WireError('a chain that is too long');
  return der;
}

/** CertificateStatus (RFC 6066 8): an OCSP response, or undefined for another kind. */
export function readStatus(body: Buffer): Buffer | undefined {
  const reader = new Reader(body);
  if (reader.number(1) !== 1) return undefined;
  const response = reader.vector(3);
  reader.end();
  return response;
}

export interface ClientCertificateRequest {
  /** Distinguished names in DER. */
  readonly authorities: readonly Buffer[];
}

/** CertificateRequest: before TLS 1.2 without signature algorithms (RFC 5246 7.4.4). */
export function readCertificateRequest(body: Buffer, version: Version): ClientCertificateRequest {
  const reader = new Reader(body);
  reader.vector(1);
  if (version === 'TLSv1.3') {
    const names = readExtensions(reader.vector(2)).get(extensions.certificateAuthorities);
    reader.end();
    return { authorities: names === undefined ? [] : readNames(names) };
  }
  if (version === 'TLSv1.2') reader.vector(2);
  const authorities = readNames(reader.take(reader.left));
  return { authorities };
}

function readNames(octets: Buffer): Buffer[] {
  const reader = new Reader(octets);
  const list = new Reader(reader.vector(2));
  reader.end();
  const names: Buffer[] = [];
  while (list.left > 0) names.push(list.vector(2));
  return names;
}

/** What ServerKeyExchange tells of the strength of an exchange. */
export interface KeyExchange {
  /** Named curve of ECDHE; undefined where the curve is explicit, or there is none. */
  readonly group: number | undefined;
  /** Bits of the prime of DHE. */
  readonly dhBits: number | undefined;
  /** SignatureScheme; undefined before TLS 1.2 and without a signature. */
  readonly scheme: number | undefined;
}

/** ServerKeyExchange (RFC 5246 7.4.3, RFC 8422 5.4, RFC 4279 2); undefined for kinds that say nothing of use. */
export function readKeyExchange(body: Buffer, suite: Suite, version: Version): KeyExchange | undefined {
  const reader = new Reader(body);
  if (suite.psk) reader.vector(2);
  const parameters = readParameters(reader, suite);
  if (parameters === undefined) return undefined;
  const isSigned = reader.left > 0 && version === 'TLSv1.2';
  return { ...parameters, scheme: isSigned ? reader.number(2) : undefined };
}

function readParameters(reader: Reader, suite: Suite): Omit<KeyExchange, 'scheme'> | undefined {
  if (suite.keyExchange === 'dhe') {
    const prime = reader.vector(2);
    reader.vector(2);
    reader.vector(2);
    return { group: undefined, dhBits: bitsOf(prime) };
  }
  if (suite.keyExchange !== 'ecdhe') return undefined;
  const named = 3;
  if (reader.number(1) !== named) return undefined;
  const group = reader.number(2);
  reader.vector(1);
  return { group, dhBits: undefined };
}

function bitsOf(number: Buffer): number {
  const first = number.findIndex((octet) => octet !== 0);
  return first === -1 ? 0 : (number.length - first) * 8 - (Math.clz32(number[first]!) - 24);
}
