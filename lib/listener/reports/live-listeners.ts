import type { Server } from 'node:https';
import type { CertificateExpiryEvent } from '../../events.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { issuerLabel, newer, type RevocationList } from '../../trust/revocation/crl-list.ts';
import { namesOf } from './expiry.ts';
import type { ListenerStats } from './stats.ts';

/** A certificate that a listener serves, or trusts, now. */
export interface LiveCertificate {
  readonly role: CertificateExpiryEvent['role'];
  readonly name: string;
  readonly fingerprint256: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

/** How old the revocation lists of an issuer are: of several the oldest, and the first to run out. In ms since 1970. */
export interface LiveRevocation {
  readonly issuer: string;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

/** What a listener can be asked for while it listens. */
export interface LiveListener {
  readonly server: Server;
  readonly stats: ListenerStats;
  readonly certificates: readonly LiveCertificate[];
  readonly revocation: readonly LiveRevocation[];
}

/** The listeners of this process that listen now: for whoever measures, without a hand in each of them. */
export const liveListeners: Set<LiveListener> = new Set();

export const liveCertificate = (
  role: LiveCertificate['role'],
  certificate: Certificate,
): LiveCertificate => ({
  role,
  name: namesOf(certificate)[0] ?? '',
  fingerprint256: certificate.fingerprint256,
  notAfter: certificate.notAfter,
});

/** Of each issuer and scope the newest list counts. */
export function ageOf(lists: readonly RevocationList[]): readonly LiveRevocation[] {
  const newest = new Map<string, RevocationList>();
  for (const list of lists) {
    const key = JSON.stringify([list.issuer, list.scope.key]);
    const other = newest.get(key);
    newest.set(key, other === undefined ? list : newer(other, list));
  }
  const ages = new Map<string, LiveRevocation>();
  for (const list of newest.values()) {
    const { thisUpdate, nextUpdate } = list;
    const other = ages.get(list.issuer) ?? { thisUpdate, nextUpdate };
    ages.set(list.issuer, {
      issuer: issuerLabel(list).slice(1, -1),
      thisUpdate: Math.min(thisUpdate, other.thisUpdate),
      nextUpdate: Math.min(nextUpdate, other.nextUpdate),
    });
  }
  return [...ages.values()];
}
