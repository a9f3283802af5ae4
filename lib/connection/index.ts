export { type ClientCertificate, isClientCertificate } from './client-certificate.ts';
export type { Connection } from './connection.ts';
export { groupNames } from './groups.ts';
export { noteTrust } from './handshake-trust.ts';
export { hostLines, isLocalHost, normalizeHost } from './host.ts';
export { connectionOf, takeConnection, takenConnection } from './registry.ts';
export type { TlsState } from './tls-state.ts';
