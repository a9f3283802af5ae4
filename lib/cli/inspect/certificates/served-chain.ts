import { isIP } from 'node:net';
import type { Certificate } from '../../../x509/certificate.ts';
import type { ServedChain } from '../inspection.ts';
import { factsOf, nameText } from './facts.ts';
import { isFor, judge, shapeOf } from './path.ts';
import type { Roots } from './roots.ts';

/** A chain with all that is known of it. */
export interface SeenChain {
  readonly certificates: readonly Certificate[];
  readonly path: readonly Certificate[] | undefined;
  readonly served: ServedChain;
}

/**
 * `verdict`: OpenSSL's, where it has judged this very chain in a handshake: null is trust, a text its code. Without one
 * it is judged here.
 */
export function seeChain(
  certificates: readonly Certificate[],
  verdict: string | null | undefined,
  { roots, host, now }: { readonly roots: Roots; readonly host: string; readonly now: number },
): SeenChain {
  const judged = judge(certificates, roots, now);
  const reason = verdict === undefined ? (judged.reason ?? null) : verdict;
  const { path } = judged;
  const shape = shapeOf(certificates, path);
  return {
    certificates,
    path,
    served: {
      sent: certificates.map((certificate) => factsOf(certificate, now)),
      path: path === undefined ? null : path.map(({ subject }) => nameText(subject)),
      trusted: reason === null,
      reason,
      hostMatches: isFor(certificates[0]!, host, isIP(host) !== 0),
      ...shape,
      // OpenSSL may know a root that is not listed here (NODE_EXTRA_CA_CERTS before Node 22.15).
      complete: shape.complete || reason === null,
    },
  };
}
