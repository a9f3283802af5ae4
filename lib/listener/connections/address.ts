import { unmapped } from '../../addresses.ts';

/**
 * Whom a connection is counted for: an IPv4 address as it is, mapped into IPv6 or not, and of IPv6 the /64, as one
 * client chooses the other half of its address freely. `undefined` has no key.
 */
export function addressKey(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const plain = unmapped(address);
  return plain.includes(':') ? network(plain) : plain;
}

function network(address: string): string {
  // RFC 6052, RFC 7755: all clients of IPv4 that are translated to IPv6 share this /64.
  if (address.startsWith('64:ff9b::')) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? 0 : tail.split(':').length;
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...(tail ?? '').split(':')];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
