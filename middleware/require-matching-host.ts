import type { RequestHandler } from 'express';
import { checkArguments, checkKeys, flag } from '../lib/options.ts';
import { allow, refuse } from '../lib/policy/decision.ts';
import { guard } from './guard.ts';

/** What `requireMatchingHost` takes. */
export interface RequireMatchingHostOptions {
  /** Publishes the refusal and lets the request pass. */
  readonly reportOnly?: boolean | undefined;
}

/**
 * Lets requests pass that are for the host for which their connection was opened: SNI against Host, letter case, port
 * and a trailing dot aside. Otherwise a client that one virtual host let in could speak to another one.
 * A request without SNI may name an address, or nothing, as clients send none for an address (RFC 6066 3). Of a resumed
 * TLS 1.2 session Node does not know the SNI: whoever resumes over TLS 1.2 and names a host is refused.
 * A `createServer` with `clientAuth` does this by itself.
 *
 * Refuses with 421 (RFC 9110 15.5.20): `HOST_MISMATCH`; without TLS with 403: `TLS_REQUIRED`.
 */
export function requireMatchingHost(options: RequireMatchingHostOptions = {}): RequestHandler {
  checkArguments(arguments, 1, 'requireMatchingHost');
  checkKeys(options, ['reportOnly'], 'requireMatchingHost');
  return guard({
    name: 'requireMatchingHost',
    reportOnly: flag(options.reportOnly, 'requireMatchingHost.reportOnly', false),
    failure: 'HOST_MISMATCH',
    decide: ({ request: { rawHeaders, originalUrl: url }, connection }) => {
      const mismatch = connection.hostMismatch({ rawHeaders, url });
      return mismatch === undefined ? allow : refuse('HOST_MISMATCH', mismatch);
    },
  });
}
