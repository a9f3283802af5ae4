import { ConfigError } from '../../errors.ts';
import { describe } from '../../options.ts';
import type { Denial } from './entry.ts';

const remedy =
  "Give 64 hexadecimal digits (SHA-256 of a certificate), or 'sha256/' and 44 characters of base64 (of a public key).";
/** SHA-256 of nothing: what a pipeline of commands prints when the first of them has failed. */
const hashOfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const noDetails = { reason: undefined, until: undefined };

/** A pin or a fingerprint, whichever the text is; undefined where it is a PEM text. */
export function readHash(text: string, path: string): Denial | undefined {
  if (text.includes('-----BEGIN ')) return undefined;
  return text.trim().startsWith('sha256/') ? readPin(text, path) : readFingerprint(text, path);
}

/** What tools write before a fingerprint: `SHA256 Fingerprint=`, `sha256:`. */
const label = /^sha-?256(?:[ :=]?fingerprint)?[:= ]\s*/i;

/** 64 hexadecimal digits in any case, alone or in pairs between colons, hyphens or spaces. */
export function readFingerprint(value: unknown, path: string): Denial {
  const hex = digits(value);
  if (hex === undefined) throw bad(path, `${describe(value)} is no SHA-256 fingerprint`);
  if (/^[0-9a-f]{40}$/.test(hex)) throw bad(path, 'it is a SHA-1 fingerprint, which can be forged');
  if (!/^[0-9a-f]{64}$/.test(hex)) throw bad(path, `${describe(value)} is no SHA-256 fingerprint`);
  if (hex === hashOfNothing) throw ofNothing(path);
  const fingerprint256 = hex.toUpperCase().match(/../g)!.join(':');
  return { key: `certificate:${hex}`, denied: Object.freeze({ fingerprint256, ...noDetails }) };
}

function digits(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > 200) return undefined;
  const text = value.trim().replace(label, '');
  const isPaired = /^[0-9a-f]{2}(?:[:\- ][0-9a-f]{2})*$/i.test(text);
  return (isPaired ? text.replaceAll(/[:\- ]/g, '') : text).toLowerCase();
}

/** `sha256/…=`, or `sha256//…=` as curl writes it. */
export function readPin(value: unknown, path: string): Denial {
  const [, base64] =
    (typeof value === 'string' && /^sha256\/\/?([A-Za-z0-9+/]{43}=)$/.exec(value.trim())) || [];
  // The last character carries two bits of padding: another form of the same hash would match nothing.
  if (base64 === undefined || Buffer.from(base64, 'base64').toString('base64') !== base64)
    throw bad(path, `${describe(value)} is no SHA-256 pin`);
  if (Buffer.from(base64, 'base64').toString('hex') === hashOfNothing) throw ofNothing(path);
  const pin = `sha256/${base64}`;
  return { key: pinKey(pin), denied: Object.freeze({ pin, ...noDetails }) };
}

export const pinKey = (pin: string): string => `key:${pin.slice('sha256/'.length)}`;

/** RFC 5280 allows 20 octets; whoever breaks that must be deniable, too. */
const longestSerial = 256;

/** Hexadecimal in any spelling: case, colons, `0x`, leading zeros do not matter. */
export function readSerialNumber(value: unknown, path: string): string {
  const text = typeof value === 'string' ? value.trim().replace(/^(-?)0x/i, '$1') : '';
  const isPaired = /^-?[0-9a-f]{2}(?:[: ][0-9a-f]{2})*$/i.test(text);
  const hex = isPaired ? text.replaceAll(/[: ]/g, '') : text;
  if (/^-?[0-9a-f]+$/i.test(hex) && hex.length <= longestSerial) return canonicalSerial(hex);
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected a serial number in hexadecimal, got ${describe(value)}`,
    'Give it as a text, as `openssl x509 -serial` prints it; a number would be decimal.',
  );
}

/** Upper case, without leading zeros. */
export const canonicalSerial = (hex: string): string =>
  hex.toUpperCase().replace(/^(-?)0+(?=[0-9A-F])/, '$1');

const bad = (path: string, problem: string): ConfigError =>
  new ConfigError('PIN_INVALID', path, problem, remedy);

const ofNothing = (path: string): ConfigError =>
  new ConfigError(
    'PIN_INVALID',
    path,
    'it is the hash of no octets',
    'The command that made it had no input.',
  );
