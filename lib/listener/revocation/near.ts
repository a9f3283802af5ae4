import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

const nearby = new BlockList();
nearby.addSubnet('0.0.0.0', 8, 'ipv4');
nearby.addSubnet('127.0.0.0', 8, 'ipv4');
nearby.addSubnet('169.254.0.0', 16, 'ipv4');
nearby.addAddress('::', 'ipv6');
nearby.addAddress('::1', 'ipv6');
nearby.addSubnet('fe80::', 10, 'ipv6');
// Where clouds answer their machines with credentials, beside 169.254.169.254.
nearby.addSubnet('fd00:ec2::', 32, 'ipv6'); // AWS
nearby.addAddress('fd20:ce::254', 'ipv6'); // Google
nearby.addAddress('100.100.100.200', 'ipv4'); // Alibaba
nearby.addAddress('168.63.129.16', 'ipv4'); // Azure
nearby.addSubnet('192.0.0.0', 24, 'ipv4'); // Oracle (.192), and the protocol assignments of RFC 6890

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

type Interfaces = NodeJS.Dict<ReadonlyArray<{ readonly address: string }>>;

/**
 * Whether an address is on this machine, by whichever of its interfaces, on its link, or the cloud's that it runs in.
 * The interfaces are read each time, as addresses come and go.
 */
export function isNear(address: string, interfaces: Interfaces = networkInterfaces()): boolean {
  if (nearby.check(address, familyOf(address))) return true;
  const own = new BlockList();
  for (const { address: one } of Object.values(interfaces).flatMap((all) => all ?? [])) {
    const [bare = one] = one.split('%'); // A zone (RFC 4007 11) is no part of it.
    own.addAddress(bare, familyOf(bare));
  }
  return own.check(address, familyOf(address));
}
