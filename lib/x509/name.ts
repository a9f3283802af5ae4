import { type DerElement, expectTag, readChildren, readOid, readString, tags } from './der.ts';

/**
 * A distinguished name: each attribute with all its values, in the order of the certificate. Keys are the usual
 * short names (`CN`, `O`, `OU`, `C`, `L`, `ST`, `DC`, `UID`, `emailAddress`, `serialNumber` …) or a dotted OID.
 */
export type DistinguishedName = Readonly<Record<string, readonly string[]>>;

/** Short names of RFC 4519 and of OpenSSL, where they are the ones in use. */
const attributeNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'street',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.17': 'postalCode',
  '2.5.4.42': 'GN',
  '2.5.4.43': 'initials',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.65': 'pseudonym',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
};

/** The name under which a DistinguishedName has the attribute `word`, which is one of these names or its OID. */
export const attributeName = (word: string): string | undefined =>
  Object.hasOwn(attributeNames, word)
    ? attributeNames[word]
    : Object.values(attributeNames).find((name) => name === word);

export const knownAttributes: readonly string[] = Object.values(attributeNames);

const shortNames: ReadonlySet<string> = new Set(Object.values(attributeNames));

/** Whether a DistinguishedName can have an attribute of this name. */
export const isAttributeName = (name: string): boolean =>
  shortNames.has(name) || (/^\d+(?:\.\d+)+$/.test(name) && !Object.hasOwn(attributeNames, name));

/** Reads a Name (RFC 5280 4.1.2.4); an attribute that comes twice, or in one multi-valued RDN, has two values. */
export function readName(element: DerElement | undefined): DistinguishedName {
  const name: Record<string, string[]> = {};
  for (const relative of readChildren(expectTag(element, tags.sequence))) {
    for (const attribute of readChildren(expectTag(relative, tags.set))) {
      const [type, value] = readChildren(expectTag(attribute, tags.sequence));
      const oid = readOid(type);
      (name[attributeNames[oid] ?? oid] ??= []).push(readString(expectTag(value, undefined)));
    }
  }
  for (const values of Object.values(name)) Object.freeze(values);
  return Object.freeze(name);
}
