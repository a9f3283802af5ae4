import type { TLSSocket } from 'node:tls';
import { normalizeName } from './host.ts';

/** What Node keeps of the context that judged a connection. `_SNICallback` is null where there is only one. */
interface Internals {
  readonly server?: { readonly crl?: unknown };
  readonly _SNICallback?: unknown;
  readonly servername?: unknown;
  readonly _handle?: { readonly sni_context?: unknown } | null;
}

/** Whether no CRL could have revoked the client in this connection's own full handshake. */
export function hasNoRevocationList(socket: TLSSocket): boolean {
  const { server, _SNICallback: choosesContext, _handle: handle } = socket as unknown as Internals;
  const isDefaultContext =
    choosesContext === null || (handle !== null && handle !== undefined && handle.sni_context === undefined);
  return (
    isDefaultContext &&
    server !== undefined &&
    'crl' in server &&
    (server.crl === undefined || server.crl === null)
  );
}

/** Whether nothing could have revoked the client of a resumed or renegotiated connection, in whatever context. */
export const knowsNoRevocation = (socket: TLSSocket): boolean =>
  (socket as unknown as Internals)._SNICallback === null && hasNoRevocationList(socket);

/**
 * Whether the SNI was spelt so that Node may have judged by another context than that of the name: it looks for one by
 * the octets (Node 20), a dot at the end included.
 */
export function isNameUnclear(socket: TLSSocket): boolean {
  const { servername, _SNICallback: choosesContext } = socket as unknown as Internals;
  return (
    choosesContext !== null && typeof servername === 'string' && servername !== normalizeName(servername)
  );
}

/** Node counts the handshakes after the first (`onhandshakestart` in lib/_tls_wrap.js); anything but 0 is mistrusted. */
export function handshakesSince(socket: TLSSocket): unknown {
  return (socket as unknown as { _handle?: { handshakes?: unknown } })._handle?.handshakes;
}
