import { closest, describe, isPlainObject } from '../../options.ts';
import { attributeName, type DistinguishedName, knownAttributes } from '../../x509/name.ts';
import { type Match, matchAll, matchAny } from '../match.ts';
import { ruleError } from '../rule-error.ts';
import { quote, quoteAll } from '../wording.ts';

/** Attributes by their short name (`CN`, `O`, `OU` …) or OID, each with the value, or the values, that will do. */
export type DistinguishedNamePattern = Readonly<Record<string, string | readonly string[]>>;

/** Each attribute that must be there, and the values of which it must have one. */
export type WantedAttributes = ReadonlyArray<readonly [attribute: string, values: readonly string[]]>;

/** How OpenSSL and others call them. */
const otherNames: Readonly<Record<string, string>> = {
  commonname: 'CN',
  surname: 'SN',
  country: 'C',
  countryname: 'C',
  locality: 'L',
  localityname: 'L',
  state: 'ST',
  s: 'ST',
  stateorprovincename: 'ST',
  streetaddress: 'street',
  organization: 'O',
  organizationname: 'O',
  organizationalunit: 'OU',
  organizationalunitname: 'OU',
  givenname: 'GN',
  userid: 'UID',
  domaincomponent: 'DC',
  email: 'emailAddress',
  e: 'emailAddress',
};

const example = "Give attributes and their values: { CN: 'a', O: 'Example' }.";

/** Reads what a DN has to have, or throws a ConfigError `RULE_INVALID`. */
export function readAttributes(input: unknown, path: string): WantedAttributes {
  if (!isPlainObject(input)) throw ruleError(path, `got ${describe(input)}`, example);
  const wanted = Object.entries(input).map(
    ([word, values]: [string, unknown]) =>
      [readAttribute(word, path), readWanted(values, `${path}.${word}`)] as const,
  );
  if (wanted.length === 0) throw ruleError(path, 'it names no attribute', example);
  if (new Set(wanted.map(([attribute]) => attribute)).size === wanted.length) return wanted;
  throw ruleError(path, 'one attribute is named twice', 'Give its values in a list.');
}

function readAttribute(word: string, path: string): string {
  const known = attributeName(word);
  if (known !== undefined) return known;
  if (/^[0-2](?:\.(?:0|[1-9][0-9]*))+$/.test(word)) return word;
  const guess = guessOf(word);
  throw ruleError(
    `${path}.${word}`,
    'unknown attribute',
    guess === undefined ? `Known: ${knownAttributes.join(', ')}, or an OID.` : `Did you mean '${guess}'?`,
  );
}

function guessOf(word: string): string | undefined {
  const lower = word.toLowerCase();
  if (Object.hasOwn(otherNames, lower)) return otherNames[lower];
  // Of two letters any two others are two edits away.
  return (
    knownAttributes.find((name) => name.toLowerCase() === lower) ??
    (word.length > 4 ? closest(word, knownAttributes) : undefined)
  );
}

function readWanted(values: unknown, path: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(values) ? Array.from<unknown>(values) : [values];
  if (list.length === 0) throw ruleError(path, 'no value is given', 'Give at least one.');
  return list.map((value) => {
    if (typeof value !== 'string' || value === '')
      throw ruleError(path, `got ${describe(value)}`, 'Give text that is not empty.');
    if (/\p{Cc}|\ufffd/u.test(value))
      throw ruleError(
        path,
        'it has control characters',
        'Give the text alone; such a value is never matched.',
      );
    if (value.startsWith('*') || value.endsWith('*'))
      throw ruleError(
        path,
        `${describe(value)} has a '*', which stands for nothing here`,
        'Give the whole value.',
      );
    // So values are shown that are no text (RFC 4514 2.4).
    if (/^#(?:[0-9a-f]{2})+$/.test(value))
      throw ruleError(path, `${describe(value)} is the DER of a value that is no text`, 'Use rule().');
    return value;
  });
}

/**
 * Values are compared exactly. RFC 5280 7.1 has names compared without regard to case and spaces (RFC 4518), and few do
 * so alike: exactly is what no two programs see differently, and what no look-alike passes. What is the same but for
 * that is not clearly another name.
 */
export const matchName = (wanted: WantedAttributes, name: DistinguishedName): Match =>
  matchAll(wanted, ([attribute, values]) =>
    matchAny(valuesOf(name, attribute), (seen) => matchAny(values, (value) => matchText(value, seen))),
  );

function matchText(value: string, seen: string): Match {
  if (seen === value) return 'yes';
  const loose = loosely(seen);
  return loose === '' || seen.includes('\ufffd') || loose === loosely(value) ? 'unclear' : 'no';
}

/** Without case, spaces, and whatever cannot be seen. */
const loosely = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{C}]/gu, '');

const valuesOf = (name: DistinguishedName, attribute: string): readonly string[] =>
  Object.hasOwn(name, attribute) ? name[attribute]! : [];

export const attributesInWords = (wanted: WantedAttributes): string =>
  wanted
    .map(
      ([attribute, values]) =>
        `${attribute}: ${values.length === 1 ? quoteAll(values) : `[${quoteAll(values)}]`}`,
    )
    .join(', ');

/** The attributes that were asked for, as the certificate has them. */
export const seenInWords = (wanted: WantedAttributes, name: DistinguishedName): string =>
  wanted
    .map(
      ([attribute]) =>
        `${attribute}: ${valuesOf(name, attribute).slice(0, 3).map(quote).join(' + ') || 'none'}`,
    )
    .join(', ');
