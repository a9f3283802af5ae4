import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

function listNearby(): BlockList {
  const list = new BlockList();
  list.addSubnet('0.0.0.0', 8, 'ipv4');
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addSubnet('169.254.0.0', 16, 'ipv4');
  list.addAddress('::', 'ipv6');
  list.addAddress('::1', 'ipv6');
  list.addSubnet('fe80::', 10, 'ipv6');
  // Where clouds answer their machines with credentials, beside 169.254.169.254.
  list.addSubnet('fd00:ec2::', 32, 'ipv6'); // AWS
  list.addAddress('fd20:ce::254', 'ipv6'); // Google
  list.addAddress('100.100.100.200', 'ipv4'); // Alibaba
  list.addAddress('168.63.129.16', 'ipv4'); // Azure
  list.addSubnet('192.0.0.0', 24, 'ipv4'); // Oracle (.192), and the protocol assignments of RFC 6890
  return list;
}

/** Made for the first that is asked: most servers fetch nothing. */
let nearby: BlockList | undefined;

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

type Interfaces = NodeJS.Dict<ReadonlyArray<{ readonly address: string }>>;

/**
 * Whether an address is on this machine, by whichever of its interfaces, on its link, or the cloud's that it runs in.
 * The interfaces are read each time, as addresses come and go.
 */
export function isNear(address: string, interfaces: Interfaces = networkInterfaces()): boolean {
  nearby ??= listNearby();
  if (nearby.check(address, familyOf(address))) return true;
  const own = new BlockList();
  for (const { address: one } of Object.values(interfaces).flatMap((all) => all ?? [])) {
    const [bare = one] = one.split('%'); // A zone (RFC 4007 11) is no part of it.
    own.addAddress(bare, familyOf(bare));
  }
  return own.check(address, familyOf(address));
}
