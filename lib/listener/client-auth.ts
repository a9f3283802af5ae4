import { checkKeys, oneOf } from '../options.ts';
import { type CertificateInputs, readAnchors, requireRoots } from '../trust/anchors.ts';
import { type RevocationListInputs, withRevocationLists } from '../trust/revocation/crl-input.ts';
import { type RevocationOptions, readRevocation } from '../trust/revocation/revocation-options.ts';
import { ClientTrust, TrustStore } from '../trust/trust-store.ts';

/** Who may prove to be whom at the handshake. */
export interface ClientAuthOptions {
  /** `optional`: asks for a certificate and leaves it to the routes; `required`: no handshake without a good one. */
  readonly mode: 'optional' | 'required';
  /** The CAs that issue your clients' certificates. Mandatory: the system's roots are never used. */
  readonly ca: CertificateInputs;
  /**
   * Complete CRLs of these CAs and of those below them, for all of them or some. Asked at every request, of open
   * connections too, and for the anchors of a route as well. Portcullis checks issuer, signature and dates itself.
   */
  readonly crl?: RevocationListInputs | undefined;
  /** Only together with `crl`. */
  readonly revocation?: RevocationOptions | undefined;
}

export interface ClientAuth {
  readonly required: boolean;
  readonly trust: ClientTrust;
}

/** Reads `clientAuth`. ConfigErrors: `CLIENT_CA_MISSING`, `CLIENT_CA_INVALID`, `CRL_MISSING`, `CRL_INVALID`, `OPTION_…`. */
export function readClientAuth(option: unknown): ClientAuth | undefined {
  if (option === undefined) return undefined;
  checkKeys(option, ['mode', 'ca', 'crl', 'revocation'], 'clientAuth');
  const { mode, ca, crl, revocation } = option as Partial<ClientAuthOptions>;
  const required = oneOf(mode, ['optional', 'required'], 'clientAuth.mode') === 'required';
  const anchors = readAnchors(ca, 'clientAuth.ca');
  requireRoots(anchors, 'clientAuth.ca');
  const lists = readRevocation({ crl, revocation }, anchors, 'clientAuth');
  return { required, trust: new ClientTrust(new TrustStore(anchors, 'judged by OpenSSL'), lists) };
}

/**
 * Calls `read`, which reads `option` by `readClientAuth`, once the CRLs in it have been read little by little: for a
 * reload, in which nobody shall wait for a long list.
 */
export function withListsOf<T>(option: unknown, read: () => T): Promise<T> {
  const crl =
    typeof option === 'object' && option !== null ? (option as Partial<ClientAuthOptions>).crl : undefined;
  return withRevocationLists(crl, 'clientAuth.crl', read);
}
