/** How grave a finding is. A report with `medium` or `high` is not `ok`. */
export type AuditSeverity = 'info' | 'low' | 'medium' | 'high';

/** What an audit can find. Stable: switch on it. `docs/audit.md` has a paragraph for each. */
export type AuditCode =
  | 'CERTIFICATE_CURVE'
  | 'CERTIFICATE_DEVELOPMENT'
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_EXPIRES_WITHIN_MONTH'
  | 'CERTIFICATE_EXPIRES_WITHIN_WEEK'
  | 'CERTIFICATE_KEY_TYPE'
  | 'CERTIFICATE_KEY_WEAK'
  | 'CERTIFICATE_LIFE_LONG'
  | 'CERTIFICATE_LIFE_TOO_LONG'
  | 'CERTIFICATE_MISSING'
  | 'CERTIFICATE_NOT_YET_VALID'
  | 'CERTIFICATE_REVOKED'
  | 'CERTIFICATE_SELF_SIGNED'
  | 'CERTIFICATE_SIGNATURE_WEAK'
  | 'CERTIFICATE_WILDCARD'
  | 'CERTIFICATE_WITHOUT_ISSUERS'
  | 'CERTIFICATE_WITHOUT_NAMES'
  | 'CLIENT_CA_EXPIRED'
  | 'CLIENT_CA_EXPIRES_WITHIN_MONTH'
  | 'CLIENT_CA_NOT_YET_VALID'
  | 'CLIENT_CA_WEAK'
  | 'CLIENT_REVOCATION_NONE'
  | 'DANGEROUS_OPTION'
  | 'HSTS_NOT_SEEN'
  | 'LIMIT_UNLIMITED'
  | 'MUST_STAPLE_WITHOUT_RESPONSE'
  | 'NODE_END_OF_LIFE'
  | 'NODE_END_OF_LIFE_SOON'
  | 'OPENSSL_END_OF_LIFE'
  | 'POST_QUANTUM_OFF'
  | 'POST_QUANTUM_UNAVAILABLE'
  | 'SNI_CALLBACK_NOT_SEEN'
  | 'STAPLING_FAILING'
  | 'STAPLING_NO_ISSUER'
  | 'STAPLING_NO_RESPONDER'
  | 'STAPLING_OFF'
  | 'STAPLING_SEVERAL_KEYS'
  | 'TICKETS_NOT_SHARED'
  | 'UNKNOWN_NAME_SERVED'
  | 'UPGRADE_NOT_SEEN'
  | 'UPGRADE_UNGUARDED';

/** One deviation. Frozen, JSON-safe. */
export interface AuditFinding {
  /** What it is; stable. */
  readonly code: AuditCode;
  /** How bad it is: `high`, `medium`, `low` or `info`. */
  readonly severity: AuditSeverity;
  /** The option that it is about (`cert[1]`), where there is one. */
  readonly path: string | undefined;
  /** What was found. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
  /** The paragraph about it, in the repository. */
  readonly link: string;
}

const explanations: Readonly<Record<AuditCode, readonly [AuditSeverity, remedy: string]>> = {
  CERTIFICATE_CURVE: ['low', 'Issue it with a key on P-256 (prime256v1) or P-384 (secp384r1).'],
  CERTIFICATE_DEVELOPMENT: [
    'info',
    'Give key and cert, or certificate, where others than this machine connect.',
  ],
  CERTIFICATE_EXPIRED: ['high', 'Replace it now: no client accepts it.'],
  CERTIFICATE_EXPIRES_WITHIN_MONTH: ['low', 'Renew it, and see why its renewal has not come yet.'],
  CERTIFICATE_EXPIRES_WITHIN_WEEK: ['medium', 'Renew it now.'],
  CERTIFICATE_KEY_TYPE: ['low', 'Issue it with an ECDSA P-256 key.'],
  CERTIFICATE_KEY_WEAK: ['high', 'Issue it with an ECDSA P-256 key, or RSA of 2048 bits or more.'],
  CERTIFICATE_LIFE_LONG: ['info', 'Have it renewed automatically, for 90 days or less at a time.'],
  CERTIFICATE_LIFE_TOO_LONG: ['medium', 'Issue it for a shorter time, and renew it automatically.'],
  CERTIFICATE_MISSING: ['info', 'Ask again once the certificate is there: connections wait for it.'],
  CERTIFICATE_NOT_YET_VALID: [
    'high',
    "Correct this machine's clock, or serve another certificate until then.",
  ],
  CERTIFICATE_REVOKED: ['high', 'Replace it, and its key, at once.'],
  CERTIFICATE_SELF_SIGNED: ['medium', 'Have it issued by a CA that your clients trust.'],
  CERTIFICATE_SIGNATURE_WEAK: ['high', 'Have it issued anew with SHA-256 or better.'],
  CERTIFICATE_WILDCARD: ['info', 'Name the hosts singly where one of them could fall into other hands.'],
  CERTIFICATE_WITHOUT_ISSUERS: [
    'info',
    'Put the intermediates after it in cert, unless a root has issued it.',
  ],
  CERTIFICATE_WITHOUT_NAMES: [
    'medium',
    'Issue it with subject alternative names: clients look at nothing else.',
  ],
  CLIENT_CA_EXPIRED: ['medium', 'Take it out of clientAuth.ca: nobody whom it has issued gets in.'],
  CLIENT_CA_EXPIRES_WITHIN_MONTH: ['low', 'Add its successor to clientAuth.ca before its end.'],
  CLIENT_CA_NOT_YET_VALID: [
    'low',
    'Correct the clock, or wait: until then nobody whom it has issued gets in.',
  ],
  CLIENT_CA_WEAK: ['high', 'Replace it by a CA with an ECDSA P-256 key, or RSA of 2048 bits or more.'],
  CLIENT_REVOCATION_NONE: ['low', 'Give clientAuth.crl, or issue clients for hours only.'],
  DANGEROUS_OPTION: ['medium', 'Leave it out as soon as the client that needs it is gone.'],
  HSTS_NOT_SEEN: ['info', 'Use securityHeaders() in the app, which sends Strict-Transport-Security.'],
  LIMIT_UNLIMITED: ['medium', 'Give a limit, however generous.'],
  MUST_STAPLE_WITHOUT_RESPONSE: [
    'high',
    'Set ocspStapling: true and see to its responder, or replace it by one without must-staple.',
  ],
  NODE_END_OF_LIFE: ['medium', 'Move to a release line of Node that is maintained.'],
  NODE_END_OF_LIFE_SOON: ['low', 'Plan the move to the next release line of Node.'],
  OPENSSL_END_OF_LIFE: ['medium', 'Move to a Node whose OpenSSL is maintained: 22 or later.'],
  POST_QUANTUM_OFF: ['low', "Add 'X25519MLKEM768' to the groups."],
  POST_QUANTUM_UNAVAILABLE: ['low', 'Move to Node 22 or later, which has X25519MLKEM768.'],
  SNI_CALLBACK_NOT_SEEN: [
    'info',
    'Use the option certificate, which chooses by the certificates’ own names.',
  ],
  STAPLING_FAILING: ['low', 'See whether its responder can be reached from here by http, and the reason.'],
  STAPLING_NO_ISSUER: ['low', "Put its issuer's certificate after it in cert, be it a root."],
  STAPLING_NO_RESPONDER: ['info', 'Leave it: many CAs have none any more. Or give ocspStapling.responder.'],
  STAPLING_OFF: ['info', 'Set ocspStapling: true.'],
  STAPLING_SEVERAL_KEYS: [
    'low',
    'Serve one certificate per name where stapling matters more than old clients.',
  ],
  TICKETS_NOT_SHARED: ['low', 'Give tickets a store that the processes share.'],
  UNKNOWN_NAME_SERVED: ['info', "Set unknownServerName: 'refuse' where every client knows its name."],
  UPGRADE_NOT_SEEN: ['low', 'Put forUpgrade(…) with the same policies before them.'],
  UPGRADE_UNGUARDED: ['medium', 'Ask forUpgrade(…) first in each listener, for each path.'],
};

/** A finding; `severity` where it is not the usual one of the code. */
export function finding(
  code: AuditCode,
  message: string,
  { path, severity }: { path?: string | undefined; severity?: AuditSeverity } = {},
): AuditFinding {
  const [usual, remedy] = explanations[code];
  return Object.freeze({
    code,
    severity: severity ?? usual,
    path,
    message,
    remedy,
    link: `docs/audit.md#${code.toLowerCase()}`,
  });
}

/** Every code, for the documentation to be complete. */
export const auditCodes: readonly AuditCode[] = Object.keys(explanations) as AuditCode[];
