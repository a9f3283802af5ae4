/**
 * Portcullis: a hardened HTTPS listener, what each connection is, and policies for routes.
 * @module
 */

export type { ClientCertificate } from './connection/client-certificate.ts';
export type { TlsState } from './connection/tls-state.ts';
export type { CertificateFiles, PfxFile } from './credentials/files/file-source.ts';
export type {
  CertificateEntry,
  CertificateMaterial,
  CertificateOption,
  CertificateSource,
} from './credentials/source.ts';
export { type DevelopmentFiles, developmentFiles } from './credentials/development/development-files.ts';
export { ConfigError, type ConfigErrorCode, PolicyViolation, type PolicyViolationCode } from './errors.ts';
export type {
  CertificateExpiryEvent,
  DecisionEvent,
  DenyListEvent,
  DropEvent,
  DropReason,
  EventTypes,
  HandshakeErrorEvent,
  HandshakeEvent,
  OcspEvent,
  ReloadEvent,
  RevocationEvent,
  TicketRotationEvent,
} from './events.ts';
export type {
  CertificateEncoding,
  CustomFormat,
  ForwardedFormatName,
  ForwardedFormatOptions,
} from './forwarded/index.ts';
export type { ClientAuthOptions } from './listener/client-auth.ts';
export { createServer } from './listener/create-server.ts';
export type { Limits } from './listener/connections/limits.ts';
export type { StaplingOptions } from './listener/stapling/stapling-options.ts';
export type { CertificateExpiry, ListenerStats, Tallies, Tally } from './listener/reports/stats.ts';
export type { ShutdownOptions, ShutdownReport } from './listener/lifecycle/shutdown.ts';
export type { SignalsOptions } from './listener/lifecycle/signals.ts';
export type { Logger } from './listener/logger.ts';
export type { PortcullisOptions } from './listener/options.ts';
export type { AcmeChallenge, RedirectOptions } from './listener/redirect/redirect-options.ts';
export type { ReloadReport } from './listener/lifecycle/reload.ts';
export type { ReloadChanges } from './listener/lifecycle/exchange.ts';
export type { PortcullisServer } from './listener/server.ts';
export type { BindingMode, Confirmation } from './policy/bound-token.ts';
export type { Decision } from './policy/decision.ts';
export { allOf, anyOf, not } from './policy/combine.ts';
export { rule, type RuleOptions } from './policy/custom-rule.ts';
export { fingerprint, pin, serialNumber } from './policy/identity.ts';
export { issuedBy } from './policy/issued-by.ts';
export type { DistinguishedNamePattern } from './policy/names/distinguished-name.ts';
export { certificatePolicy, extendedKeyUsage } from './policy/oids.ts';
export { publicKey, type PublicKeyRequirement } from './policy/public-key.ts';
export { type Rule, type RuleContext, ruleName } from './policy/rule.ts';
export type { Values } from './policy/rule-error.ts';
export { san, type SanRules } from './policy/san.ts';
export { spiffe, type SpiffeRules } from './policy/spiffe.ts';
export { issuer, subject } from './policy/subject.ts';
export type { AuditCode, AuditFinding, AuditReport, AuditSeverity } from './profiles/audit.ts';
export { profiles, type TlsProfile } from './profiles/profile.ts';
export type { TicketOptions } from './tickets/config.ts';
export type { TicketKeyPeriod, TicketKeyStore } from './tickets/store.ts';
export type { CertificateInput, CertificateInputs } from './trust/anchors.ts';
export {
  type AnyDenyList,
  type DenyList,
  type DenyListEntries,
  denyList,
} from './trust/deny-list/deny-list.ts';
export type { DeniedCertificate, DenyListDetails, DenyListEntry } from './trust/deny-list/entry.ts';
export type { DeniedIssuer, IssuerName } from './trust/deny-list/issuer.ts';
export type { PathCheck } from './trust/profile/path-check.ts';
export type { RevocationOcspOptions } from './trust/ocsp/ocsp-options.ts';
export type { RevocationFetchOptions } from './trust/revocation/fetch-options.ts';
export type { RevocationListInputs } from './trust/revocation/crl-input.ts';
export type { RevocationOptions } from './trust/revocation/revocation-options.ts';
export { exposeTls } from '../middleware/expose-tls.ts';
export {
  forUpgrade,
  type ForUpgradeArgument,
  type ForUpgradeOptions,
  type UpgradeCheck,
} from '../middleware/for-upgrade.ts';
export { requireBoundToken, type RequireBoundTokenOptions } from '../middleware/require-bound-token.ts';
export {
  forwardedClientCertificate,
  type ForwardedClientCertificateOptions,
} from '../middleware/forwarded-client-certificate.ts';
export { problemDetails } from '../middleware/problem-details.ts';
export {
  requireClientCertificate,
  type RequireClientCertificateOptions,
} from '../middleware/require-client-certificate.ts';
export { requireMatchingHost, type RequireMatchingHostOptions } from '../middleware/require-matching-host.ts';
export { requirePin, type RequirePinOptions } from '../middleware/require-pin.ts';
export { requireTls, type RequireTlsOptions } from '../middleware/require-tls.ts';
export { securityHeaders, type SecurityHeadersOptions } from '../middleware/security-headers.ts';
