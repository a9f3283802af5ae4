import type { TLSSocket } from 'node:tls';
import type { PolicyViolationCode } from '../errors.ts';
import { linkedPath } from '../trust/linked-path.ts';
import type { VerifiedPath } from '../trust/path.ts';
import { type CertificateProblem, isProblem, untrusted } from '../trust/problem.ts';
import type { RevocationLists, Validity } from '../trust/revocation/revocation.ts';
import type { ClientTrust, TrustStore } from '../trust/trust-store.ts';
import { type ClientCertificate, verifiedCertificate } from './client-certificate.ts';
import { type Facts, readFacts } from './facts.ts';
import { HostCheck, type RequestTarget } from './host.ts';
import { handshakeTrust } from './handshake-trust.ts';
import { explainVerdict, isAboutRevocation } from './openssl.ts';
import { readPresentedIssuers } from './presented-chain.ts';
import { readSession, type SessionFacts } from './session.ts';
import { isTlsStateOf, sealState, type TlsState } from './tls-state.ts';

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

type Verdict =
  | { readonly certificate: ClientCertificate; readonly notBefore: number; readonly notAfter: number }
  | CertificateProblem
  | undefined;

/** A verdict, by what trust of the listener's it was given, and the facts that show it. */
interface Judged {
  readonly verdict: Verdict;
  readonly trust: ClientTrust | undefined;
  readonly state: TlsState;
}

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
  /** By one of which OpenSSL has judged; undefined where that is not known. */
  readonly #handshakeTrust: readonly ClientTrust[] | undefined;
  #own: Judged;
  #byRoute: Map<TrustStore, Judged> | undefined;

  constructor(socket: TLSSocket, origin: Origin, now: number) {
    this.#socket = socket;
    this.#origin = origin;
    this.#session = readSession(socket.getSession());
    this.#facts = readFacts(socket, this.#session);
    this.#host = new HostCheck(this.#facts.serverName);
    this.#handshakeProblem = this.#problemOfHandshake();
    this.#doubt = this.#doubtOfIdentity();
    const trust = this.#presentTrust();
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
    if (trust === this.#own.trust && holds(this.#own.verdict, now)) return this.#own.state;
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
    if (known !== undefined && known.trust === trust && holds(known.verdict, now)) return known.state;
    const judged = this.#show(this.#judgeBy(store, trust, now), trust);
    // What a plain listener did not verify itself, its next revocation list may concern.
    const settled =
      this.#origin.guarded || (this.#handshakeProblem === undefined && this.#doubt === undefined);
    if (settled) (this.#byRoute ??= new Map()).set(store, judged);
    return judged.state;
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
    const { store, revocation } = trust;
    const outcome = store.verify(leaf, () => this.#presentedIssuers(), now);
    if (!isProblem(outcome)) return within(outcome, revocation?.check(outcome.certificates, now));
    // Node 24.21 hides the intermediates that the client sent. OpenSSL has verified the path by them, to anchors of
    // the handshake: where one of these is gone since, it may be the one.
    const isHidden = outcome.incomplete === true && this.#presentedIssuers().length === 0;
    if (!isHidden || this.#handshakeTrust?.every((then) => trust.includes(then)) !== true) return outcome;
    const linked = linkedPath(leaf, [], now);
    return isProblem(linked) ? linked : within(linked, revocation?.checkHidden(linked.certificates, now));
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
    const outcome = store.verify(leaf, () => this.#presentedIssuers(), now);
    const lists: RevocationLists | undefined = trust?.revocation;
    return isProblem(outcome) ? outcome : within(outcome, lists?.check(outcome.certificates, now));
  }

  #presentedIssuers(): readonly Buffer[] {
    return (this.#issuers ??= readPresentedIssuers(this.#socket));
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

  #show(verdict: Verdict, trust: ClientTrust | undefined): Judged {
    const problem = verdict !== undefined && isProblem(verdict) ? verdict : undefined;
    const certificate = verdict !== undefined && !isProblem(verdict) ? verdict.certificate : undefined;
    const authenticatedAt = certificate && this.#session?.establishedAt;
    const state = sealState(this, {
      ...this.#facts,
      // A Date can be changed even when frozen, and `maxAge` of all requests of the connection goes by this one.
      get authenticatedAt(): Date | undefined {
        return authenticatedAt === undefined ? undefined : new Date(authenticatedAt);
      },
      clientCertificate: certificate,
      clientCertificateError: problem && Object.freeze({ code: problem.code, reason: problem.reason }),
    });
    return { verdict, trust, state };
  }
}

/** Whether a verdict is the same at the time `now`: a date may have passed, or the clock been set right. */
function holds(verdict: Verdict, now: number): boolean {
  if (verdict === undefined) return true;
  if (!isProblem(verdict)) return now >= verdict.notBefore && now <= verdict.notAfter;
  if (verdict.passing === true) return false;
  return verdict.code !== 'CLIENT_CERTIFICATE_EXPIRED' && verdict.code !== 'CLIENT_CERTIFICATE_NOT_YET_VALID';
}

/** The verdict on a path, for as long as the revocation lists say the same. */
function within(path: VerifiedPath, status: Validity | CertificateProblem | undefined): Verdict {
  if (status !== undefined && isProblem(status)) return status;
  const verdict = verdictOn(path);
  if (status === undefined || verdict === undefined || isProblem(verdict)) return verdict;
  return {
    certificate: verdict.certificate,
    notBefore: Math.max(verdict.notBefore, status.notBefore),
    notAfter: Math.min(verdict.notAfter, status.notAfter),
  };
}

const certificates = new WeakMap<VerifiedPath, Exclude<Verdict, undefined>>();

/** One ClientCertificate for each verified path, however many connections it serves. */
function verdictOn(outcome: VerifiedPath | CertificateProblem): Verdict {
  if (isProblem(outcome)) return outcome;
  let verdict = certificates.get(outcome);
  if (verdict === undefined) {
    const { notBefore, notAfter } = outcome;
    verdict = Object.freeze({ certificate: verifiedCertificate(outcome.certificates)!, notBefore, notAfter });
    certificates.set(outcome, verdict);
  }
  return verdict;
}

/** Node counts the handshakes after the first (`onhandshakestart` in lib/_tls_wrap.js); anything but 0 is mistrusted. */
function handshakesSince(socket: TLSSocket): unknown {
  return (socket as unknown as { _handle?: { handshakes?: unknown } })._handle?.handshakes;
}

const statusUnknown: CertificateProblem = {
  code: 'REVOCATION_STATUS_UNKNOWN',
  reason: 'the listener could not verify it, so that its revocation lists may not have been asked',
};

/** What Node keeps of the context that judged a connection. `_SNICallback` is null where there is only one. */
interface Internals {
  readonly server?: { readonly crl?: unknown };
  readonly _SNICallback?: unknown;
  readonly _handle?: { readonly sni_context?: unknown } | null;
}

/** Whether no CRL could have revoked the client in this connection's own full handshake. */
function hasNoRevocationList(socket: TLSSocket): boolean {
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
const knowsNoRevocation = (socket: TLSSocket): boolean =>
  (socket as unknown as Internals)._SNICallback === null && hasNoRevocationList(socket);
