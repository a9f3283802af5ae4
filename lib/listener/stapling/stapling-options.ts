import { ConfigError } from '../../errors.ts';
import { checkKeys, describeSecret, wholeNumber } from '../../options.ts';
import { parseUrl } from '../../url.ts';

/** How OCSP responses are fetched for stapling (RFC 6066 8). */
export interface StaplingOptions {
  /** The URL (http) that is asked about every certificate; by default the one that each certificate names itself. */
  readonly responder?: string | undefined;
  /** For one answer, in milliseconds; 10 s by default. Nobody's handshake waits for it. */
  readonly timeout?: number | undefined;
}

/** The option `ocspStapling`, read. */
export interface StaplingConfig {
  readonly responder: string | undefined;
  readonly timeout: number;
}

const defaultTimeout = 10_000;

/** Reads `ocspStapling`; off by default. ConfigErrors `OPTION_UNKNOWN`, `OPTION_INVALID`. */
export function readStapling(option: unknown): StaplingConfig | undefined {
  if (option === undefined || option === false) return undefined;
  if (option === true) return Object.freeze({ responder: undefined, timeout: defaultTimeout });
  checkKeys(option, ['responder', 'timeout'], 'ocspStapling');
  const { responder, timeout } = option as StaplingOptions;
  return Object.freeze({
    responder: responder === undefined ? undefined : readResponder(responder),
    timeout:
      timeout === undefined
        ? defaultTimeout
        : wholeNumber(timeout, 'ocspStapling.timeout', 'milliseconds', 1, 60_000),
  });
}

function readResponder(value: unknown): string {
  const url = typeof value === 'string' ? responderUrl(value) : undefined;
  if (url !== undefined) return url;
  throw new ConfigError(
    'OPTION_INVALID',
    'ocspStapling.responder',
    `expected an http URL without a password, got ${describeSecret(value)}`,
    'Write http://, and no user: the answers are signed, and to ask by https would need an answer before.',
  );
}

/** `text` as a URL that a responder can be asked by (RFC 6960 A.1); undefined if it is none. */
export function responderUrl(text: string): string | undefined {
  const url = parseUrl(text);
  if (url === undefined) return undefined;
  const { protocol, username, password, href } = url;
  return protocol === 'http:' && username === '' && password === '' ? href : undefined;
}
