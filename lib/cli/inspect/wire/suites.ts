import { suiteNames } from './suite-names.ts';

/** What a cipher suite is, as far as a verdict needs it. */
export interface Suite {
  readonly number: number;
  /** IANA's name; one that is not registered is written as its number. */
  readonly name: string;
  readonly tls13: boolean;
  /** How the keys are agreed on, and so what ServerKeyExchange holds. */
  readonly keyExchange: 'tls13' | 'ecdhe' | 'dhe' | 'rsa' | 'srp' | 'other';
  readonly anonymous: boolean;
  readonly psk: boolean;
}

/** TLS 1.3 has numbers of its own: a suite of it is nothing in TLS 1.2, and the other way round (RFC 8446 B.4). */
const numbersOf13: ReadonlySet<number> = new Set([
  0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0x00c6, 0x00c7, 0xc0b4, 0xc0b5, 0xc103, 0xc104, 0xc105, 0xc106,
]);

function read(number: number, name: string): Suite {
  const [exchange = ''] = name.slice('TLS_'.length).split('_WITH_');
  return {
    number,
    name,
    tls13: numbersOf13.has(number),
    keyExchange: numbersOf13.has(number) ? 'tls13' : keyExchangeOf(exchange),
    anonymous: exchange.includes('_anon') || number === 0,
    psk: /(?:^|_)PSK/.test(exchange),
  };
}

function keyExchangeOf(exchange: string): Suite['keyExchange'] {
  if (/^ECDHE_|^ECDH_anon/.test(exchange)) return 'ecdhe';
  if (/^DHE_|^DH_anon|^PSK_DHE/.test(exchange)) return 'dhe';
  if (exchange.startsWith('RSA')) return 'rsa';
  return exchange.startsWith('SRP_') ? 'srp' : 'other';
}

const known: ReadonlyMap<number, Suite> = new Map(
  [...suiteNames].map(([number, name]) => [number, read(number, name)]),
);

export const suiteOf = (number: number): Suite =>
  known.get(number) ?? read(number, `0x${number.toString(16).toUpperCase().padStart(4, '0')}`);

/** What can be offered in TLS 1.3, and what before it. */
export const suitesOf13: readonly Suite[] = [...known.values()].filter(({ tls13 }) => tls13);
export const suitesBefore13: readonly Suite[] = [...known.values()].filter(({ tls13 }) => !tls13);

/** The name by which OpenSSL and Mozilla's guideline call the suites of ECDHE with an AEAD. */
export const opensslName = (name: string): string =>
  name
    .replace(/^TLS_/, '')
    .replace('_WITH_', '-')
    .replace(/AES_(\d+)/, 'AES$1')
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305')
    .replaceAll('_', '-');
