import { isIP } from 'node:net';
import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { canonicalAddress } from '../x509/extensions.ts';
import { explicitTag, implicitTag } from '../x509/der.ts';
import { der, sequence } from './der.ts';
import { nonEmptyList } from './lists.ts';
import { addressOctets, readEmail, readHostname } from './names.ts';

/** Subtrees of names. */
export interface NameTreesInput {
  /** DNS names: each stands for itself and everything below it. */
  readonly dns?: readonly string[];
  /** Ranges of addresses in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`. */
  readonly ip?: readonly string[];
  /** Mail: `a@example.org` is one mailbox, `example.org` all of that host, `.example.org` all of the hosts below it. */
  readonly email?: readonly string[];
  /** Hosts of URIs: `example.org` is that host (a SPIFFE trust domain, too), `.example.org` the hosts below it. */
  readonly uri?: readonly string[];
}

/**
 * Which names may stand in the certificates below (RFC 5280 4.2.1.10). A type that `permitted` does not mention stays
 * free: to allow no address at all, exclude `0.0.0.0/0` and `::/0`.
 */
export interface NameConstraintsInput {
  /** Names of these types must be within; other types stay free. */
  readonly permitted?: NameTreesInput;
  /** Names within these are refused, also where they are permitted. */
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
  checkKeys(input, treeTypes, path);
  if (treeTypes.every((type) => input[type] === undefined)) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      'none of dns, ip, email and uri',
      'Give one of them, or leave it out.',
    );
  }
  return treeTypes.flatMap((type) => {
    if (input[type] === undefined) return [];
    const { tag, encode } = encoders[type];
    return nonEmptyList(input[type], `${path}.${type}`).map((base, index) =>
      sequence(der(implicitTag(tag), encode(base, `${path}.${type}[${index}]`))),
    );
  });
}

const treeTypes = ['dns', 'ip', 'email', 'uri'] as const;

/** Numbers of GeneralName (RFC 5280 4.2.1.6). */
const encoders: Readonly<
  Record<
    (typeof treeTypes)[number],
    { readonly tag: number; readonly encode: (base: unknown, path: string) => Buffer }
  >
> = {
  dns: { tag: 2, encode: (name, path) => Buffer.from(readHostname(name, path), 'latin1') },
  ip: { tag: 7, encode: encodeRange },
  email: { tag: 1, encode: encodeMail },
  uri: { tag: 6, encode: encodeHosts },
};

/** A host, or with a dot in front the hosts below it. */
function encodeHosts(base: unknown, path: string): Buffer {
  const below = typeof base === 'string' && base.startsWith('.');
  return Buffer.from(`${below ? '.' : ''}${readHostname(below ? base.slice(1) : base, path)}`, 'latin1');
}

function encodeMail(base: unknown, path: string): Buffer {
  return typeof base === 'string' && base.includes('@')
    ? Buffer.from(readEmail(base, path).value, 'latin1')
    : encodeHosts(base, path);
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
