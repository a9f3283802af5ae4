import { isIP } from 'node:net';
import { describe } from '../../options.ts';
import { addressOctets } from '../../pki/names.ts';
import { canonicalAddress } from '../../x509/extensions.ts';
import type { Match } from '../match.ts';
import { ruleError } from '../rule-error.ts';

/** The addresses whose first `bits` bits are those of `octets`. */
export interface AddressRange {
  readonly octets: readonly number[];
  readonly bits: number;
}

const remedy = "Give an address or a range of them: '192.0.2.1', '10.0.0.0/8', 'fd00::/8'.";

/** An address, or a range in CIDR notation (RFC 4632 3.1, RFC 4291 2.3), or a ConfigError `RULE_INVALID`. */
export function readRange(text: string, path: string): AddressRange {
  const [, address = '', prefix] = /^([^/]+)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(text) ?? [];
  // A zone ('%eth0') means something to one host only.
  const canonical = isIP(address) !== 0 && !address.includes('%') ? canonicalAddress(address) : undefined;
  if (canonical === undefined) throw ruleError(path, `${describe(text)} is no address`, remedy);
  const octets = addressOctets(canonical);
  const bits = prefix === undefined ? octets.length * 8 : Number(prefix);
  if (bits > octets.length * 8) throw ruleError(path, `${describe(text)} has too long a prefix`, remedy);
  if (bits === 0) throw ruleError(path, `${describe(text)} are all addresses there are`, remedy);
  if (isMapped(octets))
    throw ruleError(path, `${describe(text)} is an IPv4 address in IPv6`, 'Give it in the form of IPv4.');
  const start = octets.map((octet, index) => octet & maskAt(bits, index));
  if (start.join() === octets.join()) return { octets, bits };
  const fixed = `${octets.length === 4 ? start.join('.') : canonicalAddress(inGroups(start))}/${bits}`;
  throw ruleError(path, `${describe(text)} has bits behind its prefix`, `Did you mean '${fixed}'?`);
}

/**
 * `text` is an address in canonical form. An IPv4 address that is written in the 16 octets of IPv6 (::ffff:0:0/96) is
 * neither: RFC 5280 4.2.1.6 has IPv4 in 4 octets, and name constraints do not see the other.
 */
export function matchAddress(text: string): (wanted: AddressRange) => Match {
  const seen = addressOctets(text);
  if (isMapped(seen)) return () => 'unclear';
  return ({ octets, bits }) => {
    const isWithin =
      seen.length === octets.length &&
      octets.every((octet, index) => ((octet ^ seen[index]!) & maskAt(bits, index)) === 0);
    return isWithin ? 'yes' : 'no';
  };
}

/** The octet at `index` of the mask with `bits` bits set. */
const maskAt = (bits: number, index: number): number =>
  (0xff << (8 - Math.min(8, Math.max(0, bits - index * 8)))) & 0xff;

const isMapped = (octets: readonly number[]): boolean =>
  octets.length === 16 &&
  octets.slice(0, 10).every((octet) => octet === 0) &&
  octets[10] === 0xff &&
  octets[11] === 0xff;

const inGroups = (octets: readonly number[]): string =>
  Buffer.from(octets).toString('hex').match(/.{4}/g)!.join(':');
