import { clientDays, intermediateDays, rootDays, serverDays, serverReason } from '../../pki/limits.ts';
import { CliFailure, usage } from '../failure.ts';

export const dayMs = 86_400_000;
/** Peers whose clocks are a little slow take a fresh certificate. */
const skewMs = 300_000;

export type CertificateKind = 'root' | 'intermediate' | 'server' | 'client' | 'crl';

/** The longest that each may last, and why. */
const limits: Readonly<Record<CertificateKind, readonly [most: number, why: string]>> = {
  root: [rootDays, 'make a new one then'],
  intermediate: [intermediateDays, 'make a new one then'],
  server: [serverDays, `${serverReason}. Renew it in time: portcullis pki renew`],
  client: [clientDays, 'a lost key would open doors for years. Renew it in time: portcullis pki renew'],
  crl: [366, 'what is revoked later would not be on it'],
};

export interface Period {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** `days` from now; a usage error where that is too long. */
export function periodOf(days: number, kind: CertificateKind, now: number): Period {
  const [most, why] = limits[kind];
  if (days > most) {
    throw usage(
      `--days ${days} is too long for ${kind === 'crl' ? 'a CRL' : `a certificate of this kind (${kind})`}`,
      `Give at most ${most}: ${why}.`,
    );
  }
  const notBefore = now - skewMs;
  // Both ends are included (RFC 5280 4.1.2.5): a second less.
  return { notBefore: new Date(notBefore), notAfter: new Date(notBefore + days * dayMs - 1000) };
}

/** Cut at the end of who issues it. */
export const within = ({ notBefore, notAfter }: Period, issuer: { readonly notAfter: number }): Period => ({
  notBefore,
  notAfter: new Date(Math.min(notAfter.getTime(), issuer.notAfter)),
});

/** How long a certificate is valid, in days: both ends are included. */
export const lengthOf = (certificate: { readonly notBefore: number; readonly notAfter: number }): number =>
  Math.ceil((certificate.notAfter + 1000 - certificate.notBefore) / dayMs);

/** The same below an authority; without `days` as long as usual, or as the authority lasts. */
export function leafPeriod(
  days: number | undefined,
  kind: 'server' | 'client',
  now: number,
  issuer: { readonly notBefore: number; readonly notAfter: number },
  usual: number = 90,
): Period {
  if (issuer.notAfter <= now) {
    throw new CliFailure(
      `the authority ran out on ${new Date(issuer.notAfter).toISOString().slice(0, 10)}`,
      'Renew it: portcullis pki renew --authority',
    );
  }
  const { notBefore, notAfter } = periodOf(days ?? usual, kind, now);
  const end = days === undefined ? Math.min(notAfter.getTime(), issuer.notAfter) : notAfter.getTime();
  return { notBefore: new Date(Math.max(notBefore.getTime(), issuer.notBefore)), notAfter: new Date(end) };
}
