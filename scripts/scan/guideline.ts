import { mozilla60 } from '../../lib/profiles/mozilla-6.0.ts';
import type { Sslscan } from './sslscan.ts';

/** What a scanned server shows. */
export interface Evidence {
  readonly sslscan: Sslscan;
  /** Post-quantum groups, which sslscan does not look for: testssl.sh's word. */
  readonly postQuantumGroups: readonly string[];
  /** Strict-Transport-Security as it was answered. */
  readonly hsts: string | undefined;
}

const guideline = mozilla60.intermediate;
const day = 86_400_000;

const same = (left: readonly string[], right: readonly string[]): boolean =>
  JSON.stringify(left.toSorted()) === JSON.stringify(right.toSorted());

const namesOf = ({ ciphers }: Sslscan, protocol: string): string[] =>
  ciphers.filter((cipher) => cipher.protocol === protocol).map(({ name }) => name);

const ianaName = (group: string): string => (group === 'prime256v1' ? 'secp256r1' : group.toLowerCase());
const classical = guideline.groups.filter((group) => !group.includes('MLKEM')).map(ianaName);
const postQuantum = guideline.groups.filter((group) => group.includes('MLKEM'));

/** sslscan's names of what the guideline calls ecdsa-with-SHA256, sha256WithRSAEncryption and so on. */
const signature = /^(?:ecdsa-with-SHA(?:256|384|512)|sha256WithRSAEncryption)$/;

/** Mozilla Server Side TLS 6.0, intermediate, as far as it can be seen from outside. */
export const rules: ReadonlyArray<readonly [string, (evidence: Evidence) => boolean]> = [
  [
    'speaks TLS 1.2 and 1.3 and nothing else',
    ({ sslscan }) => same(sslscan.protocols, ['TLSv1.2', 'TLSv1.3']),
  ],
  [
    'offers exactly the TLS 1.3 cipher suites',
    ({ sslscan }) => same(namesOf(sslscan, 'TLSv1.3'), guideline.cipherSuites),
  ],
  [
    'offers exactly the TLS 1.2 ciphers',
    ({ sslscan }) => same(namesOf(sslscan, 'TLSv1.2'), guideline.ciphers),
  ],
  [
    'offers X25519, P-256 and P-384',
    ({ sslscan }) => classical.every((name) => sslscan.groups.includes(name)),
  ],
  [
    'offers X25519MLKEM768',
    ({ postQuantumGroups }) => postQuantum.every((name) => postQuantumGroups.includes(name)),
  ],
  [
    'offers no other group',
    ({ sslscan, postQuantumGroups }) =>
      sslscan.groups.every((name) => classical.includes(name)) &&
      postQuantumGroups.every((name) => postQuantum.includes(name)),
  ],
  [
    'lets the client choose the cipher',
    // OpenSSL's client, and sslscan by it, asks for AES-256 first, a server that chose would take its own first.
    ({ sslscan: { ciphers } }) =>
      ciphers.some(
        ({ protocol, name, preferred }) => preferred && protocol === 'TLSv1.2' && name.includes('AES256'),
      ) && guideline.ciphers[0]!.includes('AES128'),
  ],
  [
    'has a key of ECDSA on P-256 or P-384, or of RSA with 2048 bits or more',
    ({ sslscan: { certificate } }) =>
      certificate.keyType === 'EC'
        ? guideline.certificateCurves.includes(certificate.curve ?? '')
        : certificate.keyType === 'RSA' && certificate.bits >= guideline.minRsaBits!,
  ],
  [
    'has a certificate signed with SHA-2',
    ({ sslscan: { certificate } }) => signature.test(certificate.signature),
  ],
  [
    'has a certificate of 366 days at most',
    ({ sslscan: { certificate } }) =>
      certificate.notAfter.getTime() - certificate.notBefore.getTime() <= guideline.maxCertificateDays * day,
  ],
  [
    'asks for HTTPS for two years (HSTS)',
    ({ hsts }) => Number(/max-age=(\d+)/.exec(hsts ?? '')?.[1] ?? 0) >= guideline.hstsMaxAge,
  ],
];
