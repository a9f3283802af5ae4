import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { canonicalAddress } from '../../x509/extensions.ts';
import { parseUrl } from '../../url.ts';
import { type CliFailure, usage } from '../failure.ts';

/** A server as a person names it. */
export interface Target {
  /** A name in A-labels, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

const example = 'Write it as example.org, example.org:8443, [::1]:8443 or https://example.org/.';

const failure = (message: string, hint: string = example): CliFailure => usage(message, hint);

/** Protocols that begin in the clear and are lifted to TLS by a command of their own. */
const startTls: Readonly<Record<number, string>> = {
  21: 'FTP',
  25: 'SMTP',
  110: 'POP3',
  119: 'NNTP',
  143: 'IMAP',
  389: 'LDAP',
  587: 'SMTP submission',
  3306: 'MySQL',
  5222: 'XMPP',
  5432: 'PostgreSQL',
};

/** What to tell of a port whose protocol wants STARTTLS; undefined for others. */
export const startTlsHint = (port: number): string | undefined =>
  startTls[port] === undefined
    ? undefined
    : `Port ${port} is usually ${startTls[port]}, which begins without TLS: STARTTLS is not supported.`;

/** Reads `HOST[:PORT]` or an `https:` URL. CliFailures (usage) say what is wrong. */
export function readTarget(text: string): Target {
  const trimmed = text.trim();
  if (trimmed === '') throw failure('no host');
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme !== undefined) return readUrl(trimmed, scheme);
  // An address of version 6 without brackets can have no port.
  if (isIP(trimmed) === 6) return { host: canonicalAddress(trimmed) ?? trimmed, port: 443 };
  const match = /^(\[[^\]]*\]|[^:[\]/?#@\s]+)(?::(\d+))?$/.exec(trimmed);
  if (match === null) throw failure(`'${short(trimmed)}' names no host`);
  return { host: readHost(match[1]!), port: match[2] === undefined ? 443 : readPort(match[2]) };
}

function readUrl(text: string, scheme: string): Target {
  if (scheme !== 'https' && scheme !== 'wss') {
    throw failure(
      `${scheme}: is not a scheme that is TLS from its first octet`,
      'STARTTLS is not supported: give a port that speaks TLS at once, as https://example.org/ does.',
    );
  }
  const url = parseUrl(text.replace(/^wss:/i, 'https:'));
  if (url === undefined || url.hostname === '') throw failure(`'${short(text)}' is no URL`);
  if (url.username !== '' || url.password !== '') throw failure('a URL with a user name or password');
  return { host: readHost(url.hostname), port: url.port === '' ? 443 : readPort(url.port) };
}

function readHost(text: string): string {
  if (text.startsWith('[')) {
    const address = text.slice(1, -1);
    if (isIP(address) !== 6) throw failure(`'${short(text)}' is no IPv6 address`);
    return canonicalAddress(address) ?? address;
  }
  if (isIP(text) !== 0) return text;
  return readName(text) ?? fail(text);
}

const fail = (text: string): never => {
  throw failure(`'${short(text)}' is no host name`);
};

/** A host name in lower-case A-labels (RFC 5890), without a trailing dot; undefined where it is none. */
export function readName(text: string): string | undefined {
  const ascii = domainToASCII(text.replace(/\.$/, ''));
  const isName = ascii !== '' && ascii.length <= 253 && !/^[\d.]+$/.test(ascii);
  return isName && ascii.split('.').every((label) => /^[a-z0-9_-]{1,63}$/i.test(label)) ? ascii : undefined;
}

function readPort(text: string): number {
  const port = Number(text);
  if (port >= 1 && port <= 65_535) return port;
  throw failure(`${short(text)} is no port`, 'Give one from 1 to 65535.');
}

const short = (text: string): string => (text.length <= 60 ? text : `${text.slice(0, 60)}…`);
