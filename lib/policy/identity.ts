import { describe } from '../options.ts';
import { canonicalSerial } from '../trust/deny-list/identifiers.ts';
import { parsePin } from './pins.ts';
import { matchRule } from './pure-rule.ts';
import type { Rule } from './rule.ts';
import { readValues, ruleError, type Values } from './rule-error.ts';
import { quote, quoteAll } from './wording.ts';

/**
 * Clients with one of these certificates, by SHA-256 of the DER in hexadecimal, with or without colons, in either case.
 * A renewed certificate is another one: `pin` stays as long as the key does. A ConfigError `RULE_INVALID` for anything
 * else.
 */
export function fingerprint(...fingerprints: Values): Rule {
  const wanted = new Set(
    readPinsOf(
      'certificate',
      fingerprints,
      'fingerprint',
      'Give 64 hexadecimal digits; for a key there is pin().',
    ),
  );
  return matchRule({
    name: `fingerprint(${quoteAll([...wanted])})`,
    match: ({ fingerprint256 }) => (wanted.has(fingerprint256) ? 'yes' : 'no'),
    expected: `the certificate ${quoteAll([...wanted])}`,
    seen: ({ fingerprint256 }) => fingerprint256,
  });
}

/**
 * Clients with one of these public keys, by `sha256/…=` of the SPKI (RFC 7469 in OkHttp's notation). A renewed
 * certificate for the same key is let in. A ConfigError `RULE_INVALID` for anything else.
 */
export function pin(...pins: Values): Rule {
  const wanted = new Set(
    readPinsOf(
      'key',
      pins,
      'pin',
      "Give 'sha256/' and 44 characters of base64; for a certificate there is fingerprint().",
    ),
  );
  return matchRule({
    name: `pin(${quoteAll([...wanted])})`,
    match: (certificate) => (wanted.has(certificate.pin) ? 'yes' : 'no'),
    expected: `the key ${quoteAll([...wanted])}`,
    seen: (certificate) => certificate.pin,
  });
}

function readPinsOf(
  kind: 'key' | 'certificate',
  values: Values,
  path: string,
  remedy: string,
): readonly string[] {
  return readValues(values, path, remedy, (value, at) => {
    const parsed = parsePin(value);
    if ('problem' in parsed) throw ruleError(at, parsed.problem, remedy);
    if (parsed.kind === kind) return parsed.pin;
    throw ruleError(at, `${quote(value)} is a pin of a ${parsed.kind}`, remedy);
  });
}

const serialRemedy = "Give hexadecimal digits, '0A:1B' or '0a1b'.";

/**
 * Clients whose certificate has one of these serial numbers, in hexadecimal: case, zeros at the front, `0x`, and colons
 * between pairs of digits do not matter; a negative one begins with '-'. A serial number is unique within one issuer only (RFC 5280 4.1.2.2): where the route has several CAs
 * combine it with `issuedBy`. A ConfigError `RULE_INVALID` for anything else.
 *
 * ```ts
 * allOf(issuedBy(devicesCa), not(serialNumber('0A:1B')))
 * ```
 */
export function serialNumber(...serialNumbers: Values): Rule {
  const wanted = new Set(readValues(serialNumbers, 'serialNumber', serialRemedy, readSerial));
  const words = quoteAll([...wanted]);
  return matchRule({
    name: `serialNumber(${words})`,
    match: (certificate) => (wanted.has(normalSerial(certificate.serialNumber)) ? 'yes' : 'no'),
    expected: `the serial number ${words}`,
    seen: (certificate) => quote(certificate.serialNumber),
  });
}

function readSerial(text: string, path: string): string {
  const digits = text.replace(/^(-?)0x/i, '$1');
  // RFC 5280 4.1.2.2 has 20 octets at most, but no one issues again what was once issued longer.
  if (/^-?(?:[0-9A-Fa-f]+|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})+)$/.test(digits) && digits.length <= 192)
    return normalSerial(digits);
  throw ruleError(path, `${describe(text)} is no serial number`, serialRemedy);
}

/** Upper case in pairs, with the sign before, as a ClientCertificate has it. */
function normalSerial(text: string): string {
  const [, sign, digits] = /^(-?)(.*)$/.exec(canonicalSerial(text.replaceAll(':', '')))!;
  return digits === '0' || digits!.length % 2 === 0 ? `${sign}${digits}` : `${sign}0${digits}`;
}
