import type { RevocationLists } from '../trust/revocation/revocation.ts';
import type { TrustStore } from '../trust/trust-store.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { TlsState } from './tls-state.ts';

interface Settled {
  readonly revocation: RevocationLists;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** What one connection has to wait for before its client is judged: remembered, so that it mostly costs a look-up. */
export class StatusQuestions {
  readonly #settled = new Map<TrustStore, Settled>();

  /** Asks about the `path` to the anchors of `store`; a promise, which never rejects, where there is no answer yet. */
  pending(
    revocation: RevocationLists,
    store: TrustStore,
    now: number,
    path: () => readonly Certificate[] | undefined,
  ): Promise<void> | undefined {
    const settled = this.#settled.get(store);
    if (settled !== undefined && settled.revocation === revocation && now < settled.until) return undefined;
    const certificates = path();
    const asked = certificates && revocation.ask(certificates, now);
    // By what is remembered of a trust that is gone nobody is judged any more.
    if (settled === undefined && this.#settled.size >= rememberedStores) this.#settled.clear();
    if (asked !== undefined) this.#settled.set(store, { revocation, until: asked.until });
    return asked?.waiting;
  }
}

const rememberedStores = 64;

/** Whether a responder could change what is shown: of a verified client, or one whose revocation is the only doubt. */
export const isForResponder = ({ clientCertificate, clientCertificateError }: TlsState): boolean =>
  clientCertificate !== undefined ||
  clientCertificateError?.code === 'REVOCATION_STATUS_UNKNOWN' ||
  clientCertificateError?.code === 'CLIENT_CERTIFICATE_REVOKED';
