import type { ClientCertificate } from '../connection/index.ts';
import { type CertificateInputs, readAnchors } from '../trust/anchors.ts';
import { isNamedAs, subjectOf } from '../trust/revocation/crl-name.ts';
import { hasSigned } from '../trust/signatures.ts';
import type { Certificate } from '../x509/certificate.ts';
import { certificateOf, isEnd } from './chain.ts';
import type { Match } from './match.ts';
import { matchRule } from './pure-rule.ts';
import type { Rule } from './rule.ts';
import { takesOne } from './rule-error.ts';
import { quoteAll } from './wording.ts';

/**
 * Clients whose verified path goes through one of these CAs, by its name and key: a CA that was renewed with both is
 * the same one. It may be the root, or any intermediate. PEM, DER, `{ file }`, `{ directory }`, or a list of them; it is
 * read once. A ConfigError `CLIENT_CA_MISSING` or `CLIENT_CA_INVALID`, as for `clientAuth.ca`.
 *
 * It adds no trust: the path must lead to an anchor of the listener, or of the route.
 *
 * ```ts
 * requireClientCertificate(issuedBy({ file: 'partners-ca.pem' }))
 * ```
 */
export function issuedBy(...ca: readonly [ca: CertificateInputs]): Rule {
  takesOne(ca, 'issuedBy', 'Give several CAs in a list.');
  const wanted = readAnchors(ca[0], 'issuedBy');
  const words = quoteAll(wanted.map(labelOf));
  return matchRule({
    name: `issuedBy(${words})`,
    match: (certificate) => matchIssuers(wanted, certificate),
    expected: `an issuer ${words}`,
    seen: ({ chain, issuer }) =>
      chain.length === 0 ? `the name ${quoteAll(issuer['CN'] ?? [])}` : quoteAll(chain.map(labelOf)),
  });
}

function matchIssuers(wanted: readonly Certificate[], certificate: ClientCertificate): Match {
  const { chain } = certificate;
  if (chain.some((issuer) => wanted.some((ca) => isSame(ca, issuer)))) return 'yes';
  // A path that OpenSSL has verified may be known here in part only, without its anchor.
  const last = chain.at(-1) ?? certificate;
  const issued = certificateOf(last);
  const signed = (ca: Certificate): boolean => isNamedAs(ca, issued) && hasSigned(ca, issued);
  if (wanted.some(signed)) return 'yes';
  return isEnd(last) ? 'no' : 'unclear';
}

const isSame = (ca: Certificate, issuer: ClientCertificate): boolean =>
  ca.pin === issuer.pin && subjectOf(ca) === subjectOf(certificateOf(issuer));

const labelOf = ({ subject, fingerprint256 }: Pick<Certificate, 'subject' | 'fingerprint256'>): string =>
  subject['CN']?.join('+') ?? fingerprint256;
