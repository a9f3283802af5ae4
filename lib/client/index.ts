/**
 * `portcullis/client`: an agent and a `fetch` that check the server’s name, path, revocation and pins, on resumed
 * sessions too.
 * @module
 */

export { createAgent, type TlsAgent } from './agent.ts';
export type { TlsAgentOptions } from './agent-options.ts';
export type { ClientReloadReport } from './client-state.ts';
export {
  type CertificateFailure,
  CertificateVerificationError,
  HandshakeError,
  type HandshakeFailure,
  HostnameMismatchError,
  PinMismatchError,
  TlsClientError,
  type TlsClientErrorCode,
} from './errors.ts';
export { createFetch, type TlsFetch, type TlsFetchOptions } from './fetch.ts';
export type { ClientRevocationOptions, TlsClientOptions } from './options.ts';
// oxlint-disable-next-line unicorn/require-module-specifiers -- for `req.tls`, whose type every entry brings along
export type {} from '../connection/tls-state.ts';
