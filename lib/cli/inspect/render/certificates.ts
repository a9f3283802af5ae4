import type { Style } from '../../terminal/style.ts';
import type { CertificateFacts, Inspection, ServedChain, Stapling } from '../inspection.ts';
import { type Row, section } from './section.ts';

/** A section for each chain that was sent. */
export function certificateLines({ chains, roots, stapling }: Inspection, marks: Style): string[] {
  return chains.map((chain, index) =>
    section(
      chains.length === 1 ? 'Certificate' : `Certificate ${index + 1} of ${chains.length}`,
      rowsOf(chain, roots, index === 0 ? stapling : null),
      marks,
    ),
  );
}

function rowsOf(chain: ServedChain, roots: Inspection['roots'], stapling: Stapling | null): Row[] {
  const [leaf, ...issuers] = chain.sent as readonly [CertificateFacts, ...CertificateFacts[]];
  const trusting = roots === 'node' ? 'the roots of Node' : 'the roots of --ca';
  return [
    ['subject', leaf.subject || 'empty'],
    ['names', `${leaf.names.join(', ') || 'none'}${chain.hostMatches ? '' : ' (not this host)'}`],
    ['issuer', leaf.issuer],
    ['valid', `${day(leaf.notBefore)} to ${day(leaf.notAfter)}, ${left(leaf.daysLeft)}`],
    ['key', keyText(leaf)],
    ['signature', leaf.signatureAlgorithm],
    ['pin', leaf.pin],
    ...issuers.map((issuer, index): Row => [
      index === 0 ? 'sent along' : '',
      `${issuer.subject} (until ${day(issuer.notAfter)}, ${keyText(issuer)})`,
    ]),
    ...(chain.path === null ? [] : [['path', chain.path.join(' ← ')] as const]),
    ['trusted', chain.trusted ? `yes, by ${trusting}` : `no, not by ${trusting}: ${chain.reason ?? ''}`],
    ...(stapling === null ? [] : [['stapling', staplingText(stapling, leaf)] as const]),
  ];
}

const day = (iso: string): string => iso.slice(0, 10);

const left = (days: number): string => (days < 0 ? `expired ${-days} days ago` : `${days} days left`);

const keyText = ({ publicKey: { type, bits, curve } }: CertificateFacts): string =>
  curve === null ? `${type}${bits === null ? '' : ` ${bits}`}` : `${type} ${curve}`;

function staplingText({ stapled, status, problem }: Stapling, { mustStaple }: CertificateFacts): string {
  const must = mustStaple ? ', the certificate demands it' : '';
  if (!stapled) return `none${must}`;
  return problem === null ? `${status}${must}` : `of no use: ${problem}${must}`;
}
