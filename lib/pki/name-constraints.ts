import { isIP } from 'node:net';
import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { canonicalAddress } from '../x509/extensions.ts';
import { explicitTag, implicitTag } from '../x509/der.ts';
import { der, sequence } from './der.ts';
import { nonEmptyList } from './lists.ts';
import { addressOctets, readHostname } from './names.ts';

/** Subtrees of names. */
export interface NameTreesInput {
  /** DNS names: each stands for itself and everything below it. */
  readonly dns?: readonly string[];
  /** Ranges of addresses in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`. */
  readonly ip?: readonly string[];
}

/**
 * Which names may stand in the certificates below (RFC 5280 4.2.1.10). A type that `permitted` does not mention stays
 * free: to allow no address at all, exclude `0.0.0.0/0` and `::/0`.
 */
export interface NameConstraintsInput {
  readonly permitted?: NameTreesInput;
  readonly excluded?: NameTreesInput;
}

/** The extension's value in DER. */
export function encodeNameConstraints(input: NameConstraintsInput, path: string): Buffer {
  checkKeys(input, ['permitted', 'excluded'], path);
  const { permitted, excluded } = input;
  if (permitted === undefined && excluded === undefined) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      'neither permitted nor excluded',
      'Give one of them, or leave it out.',
    );
  }
  return sequence(
    ...(permitted === undefined ? [] : [der(explicitTag(0), ...encodeTrees(permitted, `${path}.permitted`))]),
    ...(excluded === undefined ? [] : [der(explicitTag(1), ...encodeTrees(excluded, `${path}.excluded`))]),
  );
}

function encodeTrees(input: NameTreesInput, path: string): Buffer[] {
  checkKeys(input, ['dns', 'ip'], path);
  if (input.dns === undefined && input.ip === undefined) {
    throw new ConfigError('OPTION_INVALID', path, 'neither dns nor ip', 'Give one of them, or leave it out.');
  }
  const dns = input.dns === undefined ? [] : nonEmptyList(input.dns, `${path}.dns`);
  const ip = input.ip === undefined ? [] : nonEmptyList(input.ip, `${path}.ip`);
  return [
    ...dns.map((name, index) =>
      der(implicitTag(2), Buffer.from(readHostname(name, `${path}.dns[${index}]`), 'latin1')),
    ),
    ...ip.map((range, index) => der(implicitTag(7), encodeRange(range, `${path}.ip[${index}]`))),
  ].map((base) => sequence(base));
}

/** Address and mask, as RFC 4632 has them. */
function encodeRange(range: unknown, path: string): Buffer {
  const [, text = '', digits = ''] = (typeof range === 'string' && /^([^/%]+)\/(\d{1,3})$/.exec(range)) || [];
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(text)] ?? 0;
  const prefix = Number(digits);
  if (bits === 0 || prefix > bits) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `${describe(range)} is no range`,
      "Give one in CIDR notation, as '10.0.0.0/8'.",
    );
  }
  const address = addressOctets(canonicalAddress(text)!);
  const mask = address.map((_, index) => 0xff & (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))));
  if (address.some((octet, index) => (octet & ~mask[index]!) !== 0)) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `${describe(range)} has bits beyond its prefix`,
      'Give the first address of the range.',
    );
  }
  return Buffer.from([...address, ...mask]);
}
