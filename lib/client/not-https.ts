import { HandshakeError } from './errors.ts';

/** Of a URL by which no server could be verified: `http:`, and `data:` or `blob:`, which have none. */
export const notHttps = ({ hostname, port, protocol }: URL): HandshakeError =>
  new HandshakeError(
    {
      reason: 'NOT_HTTPS',
      problem: 'without TLS nobody is verified',
      remedy: 'Ask for an https URL; if this was a redirect, follow it by hand.',
    },
    {
      host: hostname === '' ? 'no host' : hostname,
      port: Number(port || (protocol === 'http:' ? 80 : 0)),
      expected: 'https:',
      seen: protocol,
    },
  );
