import { BlockList, isIP } from 'node:net';
import { ConfigError } from './errors.ts';
import { describe } from './options.ts';

/** Without the zone of a link-local address, and without the prefix with which IPv6 sockets show IPv4. */
export function unmapped(address: string): string {
  if (!address.includes(':') && !address.includes('%')) return address;
  const bare = address.split('%', 1)[0]!;
  return /^::ffff:(?=[\d.]+$)/i.test(bare) ? bare.slice(7) : bare;
}

/** Whether an address is one of a list. */
export type AddressTest = (address: string) => boolean;

/**
 * Reads a list of addresses and CIDRs (`10.0.0.0/8`, `2001:db8::/32`). ConfigErrors: `OPTION_INVALID`; a list that
 * holds nearly everything is `OPTION_WEAKENS`, with `instead` as the remedy.
 */
export function readAddresses(value: unknown, path: string, instead: string): AddressTest {
  if (!Array.isArray(value)) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `expected a list, got ${describe(value)}`,
      'Give addresses and CIDRs.',
    );
  }
  // A BlockList makes an object for each address that it is asked about, and most listeners have none to ask about.
  if (value.length === 0) return () => false;
  const list = new BlockList();
  for (const [index, item] of Array.from(value as unknown[]).entries())
    add(list, item, `${path}[${index}]`, instead);
  const holds: AddressTest = (address) => {
    const plain = unmapped(address);
    return list.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4');
  };
  if (scattered.some((family) => family.every(holds)))
    throw new ConfigError('OPTION_WEAKENS', path, 'it holds nearly every address', instead);
  return holds;
}

/** Whoever holds all of these holds the Internet, by whatever prefixes. */
const scattered: ReadonlyArray<readonly string[]> = [
  ['1.0.0.1', '8.8.8.8', '93.184.216.34', '151.101.1.1', '198.51.100.1', '203.0.113.1'],
  ['2001:db8::1', '2400:cb00::1', '2606:4700::1', '2a00:1450::1'],
];

function add(list: BlockList, item: unknown, path: string, instead: string): void {
  const { address, bits, family } = readSubnet(item, path, instead);
  list.addSubnet(address, bits, family);
}

/** One of such a list, with the same ConfigErrors. */
export function readSubnet(item: unknown, path: string, instead: string): Subnet {
  const [, address = '', length] =
    (typeof item === 'string' ? /^([^/]+?)(?:\/(\d{1,3}))?$/.exec(item) : null) ?? [];
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  if (version === 0 || address.includes('%') || bits > most) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `${describe(item)} is neither an address nor a CIDR`,
      "Give one such as '192.0.2.7' or '10.0.0.0/8'.",
    );
  }
  if (bits === 0) throw new ConfigError('OPTION_WEAKENS', path, 'it holds every address', instead);
  return { address, bits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

interface Subnet {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}
