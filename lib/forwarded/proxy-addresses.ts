import { type AddressTest, readAddresses, readSubnet } from '../addresses.ts';
import { ConfigError } from '../errors.ts';

/** Who is at the other end of a connection. Nothing that a client can write is looked at. */
export interface Peer {
  readonly remoteAddress?: string | undefined;
  /** The server that has accepted it; a string is the path of a Unix socket. */
  readonly server?: { address?(): unknown } | null | undefined;
}

/** Whether a proxy that may forward certificates is at the other end. */
export type ProxyTest = (peer: Peer) => boolean;

const remedy =
  "Give the proxy's addresses or CIDRs ('10.0.0.5', '10.0.1.0/24'), 'loopback', 'unix', or a rule on its certificate.";

const instead = 'Name the proxies: whoever is trusted here can be any client.';

const loopback = ['127.0.0.0/8', '::1'];

/**
 * Reads the addresses from which a proxy forwards: one or a list of addresses, CIDRs, `loopback`, and `unix` for
 * whoever reaches a Unix socket. IPv4 mapped into IPv6 is IPv4. ConfigErrors: `OPTION_INVALID` where there is none, or
 * what is none; `OPTION_WEAKENS` for a list that holds everybody.
 */
export function readProxyAddresses(value: unknown, path: string): ProxyTest {
  const list: readonly unknown[] = Array.isArray(value) ? Array.from(value) : [value];
  if (value === undefined || list.length === 0)
    throw new ConfigError('OPTION_INVALID', path, 'it is mandatory', `${remedy} ${instead}`);
  const addresses = list.flatMap((item, index) => {
    if (item === 'unix') return [];
    if (item === 'loopback') return loopback;
    readSubnet(item, Array.isArray(value) ? `${path}[${index}]` : path, instead);
    return [item];
  });
  const holds = readAddresses(addresses, path, instead);
  return testOf(holds, list.includes('unix'));
}

/** A socket that is closed has no address any more, and is nobody's. */
const testOf =
  (holds: AddressTest, unix: boolean): ProxyTest =>
  (peer) =>
    peer.remoteAddress === undefined ? unix && isOfUnixSocket(peer) : holds(peer.remoteAddress);

const isOfUnixSocket = ({ server }: Peer): boolean =>
  typeof server === 'object' && server !== null && typeof server.address?.() === 'string';
