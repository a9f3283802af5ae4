import type { TLSSocket } from 'node:tls';
import { linkedPath } from '../trust/linked-path.ts';
import type { VerifiedPath } from '../trust/path.ts';
import { type CertificateProblem, isProblem, untrusted } from '../trust/problem.ts';
import type { TrustStore } from '../trust/trust-store.ts';
import { type ClientCertificate, verifiedCertificate } from './client-certificate.ts';
import { type Facts, readFacts } from './facts.ts';
import { HostCheck, type RequestTarget } from './host.ts';
import { explainVerdict, isAboutRevocation } from './openssl.ts';
import { readPresentedIssuers } from './presented-chain.ts';
import { readSession, type SessionFacts } from './session.ts';
import { isTlsStateOf, sealState, type TlsState } from './tls-state.ts';

/**
 * Who took the connection. `guarded`: a PortcullisServer, in the handshake's last moment, with resumption of clients
 * and renegotiation off; `trust` gives whom it believes now. Otherwise a plain `https.Server`, seen first at a request.
 */
export type Origin =
  | { readonly guarded: true; readonly trust: () => TrustStore | undefined }
  | { readonly guarded: false };

type Verdict =
  | { readonly certificate: ClientCertificate; readonly notBefore: number; readonly notAfter: number }
  | CertificateProblem
  | undefined;

/** A verdict, and the facts that show it. */
interface Judged {
  readonly verdict: Verdict;
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
  #trust: TrustStore | undefined;
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
    this.#trust = origin.guarded ? origin.trust() : undefined;
    this.#own = this.#show(this.#judge(now));
    // Whoever asks Node for the certificate later may use the chain up, so it is taken while it is there.
    if (this.#own.state.clientCertificateError !== undefined) this.#presentedIssuers();
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
    const trust = this.#origin.guarded ? this.#origin.trust() : undefined;
    if (trust === this.#trust && holds(this.#own.verdict, now)) return this.#own.state;
    this.#trust = trust;
    this.#own = this.#show(this.#judge(now));
    return this.#own.state;
  }

  /**
   * The facts with the client verified to the anchors of `store` instead of the listener's. On a plain listener this
   * holds for a resumed or renegotiated connection too, as the path is checked here and the key was proven before;
   * only where that listener may have revoked the certificate since, nothing helps.
   */
  stateFor(store: TrustStore, now: number): TlsState {
    const known = this.#byRoute?.get(store);
    if (known !== undefined && holds(known.verdict, now)) return known.state;
    const judged = this.#show(this.#judgeBy(store, now));
    // What a plain listener did not verify itself, its next revocation list may concern.
    const settled =
      this.#origin.guarded || (this.#handshakeProblem === undefined && this.#doubt === undefined);
    if (settled) (this.#byRoute ??= new Map()).set(store, judged);
    return judged.state;
  }

  #judge(now: number): Verdict {
    const leaf = this.#session?.peerCertificate;
    if (leaf === undefined) return undefined;
    const objection = this.#handshakeProblem ?? this.#doubt;
    if (objection !== undefined) return objection;
    if (!this.#origin.guarded) return verdictOn(linkedPath(leaf, this.#presentedIssuers(), now));
    if (this.#trust === undefined) return undefined;
    const outcome = this.#trust.verify(leaf, () => this.#presentedIssuers(), now);
    // Node 24.21 hides the intermediates that the client sent. OpenSSL has verified the path by them.
    if (isProblem(outcome) && outcome.incomplete === true && this.#presentedIssuers().length === 0) {
      return verdictOn(linkedPath(leaf, [], now));
    }
    return verdictOn(outcome);
  }

  #judgeBy(store: TrustStore, now: number): Verdict {
    const leaf = this.#session?.peerCertificate;
    if (leaf === undefined) return undefined;
    const problem = this.#handshakeProblem;
    if (problem !== undefined) {
      if (isAboutRevocation(problem, this.#session)) return problem;
      // OpenSSL tells the last fault only, and the client chooses it: a revoked one that holds its intermediate back
      // is merely unknown.
      if (!hasNoRevocationList(this.#socket)) return statusUnknown;
    }
    if (this.#doubt !== undefined && !knowsNoRevocation(this.#socket)) return this.#doubt;
    return verdictOn(store.verify(leaf, () => this.#presentedIssuers(), now));
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

  #show(verdict: Verdict): Judged {
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
    return { verdict, state };
  }
}

/** Whether a verdict is the same at the time `now`: a date may have passed, or the clock been set right. */
function holds(verdict: Verdict, now: number): boolean {
  if (verdict === undefined) return true;
  if (!isProblem(verdict)) return now >= verdict.notBefore && now <= verdict.notAfter;
  return verdict.code !== 'CLIENT_CERTIFICATE_EXPIRED' && verdict.code !== 'CLIENT_CERTIFICATE_NOT_YET_VALID';
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
