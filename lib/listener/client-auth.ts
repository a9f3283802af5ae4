import { checkKeys, oneOf } from '../options.ts';
import { type CertificateInputs, readAnchors, requireRoots } from '../trust/anchors.ts';
import { TrustStore } from '../trust/trust-store.ts';

/** Who may prove to be whom at the handshake. */
export interface ClientAuthOptions {
  /** `optional`: asks for a certificate and leaves it to the routes; `required`: no handshake without a good one. */
  readonly mode: 'optional' | 'required';
  /** The CAs that issue your clients' certificates. Mandatory: the system's roots are never used. */
  readonly ca: CertificateInputs;
}

export interface ClientAuth {
  readonly required: boolean;
  readonly trust: TrustStore;
}

/** Reads `clientAuth`. ConfigErrors: `CLIENT_CA_MISSING`, `CLIENT_CA_INVALID`, `OPTION_…`. */
export function readClientAuth(option: unknown): ClientAuth | undefined {
  if (option === undefined) return undefined;
  checkKeys(option, ['mode', 'ca'], 'clientAuth');
  const { mode, ca } = option as Partial<ClientAuthOptions>;
  const required = oneOf(mode, ['optional', 'required'], 'clientAuth.mode') === 'required';
  const anchors = readAnchors(ca, 'clientAuth.ca');
  requireRoots(anchors, 'clientAuth.ca');
  return { required, trust: new TrustStore(anchors, 'judged by OpenSSL') };
}
