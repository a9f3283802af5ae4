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
  DropEvent,
  DropReason,
  EventTypes,
  HandshakeErrorEvent,
  HandshakeEvent,
  OcspEvent,
  ReloadEvent,
  TicketRotationEvent,
} from './events.ts';
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
export type { Decision } from './policy/decision.ts';
export { rule, type Rule, type RuleContext } from './policy/rule.ts';
export type { AuditCode, AuditFinding, AuditReport, AuditSeverity } from './profiles/audit.ts';
export { profiles, type TlsProfile } from './profiles/profile.ts';
export type { TicketOptions } from './tickets/config.ts';
export type { TicketKeyPeriod, TicketKeyStore } from './tickets/store.ts';
export type { CertificateInput, CertificateInputs } from './trust/anchors.ts';
export type { RevocationListInputs } from './trust/revocation/crl-input.ts';
export type { RevocationOptions } from './trust/revocation/revocation-options.ts';
export { exposeTls } from '../middleware/expose-tls.ts';
export { problemDetails } from '../middleware/problem-details.ts';
export {
  requireClientCertificate,
  type RequireClientCertificateOptions,
} from '../middleware/require-client-certificate.ts';
export { requireMatchingHost, type RequireMatchingHostOptions } from '../middleware/require-matching-host.ts';
export { requirePin, type RequirePinOptions } from '../middleware/require-pin.ts';
export { requireTls, type RequireTlsOptions } from '../middleware/require-tls.ts';
export { securityHeaders, type SecurityHeadersOptions } from '../middleware/security-headers.ts';
