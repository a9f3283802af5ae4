import { ConfigError } from '../errors.ts';
import { checkKeys, describe } from '../options.ts';
import { type CrlOptions, signCrl } from './crl.ts';
import { type AuthorityOptions, issueIntermediate, issueRoot } from './issue-authority.ts';
import { type ClientCertificateOptions, type ClientPublicKeyOptions, issueClient } from './issue-client.ts';
import { issueServer, type ServerCertificateOptions } from './issue-server.ts';
import { certificatesToSend, type Issuer, rootOf } from './issuer.ts';
import { exportKey } from './keys.ts';
import type { IssuedCertificate, IssuedPublicCertificate } from './leaf.ts';
import { readAuthority, type StoredAuthority } from './load-authority.ts';
import { type AuthorityRenewalOptions, authorityRenewalKeys, renewAuthority } from './renew-authority.ts';
import { type PublicKeyRenewalOptions, renewCertificate, type RenewalOptions } from './renew-certificate.ts';
import { signRequest, type SignRequestOptions } from './request/sign-request.ts';

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
  /** A certificate for a TLS client: valid for 825 days at most, its extended key usage clientAuth only. */
  issueClientCertificate(options: ClientCertificateOptions): Promise<IssuedCertificate>;
  /** The same for a public key: there is no private key to give back. */
  issueClientCertificate(options: ClientPublicKeyOptions): Promise<IssuedPublicCertificate>;
  /**
   * A certificate for whoever made the request (PKCS#10 in PEM), after the proof that the requester has its key. You say
   * what it is for and for which names: of what the request asks for nothing is granted without `namesFromRequest`, and
   * then its names only. ConfigErrors as `readRequest` and as for the other certificates.
   */
  signRequest(request: string, options: SignRequestOptions): Promise<IssuedPublicCertificate>;
  /**
   * A successor of a server's or client's certificate (PEM) that this authority has issued: the same subject, names and
   * purposes, a new serial number, validity and key. What would not be issued today is not renewed, and whether the old
   * one was revoked is for you to look up. `CERTIFICATE_INVALID` where it is another authority's or cannot be renewed.
   */
  renewCertificate(certificate: string, options?: RenewalOptions): Promise<IssuedCertificate>;
  /** The same for a key that its owner keeps. */
  renewCertificate(certificate: string, options: PublicKeyRenewalOptions): Promise<IssuedPublicCertificate>;
  /**
   * This authority with a new certificate of the same name, key and bounds: whatever it has issued is good below the old
   * and the new one. An intermediate is renewed by the one above it, `issuer`. CRLs go on in their numbers.
   */
  renew(options?: AuthorityRenewalInput): Promise<Authority>;
  /**
   * A complete list of what it has revoked, in PEM (RFC 5280 5), with its key identifier and a CRL number: `number` as it
   * is given, or else one that is greater than that of each list before of this object. With `after` either is greater
   * than that list's, or it is a ConfigError. The caller keeps the record: what is not in `revoked` is not revoked.
   */
  crl(options: CrlOptions): Promise<string>;
}

/** How to renew an authority. */
export interface AuthorityRenewalInput extends AuthorityRenewalOptions {
  /** For an intermediate: the authority that has issued it, with its key. */
  readonly issuer?: Authority;
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
  #lastCrlNumber: bigint;

  constructor(issuer: Issuer, lastCrlNumber = -1n) {
    this.#issuer = issuer;
    this.#lastCrlNumber = lastCrlNumber;
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

  signRequest(request: string, options: SignRequestOptions): Promise<IssuedPublicCertificate> {
    return signRequest(request, options, this.#issuer);
  }

  renewCertificate(certificate: string, options?: RenewalOptions): Promise<IssuedCertificate>;
  renewCertificate(certificate: string, options: PublicKeyRenewalOptions): Promise<IssuedPublicCertificate>;
  renewCertificate(
    certificate: string,
    options: PublicKeyRenewalOptions | RenewalOptions = {},
  ): Promise<IssuedPublicCertificate> {
    return renewCertificate(certificate, options, this.#issuer);
  }

  async renew(options: AuthorityRenewalInput = {}): Promise<Authority> {
    checkKeys(options, [...authorityRenewalKeys, 'issuer'], 'options');
    const { issuer, ...rest } = options;
    const above = readIssuer(issuer, this.#issuer.issuers.length === 0);
    const renewed = await renewAuthority(rest, this.#issuer, above && above.#issuer);
    return new StandingAuthority(renewed, this.#lastCrlNumber);
  }

  async crl(options: CrlOptions): Promise<string> {
    const { pem, number } = signCrl(options, this.#issuer, this.#lastCrlNumber);
    if (number > this.#lastCrlNumber) this.#lastCrlNumber = number;
    return pem;
  }
}

/** The key of an intermediate's issuer lies in another object, which has to be one of these. */
function readIssuer(issuer: unknown, isRoot: boolean): StandingAuthority | undefined {
  if (isRoot && issuer === undefined) return undefined;
  if (isRoot)
    throw new ConfigError('OPTION_CONFLICT', 'issuer', 'a root has none', 'Leave it out: it signs itself.');
  if (issuer instanceof StandingAuthority) return issuer;
  throw new ConfigError(
    'OPTION_INVALID',
    'issuer',
    issuer === undefined
      ? 'it is mandatory for an intermediate'
      : `expected an authority, got ${describe(issuer)}`,
    'Give the authority above, from createAuthority or loadAuthority.',
  );
}
