import type { CertificateProblem } from '../trust/problem.ts';

/** What a proxy says of the client of one request. */
export type Assertion =
  /** Nothing: there was no certificate. */
  | { readonly kind: 'none' }
  /** That it has refused the certificate, or cannot pass it on. */
  | { readonly kind: 'refused'; readonly problem: CertificateProblem }
  /** A certificate in DER, and those that the client has sent with it. */
  | {
      readonly kind: 'certificate';
      readonly leaf: Buffer;
      readonly chain: readonly Buffer[];
      /** Whether the proxy has verified its path. That the client has its key, the proxy has seen in any case. */
      readonly verified: boolean;
    };

export const nobody: Assertion = Object.freeze({ kind: 'none' });

export const refusedByProxy = (problem: CertificateProblem): Assertion => ({ kind: 'refused', problem });
