import type { AuditSeverity } from '../../profiles/audit.ts';
import type { FindingCode } from './findings/codes.ts';

/** One deviation from the profile, in the shape of an audit's. Frozen, JSON-safe. */
export interface InspectFinding {
  readonly code: FindingCode;
  readonly severity: AuditSeverity;
  /** The part of the inspection that it is about (`accepted.ciphers`, `chains[0]`). */
  readonly path: string | undefined;
  readonly message: string;
  readonly remedy: string;
  readonly link: string;
}

/** A certificate as it was sent. Dates are ISO 8601. Strings are as they stand in the certificate: escape them for a terminal. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whole days until `notAfter`; negative after it. */
  readonly daysLeft: number;
  /** DNS names and addresses of subjectAltName. */
  readonly names: readonly string[];
  readonly publicKey: {
    readonly type: string;
    readonly bits: number | null;
    readonly curve: string | null;
  };
  readonly signatureAlgorithm: string;
  /** `sha256/…=` of the SPKI (RFC 7469). */
  readonly pin: string;
  readonly fingerprint256: string;
  readonly isCa: boolean;
  readonly selfIssued: boolean;
  /** RFC 7633. */
  readonly mustStaple: boolean;
  readonly ocspResponders: readonly string[];
}

/** A chain that the server sends; of several (RSA and ECDSA) the first is the one that was negotiated. */
export interface ServedChain {
  readonly sent: readonly CertificateFacts[];
  /** Subjects from the leaf to a trusted root; null where no path was found. */
  readonly path: readonly string[] | null;
  readonly trusted: boolean;
  /** Why it is not: OpenSSL's code, as Node writes it. Null where it is trusted. */
  readonly reason: string | null;
  readonly hostMatches: boolean;
  /** Each certificate is followed by its issuer (RFC 5246 7.4.2). */
  readonly inOrder: boolean;
  /** No intermediate is missing. */
  readonly complete: boolean;
  readonly rootSent: boolean;
}

export interface Negotiated {
  readonly protocol: string;
  readonly cipher: { readonly name: string; readonly standardName: string };
  /** IANA name of the key exchange group; null where there was none or it is unknown. */
  readonly group: string | null;
  readonly forwardSecrecy: boolean;
  readonly postQuantum: boolean;
  readonly alpn: string | null;
  /** It came about only with everything on offer that OpenSSL has, however old. */
  readonly legacy: boolean;
}

export interface Stapling {
  readonly stapled: boolean;
  /** Verified: `good` or `revoked`; otherwise null. */
  readonly status: 'good' | 'revoked' | null;
  /** Why the response counts for nothing. */
  readonly problem: string | null;
  readonly nextUpdate: string | null;
}

/** `null`: not tried, or it cannot be told. */
export interface Resumption {
  readonly tls13: boolean | null;
  readonly tls12Ticket: boolean | null;
  readonly tls12SessionId: boolean | null;
  /** Seconds, as the server hints. */
  readonly ticketLifetime: number | null;
}

export interface AcceptedCipher {
  readonly version: string;
  /** IANA name. */
  readonly name: string;
  /** Of its key exchange in that answer; null where it is not told. */
  readonly group: string | null;
  readonly dhBits: number | null;
}

/** What else the server accepts, by handshakes of our own. `null`: it cannot be told, or does not apply. */
export interface Accepted {
  /** False where the server stopped answering, or answered now and then: what is missing then is not a no. */
  readonly complete: boolean;
  readonly versions: {
    readonly SSLv2: boolean;
    readonly SSLv3: boolean;
    readonly 'TLSv1.0': boolean;
    readonly 'TLSv1.1': boolean;
    readonly 'TLSv1.2': boolean;
    readonly 'TLSv1.3': boolean;
  };
  readonly ciphers: readonly AcceptedCipher[];
  /** By version: whose order of ciphers decides. */
  readonly cipherOrder: Readonly<Record<string, 'server' | 'client'>>;
  readonly groups: { readonly 'TLSv1.2': readonly string[]; readonly 'TLSv1.3': readonly string[] };
  readonly signatureSchemes: {
    readonly 'TLSv1.2': readonly string[];
    readonly 'TLSv1.3': readonly string[];
  };
  readonly compression: boolean | null;
  readonly secureRenegotiation: boolean | null;
  readonly clientRenegotiation: boolean | null;
  readonly extendedMasterSecret: boolean | null;
  readonly fallbackScsv: boolean | null;
  readonly heartbeat: boolean | null;
  readonly alpn: {
    readonly h2: boolean | null;
    readonly 'http/1.1': boolean | null;
    readonly strict: boolean | null;
  };
  /** Refused: though the same hello with the right name is answered. */
  readonly unknownName: 'refused' | 'served' | null;
  readonly connections: number;
}

export interface HttpFacts {
  readonly status: number;
  readonly hsts: {
    readonly maxAge: number;
    readonly includeSubDomains: boolean;
    readonly preload: boolean;
  } | null;
}

/** What `--http` found on the plain port. */
export interface RedirectFacts {
  readonly port: number;
  readonly status: number | null;
  readonly location: string | null;
  readonly toHttps: boolean;
}

/** All that is known of a server: plain values, JSON-safe, frozen. `schema` grows when a field changes its meaning. */
export interface Inspection {
  readonly schema: 1;
  readonly target: {
    readonly host: string;
    readonly port: number;
    readonly address: string;
    /** SNI; null where the host is an address. */
    readonly serverName: string | null;
  };
  readonly inspectedAt: string;
  readonly profile: 'intermediate' | 'modern';
  /** Version of Mozilla's guideline. */
  readonly guideline: string;
  readonly verdict: 'pass' | 'fail';
  /** The gravest first. */
  readonly findings: readonly InspectFinding[];
  /** Null where Node came to no handshake; `handshakeError` says why. */
  readonly negotiated: Negotiated | null;
  readonly handshakeError: string | null;
  /** The group that the server wants where Node came to no handshake, and which this runtime has not. */
  readonly unsupportedGroup: string | null;
  /** Who was trusted: `node` (its bundled roots, and NODE_EXTRA_CA_CERTS) or `file`. */
  readonly roots: 'node' | 'file';
  readonly chains: readonly ServedChain[];
  readonly stapling: Stapling | null;
  readonly clientCertificate: {
    readonly requested: boolean | null;
    /**
     * Whether nothing works without one; null where it was given, or cannot be told (an error of HTTP, a handshake that
     * fails by an alert about something else).
     */
    readonly required: boolean | null;
    readonly given: boolean;
    /** The CAs that the server names. */
    readonly authorities: readonly string[];
  };
  readonly resumption: Resumption;
  /** Null with `--quick`. */
  readonly accepted: Accepted | null;
  /** Null where no HTTP/1.1 response came. */
  readonly http: HttpFacts | null;
  /** Null without `--http`. */
  readonly redirect: RedirectFacts | null;
}
