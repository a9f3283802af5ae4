import { malformed } from './malformed.ts';

/**
 * The octets of a base64 text (RFC 4648 4) that has exactly one form: padded, with nothing else in it. Node's own
 * decoder skips what it does not know, so that two readers of one header could see two certificates.
 */
export function readBase64(text: string, what: string): Buffer {
  if (text === '') malformed(`${what} is empty`);
  const octets = Buffer.from(text, 'base64');
  if (octets.toString('base64') !== text) malformed(`${what} is no base64`);
  return octets;
}
