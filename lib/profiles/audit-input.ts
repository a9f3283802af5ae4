import type { TlsProfile } from './profile.ts';

/** A served certificate, as far as an audit looks at it. Times are milliseconds since 1970. */
export interface AuditedCertificate {
  /** The option that it came from. */
  readonly path: string;
  /** DNS names and addresses. */
  readonly names: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  /** In Node's terms: `rsa`, `rsa-pss`, `ec`, `ed25519` … */
  readonly keyType: string;
  readonly keyBits: number | undefined;
  readonly keyCurve: string | undefined;
  /** What is weak about a signature of it or of an intermediate that is sent along. */
  readonly weakSignature: string | undefined;
  readonly selfSigned: boolean;
  /** Made by Portcullis for localhost. */
  readonly development: boolean;
  /** How many certificates came with it. */
  readonly issuers: number;
  /** It names an OCSP responder. */
  readonly namesResponder: boolean;
  /** RFC 7633: clients refuse it without a stapled response. */
  readonly mustStaple: boolean;
  /** Undefined where stapling is off. */
  readonly stapling: AuditedStapling | undefined;
}

export interface AuditedStapling {
  readonly unstaplable: 'NO_RESPONDER' | 'NO_ISSUER' | 'SEVERAL_KEYS' | undefined;
  /** Of what is stapled now; undefined: nothing is. */
  readonly status: 'good' | 'revoked' | undefined;
  readonly problem: string | undefined;
}

export interface AuditedAuthority {
  readonly name: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** What is weak about its key. */
  readonly weakness: string | undefined;
}

/** What an audit looks at: plain values, so that it can be made of any server. */
export interface AuditInput {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly profile: TlsProfile;
  /** Undefined: there are none yet. */
  readonly certificates: readonly AuditedCertificate[] | undefined;
  /** Options that begin with `dangerously` and say something. */
  readonly dangerous: Readonly<Record<string, unknown>>;
  /** `process.versions`. */
  readonly node: string;
  readonly openssl: string;
  /** Whether OpenSSL has a hybrid group, and whether the listener offers one. */
  readonly postQuantum: { readonly available: boolean; readonly offered: boolean };
  /** `shared`: every process that serves the same clients knows the keys, or there is only this one. */
  readonly tickets: { readonly on: boolean; readonly shared: boolean };
  readonly clientAuth:
    | { readonly authorities: readonly AuditedAuthority[]; readonly revocation: boolean }
    | undefined;
  readonly refusesUnknownNames: boolean;
  readonly ownSniCallback: boolean;
  readonly upgradeListeners: number;
  /** Whether the process has made a `forUpgrade`, and how many upgrades have come by none. */
  readonly upgradesGuarded: boolean;
  readonly unguardedUpgrades: number;
}
