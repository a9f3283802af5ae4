import { postQuantumGroups } from '../../../connection/groups.ts';
import type { Accepted, InspectFinding } from '../inspection.ts';
import { judgeCiphers } from './ciphers.ts';
import { found, foundByAudit } from './codes.ts';

type Profile = 'intermediate' | 'modern';

/** Curves of less than 256 bits, and kinds that nobody maintains: binary ones, secp256k1 (RFC 8422 5.1.1). */
const weakGroup = /^sect|^secp(?:160|192|224)|^secp256k1$/;
const groupsOfProfile: ReadonlySet<string> = new Set(['X25519MLKEM768', 'x25519', 'secp256r1', 'secp384r1']);
const weakScheme = /(?:sha1|md5)$|^dsa_/;

/** What of all that the server accepts deviates from the profile. */
export function judgeAccepted(accepted: Accepted, profile: Profile): InspectFinding[] {
  return [
    ...judgeVersions(accepted, profile),
    ...judgeCiphers(accepted, profile),
    ...judgeGroups(accepted),
    ...judgeBehaviour(accepted),
    ...(accepted.complete
      ? []
      : [
          found(
            'INSPECTION_INCOMPLETE',
            'accepted',
            'the server stopped answering on the way, or answered now and then',
          ),
        ]),
  ];
}

function judgeVersions({ versions }: Accepted, profile: Profile): InspectFinding[] {
  const where = path('versions');
  const findings: InspectFinding[] = [];
  if (versions.SSLv2) findings.push(found('SSLV2_ACCEPTED', where, 'SSLv2 is accepted'));
  if (versions.SSLv3) findings.push(found('SSLV3_ACCEPTED', where, 'SSLv3 is accepted'));
  if (versions['TLSv1.0']) findings.push(found('TLS10_ACCEPTED', where, 'TLS 1.0 is accepted'));
  if (versions['TLSv1.1']) findings.push(found('TLS11_ACCEPTED', where, 'TLS 1.1 is accepted'));
  if (versions['TLSv1.2'] && profile === 'modern')
    findings.push(found('TLS12_ACCEPTED', where, 'TLS 1.2 is accepted, modern has TLS 1.3 alone'));
  if (!versions['TLSv1.3']) findings.push(found('TLS13_MISSING', where, 'TLS 1.3 is not accepted'));
  return findings;
}

function judgeGroups({ groups, signatureSchemes, versions, complete }: Accepted): InspectFinding[] {
  const where = path('groups');
  const all = [...new Set([...groups['TLSv1.3'], ...groups['TLSv1.2']])];
  const weak = all.filter((name) => weakGroup.test(name));
  const others = all.filter((name) => !weakGroup.test(name) && !groupsOfProfile.has(name));
  const signatures = [...new Set([...signatureSchemes['TLSv1.3'], ...signatureSchemes['TLSv1.2']])];
  const weakSignatures = signatures.filter((name) => weakScheme.test(name));
  const findings: InspectFinding[] = [];
  if (weak.length > 0) findings.push(found('GROUP_WEAK', where, weak.join(', ')));
  if (others.length > 0) findings.push(found('GROUP_OUTSIDE_PROFILE', where, others.join(', ')));
  if (weakSignatures.length > 0)
    findings.push(found('SIGNATURE_WEAK', path('signatureSchemes'), weakSignatures.join(', ')));
  if (complete && versions['TLSv1.3'] && !all.some((name) => postQuantumGroups.has(name)))
    findings.push(foundByAudit('POST_QUANTUM_OFF', where, 'no post-quantum group is accepted'));
  return findings;
}

const path = (name: string): string => `accepted.${name}`;

/** What is null is not known, or does not apply: no finding. */
function judgeBehaviour(accepted: Accepted): InspectFinding[] {
  const findings: InspectFinding[] = [];
  const add = (is: boolean, ...arguments_: Parameters<typeof found>): void => {
    if (is) findings.push(found(...arguments_));
  };
  add(accepted.compression === true, 'COMPRESSION', path('compression'), 'TLS compression is accepted');
  add(
    accepted.secureRenegotiation === false,
    'RENEGOTIATION_INSECURE',
    path('secureRenegotiation'),
    'secure renegotiation (RFC 5746) is not supported',
  );
  add(
    accepted.clientRenegotiation === true,
    'RENEGOTIATION_CLIENT',
    path('clientRenegotiation'),
    'a client may renegotiate',
  );
  add(
    accepted.extendedMasterSecret === false,
    'EXTENDED_MASTER_SECRET_MISSING',
    path('extendedMasterSecret'),
    'the extended master secret (RFC 7627) is not supported',
  );
  add(
    accepted.fallbackScsv === false,
    'FALLBACK_SCSV_MISSING',
    path('fallbackScsv'),
    'a client that was made to fall back to an older version is not told',
  );
  add(accepted.heartbeat === true, 'HEARTBEAT', path('heartbeat'), 'the heartbeat extension is accepted');
  add(
    accepted.alpn.strict === false,
    'ALPN_NOT_STRICT',
    path('alpn.strict'),
    'a client with no protocol in common is served',
  );
  if (accepted.unknownName === 'served')
    findings.push(
      foundByAudit(
        'UNKNOWN_NAME_SERVED',
        path('unknownName'),
        'a client that names an unknown server gets a certificate',
      ),
    );
  return findings;
}
