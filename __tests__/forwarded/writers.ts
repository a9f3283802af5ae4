import { X509Certificate } from 'node:crypto';

/** Header lines as a proxy writes them for a client whose certificate is `leaf`, and `chain` what it has sent besides. */
export type Writer = (leaf: string, chain?: readonly string[]) => Record<string, string>;

export const derOf = (pem: string): Buffer => new X509Certificate(pem).raw;
export const base64Of = (pem: string): string => derOf(pem).toString('base64');
export const byteSequence = (pem: string): string => `:${base64Of(pem)}:`;

/** One PEM block, which ends with a line end, as OpenSSL writes it. */
const blockOf = (pem: string): string => new X509Certificate(pem).toString();

/** nginx's `$ssl_client_escaped_cert` leaves only what RFC 3986 2.3 calls unreserved. */
export const pemUrl = (pem: string): string => encodeURIComponent(blockOf(pem));

/** Envoy escapes these five. */
export const envoyPem = (...pems: readonly string[]): string =>
  pems
    .map(blockOf)
    .join('')
    .replaceAll('\n', '%0A')
    .replaceAll(' ', '%20')
    .replaceAll('+', '%2B')
    .replaceAll('/', '%2F')
    .replaceAll('=', '%3D');

/** AWS lets `+=/` stand. */
export const awsPem = (...pems: readonly string[]): string =>
  pems
    .map(blockOf)
    .join('')
    .replace(
      /[^A-Za-z0-9\-._~+=/]/g,
      (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    );

const hashOf = (pem: string): string =>
  new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();

export type FormatName =
  | 'rfc9440'
  | 'xfcc'
  | 'nginx'
  | 'haproxy'
  | 'traefik'
  | 'aws-alb'
  | 'azure'
  | 'cloudflare'
  | 'gcp';

/** What each writes of a client that it has let in. */
export const writers: Readonly<Record<FormatName, Writer>> = {
  rfc9440: (leaf, chain = []) => ({
    'Client-Cert': byteSequence(leaf),
    ...(chain.length > 0 && { 'Client-Cert-Chain': chain.map(byteSequence).join(', ') }),
  }),
  xfcc: (leaf, chain = []) => ({
    'x-forwarded-client-cert': [
      'By=spiffe://example.org/server',
      `Hash=${hashOf(leaf)}`,
      `Cert="${envoyPem(leaf)}"`,
      `Chain="${envoyPem(leaf, ...chain)}"`,
      'Subject="CN=a\\,b,O=\\"Quoted; Cert=none\\""',
      'URI=spiffe://example.org/workload',
      'DNS=a.example.org',
      'DNS=b.example.org',
    ].join(';'),
  }),
  nginx: (leaf) => ({ 'X-SSL-Client-Cert': pemUrl(leaf), 'X-SSL-Client-Verify': 'SUCCESS' }),
  haproxy: (leaf) => ({ 'X-SSL-Client-Cert': base64Of(leaf), 'X-SSL-Client-Verify': '0' }),
  traefik: (leaf, chain = []) => ({
    'X-Forwarded-Tls-Client-Cert': [leaf, ...chain].map(base64Of).join(','),
  }),
  'aws-alb': (leaf) => ({
    'X-Amzn-Mtls-Clientcert-Serial-Number': '03A5B1',
    'X-Amzn-Mtls-Clientcert-Issuer': 'CN=root,O=Example',
    'X-Amzn-Mtls-Clientcert-Subject': 'CN=good,O=Example',
    'X-Amzn-Mtls-Clientcert-Validity': 'NotBefore=2023-09-21T01:50:17Z;NotAfter=2033-09-18T01:50:17Z',
    'X-Amzn-Mtls-Clientcert-Leaf': awsPem(leaf),
  }),
  azure: (leaf) => ({ 'X-ARR-ClientCert': base64Of(leaf) }),
  cloudflare: (leaf) => ({
    'Cf-Client-Cert-Der-Base64': base64Of(leaf),
    'Cf-Client-Cert-Sha256': hashOf(leaf),
    'Cf-Cert-Presented': 'true',
    'Cf-Cert-Verified': 'true',
    'Cf-Cert-Revoked': 'false',
  }),
  gcp: (leaf, chain = []) => ({
    'X-Client-Cert-Present': 'true',
    'X-Client-Cert-Chain-Verified': 'true',
    'X-Client-Cert-Error': '',
    'X-Client-Cert-Leaf': byteSequence(leaf),
    'X-Client-Cert-Chain': chain.map(byteSequence).join(', '),
  }),
};

export const formatNames = Object.keys(writers) as FormatName[];

/** Those in which nothing says that the proxy has verified it. */
export const unverified: ReadonlySet<FormatName> = new Set(['traefik', 'azure']);

/** AWS in passthrough mode: all that the client has sent, and no word on it. */
export const awsPassthrough: Writer = (leaf, chain = []) => ({
  'X-Amzn-Mtls-Clientcert': awsPem(leaf, ...chain),
});

/** Names and values in turn, as Node has them. */
export const rawOf = (headers: Readonly<Record<string, string>>): string[] => Object.entries(headers).flat();
