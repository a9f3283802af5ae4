import type { PolicyViolationCode } from '../errors.ts';
import type { TrustStore } from '../trust/trust-store.ts';
import type { ClientCertificate } from './client-certificate.ts';

/** The facts of a connection, as `req.tls` shows them. Frozen; its functions are left out by `JSON.stringify`. */
export interface TlsState {
  /** Read from the connection itself, or (`forwarded`) the proxy's that forwards a client's certificate. */
  readonly source: 'socket' | 'forwarded';
  /** The version of TLS. */
  readonly protocol: 'TLSv1.2' | 'TLSv1.3';
  /** `name` is OpenSSL's, `standardName` IANA's. */
  readonly cipher: { readonly name: string; readonly standardName: string };
  /** IANA name of the key exchange group: 'X25519MLKEM768', 'x25519', 'secp256r1'; undefined = unknown. */
  readonly group: string | undefined;
  /** Whether the keys were ephemeral: what was recorded stays secret when the server's key leaks. */
  readonly forwardSecrecy: boolean;
  /** Whether the group is a (hybrid) post-quantum one. */
  readonly postQuantum: boolean;
  /** What ALPN has chosen; undefined where the client offered nothing. */
  readonly alpn: 'h2' | 'http/1.1' | undefined;
  /** SNI, lower case, without a trailing dot. Nobody knows that of a resumed TLS 1.2 session: it is undefined, too. */
  readonly serverName: string | undefined;
  /** Whether a session was resumed; never with `clientAuth`. */
  readonly resumed: boolean;
  /** When the full handshake was that verified the client; undefined without a verified client. */
  readonly authenticatedAt: Date | undefined;
  /** Verified by path, purpose and dates, or undefined. */
  readonly clientCertificate: ClientCertificate | undefined;
  /** Why a certificate that was presented is not above; undefined where none was presented. */
  readonly clientCertificateError:
    | { readonly code: PolicyViolationCode; readonly reason: string }
    | undefined;
  /** RFC 5705 and RFC 8446 7.5: `length` octets. Throws once the connection is closed. */
  readonly exportKeyingMaterial: (length: number, label: string, context?: Buffer) => Buffer;
  /**
   * The `tls-exporter` channel binding, 32 octets (RFC 9266). Throws once the connection is closed, and over TLS 1.2
   * without the extended master secret, where it would not be unique.
   */
  readonly channelBinding: () => Buffer;
}

// Here and not where it is set, so that whoever imports anything that names a TlsState has it.
declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the way in which Express's types are extended
  namespace Express {
    interface Request {
      /** The facts of the TLS connection: of `createServer`, or once `exposeTls()` or a `require…` middleware has run. */
      tls?: TlsState;
    }
  }
}

/** Its subclass has its private fields on the object that is given, and not on one of its own. */
// oxlint-disable-next-line typescript/no-extraneous-class -- a superclass is all that can do so
class Given {
  constructor(object: object) {
    // oxlint-disable-next-line no-constructor-return -- that is what it is for
    return object;
  }
}

/**
 * Of which connection a state is: in private fields, which nothing outside of this class can read, write, copy or put
 * on another object, a proxy included. A WeakMap would have an entry for each connection.
 */
class Seal extends Given {
  readonly #connection: object;
  /** Of a route, where it has anchors of its own. */
  readonly #store: TrustStore | undefined;

  constructor(state: TlsState, connection: object, store: TrustStore | undefined) {
    super(state);
    this.#connection = connection;
    this.#store = store;
  }

  static isOf(connection: object, value: object): boolean {
    return #connection in value && value.#connection === connection;
  }

  static storeOf(state: object): TrustStore | undefined {
    return #store in state ? state.#store : undefined;
  }
}

/** Whether it is of this connection: `req.tls` can be assigned by anybody, another request's facts included. */
export const isTlsStateOf = (connection: object, value: unknown): value is TlsState =>
  typeof value === 'object' && value !== null && Seal.isOf(connection, value);

/** Freezes a state and remembers of which connection it is, and by which route's anchors. */
export function sealState(connection: object, state: TlsState, store: TrustStore | undefined): TlsState {
  void new Seal(state, connection, store);
  return Object.freeze(state);
}

interface Facts {
  readonly stateAt: (now: number) => TlsState;
  readonly stateFor: (store: TrustStore, now: number) => TlsState;
}

/** What `state`, of this connection, says at the time `now`: by the same anchors, the route's own or the listener's. */
export function renewedState(connection: Facts, state: TlsState, now: number): TlsState {
  const store = Seal.storeOf(state);
  return store === undefined ? connection.stateAt(now) : connection.stateFor(store, now);
}
