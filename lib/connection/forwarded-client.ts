import type { PolicyViolationCode } from '../errors.ts';
import type { Assertion } from '../forwarded/index.ts';
import { linkedForwarded } from '../trust/linked-path.ts';
import type { VerifiedPath } from '../trust/path.ts';
import { type CertificateProblem, isProblem, untrusted } from '../trust/problem.ts';
import type { ClientTrust, TrustStore } from '../trust/trust-store.ts';
import type { Connection } from './connection.ts';
import { forwardedFacts } from './forwarded-facts.ts';
import type { RequestTarget } from './host.ts';
import { isForResponder } from './status-questions.ts';
import { isTlsStateOf, sealState, type TlsState } from './tls-state.ts';
import { holds, isOf, type Judged, type Verdict, verdictOn, within } from './verdict.ts';

/** What policies ask of whoever makes a request: a connection, or a client before a proxy. */
export type Client = Pick<Connection, keyof Connection>;

type Presented = Extract<Assertion, { kind: 'certificate' }>;

/** A path, and whether it is whole: up to a certificate that nobody else has issued. */
interface Found {
  readonly path: VerifiedPath;
  readonly whole: boolean;
}

/**
 * The client of one request, as a proxy has told of it that the caller trusts to. The listener's revocation and deny list
 * count for it as for its own clients; dates are looked at whenever it is asked for.
 */
export class ForwardedClient implements Client {
  readonly #connection: Client | undefined;
  readonly #assertion: Assertion;
  readonly #store: TrustStore | undefined;
  #own: Judged | undefined;
  #byRoute: Map<TrustStore, Judged> | undefined;
  #withheld: ForwardedClient | undefined;

  /** `connection`: the proxy's; undefined over plain HTTP. `store`: who verifies here instead of the proxy. */
  constructor(connection: Client | undefined, assertion: Assertion, store: TrustStore | undefined) {
    this.#connection = connection;
    this.#assertion = assertion;
    this.#store = store;
  }

  /** Whether the proxy has told of anybody. */
  get isNobody(): boolean {
    return this.#assertion.kind === 'none';
  }

  /** Whether what another header of the same request says is nothing else. */
  agreesWith(other: Assertion): boolean {
    const own = this.#assertion;
    if (other.kind === 'none' || own.kind === 'none') return true;
    if (own.kind === 'certificate' && other.kind === 'certificate') return own.leaf.equals(other.leaf);
    return own.kind === other.kind;
  }

  /**
   * The same client, as far as another reading of the request lets him count as well: its `store` verifies instead, and
   * the proxy's word is worth what both say.
   */
  narrowed(other: Assertion, store: TrustStore | undefined): ForwardedClient {
    const own = this.#assertion;
    if (own.kind !== 'certificate' || other.kind !== 'certificate') return this;
    const assertion: Assertion = { ...own, verified: own.verified && other.verified };
    return new ForwardedClient(this.#connection, assertion, store ?? this.#store);
  }

  /**
   * What a policy sees that accepts no forwarded certificate: none at all. Neither is the proxy's own one shown, as the
   * request is not the proxy's. Undefined over plain HTTP.
   */
  get withheld(): ForwardedClient | undefined {
    if (this.#connection === undefined) return undefined;
    const assertion: Assertion =
      this.#assertion.kind === 'none' ? this.#assertion : { kind: 'refused', problem: notAccepted };
    return (this.#withheld ??= new ForwardedClient(this.#connection, assertion, undefined));
  }

  get trust(): ClientTrust | undefined {
    return this.#connection?.trust;
  }

  refused(code: PolicyViolationCode): void {
    this.#connection?.refused(code);
  }

  hostMismatch(target: RequestTarget): string | undefined {
    return this.#connection === undefined
      ? 'the request came over plain HTTP'
      : this.#connection.hostMismatch(target);
  }

  made(value: unknown): value is TlsState {
    return isTlsStateOf(this, value);
  }

  stateAt(now: number): TlsState {
    const { trust } = this;
    if (this.#own !== undefined && isOf(this.#own, trust) && holds(this.#own.verdict, now))
      return this.#own.state;
    this.#own = this.#show(this.#judge(this.#store, trust, now), trust, now);
    return this.#own.state;
  }

  /** The same, of a client who is judged once somebody looks who he is: most routes do not. */
  unjudgedState(now: number): TlsState {
    let judged: TlsState | undefined;
    const judge = (): TlsState => (judged ??= this.stateAt(Date.now()));
    const shown: TlsState = {
      ...forwardedFacts(this.#connection?.stateAt(now)),
      authenticatedAt: undefined,
      get clientCertificate() {
        return judge().clientCertificate;
      },
      get clientCertificateError() {
        return judge().clientCertificateError;
      },
    };
    return sealState(this, shown, undefined);
  }

  stateFor(store: TrustStore, now: number): TlsState {
    const { trust } = this;
    const known = this.#byRoute?.get(store);
    if (known !== undefined && isOf(known, trust) && holds(known.verdict, now)) return known.state;
    const judged = this.#show(this.#judge(store, trust, now), trust, now, store);
    (this.#byRoute ??= new Map()).set(store, judged);
    return judged.state;
  }

  isDenied(now: number): boolean {
    return this.stateAt(now).clientCertificateError?.code === 'CLIENT_CERTIFICATE_DENIED';
  }

  pending(now: number, store?: TrustStore): Promise<void> | undefined {
    const { trust } = this;
    if (trust?.revocation?.asks !== true || this.#assertion.kind !== 'certificate') return undefined;
    if (!isForResponder(store === undefined ? this.stateAt(now) : this.stateFor(store, now)))
      return undefined;
    const found = this.#find(this.#assertion, store ?? this.#store, trust, now);
    return isProblem(found) ? undefined : trust.revocation.ask(found.path.certificates, now)?.waiting;
  }

  /** A certificate that nobody vouches for is not taken on somebody's word. */
  selfSigned(): undefined {
    return undefined;
  }

  #judge(store: TrustStore | undefined, trust: ClientTrust | undefined, now: number): Verdict {
    if (this.#assertion.kind === 'none') return undefined;
    if (this.#assertion.kind === 'refused') return this.#assertion.problem;
    const found = this.#find(this.#assertion, store, trust, now);
    if (isProblem(found)) return found;
    const { path, whole } = found;
    const denial = trust?.denyList?.check(path.certificates, whole);
    if (denial !== undefined) return denial;
    const { revocation } = trust ?? {};
    if (revocation === undefined) return verdictOn(path);
    const { certificates } = path;
    return within(
      path,
      whole ? revocation.check(certificates, now) : revocation.checkHidden(certificates, now),
    );
  }

  /** By the anchors of `store`, or else by the proxy's word as far as signatures go. */
  #find(
    { leaf, chain, verified }: Presented,
    store: TrustStore | undefined,
    trust: ClientTrust | undefined,
    now: number,
  ): Found | CertificateProblem {
    if (store !== undefined) {
      const path = store.verifyForwarded(leaf, chain, now, trust);
      return isProblem(path) ? path : { path, whole: true };
    }
    if (!verified) return unverified;
    const linked = linkedForwarded(leaf, chain, now);
    if (isProblem(linked)) return linked;
    // The proxy's clients may be the listener's as well: then its lists know the CAs that nobody has forwarded.
    const path = trust?.store.verifyForwarded(leaf, chain, now, trust);
    if (path !== undefined && !isProblem(path)) return { path, whole: true };
    return { path: linked, whole: linked.certificates.at(-1)!.isSelfIssued };
  }

  #show(verdict: Verdict, trust: ClientTrust | undefined, now: number, store?: TrustStore): Judged {
    const problem = verdict !== undefined && isProblem(verdict) ? verdict : undefined;
    const shown: TlsState = {
      ...forwardedFacts(this.#connection?.stateAt(now)),
      authenticatedAt: undefined,
      clientCertificate: verdict !== undefined && !isProblem(verdict) ? verdict.certificate : undefined,
      clientCertificateError: problem && Object.freeze({ code: problem.code, reason: problem.reason }),
    };
    const state = sealState(this, shown, store);
    return { verdict, trust, epoch: trust?.epoch ?? 0, state };
  }
}

const unverified = untrusted(
  'the proxy has not verified it, and nobody here (ca of forwardedClientCertificate, or of the route)',
);

const notAccepted: CertificateProblem = {
  code: 'CLIENT_CERTIFICATE_REQUIRED',
  reason: 'the certificate was forwarded by a proxy, which this route does not accept (acceptForwarded)',
};

const forwarded = new WeakMap<object, ForwardedClient>();

/** The client of whom a proxy has told for this request; undefined where none was trusted to. */
export const forwardedClientOf = (request: object): ForwardedClient | undefined => forwarded.get(request);

/** Notes the client of a request, of whom a proxy has told that the caller trusts to. */
export function noteForwardedClient(request: object, client: ForwardedClient): void {
  forwarded.set(request, client);
}
