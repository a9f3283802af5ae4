import type { TLSSocket } from 'node:tls';
import type { PolicyViolationCode } from '../errors.ts';
import { linkedPath } from '../trust/linked-path.ts';
import type { VerifiedPath } from '../trust/path.ts';
import { asksForPolicies } from '../trust/policies.ts';
import { type CertificateProblem, isProblem, untrusted } from '../trust/problem.ts';
import { type ClientTrust, outcastOf, type TrustStore } from '../trust/trust-store.ts';
import { type Facts, readFacts } from './facts.ts';
import { HostCheck, type RequestTarget } from './host.ts';
import { handshakeTrust } from './handshake-trust.ts';
import { handshakesSince, hasNoRevocationList, isNameUnclear, knowsNoRevocation } from './node-internals.ts';
import { explainVerdict, isAboutRevocation } from './openssl.ts';
import { readPresentedIssuers, readSentBeside } from './presented-chain.ts';
import { onlySelfSigned, readSelfSigned, type SelfSigned } from './self-signed.ts';
import { readSession, type SessionFacts } from './session.ts';
import { isForResponder, StatusQuestions } from './status-questions.ts';
import { isTlsStateOf, sealState, type TlsState } from './tls-state.ts';
import { holds, isOf, type Judged, type Verdict, verdictOn, within } from './verdict.ts';

/**
 * Who took the connection. `guarded`: a PortcullisServer, in the handshake's last moment, with resumption of clients
 * and renegotiation off; `trust` gives whom it believes now. Otherwise a plain `https.Server`, seen first at a request.
 */
export type Origin =
  | {
      readonly guarded: true;
      readonly trust: () => ClientTrust | undefined;
      /** Is told of each request that a policy refuses. */
      readonly refused?: (code: PolicyViolationCode) => void;
    }
  | { readonly guarded: false };

/**
 * One TLS connection: its facts, taken once, and the verdict on its client, which time and a change of trust can turn.
 */
export class Connection {
  readonly #socket: TLSSocket;
  readonly #origin: Origin;
  readonly #facts: Facts;
  readonly #host: HostCheck;
  readonly #session: SessionFacts | undefined;
  /** What OpenSSL found wrong in the handshake that gave this certificate; undefined where nothing. */
  readonly #handshakeProblem: CertificateProblem | undefined;
  /** Why a plain listener's word on the client does not count; undefined where it does. */
  readonly #doubt: CertificateProblem | undefined;
  #issuers: readonly Buffer[] | undefined;
  #beside: readonly Buffer[] | undefined;
  /** By one of which OpenSSL has judged; undefined where that is not known. */
  readonly #handshakeTrust: readonly ClientTrust[] | undefined;
  readonly #isFirstHandshake: boolean;
  #own: Judged;
  #byRoute: Map<TrustStore, Judged> | undefined;
  /** Once somebody has asked; null: it is none. */
  #selfSigned: SelfSigned | null | undefined;
  #questions: StatusQuestions | undefined;

  constructor(socket: TLSSocket, origin: Origin, now: number) {
    this.#socket = socket;
    this.#origin = origin;
    this.#session = readSession(socket.getSession());
    this.#facts = readFacts(socket, this.#session);
    this.#host = new HostCheck(this.#facts.serverName, !origin.guarded && isNameUnclear(socket));
    this.#handshakeProblem = this.#problemOfHandshake();
    this.#doubt = this.#doubtOfIdentity();
    const trust = this.#presentTrust();
    this.#isFirstHandshake = this.#facts.protocol === 'TLSv1.3' || handshakesSince(socket) === 0;
    this.#handshakeTrust = trust && handshakeTrust(socket);
    this.#own = this.#show(this.#judge(trust, now), trust);
    // Whoever asks Node for the certificate later may use the chain up, so it is taken while it is there.
    if (this.#own.state.clientCertificateError !== undefined) this.#presentedIssuers();
  }

  /** A policy has refused a request of this connection. */
  refused(code: PolicyViolationCode): void {
    if (this.#origin.guarded) this.#origin.refused?.(code);
  }

  /** Why a request is for another host than the connection; undefined where it is for the same. */
  hostMismatch(target: RequestTarget): string | undefined {
    return this.#host.mismatch(target);
  }

  /** Whether `value` are facts of this connection: `req.tls` can be assigned by anybody. */
  made(value: unknown): value is TlsState {
    return value === this.#own.state || isTlsStateOf(this, value);
  }

  /** The facts at the time `now` (ms): a certificate that has expired since is no longer among them. */
  stateAt(now: number): TlsState {
    const trust = this.#presentTrust();
    if (isOf(this.#own, trust) && holds(this.#own.verdict, now)) return this.#own.state;
    this.#own = this.#show(this.#judge(trust, now), trust);
    return this.#own.state;
  }

  /**
   * The facts with the client verified to the anchors of `store` instead of the listener's. On a plain listener this
   * holds for a resumed or renegotiated connection too, as the path is checked here and the key was proven before;
   * only where that listener may have revoked the certificate since, nothing helps. A PortcullisServer's revocation
   * lists count here as well, for the issuers that they concern.
   */
  stateFor(store: TrustStore, now: number): TlsState {
    const trust = this.#presentTrust();
    const known = this.#byRoute?.get(store);
    if (known !== undefined && isOf(known, trust) && holds(known.verdict, now)) return known.state;
    const judged = this.#show(this.#judgeBy(store, trust, now), trust, store);
    // What a plain listener did not verify itself, its next revocation list may concern; not whom his path keeps out.
    const settled =
      this.#origin.guarded ||
      (this.#handshakeProblem === undefined && this.#doubt === undefined) ||
      this.#isKeptOutByPath(judged.verdict);
    if (settled) (this.#byRoute ??= new Map()).set(store, judged);
    return judged.state;
  }

  /**
   * Whether the listener's deny list names the client, or a CA above it, by whatever anchors it was verified here. One
   * that nobody has verified is nobody's client.
   */
  isDenied(now: number): boolean {
    const denials = this.#presentTrust()?.denyList;
    if (denials === undefined) return false;
    const routes = [...(this.#byRoute?.keys() ?? [])].map((store) => this.stateFor(store, now));
    const errors = [this.stateAt(now), ...routes].map(({ clientCertificateError }) => clientCertificateError);
    const own = this.#selfSigned ? denials.check([this.#selfSigned.certificate]) : undefined;
    return [...errors, own].some((error) => error?.code === 'CLIENT_CERTIFICATE_DENIED');
  }

  /**
   * What to wait for before `stateAt(now)`, or `stateFor(store, now)`: the word of an OCSP responder that has not
   * answered yet, for at most the option's `timeout`. It never rejects. Undefined, and no more than a look-up, where
   * nothing is to be asked. What is due is asked for by this.
   */
  pending(now: number, store?: TrustStore): Promise<void> | undefined {
    const trust = this.#presentTrust();
    const leaf = this.#session?.peerCertificate;
    if (trust?.revocation?.asks !== true || leaf === undefined) return undefined;
    const by = store ?? trust.store;
    return (this.#questions ??= new StatusQuestions()).pending(trust.revocation, by, now, () => {
      if (!isForResponder(store === undefined ? this.stateAt(now) : this.stateFor(store, now)))
        return undefined;
      const outcome = this.#verify(by, leaf, now, trust);
      return isProblem(outcome) ? undefined : outcome.certificates;
    });
  }

  /**
   * The client's certificate where it has signed it itself (RFC 8705 2.2): nobody vouches for it, but its key was proven
   * in this connection's own handshake. Undefined for any other, and for one that is weak, not valid now, or denied.
   */
  selfSigned(now: number): SelfSigned | undefined {
    const { peerCertificate: leaf, verifyResult } = this.#session ?? {};
    if (leaf === undefined || verifyResult !== onlySelfSigned || this.#doubt !== undefined) return undefined;
    if (this.#selfSigned === undefined) this.#selfSigned = readSelfSigned(leaf) ?? null;
    const own = this.#selfSigned;
    if (own === null || now < own.certificate.notBefore || now > own.certificate.notAfter) return undefined;
    return this.#presentTrust()?.denyList?.check([own.certificate]) === undefined ? own : undefined;
  }

  /** Whom the listener believes now; undefined on a plain one. */
  get trust(): ClientTrust | undefined {
    return this.#presentTrust();
  }

  #presentTrust(): ClientTrust | undefined {
    return this.#origin.guarded ? this.#origin.trust() : undefined;
  }

  #judge(trust: ClientTrust | undefined, now: number): Verdict {
    const leaf = this.#session?.peerCertificate;
    if (leaf === undefined) return undefined;
    const objection = this.#handshakeProblem ?? this.#doubt;
    if (objection !== undefined) return objection;
    if (!this.#origin.guarded) return verdictOn(linkedPath(leaf, this.#presentedIssuers(), now));
    if (trust === undefined) return undefined;
    const { store, revocation, denyList } = trust;
    const outcome = this.#verify(store, leaf, now, trust);
    if (!isProblem(outcome)) return within(outcome, trust.check(outcome.certificates, now));
    // Node 24.21 hides the intermediates that the client sent. OpenSSL has verified the path by them, to anchors of
    // the handshake: where one of these is gone since, it may be the one.
    const isHidden =
      outcome.incomplete === true && this.#presentedIssuers().length + this.#sentBeside().length === 0;
    if (!isHidden || this.#handshakeTrust?.every((then) => trust.includes(then)) !== true) return outcome;
    if (store.anchors.some(asksForPolicies)) return policiesUnknown;
    const linked = linkedPath(leaf, [], now, store.allowed);
    if (isProblem(linked)) return linked;
    const { certificates: known } = linked;
    return denyList?.check(known, false) ?? within(linked, revocation?.checkHidden(known, now));
  }

  #judgeBy(store: TrustStore, trust: ClientTrust | undefined, now: number): Verdict {
    const leaf = this.#session?.peerCertificate;
    if (leaf === undefined) return undefined;
    const problem = this.#handshakeProblem;
    if (problem !== undefined) {
      if (isAboutRevocation(problem, this.#session)) return problem;
      // OpenSSL tells the last fault only, and the client chooses it: a revoked one that holds its intermediate back
      // is merely unknown. No context of a PortcullisServer has a list: it asks its own, below.
      if (!this.#origin.guarded && !hasNoRevocationList(this.#socket)) return statusUnknown;
    }
    if (this.#doubt !== undefined && !knowsNoRevocation(this.#socket)) return this.#doubt;
    const outcome = this.#verify(store, leaf, now, trust);
    return isProblem(outcome) ? outcome : within(outcome, trust?.check(outcome.certificates, now));
  }

  /** By what OpenSSL knows of the issuers; only where that leads nowhere, by all that the client sent. */
  #verify(
    store: TrustStore,
    leaf: Buffer,
    now: number,
    trust: ClientTrust | undefined,
  ): VerifiedPath | CertificateProblem {
    const vouched = this.#isVouchedFor(store);
    const outcome = store.verify(leaf, () => this.#presentedIssuers(), now, trust, vouched);
    if (!isProblem(outcome) && outcastOf(outcome, trust, now) === undefined) return outcome;
    const beside = this.#sentBeside();
    if (beside.length === 0) return outcome;
    const other = store.verify(leaf, () => [...this.#presentedIssuers(), ...beside], now, trust);
    return isProblem(other) ? outcome : other;
  }

  /**
   * Whether OpenSSL has verified this client to the anchors of `store` and to no others, in a full handshake of this
   * connection: what it has proven there needs no second proof (docs/decisions/two-judges.md).
   */
  #isVouchedFor(store: TrustStore): boolean {
    return (
      this.#origin.guarded &&
      this.#handshakeProblem === undefined &&
      this.#doubt === undefined &&
      this.#isFirstHandshake &&
      this.#handshakeTrust?.every((then) => then.store === store) === true
    );
  }

  #isKeptOutByPath(verdict: Verdict): boolean {
    if (verdict === undefined || !isProblem(verdict)) return false;
    return ![this.#handshakeProblem, this.#doubt, statusUnknown].includes(verdict);
  }

  #presentedIssuers(): readonly Buffer[] {
    return (this.#issuers ??= readPresentedIssuers(this.#socket));
  }

  #sentBeside(): readonly Buffer[] {
    return (this.#beside ??= readSentBeside(this.#socket, this.#presentedIssuers()));
  }

  #problemOfHandshake(): CertificateProblem | undefined {
    const { authorized, authorizationError } = this.#socket;
    if (this.#session?.peerCertificate === undefined) return undefined;
    if (authorized && !authorizationError && this.#session.verifyResult === 0) return undefined;
    return explainVerdict(authorizationError);
  }

  #doubtOfIdentity(): CertificateProblem | undefined {
    const { resumed, protocol } = this.#facts;
    if (resumed)
      return untrusted('the session was resumed, and what was verified when it began may hold no longer');
    if (!this.#origin.guarded && protocol !== 'TLSv1.3' && handshakesSince(this.#socket) !== 0) {
      return untrusted('the connection was renegotiated before anybody looked');
    }
    return undefined;
  }

  #show(verdict: Verdict, trust: ClientTrust | undefined, store?: TrustStore): Judged {
    const problem = verdict !== undefined && isProblem(verdict) ? verdict : undefined;
    const certificate = verdict !== undefined && !isProblem(verdict) ? verdict.certificate : undefined;
    const authenticatedAt = certificate && this.#session?.establishedAt;
    const shown = {
      ...this.#facts,
      authenticatedAt: undefined,
      clientCertificate: certificate,
      clientCertificateError: problem && Object.freeze({ code: problem.code, reason: problem.reason }),
    };
    if (authenticatedAt !== undefined) showDate(shown, authenticatedAt);
    const state = sealState(this, shown, store);
    return { verdict, trust, epoch: trust?.epoch ?? 0, state };
  }
}

/** A Date can be changed even when frozen, and `maxAge` of all requests of the connection goes by this one. */
function showDate(shown: object, authenticatedAt: number): void {
  const get = (): Date => new Date(authenticatedAt);
  // Without a prototype, in which a careless app may have put a `value`.
  const descriptor = Object.assign(Object.create(null), { get, enumerable: true }) as PropertyDescriptor;
  Object.defineProperty(shown, 'authenticatedAt', descriptor);
}

const statusUnknown: CertificateProblem = {
  code: 'REVOCATION_STATUS_UNKNOWN',
  reason: 'the listener could not verify it, so that its revocation lists may not have been asked',
};

const policiesUnknown: CertificateProblem = untrusted(
  'a CA demands policies, and this Node hides the intermediates that the client sent (policy, RFC 5280 6.1)',
);
