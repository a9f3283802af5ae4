import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { explainVerdict } from '../connection/openssl.ts';
import { issuersOf, readSentBeside } from '../connection/presented-chain.ts';
import { readSession } from '../connection/session.ts';
import { issuerOf, subjectOf } from '../trust/revocation/crl-name.ts';
import { readCertificate } from '../x509/certificate.ts';
import type { ClientState, Generation } from './client-state.ts';
import {
  type CertificateFailure,
  CertificateVerificationError,
  HandshakeError,
  TlsClientError,
} from './errors.ts';
import { handshakeFailure } from './handshake-failure.ts';
import { type Approval, isRefusal, judge, type Presented, type Target } from './judgement.ts';
import { wordsOf } from './protocol.ts';
import type { KeptSession } from './sessions.ts';

interface Parts {
  readonly socket: TLSSocket;
  readonly state: ClientState;
  readonly target: Target;
  readonly alpn: readonly string[];
  /** That was offered. */
  readonly kept: KeptSession | undefined;
}

/** One handshake, from the server's certificate to the verdict. */
export class Handshake {
  readonly #parts: Parts;
  #presented: Presented | undefined;
  /** By what configuration it was given: another may have come meanwhile. */
  #approved: { readonly approval: Approval; readonly generation: Generation } | undefined;
  #isEstablished = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get presented(): Presented | undefined {
    return this.#presented;
  }

  get approval(): Approval | undefined {
    return this.#isEstablished ? this.#approved?.approval : undefined;
  }

  /**
   * OpenSSL asks what the stapled response says as soon as it has the server's certificate, a response or not: before
   * the client sends its own, and over TLS 1.2 that would be in the clear. Whoever is refused here has seen a
   * ClientHello (a second one, too, where it has asked for another group) and nothing else.
   */
  onStatus(response: unknown): TlsClientError | undefined {
    const { socket } = this.#parts;
    if (socket.isSessionReused()) return undefined;
    const staple = ArrayBuffer.isView(response) && response.byteLength > 0 ? copyOf(response) : undefined;
    this.#presented = readPresented(socket, staple);
    return this.#presented === undefined ? this.#withoutCertificate() : this.#judgeAll(this.#presented);
  }

  /** Once OpenSSL is content. The same answer as before, or the first one: of a resumed session nobody has asked yet. */
  onIdentity(): TlsClientError | undefined {
    return this.#judgeAgain();
  }

  /** At the end, before anybody may write. */
  onSecure(): TlsClientError | undefined {
    const error = this.#judgeAgain() ?? this.#problemOfProtocol();
    if (error === undefined) this.#isEstablished = true;
    return error;
  }

  /** What `error`, by which the connection ends, is for whoever has asked for it. */
  explain(error: unknown): unknown {
    if (error instanceof TlsClientError) return error;
    const { socket, state, target } = this.#parts;
    const { authorizationError } = socket as { authorizationError?: unknown };
    if (!this.#isEstablished && typeof authorizationError === 'string')
      return this.#refusedByOpenSsl(authorizationError, error);
    return handshakeFailure(error, this.#isEstablished, state.config.protocol, target) ?? error;
  }

  /** With all that was sent, where one issuer is not good now: its renewed certificate may have come behind it. */
  #judgeAll(presented: Presented): TlsClientError | undefined {
    const error = this.#judge(presented);
    if (!(error instanceof CertificateVerificationError) || !renewable.has(error.reason)) return error;
    const { leaf, issuers, staple } = presented;
    const beside = readSentBeside(this.#parts.socket, [leaf, ...issuers]);
    const all = [...issuers, ...beside];
    if (beside.length === 0 || !isRenewalOnly(all)) return error;
    this.#presented = { leaf, issuers: all, staple };
    return this.#judge(this.#presented);
  }

  #judge(presented: Presented): TlsClientError | undefined {
    const { state, target } = this.#parts;
    const { generation } = state;
    if (this.#approved?.generation === generation) return undefined;
    const outcome = judge(generation.config, target, presented, Date.now());
    if (isRefusal(outcome)) return outcome;
    this.#approved = { approval: outcome, generation };
    return undefined;
  }

  /**
   * What was judged must be what OpenSSL has proven: that stands in its session, which a resumed connection has from the
   * full handshake. Node's `getPeerCertificate` knows nothing of a resumed one.
   */
  #judgeAgain(): TlsClientError | undefined {
    const { socket, kept } = this.#parts;
    this.#presented ??= socket.isSessionReused() ? kept?.presented : readPresented(socket, undefined);
    const proven = readSession(socket.getSession())?.peerCertificate;
    if (this.#presented === undefined || proven?.equals(this.#presented.leaf) !== true)
      return this.#withoutCertificate();
    return this.#judge(this.#presented);
  }

  #withoutCertificate(): TlsClientError {
    const details = {
      ...this.#parts.target,
      expected: 'one certificate, and the same throughout',
      seen: 'another, or none',
    };
    return new CertificateVerificationError('CERTIFICATE_UNTRUSTED', details);
  }

  #problemOfProtocol(): TlsClientError | undefined {
    const { socket, state, target, alpn } = this.#parts;
    const { protocol } = state.config;
    const version = socket.getProtocol();
    const cipher = socket.getCipher().name;
    const { alpnProtocol } = socket;
    const isVersion = version === 'TLSv1.3' || (version === 'TLSv1.2' && protocol.minVersion === 'TLSv1.2');
    const isAlpn = alpnProtocol === false || alpnProtocol === null || alpn.includes(alpnProtocol);
    if (isVersion && protocol.ciphers.includes(cipher) && isAlpn) return undefined;
    return new HandshakeError(
      {
        reason: 'PROTOCOL_REFUSED',
        problem: 'the server has chosen what was not offered',
        remedy: 'Tell its operator.',
      },
      { ...target, expected: wordsOf(protocol), seen: `${version} ${cipher} ${alpnProtocol}` },
    );
  }

  /** It checks the same as `judge`, and may know more of its own certificates; whoever it refuses is refused. */
  #refusedByOpenSsl(verdict: string, cause: unknown): TlsClientError {
    const { reason } = explainVerdict(verdict);
    return new CertificateVerificationError(
      verdicts[verdict] ?? 'CERTIFICATE_UNTRUSTED',
      {
        ...this.#parts.target,
        expected: 'a certificate that OpenSSL accepts',
        seen: `${reason} (${verdict})`,
      },
      cause,
    );
  }
}

/** X509_V_ERR_…, as Node names them. */
const verdicts: Readonly<Partial<Record<string, CertificateFailure>>> = {
  CERT_HAS_EXPIRED: 'CERTIFICATE_EXPIRED',
  CERT_NOT_YET_VALID: 'CERTIFICATE_NOT_YET_VALID',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'CERTIFICATE_SELF_SIGNED',
  INVALID_PURPOSE: 'CERTIFICATE_PURPOSE',
  SELF_SIGNED_CERT_IN_CHAIN: 'ISSUER_UNKNOWN',
  UNABLE_TO_GET_ISSUER_CERT: 'ISSUER_UNKNOWN',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'ISSUER_UNKNOWN',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'ISSUER_UNKNOWN',
};

/**
 * For these alone, as OpenSSL has its verdict already, and Node asks for it at the end, when the client's certificate is
 * gone. It takes an issuer that is valid now, and knows no lists, so it is content with what is found here.
 */
const renewable: ReadonlySet<CertificateFailure> = new Set([
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_NOT_YET_VALID',
  'CERTIFICATE_REVOKED',
]);

/** No CA stands there below two others: OpenSSL goes by the first of them, be it the one that nobody believes. */
function isRenewalOnly(issuers: readonly Buffer[]): boolean {
  const above = new Map<string, string>();
  return issuers.every((der) => {
    const certificate = readCertificate(der);
    if (certificate === undefined) return false;
    const [subject, issuer] = [subjectOf(certificate), issuerOf(certificate)];
    const known = above.get(subject);
    above.set(subject, issuer);
    return known === undefined || known === issuer;
  });
}

/**
 * The leaf, and what Node has linked to it by name of what was sent and what is trusted. Not by
 * `getPeerX509Certificate()`, which takes the leaf out of OpenSSL's own chain on a client, so that nobody sees it again.
 */
function readPresented(socket: TLSSocket, staple: Buffer | undefined): Presented | undefined {
  const certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(true);
  const { raw: leaf } = certificate;
  return leaf === undefined ? undefined : { leaf, issuers: issuersOf(certificate), staple };
}

const copyOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer =>
  Buffer.from(Buffer.from(buffer, byteOffset, byteLength));
