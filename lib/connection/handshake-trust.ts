import type { TLSSocket } from 'node:tls';
import type { ClientTrust } from '../trust/trust-store.ts';

/** What Node keeps of the context with which a handshake began, and of that with which the next one will. */
interface Internals {
  readonly server?: { readonly _sharedCreds?: object };
  readonly _tlsOptions?: { readonly secureContext?: object };
}

/** A listener changes its context and its trust together. */
const trustOf = new WeakMap<object, ClientTrust>();

/**
 * The trust by which OpenSSL has judged the client, where the listener believes `present` as the handshake ends: a
 * reload in between has changed it. Undefined where it is not known any more.
 */
export function handshakeTrust(socket: TLSSocket, present: ClientTrust): ClientTrust | undefined {
  const { server, _tlsOptions: options } = socket as unknown as Internals;
  const context = options?.secureContext;
  if (context === undefined) return undefined;
  if (context === server?._sharedCreds && !trustOf.has(context)) trustOf.set(context, present);
  return trustOf.get(context);
}
