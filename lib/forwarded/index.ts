export { type Assertion, refusedByProxy } from './assertion.ts';
export type { CustomFormat } from './custom.ts';
export type { CertificateEncoding } from './encodings.ts';
export {
  type ForwardedFormat,
  type ForwardedFormatName,
  type ForwardedFormatOptions,
  formatOptions,
  readFormat,
} from './format.ts';
export { MalformedError } from './malformed.ts';
export { readProxyAddresses } from './proxy-addresses.ts';
export { removeHeaders } from './remove-headers.ts';
