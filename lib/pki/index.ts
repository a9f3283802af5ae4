/**
 * `portcullis/pki`: a private authority, for development, tests and machines of one’s own. No public CA.
 * @module
 */

export { type Authority, type AuthorityRenewalInput, createAuthority, loadAuthority } from './authority.ts';
export type { CrlOptions } from './crl.ts';
export type { RevocationReason, RevokedCertificate } from './crl-entries.ts';
export type { DistinguishedNameInput } from './distinguished-name.ts';
export { encryptKey } from './encrypt-key.ts';
export type { StatusOptions } from './extensions.ts';
export type { AuthorityOptions } from './issue-authority.ts';
export type { ClientCertificateOptions, ClientPublicKeyOptions } from './issue-client.ts';
export type { ServerCertificateOptions } from './issue-server.ts';
export type { KeyType } from './keys.ts';
export type { IssuedCertificate, IssuedPublicCertificate } from './leaf.ts';
export type { StoredAuthority } from './load-authority.ts';
export type { NameConstraintsInput, NameTreesInput } from './name-constraints.ts';
export type { AltNamesInput } from './names.ts';
export { exportPkcs12, type Pkcs12Encryption, type Pkcs12Options } from './pkcs12/export-pkcs12.ts';
export type { AuthorityRenewalOptions } from './renew-authority.ts';
export type { PublicKeyRenewalOptions, RenewalOptions } from './renew-certificate.ts';
export { type CreatedRequest, createRequest, type RequestOptions } from './request/create-request.ts';
export { type CertificateRequest, readRequest } from './request/read-request.ts';
export type {
  ClientRequestOptions,
  ServerRequestOptions,
  SignRequestOptions,
} from './request/sign-request.ts';
// oxlint-disable-next-line unicorn/require-module-specifiers -- for `req.tls`, whose type every entry brings along
export type {} from '../connection/tls-state.ts';
