import {
  type DerElement,
  DerError,
  explicitTag,
  expectTag,
  implicitTag,
  readBitString,
  readBoolean,
  readChildren,
  readElement,
  readOid,
  readSmallInteger,
  tags,
} from '../../x509/der.ts';
import { oids } from '../../x509/extensions.ts';
import { readGeneralName, readGeneralNames } from '../names/general-name.ts';

/** Reads an extension's value and throws a DerError where it is not built as its RFC says. */
type Form = (value: Buffer) => unknown;

const sequenceOf = (value: Buffer): DerElement[] => readChildren(readElement(value, tags.sequence));

function only(parts: readonly DerElement[], most: number): void {
  if (parts.length > most) throw new DerError('parts that have no place there');
}

/** RFC 5280 4.2.2.1: of each way to the issuer what it is, and where. */
function accessDescriptions(value: Buffer): void {
  for (const item of sequenceOf(value)) {
    const [method, location, ...others] = readChildren(expectTag(item, tags.sequence));
    readOid(method);
    readGeneralName(expectTag(location, undefined));
    only(others, 0);
  }
}

/** RFC 5280 4.2.1.13. */
function distributionPoints(value: Buffer): void {
  const allowed = new Set([explicitTag(0), implicitTag(1), explicitTag(2)]);
  for (const point of sequenceOf(value)) {
    const parts = readChildren(expectTag(point, tags.sequence));
    only(parts, 3);
    if (parts.some(({ tag }) => !allowed.has(tag))) throw new DerError('a part of an unknown type');
  }
}

function basicConstraints(value: Buffer): void {
  const parts = sequenceOf(value);
  if (parts[0]?.tag === tags.boolean) readBoolean(parts.shift());
  only(parts, 1);
}

function policies(value: Buffer): void {
  const seen = new Set<string>();
  for (const item of sequenceOf(value)) {
    const parts = readChildren(expectTag(item, tags.sequence));
    only(parts, 2);
    const oid = readOid(parts[0]);
    if (parts.length === 2) expectTag(parts[1], tags.sequence);
    if (seen.has(oid)) throw new DerError('a policy that comes twice');
    seen.add(oid);
  }
}

function authorityKey(value: Buffer): void {
  const parts = sequenceOf(value);
  only(parts, 3);
  const order = [implicitTag(0), explicitTag(1), implicitTag(2)];
  let last = -1;
  for (const { tag } of parts) {
    if (order.indexOf(tag) <= last) throw new DerError('a part out of place');
    last = order.indexOf(tag);
  }
}

function policyConstraints(value: Buffer): void {
  for (const { tag } of sequenceOf(value))
    if (tag !== implicitTag(0) && tag !== implicitTag(1)) throw new DerError('a part of an unknown type');
}

/** The forms of the extensions that RFC 5280 knows, name constraints aside. */
export const forms: ReadonlyMap<string, Form> = new Map<string, Form>([
  [oids.authorityInfoAccess, accessDescriptions],
  [oids.subjectInfoAccess, accessDescriptions],
  [oids.crlDistributionPoints, distributionPoints],
  [oids.freshestCrl, distributionPoints],
  [oids.basicConstraints, basicConstraints],
  [oids.keyUsage, (value): unknown => readBitString(readElement(value, tags.bitString))],
  [oids.extendedKeyUsage, (value): unknown => sequenceOf(value).map(readOid)],
  [oids.certificatePolicies, policies],
  [oids.policyConstraints, policyConstraints],
  [oids.policyMappings, (value): unknown => sequenceOf(value).map((pair) => readChildren(pair).map(readOid))],
  [oids.inhibitAnyPolicy, (value): unknown => readSmallInteger(readElement(value, tags.integer))],
  [oids.authorityKeyIdentifier, authorityKey],
  [oids.subjectKeyIdentifier, (value): unknown => readElement(value, tags.octetString)],
  [oids.subjectAltName, readGeneralNames],
  [oids.issuerAltName, readGeneralNames],
]);
