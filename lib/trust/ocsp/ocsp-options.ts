import { ConfigError } from '../../errors.ts';
import { checkKeys, describeSecret, oneOf, wholeNumber } from '../../options.ts';
import { readHosts } from '../revocation/allowed-hosts.ts';
import { parseUrl } from '../../url.ts';

/** `clientAuth.revocation.ocsp`: the word of a responder on each client (RFC 6960). */
export interface RevocationOcspOptions {
  /**
   * Where a responder does not know, or does not answer as it should: `hard` (the default) refuses with
   * `REVOCATION_STATUS_UNKNOWN`; `soft` lets the lists and `unknown` decide, which let in where there is no list, and
   * publishes it.
   */
  readonly mode?: 'soft' | 'hard' | undefined;
  /** The URL (http or https) that is asked about every certificate, instead of those that certificates name. */
  readonly responder?: string | undefined;
  /** Hosts of responders that certificates may name, each exactly, as in `fetch.hosts`. This or `responder` is mandatory. */
  readonly hosts?: readonly string[] | undefined;
  /**
   * RFC 9654: `send` (the default) sends one, and refuses an answer with another; `require` refuses one without; `none`
   * sends none, for responders that cannot bear it.
   */
  readonly nonce?: 'send' | 'require' | 'none' | undefined;
  /** For one answer, and so the longest that a request waits, in milliseconds; 3 s by default. */
  readonly timeout?: number | undefined;
  /** The longest time after which an answer is asked for again, in milliseconds; an hour by default. */
  readonly interval?: number | undefined;
}

/** The option, read. */
export interface RevocationOcspConfig {
  readonly mode: 'soft' | 'hard';
  readonly responder: string | undefined;
  readonly hosts: readonly string[];
  readonly nonce: 'send' | 'require' | 'none';
  readonly timeout: number;
  readonly interval: number;
}

/** Reads `ocsp`. ConfigErrors `OPTION_UNKNOWN`, `OPTION_INVALID`. */
export function readOcsp(option: unknown, path: string): RevocationOcspConfig | undefined {
  if (option === undefined) return undefined;
  checkKeys(option, ['mode', 'responder', 'hosts', 'nonce', 'timeout', 'interval'], path);
  const { mode, responder, hosts, nonce, timeout, interval } = option as RevocationOcspOptions;
  if (responder === undefined && hosts === undefined) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      'nobody may be asked',
      'Give responder, or hosts: those of the responders that certificates may name.',
    );
  }
  return Object.freeze({
    mode: oneOf(mode ?? 'hard', ['soft', 'hard'], `${path}.mode`),
    responder: responder === undefined ? undefined : readResponder(responder, `${path}.responder`),
    hosts: hosts === undefined ? [] : readHosts(hosts, `${path}.hosts`),
    nonce: oneOf(nonce ?? 'send', ['send', 'require', 'none'], `${path}.nonce`),
    timeout: wholeNumber(timeout ?? 3_000, `${path}.timeout`, 'milliseconds', 1, 60_000),
    interval: wholeNumber(interval ?? 3_600_000, `${path}.interval`, 'milliseconds', 1_000, 7 * 86_400_000),
  });
}

function readResponder(value: unknown, path: string): string {
  const url = typeof value === 'string' ? parseUrl(value) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') {
    url.hash = '';
    return url.href;
  }
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected an http or https URL without a password, got ${describeSecret(value)}`,
    'Write it as http://ocsp.example.org/.',
  );
}
