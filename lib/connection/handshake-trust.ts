import type { SecureContext, Server, TLSSocket } from 'node:tls';
import type { ClientTrust } from '../trust/trust-store.ts';

/** Where Node keeps the contexts: the server's own, with which the next handshake begins, and those of a handshake. */
interface Internals {
  readonly _sharedCreds?: SecureContext;
  readonly _tlsOptions?: { readonly secureContext?: SecureContext };
  readonly _handle?: { readonly sni_context?: object } | null;
}

/** By OpenSSL's contexts, as `sni_context` is one. None of them ever gets other anchors. */
const trustOf = new WeakMap<object, ClientTrust>();

/** Notes by what trust a server's own context, and those that it shows for names, judge from now on. */
export function noteTrust(server: Server, ofNames: Iterable<SecureContext>, trust: ClientTrust): void {
  const own = (server as unknown as Internals)._sharedCreds;
  for (const context of own === undefined ? ofNames : [own, ...ofNames])
    trustOf.set(context.context as object, trust);
}

/**
 * The trust by which OpenSSL has judged the client: that of the context with which the handshake began, and of the one
 * for its server name, as a reload in between may have put another trust there. Undefined where one is not known.
 */
export function handshakeTrust(socket: TLSSocket): readonly ClientTrust[] | undefined {
  const { _tlsOptions: options, _handle: handle } = socket as unknown as Internals;
  const first = options?.secureContext?.context as object | undefined;
  // A closed connection tells no context any more.
  if (first === undefined || handle === undefined || handle === null) return undefined;
  const { sni_context: ofName = first } = handle;
  const [began, named] = [trustOf.get(first), trustOf.get(ofName)];
  return began === undefined || named === undefined ? undefined : [began, named];
}
