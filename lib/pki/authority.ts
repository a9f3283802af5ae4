import { type CrlOptions, signCrl } from './crl.ts';
import { type AuthorityOptions, issueIntermediate, issueRoot } from './issue-authority.ts';
import { type ClientCertificateOptions, type ClientPublicKeyOptions, issueClient } from './issue-client.ts';
import { issueServer, type ServerCertificateOptions } from './issue-server.ts';
import { certificatesToSend, type Issuer, rootOf } from './issuer.ts';
import { exportKey } from './keys.ts';
import type { IssuedCertificate, IssuedPublicCertificate } from './leaf.ts';
import { readAuthority, type StoredAuthority } from './load-authority.ts';

/**
 * A certificate authority for development, tests and private use. It keeps no record of what it issued, and its key
 * lies in this process's memory. Texts are PEM and end with a newline. Its properties are getters, so that neither
 * `JSON.stringify` nor a logger takes the key along.
 */
export interface Authority {
  /** Its own certificate. */
  readonly certificate: string;
  /** Its private key as PKCS#8, not encrypted. Whoever has it can be anyone. */
  readonly key: string;
  /** What is sent after a certificate that it issued: its own and those above it, without the root. '' for a root. */
  readonly chain: string;
  /** The root: what those shall trust who verify. */
  readonly root: string;
  /** A CA below this one, of its own key. `OPTION_CONFLICT` where the path length does not allow it. */
  issueIntermediate(options?: AuthorityOptions): Promise<Authority>;
  /** A certificate for a TLS server: valid for 398 days at most, its extended key usage serverAuth only. */
  issueServerCertificate(options: ServerCertificateOptions): Promise<IssuedCertificate>;
  /** A certificate for a TLS client: its extended key usage clientAuth only. */
  issueClientCertificate(options: ClientCertificateOptions): Promise<IssuedCertificate>;
  /** The same for a public key: there is no private key to give back. */
  issueClientCertificate(options: ClientPublicKeyOptions): Promise<IssuedPublicCertificate>;
  /**
   * A complete list of what it has revoked, in PEM (RFC 5280 5), with a CRL number and its key identifier. The caller
   * keeps the record: what is not in `revoked` is not revoked.
   */
  crl(options: CrlOptions): Promise<string>;
}

/**
 * Makes a self-signed root (RFC 5280 4): ECDSA P-256 and ten years, unless told otherwise.
 *
 * ```ts
 * const authority = await createAuthority({ subject: { O: 'Example', CN: 'Example root' } });
 * const { key, chain, ca } = await authority.issueServerCertificate({ names: ['localhost', '127.0.0.1'] });
 * https.createServer({ key, cert: chain });
 * ```
 *
 * A bad option is a ConfigError: `OPTION_UNKNOWN`, `OPTION_INVALID`, `OPTION_CONFLICT`, `KEY_INVALID`.
 */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  return new StandingAuthority(await issueRoot(options));
}

/**
 * An authority from what was kept of it, so that it can issue again:
 * `loadAuthority({ certificate, key })` for a root, with `issuers` for an intermediate.
 * A ConfigError (`CERTIFICATE_INVALID`, `CERTIFICATE_MISSING`, `KEY_INVALID`, `KEY_MISMATCH`) where it cannot.
 */
// oxlint-disable-next-line require-await -- a bad option shall be a rejection, as with createAuthority
export async function loadAuthority(options: StoredAuthority): Promise<Authority> {
  return new StandingAuthority(readAuthority(options));
}

class StandingAuthority implements Authority {
  readonly #issuer: Issuer;
  #lastCrlNumber = 0;

  constructor(issuer: Issuer) {
    this.#issuer = issuer;
  }

  get certificate(): string {
    return this.#issuer.certificate.pem;
  }

  get key(): string {
    return exportKey(this.#issuer.key);
  }

  get chain(): string {
    return certificatesToSend(this.#issuer)
      .map(({ pem }) => pem)
      .join('');
  }

  get root(): string {
    return rootOf(this.#issuer).pem;
  }

  async issueIntermediate(options: AuthorityOptions = {}): Promise<Authority> {
    return new StandingAuthority(await issueIntermediate(options, this.#issuer));
  }

  issueServerCertificate(options: ServerCertificateOptions): Promise<IssuedCertificate> {
    return issueServer(options, this.#issuer);
  }

  issueClientCertificate(options: ClientCertificateOptions): Promise<IssuedCertificate>;
  issueClientCertificate(options: ClientPublicKeyOptions): Promise<IssuedPublicCertificate>;
  issueClientCertificate(
    options: ClientCertificateOptions | ClientPublicKeyOptions,
  ): Promise<IssuedPublicCertificate> {
    return issueClient(options, this.#issuer);
  }

  async crl(options: CrlOptions): Promise<string> {
    // Two lists of one millisecond need two numbers (RFC 5280 5.2.3).
    this.#lastCrlNumber = Math.max(Date.now(), this.#lastCrlNumber + 1);
    return signCrl(options, this.#issuer, this.#lastCrlNumber);
  }
}
