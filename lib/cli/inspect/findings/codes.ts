import { type AuditCode, finding as auditFinding } from '../../../profiles/audit-finding.ts';
import type { AuditSeverity } from '../../../profiles/audit.ts';
import type { InspectFinding } from '../inspection.ts';

/** What only an inspection from outside can find. Stable: switch on it. `docs/inspect.md` has a line for each. */
export type InspectCode =
  | 'ALPN_NOT_STRICT'
  | 'CERTIFICATE_CHAIN_INCOMPLETE'
  | 'CERTIFICATE_CHAIN_ORDER'
  | 'CERTIFICATE_HOST_MISMATCH'
  | 'CERTIFICATE_ROOT_SENT'
  | 'CERTIFICATE_UNREADABLE'
  | 'CERTIFICATE_UNTRUSTED'
  | 'CIPHER_3DES'
  | 'CIPHER_ANONYMOUS'
  | 'CIPHER_CBC'
  | 'CIPHER_DES'
  | 'CIPHER_DHE'
  | 'CIPHER_EXPORT'
  | 'CIPHER_NO_FORWARD_SECRECY'
  | 'CIPHER_NULL'
  | 'CIPHER_OUTSIDE_PROFILE'
  | 'CIPHER_RC4'
  | 'COMPRESSION'
  | 'DH_PARAMETERS_WEAK'
  | 'EXTENDED_MASTER_SECRET_MISSING'
  | 'FALLBACK_SCSV_MISSING'
  | 'GROUP_OUTSIDE_PROFILE'
  | 'GROUP_WEAK'
  | 'HANDSHAKE_FAILED'
  | 'HEARTBEAT'
  | 'HSTS_MISSING'
  | 'HSTS_SHORT'
  | 'INSPECTION_INCOMPLETE'
  | 'REDIRECT_MISSING'
  | 'RENEGOTIATION_CLIENT'
  | 'RENEGOTIATION_INSECURE'
  | 'RUNTIME_LACKS_GROUP'
  | 'SIGNATURE_WEAK'
  | 'SSLV2_ACCEPTED'
  | 'SSLV3_ACCEPTED'
  | 'STAPLED_RESPONSE_INVALID'
  | 'TICKET_LIFETIME_LONG'
  | 'TLS10_ACCEPTED'
  | 'TLS11_ACCEPTED'
  | 'TLS12_ACCEPTED'
  | 'TLS13_MISSING';

/** Those of an audit that apply to what is seen from outside have the same codes. */
export type FindingCode = AuditCode | InspectCode;

const explanations: Readonly<Record<InspectCode, readonly [AuditSeverity, remedy: string]>> = {
  ALPN_NOT_STRICT: [
    'low',
    'Refuse clients with no protocol in common by no_application_protocol (RFC 7301).',
  ],
  CERTIFICATE_CHAIN_INCOMPLETE: ['medium', 'Send the intermediates after the certificate, up to the root.'],
  CERTIFICATE_CHAIN_ORDER: ['low', 'Send each certificate before its issuer, and nothing else.'],
  CERTIFICATE_HOST_MISMATCH: ['high', 'Serve a certificate whose subjectAltName has this name.'],
  CERTIFICATE_ROOT_SENT: ['info', 'Leave the root out: clients have it, or do not believe it.'],
  CERTIFICATE_UNREADABLE: ['high', 'Serve a certificate that keeps to RFC 5280.'],
  CERTIFICATE_UNTRUSTED: [
    'high',
    'Have it issued by a CA that your clients trust; for a private one, name its root with --ca.',
  ],
  CIPHER_3DES: ['medium', 'Switch 3DES off: 64-bit blocks leak after some gigabytes (SWEET32).'],
  CIPHER_ANONYMOUS: ['high', 'Switch anonymous suites off: anybody can pose as the server.'],
  CIPHER_CBC: ['medium', 'Leave only AES-GCM and ChaCha20-Poly1305: CBC invites padding oracles (Lucky 13).'],
  CIPHER_DES: ['high', 'Switch DES off: its 56-bit keys are found in hours.'],
  CIPHER_DHE: ['medium', 'Leave only ECDHE: RFC 9325 and the guideline have no DHE any more (Raccoon).'],
  CIPHER_EXPORT: ['high', 'Switch export suites off: their keys are broken in minutes (FREAK, Logjam).'],
  CIPHER_NO_FORWARD_SECRECY: [
    'medium',
    'Leave only ECDHE: who gets the key later reads what was recorded, and RSA decryption invites ROBOT.',
  ],
  CIPHER_NULL: ['high', 'Switch NULL suites off: they do not encrypt.'],
  CIPHER_OUTSIDE_PROFILE: ['medium', 'Leave only the suites of the profile.'],
  CIPHER_RC4: ['high', 'Switch RC4 off (RFC 7465).'],
  COMPRESSION: ['high', 'Switch TLS compression off: it gives cookies away (CRIME).'],
  DH_PARAMETERS_WEAK: ['high', 'Switch DHE off, or give parameters of 2048 bits or more (Logjam).'],
  EXTENDED_MASTER_SECRET_MISSING: [
    'medium',
    'Update the TLS library: without RFC 7627 two connections can be made to share their keys.',
  ],
  FALLBACK_SCSV_MISSING: ['low', 'Update the TLS library, or leave one version on (RFC 7507).'],
  GROUP_OUTSIDE_PROFILE: ['low', 'Leave only the groups of the profile.'],
  GROUP_WEAK: ['medium', 'Switch off curves of less than 256 bits, binary ones and secp256k1.'],
  HANDSHAKE_FAILED: ['high', 'See why: a client of today comes to no handshake.'],
  HEARTBEAT: ['low', 'Switch the heartbeat extension off: nobody uses it, and Heartbleed lived there.'],
  HSTS_MISSING: ['low', 'Send Strict-Transport-Security: securityHeaders() does.'],
  HSTS_SHORT: [
    'low',
    'Send Strict-Transport-Security with max-age=63072000, the two years of the guideline.',
  ],
  INSPECTION_INCOMPLETE: ['medium', 'Ask again later, from where no limit or firewall intervenes.'],
  REDIRECT_MISSING: ['low', 'Answer plain HTTP by a redirect to https: createServer({ redirect }) does.'],
  RENEGOTIATION_CLIENT: ['medium', 'Refuse renegotiation by clients: it costs them less than the server.'],
  RENEGOTIATION_INSECURE: ['high', 'Update the TLS library: it lacks RFC 5746.'],
  RUNTIME_LACKS_GROUP: [
    'medium',
    'Inspect it by a newer Node: ML-KEM came with OpenSSL 3.5, in Node 22.20 and 24.7.',
  ],
  SIGNATURE_WEAK: ['medium', 'Leave only signatures over SHA-256 or better (RFC 9155).'],
  SSLV2_ACCEPTED: [
    'high',
    'Switch SSLv2 off (RFC 6176): it endangers every server with the same key (DROWN).',
  ],
  SSLV3_ACCEPTED: ['high', 'Switch SSLv3 off (RFC 7568, POODLE).'],
  STAPLED_RESPONSE_INVALID: ['medium', 'Staple a current response of the issuer, or none.'],
  TICKET_LIFETIME_LONG: ['low', 'Let tickets live for 7 days at most (RFC 8446 4.6.1), better for one.'],
  TLS10_ACCEPTED: ['high', 'Switch TLS 1.0 off (RFC 8996).'],
  TLS11_ACCEPTED: ['high', 'Switch TLS 1.1 off (RFC 8996).'],
  TLS12_ACCEPTED: ['medium', "Switch TLS 1.2 off, or follow the profile 'intermediate'."],
  TLS13_MISSING: ['medium', 'Switch TLS 1.3 on.'],
};

/** Every code that is an inspection's alone, for the documentation to be complete. */
export const inspectCodes: readonly InspectCode[] = Object.keys(explanations) as InspectCode[];

/** A finding of an inspection; `severity` where it is not the usual one. */
export function found(
  code: InspectCode,
  path: string | undefined,
  message: string,
  severity?: AuditSeverity,
): InspectFinding {
  const [usual, remedy] = explanations[code];
  const link = `docs/inspect.md#${code.toLowerCase()}`;
  return Object.freeze({ code, severity: severity ?? usual, path, message, remedy, link });
}

/** Remedies of an audit speak of this package's options; what is seen from outside may be another server. */
const elsewhere: Readonly<Partial<Record<AuditCode, string>>> = {
  MUST_STAPLE_WITHOUT_RESPONSE: 'Staple OCSP responses, or serve a certificate without must-staple.',
  POST_QUANTUM_OFF: 'Offer the group X25519MLKEM768: OpenSSL 3.5, Go 1.24 and Node 22 have it.',
  STAPLING_OFF: 'Staple OCSP responses.',
  UNKNOWN_NAME_SERVED: 'Refuse unknown server names by unrecognized_name, where every client knows its name.',
};

/** A finding that an audit has a code for. */
export function foundByAudit(code: AuditCode, path: string, message: string): InspectFinding {
  return translated(auditFinding(code, message, { path }));
}

export function translated(one: ReturnType<typeof auditFinding>): InspectFinding {
  const remedy = elsewhere[one.code];
  return remedy === undefined ? one : Object.freeze({ ...one, remedy });
}
