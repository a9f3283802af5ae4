import { checkKeys, wholeNumber } from '../../options.ts';
import { readHosts } from './allowed-hosts.ts';

/** `clientAuth.revocation.fetch`: lists from where the certificates of verified clients say that they lie. */
export interface RevocationFetchOptions {
  /**
   * Mandatory: the hosts that may be asked, each by its exact name or address: `crl.example.org` stands for the ports of
   * http and https, `crl.example.org:8080` for that one alone. A name that leads to this machine or its link is refused
   * unless the address itself, or `localhost`, is listed.
   */
  readonly hosts: readonly string[];
  /** The longest time after which a list is asked for again, in milliseconds; an hour by default. */
  readonly interval?: number | undefined;
  /** For one list, in milliseconds; 10 s by default. No request waits for it. */
  readonly timeout?: number | undefined;
  /** The largest list, in octets; 16 MiB by default. */
  readonly maxBytes?: number | undefined;
}

/** The option, read. */
export interface RevocationFetchConfig {
  readonly hosts: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  readonly maxBytes: number;
}

const second = 1_000;
const day = 86_400_000;

/** Reads `fetch`. ConfigErrors `OPTION_UNKNOWN`, `OPTION_INVALID`. */
export function readFetch(option: unknown, path: string): RevocationFetchConfig | undefined {
  if (option === undefined) return undefined;
  checkKeys(option, ['hosts', 'interval', 'timeout', 'maxBytes'], path);
  const { hosts, interval, timeout, maxBytes } = option as Partial<RevocationFetchOptions>;
  return Object.freeze({
    hosts: readHosts(hosts, `${path}.hosts`),
    interval: wholeNumber(interval ?? 3_600_000, `${path}.interval`, 'milliseconds', second, 7 * day),
    timeout: wholeNumber(timeout ?? 10_000, `${path}.timeout`, 'milliseconds', 1, 120_000),
    maxBytes: wholeNumber(maxBytes ?? 2 ** 24, `${path}.maxBytes`, 'octets', 1024, 2 ** 28),
  });
}
