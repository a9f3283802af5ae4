import { ConfigError } from '../errors.ts';
import { describe } from '../options.ts';

/** SPKI pins (`sha256/…=`) and certificate fingerprints (`AB:CD:…`), in the forms that a ClientCertificate has. */
export type PinSet = ReadonlySet<string>;

/** SHA-256 of nothing: what a pipeline of commands prints when the first of them has failed. */
const pinOfNothing = 'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';

const remedy =
  "Give 'sha256/' and 44 characters of base64 (a public key), or 64 hexadecimal digits (a certificate).";

/** Reads pins, or throws a ConfigError `PIN_INVALID`; case and colons of a fingerprint do not matter. */
export function readPins(pins: unknown, path: string): PinSet {
  const list: readonly unknown[] = Array.isArray(pins) ? pins : [pins];
  if (list.length === 0) throw new ConfigError('PIN_INVALID', path, 'there is none', remedy);
  // Not map(), which skips the holes of an array.
  return new Set(
    Array.from(list, (pin, index) => readPin(pin, Array.isArray(pins) ? `${path}[${index}]` : path)),
  );
}

/** A pin in the form that a ClientCertificate has, or what is wrong with it. */
export type ParsedPin =
  | { readonly kind: 'key' | 'certificate'; readonly pin: string }
  | { readonly problem: string; readonly remedy: string };

function readPin(value: unknown, path: string): string {
  const parsed = parsePin(value);
  if ('pin' in parsed) return parsed.pin;
  throw new ConfigError('PIN_INVALID', path, parsed.problem, parsed.remedy);
}

export function parsePin(pin: unknown): ParsedPin {
  if (typeof pin !== 'string') return { problem: `got ${describe(pin)}`, remedy };
  if (pin === pinOfNothing)
    return { problem: 'it is the hash of no octets', remedy: 'The command that made it had no input.' };
  const spki = /^sha256\/([A-Za-z0-9+/]{43}=)$/.exec(pin);
  // The last character carries two bits of padding: another form of the same hash would match nothing.
  if (spki !== null && Buffer.from(spki[1]!, 'base64').toString('base64') === spki[1])
    return { kind: 'key', pin };
  const hex = pin
    .replace(/^sha256:/i, '')
    .replaceAll(':', '')
    .toUpperCase();
  if (/^[0-9A-F]{64}$/.test(hex)) return { kind: 'certificate', pin: hex.match(/../g)!.join(':') };
  return { problem: `${describe(pin)} is no SHA-256 pin`, remedy };
}
