import {
  type DerElement,
  DerError,
  explicitTag,
  implicitTag,
  readChildren,
  readElement,
  tags,
} from '../../x509/der.ts';

/** The types of GeneralName (RFC 5280 4.2.1.6) by their tags. */
const types: ReadonlyMap<number, NameType> = new Map([
  [explicitTag(0), 'otherName'],
  [implicitTag(1), 'rfc822Name'],
  [implicitTag(2), 'dNSName'],
  [explicitTag(3), 'x400Address'],
  [explicitTag(4), 'directoryName'],
  [explicitTag(5), 'ediPartyName'],
  [implicitTag(6), 'uniformResourceIdentifier'],
  [implicitTag(7), 'iPAddress'],
  [implicitTag(8), 'registeredID'],
]);

export type NameType =
  | 'dNSName'
  | 'directoryName'
  | 'ediPartyName'
  | 'iPAddress'
  | 'otherName'
  | 'registeredID'
  | 'rfc822Name'
  | 'uniformResourceIdentifier'
  | 'x400Address';

export interface GeneralName {
  readonly type: NameType;
  readonly content: Buffer;
}

/** Throws a DerError where it is none. */
export function readGeneralName({ tag, content }: DerElement): GeneralName {
  const type = types.get(tag);
  if (type === undefined) throw new DerError(`a general name of the unknown type 0x${tag.toString(16)}`);
  return { type, content };
}

/** GeneralNames, as they stand in an extension. */
export const readGeneralNames = (value: Buffer): readonly GeneralName[] =>
  readChildren(readElement(value, tags.sequence)).map(readGeneralName);
