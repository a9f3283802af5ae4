import {
  type DerElement,
  DerError,
  expectTag,
  explicitTag,
  implicitTag,
  readBitString,
  readChildren,
  readElement,
  readOid,
  readSmallInteger,
  readTime,
  tags,
} from '../../x509/der.ts';
import { type Extension, readExtensions } from '../../x509/extensions.ts';
import { type CertId, nonceOid, sha1Oid } from './ocsp-request.ts';
import type { Signed } from './ocsp-signature.ts';

/** The state of one certificate (RFC 6960 4.2.1). Times are milliseconds since 1970. */
export interface SingleResponse {
  /** Undefined where its hashes are not SHA-1. */
  readonly certId: CertId | undefined;
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly revokedAt: number | undefined;
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
}

/** A BasicOCSPResponse, read. Nothing in it is verified. */
export interface BasicResponse {
  readonly signed: Signed;
  /** Who says to have signed: by its Name in DER, or by the SHA-1 of its key. */
  readonly responder: { readonly name: Buffer } | { readonly keyHash: Buffer };
  readonly producedAt: number;
  /** The value of the nonce extension (RFC 9654), as it stands there; undefined without one. */
  readonly nonce: Buffer | undefined;
  readonly responses: readonly SingleResponse[];
  /** DER of the certificates that came along. */
  readonly certificates: readonly Buffer[];
}

/** Responders answer for one certificate; a batch of hundreds is somebody's attempt to keep us busy. */
const maxResponses = 64;
const enumerated = 0x0a;
const basicResponseOid = '1.3.6.1.5.5.7.48.1.1';

const statuses = [
  'successful',
  'malformedRequest',
  'internalError',
  'tryLater',
  '4',
  'sigRequired',
  'unauthorized',
];

/** An OCSPResponse (RFC 6960 4.2.1), or the name of the status by which the responder refuses. Throws a DerError. */
export function readOcspResponse(input: Buffer): BasicResponse | string {
  const [status, bytes] = readChildren(readElement(input, tags.sequence));
  const { content } = expectTag(status, enumerated);
  if (content.length !== 1) throw new DerError('bad status');
  const code = content[0]!;
  if (code !== 0) return statuses[code] ?? String(code);
  const [type, response] = readChildren(readElement(expectTag(bytes, explicitTag(0)).content, tags.sequence));
  if (readOid(type) !== basicResponseOid) throw new DerError('a response of another type');
  return readBasicResponse(expectTag(response, tags.octetString).content);
}

function readBasicResponse(input: Buffer): BasicResponse {
  const [body, algorithm, signature, certificates] = readChildren(readElement(input, tags.sequence));
  const fields = readChildren(expectTag(body, tags.sequence));
  if (fields[0]?.tag === explicitTag(0)) {
    if (readSmallInteger(readElement(fields.shift()!.content)) !== 0) throw new DerError('another version');
  }
  const [responder, producedAt, responses, extensions] = fields;
  const nonce = readExtensionsOf(extensions, understood)?.get(nonceOid)?.value;
  const singles = readChildren(expectTag(responses, tags.sequence));
  if (singles.length > maxResponses) throw new DerError('too many responses');
  return {
    signed: {
      data: body!.raw,
      algorithm: expectTag(algorithm, tags.sequence),
      signature: readBitString(signature),
    },
    responder: readResponder(expectTag(responder, undefined)),
    producedAt: readGeneralizedTime(producedAt),
    nonce,
    responses: singles.map(readSingle),
    certificates: certificates === undefined ? [] : readCertificates(expectTag(certificates, explicitTag(0))),
  };
}

function readResponder({ tag, content }: DerElement): BasicResponse['responder'] {
  if (tag === explicitTag(1)) return { name: readElement(content, tags.sequence).raw };
  if (tag === explicitTag(2)) return { keyHash: readElement(content, tags.octetString).content };
  throw new DerError('bad responder');
}

const readCertificates = ({ content }: DerElement): Buffer[] =>
  readChildren(readElement(content, tags.sequence)).map(({ raw }) => raw);

function readSingle(element: DerElement): SingleResponse {
  const [certId, status, thisUpdate, ...optional] = readChildren(expectTag(element, tags.sequence));
  const nextUpdate = optional[0]?.tag === explicitTag(0) ? optional.shift() : undefined;
  readExtensionsOf(optional[0], none);
  return {
    certId: readCertId(expectTag(certId, tags.sequence)),
    ...readStatus(expectTag(status, undefined)),
    thisUpdate: readGeneralizedTime(thisUpdate),
    nextUpdate: nextUpdate && readGeneralizedTime(readElement(nextUpdate.content)),
  };
}

function readStatus(element: DerElement): Pick<SingleResponse, 'status' | 'revokedAt'> {
  switch (element.tag) {
    case implicitTag(0):
      return { status: 'good', revokedAt: undefined };
    case explicitTag(1):
      return { status: 'revoked', revokedAt: readGeneralizedTime(readChildren(element)[0]) };
    case implicitTag(2):
      return { status: 'unknown', revokedAt: undefined };
    default:
      throw new DerError('bad status of a certificate');
  }
}

function readCertId(element: DerElement): CertId | undefined {
  const [algorithm, name, key, serialNumber] = readChildren(element);
  const hash = readOid(readChildren(expectTag(algorithm, tags.sequence))[0]);
  const id = {
    issuerNameHash: expectTag(name, tags.octetString).content,
    issuerKeyHash: expectTag(key, tags.octetString).content,
    serialNumber: expectTag(serialNumber, tags.integer).raw,
  };
  return hash === sha1Oid ? id : undefined;
}

const understood: ReadonlySet<string> = new Set([nonceOid]);
const none: ReadonlySet<string> = new Set();

/** RFC 6960 4.4: what is critical and not understood must not be passed over. */
function readExtensionsOf(
  element: DerElement | undefined,
  known: ReadonlySet<string>,
): ReadonlyMap<string, Extension> | undefined {
  if (element === undefined) return undefined;
  const extensions = readExtensions(expectTag(element, explicitTag(1)));
  for (const [oid, { critical }] of extensions) {
    if (critical && !known.has(oid)) throw new DerError(`the unknown critical extension ${oid}`);
  }
  return extensions;
}

const readGeneralizedTime = (element: DerElement | undefined): number =>
  readTime(expectTag(element, tags.generalizedTime));
