import { checkKeys, oneOf } from '../options.ts';
import { type CertificateInputs, readAnchors, requireRoots, requireSoundAnchors } from '../trust/anchors.ts';
import { type AnyDenyList, readDenyList } from '../trust/deny-list/deny-list.ts';
import type { DenyListEntry } from '../trust/deny-list/entry.ts';
import { type PathCheck, readRelaxations } from '../trust/profile/path-check.ts';
import { type RevocationListInputs, withRevocationLists } from '../trust/revocation/crl-input.ts';
import { type RevocationOptions, readRevocation } from '../trust/revocation/revocation-options.ts';
import { strangers, succeed } from '../trust/revocation/succession.ts';
import { ClientTrust, TrustStore } from '../trust/trust-store.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Logger } from './logger.ts';

/** Who may prove to be whom at the handshake. */
export interface ClientAuthOptions {
  /** `optional`: asks for a certificate and leaves it to the routes; `required`: no handshake without a good one. */
  readonly mode: 'optional' | 'required';
  /** The CAs that issue your clients' certificates. Mandatory: the system's roots are never used. */
  readonly ca: CertificateInputs;
  /**
   * Complete CRLs of these CAs and of those below them, for all of them or some. Asked at every request, of open
   * connections too, and for the anchors of a route as well. Portcullis checks issuer, signature and dates itself.
   *
   * A reload never replaces a list by an older one. Where a CA that is still trusted has lost its list in a file or
   * directory, it is refused (`CRL_MISSING`); only `reload({ clientAuth })` takes a list away.
   */
  readonly crl?: RevocationListInputs | undefined;
  /** How lists count, and where more is known: `fetch` and `ocsp` (docs/revocation.md). Without these only with `crl`. */
  readonly revocation?: RevocationOptions | undefined;
  /**
   * Certificates that are refused at once (`CLIENT_CERTIFICATE_DENIED`), whatever their CA says: `denyList()` or
   * `redisDenyList()`, changed while serving, or an array of entries. Asked at every request, of open connections too,
   * which are closed after the answer in flight; for the anchors of a route and forwarded certificates as well.
   */
  readonly denyList?: AnyDenyList | readonly DenyListEntry[] | undefined;
  /**
   * Checks of the client's path that are let go, by their ids: for a CA that cannot be made to issue better ones. What
   * OpenSSL refuses by itself stays refused. Default: none. See docs/path-checks.md.
   */
  readonly dangerouslyAllow?: readonly PathCheck[] | undefined;
}

export interface ClientAuth {
  readonly required: boolean;
  readonly trust: ClientTrust;
  /** All of `ca`, in its order: what has expired is to be told. */
  readonly authorities: readonly Certificate[];
}

/** Reads `clientAuth`. ConfigErrors: `CLIENT_CA_MISSING`, `CLIENT_CA_INVALID`, `CRL_MISSING`, `CRL_INVALID`, `OPTION_…`. */
export function readClientAuth(option: unknown): ClientAuth | undefined {
  if (option === undefined) return undefined;
  checkKeys(option, ['mode', 'ca', 'crl', 'revocation', 'denyList', 'dangerouslyAllow'], 'clientAuth');
  const { mode, ca, crl, revocation, denyList, dangerouslyAllow } = option as Partial<ClientAuthOptions>;
  const required = oneOf(mode, ['optional', 'required'], 'clientAuth.mode') === 'required';
  const allowed = readRelaxations(dangerouslyAllow, 'clientAuth.dangerouslyAllow');
  const authorities = readAnchors(ca, 'clientAuth.ca');
  requireRoots(authorities, 'clientAuth.ca');
  requireSoundAnchors(authorities, 'clientAuth.ca', allowed, 'clientAuth');
  const anchors = authorities.filter(isOfUse);
  const lists = readRevocation({ crl, revocation }, anchors, 'clientAuth');
  const denials = readDenyList(denyList, 'clientAuth.denyList');
  const trust = new ClientTrust(new TrustStore(anchors, allowed), lists, denials);
  return { required, trust, authorities };
}

/** OpenSSL takes an intermediate of ours before the one that a client sends: an expired one would hide the renewed. */
const isOfUse = ({ isSelfIssued, notAfter }: Certificate): boolean => isSelfIssued || notAfter >= Date.now();

/**
 * Calls `read`, which reads `option` by `readClientAuth`, once the CRLs in it have been read little by little: for a
 * reload, in which nobody shall wait for a long list.
 */
export function withListsOf<T>(option: unknown, read: () => T): Promise<T> {
  const crl =
    typeof option === 'object' && option !== null ? (option as Partial<ClientAuthOptions>).crl : undefined;
  return withRevocationLists(crl, 'clientAuth.crl', read);
}

interface WithClientAuth {
  readonly clientAuth: ClientAuth | undefined;
  readonly logger: Logger;
}

/**
 * `next`, which a reload has read anew, with the revocation lists of `before` that must not be taken back by what lies
 * in a file (see `succeed`), and warns of those that are. `byHand`: `reload({ clientAuth })` gave them. ConfigError:
 * `CRL_MISSING`.
 */
export function withKeptLists<T extends WithClientAuth>(before: T, next: T, byHand: boolean): T {
  if (before.clientAuth === undefined || next.clientAuth === undefined) return next;
  const { trust, warnings } = succeed({
    before: before.clientAuth.trust,
    next: next.clientAuth.trust,
    byHand,
    path: 'clientAuth.crl',
    at: Date.now(),
  });
  for (const warning of warnings) next.logger.warn(`Portcullis: ${warning}.`);
  if (before.clientAuth.trust.denyList !== undefined && next.clientAuth.trust.denyList === undefined)
    next.logger.warn('Portcullis: the new clientAuth has no denyList: whom the former one denied is let in.');
  return { ...next, clientAuth: { ...next.clientAuth, trust } };
}

/** For the start: a list of nobody, by a slip in `crl` or `ca`, revokes nobody. */
export function warnOfStrangeLists(clientAuth: ClientAuth | undefined, logger: Logger): void {
  if (clientAuth === undefined) return;
  const names = strangers(clientAuth.trust);
  if (names.length === 0) return;
  logger.warn(
    `Portcullis: clientAuth.crl has lists of issuers that are not in clientAuth.ca: ${names.join(', ')}. They count only ` +
      'for intermediates that clients send, and for the CAs of routes.',
  );
}
