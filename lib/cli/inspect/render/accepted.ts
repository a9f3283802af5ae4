import type { Style } from '../../terminal/style.ts';
import type { Accepted, AcceptedCipher } from '../inspection.ts';
import { type Row, section } from './section.ts';

/** What else the server accepts: versions, suites by version, groups, and how it behaves. */
export function acceptedLines(accepted: Accepted, marks: Style): string[] {
  const { versions, ciphers, cipherOrder } = accepted;
  const on = Object.entries(versions).filter(([, is]) => is);
  const suites = on.toReversed().map(([version]) =>
    section(
      `${version}${orderText(cipherOrder[version])}`,
      ciphers.filter((one) => one.version === version).map((one): Row => ['', cipherText(one)]),
      marks,
    ),
  );
  return [
    section(
      'Accepted',
      [['versions', on.map(([version]) => version).join(', ') || 'none'], ...rowsOf(accepted)],
      marks,
    ),
    ...suites,
  ];
}

const orderText = (order: 'server' | 'client' | undefined): string =>
  order === undefined ? '' : `, in the ${order}'s order`;

const cipherText = ({ name, group, dhBits }: AcceptedCipher): string =>
  `${name}${dhBits === null ? '' : ` (DH ${dhBits})`}${group === null ? '' : ` (${group})`}`;

function rowsOf(accepted: Accepted): Row[] {
  const { groups, signatureSchemes, alpn } = accepted;
  const rows: Row[] = [
    ['groups', both(groups)],
    ['signatures', both(signatureSchemes)],
    ['renegotiation', renegotiationText(accepted)],
    ['compression', yesNo(accepted.compression)],
    ['EMS', yesNo(accepted.extendedMasterSecret)],
    ['fallback SCSV', yesNo(accepted.fallbackScsv)],
    ['ALPN', alpnText(alpn)],
    ['unknown name', accepted.unknownName ?? 'not known'],
    [
      'asked',
      `${accepted.connections} connections${accepted.complete ? '' : ', and not complete: it does not answer, or not always'}`,
    ],
  ];
  return rows;
}

/** TLS 1.3's, and what TLS 1.2 has beside them. */
function both(lists: Accepted['groups']): string {
  const of13 = lists['TLSv1.3'];
  const of12 = lists['TLSv1.2'];
  if (of13.length === 0 || of12.length === 0) return [...of13, ...of12].join(', ') || 'none known';
  const more = of12.filter((name) => !of13.includes(name));
  return `${of13.join(', ')}${more.length === 0 ? '' : `; TLSv1.2 also ${more.join(', ')}`}`;
}

function renegotiationText({ secureRenegotiation, clientRenegotiation }: Accepted): string {
  if (secureRenegotiation === null) return 'does not apply';
  const secure = secureRenegotiation ? 'secure' : 'insecure';
  return clientRenegotiation === null
    ? secure
    : `${secure}, by a client ${clientRenegotiation ? 'accepted' : 'refused'}`;
}

function alpnText(alpn: Accepted['alpn']): string {
  const spoken = (['h2', 'http/1.1'] as const).filter((name) => alpn[name] === true);
  const strict = alpn.strict === true ? ', others are refused' : '';
  const isKnown = alpn.h2 !== null && alpn['http/1.1'] !== null;
  return `${spoken.join(', ') || (isKnown ? 'none' : 'not known')}${strict}`;
}

const yesNo = (answer: boolean | null): string =>
  answer === null ? 'not known, or does not apply' : answer ? 'yes' : 'no';
