import { malformed } from './malformed.ts';

/**
 * A percent-encoded text (RFC 3986 2.1). `+` is a plus sign: base64 is full of them, and AWS sends them as they are.
 */
export function readPercentEncoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return malformed('a percent sign that encodes nothing');
  }
}
