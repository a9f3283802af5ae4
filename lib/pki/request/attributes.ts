import {
  type DerElement,
  DerError,
  expectTag,
  readChildren,
  readElement,
  readOid,
  tags,
} from '../../x509/der.ts';
import {
  type Extension,
  oids,
  readExtensions,
  readSubjectAltNames,
  type SubjectAltNames,
} from '../../x509/extensions.ts';

/** The attribute in which a request asks for extensions (RFC 2985 5.4.2). */
export const extensionRequest = '1.2.840.113549.1.9.14';

/** What stands in the attributes of a request. */
export interface RequestAttributes {
  readonly names: SubjectAltNames;
  /** Names of kinds that cannot be granted here. */
  readonly otherNames: number;
  /** OIDs of all extensions that are asked for. */
  readonly extensions: readonly string[];
}

/**
 * The attributes of a request (RFC 2986 4.1). Of those that are well-formed only the names count: what else it asks for
 * (to be a CA, purposes, a challenge password) is nobody's business but the authority's. Throws a DerError.
 */
export function readAttributes(element: DerElement | undefined): RequestAttributes {
  const values = new Map<string, DerElement>();
  for (const attribute of element === undefined ? [] : readChildren(element)) {
    const [type, set, ...others] = readChildren(expectTag(attribute, tags.sequence));
    const oid = readOid(type);
    if (values.has(oid)) throw new DerError(`attribute ${oid} comes twice`);
    if (others.length > 0) throw new DerError('an attribute of more than two parts');
    const [value, ...more] = readChildren(expectTag(set, tags.set));
    if (value === undefined) throw new DerError(`attribute ${oid} has no value`);
    if (oid === extensionRequest && more.length > 0)
      throw new DerError(`attribute ${oid} has several values`);
    values.set(oid, value);
  }
  return readRequested(values.get(extensionRequest));
}

function readRequested(value: DerElement | undefined): RequestAttributes {
  const extensions: ReadonlyMap<string, Extension> =
    value === undefined
      ? new Map()
      : readExtensions({ ...value, content: expectTag(value, tags.sequence).raw });
  const altNames = extensions.get(oids.subjectAltName)?.value;
  const names = readSubjectAltNames(altNames);
  const known = Object.values(names).reduce((sum: number, list: readonly string[]) => sum + list.length, 0);
  const all = altNames === undefined ? 0 : readChildren(readElement(altNames)).length;
  return { names, otherNames: all - known, extensions: Object.freeze([...extensions.keys()]) };
}
