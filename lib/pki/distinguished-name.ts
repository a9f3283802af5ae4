import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { nonEmptyList } from './lists.ts';

type StringType = 'ia5String' | 'printableString' | 'utf8String';

type AttributeName =
  | 'C'
  | 'CN'
  | 'DC'
  | 'GN'
  | 'L'
  | 'O'
  | 'OU'
  | 'SN'
  | 'ST'
  | 'UID'
  | 'emailAddress'
  | 'postalCode'
  | 'serialNumber'
  | 'street'
  | 'title';

type Attribute = readonly [oid: string, type: StringType, maxLength: number];

/** With the greatest lengths of RFC 5280 appendix A.1. */
const attributes: Readonly<Record<AttributeName, Attribute>> = {
  C: ['2.5.4.6', 'printableString', 2],
  ST: ['2.5.4.8', 'utf8String', 128],
  L: ['2.5.4.7', 'utf8String', 128],
  street: ['2.5.4.9', 'utf8String', 128],
  postalCode: ['2.5.4.17', 'utf8String', 40],
  DC: ['0.9.2342.19200300.100.1.25', 'ia5String', 63],
  O: ['2.5.4.10', 'utf8String', 64],
  OU: ['2.5.4.11', 'utf8String', 64],
  title: ['2.5.4.12', 'utf8String', 64],
  CN: ['2.5.4.3', 'utf8String', 64],
  SN: ['2.5.4.4', 'utf8String', 64],
  GN: ['2.5.4.42', 'utf8String', 64],
  UID: ['0.9.2342.19200300.100.1.1', 'utf8String', 256],
  serialNumber: ['2.5.4.5', 'printableString', 64],
  emailAddress: ['1.2.840.113549.1.9.1', 'ia5String', 255],
};

const isAttributeName = (name: string): name is AttributeName => Object.hasOwn(attributes, name);

/**
 * A distinguished name to put into a certificate: a text is its common name; an object gives attributes in the order
 * in which they shall stand, each with one value or several: `{ O: 'Example', OU: ['Ops', 'Night'], CN: 'alice' }`.
 * `C` is a code of two letters. Values are not empty, hold no control characters, and keep RFC 5280's lengths
 * (64 characters for `CN`, `O`, `OU`).
 */
export type DistinguishedNameInput =
  | string
  | Readonly<Partial<Record<AttributeName, string | readonly string[]>>>;

/** One attribute, encoded as RFC 5280 4.1.2.4 has it. */
export interface NameAttribute {
  readonly oid: string;
  readonly type: StringType;
  readonly value: string;
}

export function readDistinguishedName(input: DistinguishedNameInput, path: string): readonly NameAttribute[] {
  if (typeof input === 'string') return [readAttribute('CN', input, path)];
  checkKeys(input, Object.keys(attributes), path);
  return Object.entries(input).flatMap(([name, values]) => {
    if (values === undefined || !isAttributeName(name)) return [];
    const list = typeof values === 'string' ? [values] : nonEmptyList(values, `${path}.${name}`);
    return list.map((value) => readAttribute(name, value, `${path}.${name}`));
  });
}

/** The same for attributes that somebody else has given, in their order; undefined where one has no name here. */
export function readAttributes(
  given: readonly (readonly [name: string, value: string])[],
  path: string,
): readonly NameAttribute[] | undefined {
  const read: NameAttribute[] = [];
  for (const [name, value] of given) {
    if (!isAttributeName(name)) return undefined;
    read.push(readAttribute(name, value, path));
  }
  return read;
}

function readAttribute(name: AttributeName, value: unknown, path: string): NameAttribute {
  const [oid, type, maxLength] = attributes[name];
  const refuse = (problem: string, remedy: string): ConfigError =>
    new ConfigError('OPTION_INVALID', path, problem, remedy);
  if (typeof value !== 'string' || value === '')
    throw refuse(`expected a text, got ${describe(value)}`, 'Give a text.');
  if (/[\p{Cc}\p{Cs}\u2028\u2029\p{Bidi_Control}]/u.test(value)) {
    throw refuse('control characters', 'Leave them out: a name with them reads as another one.');
  }
  const length = Array.from(value).length;
  if (length > maxLength) throw refuse(`${length} characters`, `Give at most ${maxLength}.`);
  if (name === 'C' && !/^[A-Z]{2}$/.test(value))
    throw refuse(`${describe(value)} is no country`, "Give two capital letters, as 'DE'.");
  if (type === 'printableString' && !/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value))
    throw refuse('not a PrintableString', 'Use letters, digits and punctuation of ASCII.');
  if (type === 'ia5String' && !/^[\x20-\x7e]*$/.test(value)) throw refuse('not ASCII', 'Use ASCII only.');
  return { oid, type, value };
}
