import { encodings, haproxyChain } from './encodings.ts';
import type { Layout } from './layout.ts';
import { booleanVerifier, cloudflareVerifier, haproxyVerifier, nginxVerifier } from './verification.ts';

/** Headers whose names the operator chooses in the proxy's configuration. In lower case. */
export interface ChosenHeaders {
  readonly header?: string | undefined;
  readonly chainHeader?: string | undefined;
  readonly verifyHeader?: string | undefined;
}

export type LayoutName =
  | 'rfc9440'
  | 'nginx'
  | 'haproxy'
  | 'traefik'
  | 'aws-alb'
  | 'azure'
  | 'cloudflare'
  | 'gcp';

const named = ['nginx', 'haproxy', 'gcp'];

/** Whose headers can be named otherwise, as nobody but the operator has named them. */
export const choosable: Readonly<Record<keyof ChosenHeaders, ReadonlySet<string>>> = {
  header: new Set([...named, 'aws-alb']),
  chainHeader: new Set(named),
  verifyHeader: new Set(named),
};

const amazon = 'x-amzn-mtls-clientcert';

/** What each proxy writes, as its own documentation has it. */
export const formats: Readonly<
  Record<LayoutName, (chosen: ChosenHeaders, believed: boolean | undefined) => Layout>
> = {
  rfc9440: () => ({
    certificate: [{ header: 'client-cert', decode: encodings.rfc9440.one, verified: true }],
    chain: { header: 'client-cert-chain', decode: encodings.rfc9440.several },
    strict: true,
  }),
  nginx: ({ header = 'x-ssl-client-cert', chainHeader, verifyHeader = 'x-ssl-client-verify' }) => ({
    certificate: [{ header, decode: encodings['pem-url'].one, verified: false }],
    chain:
      chainHeader === undefined ? undefined : { header: chainHeader, decode: encodings['pem-url'].several },
    verifier: nginxVerifier(verifyHeader),
  }),
  haproxy: ({ header = 'x-ssl-client-cert', chainHeader, verifyHeader = 'x-ssl-client-verify' }) => ({
    certificate: [{ header, decode: encodings['der-base64'].one, verified: false }],
    chain: chainHeader === undefined ? undefined : { header: chainHeader, decode: haproxyChain },
    verifier: haproxyVerifier(verifyHeader),
  }),
  traefik: () => ({
    certificate: [
      { header: 'x-forwarded-tls-client-cert', decode: encodings['der-base64'].several, verified: false },
    ],
    beside: ['x-forwarded-tls-client-cert-info'],
  }),
  'aws-alb': ({ header }, believed) => ({
    certificate: [
      // The mode that the operator has said decides which of the two is read; the other is only removed.
      ...(believed === true
        ? []
        : [{ header: header ?? amazon, decode: encodings['pem-url'].several, verified: false }]),
      ...(believed === false
        ? []
        : [{ header: header ?? `${amazon}-leaf`, decode: encodings['pem-url'].one, verified: true }]),
    ],
    beside: ['', '-leaf', '-serial-number', '-issuer', '-subject', '-validity'].map((end) => amazon + end),
  }),
  azure: () => ({
    certificate: [{ header: 'x-arr-clientcert', decode: encodings['der-base64'].one, verified: false }],
  }),
  cloudflare: () => ({
    certificate: [
      { header: 'cf-client-cert-der-base64', decode: encodings['der-base64'].one, verified: false },
    ],
    verifier: cloudflareVerifier(),
    beside: ['cf-client-cert-sha256', 'cf-cert-presented'],
  }),
  gcp: ({
    header = 'x-client-cert-leaf',
    chainHeader = 'x-client-cert-chain',
    verifyHeader = 'x-client-cert-chain-verified',
  }) => ({
    certificate: [{ header, decode: encodings.rfc9440.one, verified: false }],
    chain: { header: chainHeader, decode: encodings.rfc9440.several },
    verifier: booleanVerifier(verifyHeader, 'x-client-cert-error'),
    beside: ['x-client-cert-present'],
  }),
};
