import type { Io } from '../../io.ts';
import { plain } from '../../terminal/plain.ts';
import { type Style, style } from '../../terminal/style.ts';
import type { Inspection, InspectFinding } from '../inspection.ts';
import { acceptedLines } from './accepted.ts';
import { certificateLines } from './certificates.ts';
import { type Row, section } from './section.ts';

/** For a person: what was seen, section by section, then the findings, and last the verdict. */
export function reportText(inspection: Inspection, io: Io): string {
  const marks = style(io.colours);
  const { target, accepted } = inspection;
  const address = target.address === target.host ? '' : ` (${target.address})`;
  const name =
    target.serverName === null || target.serverName === target.host ? '' : `, as ${target.serverName}`;
  const head = marks.bold(plain(`${hostPort(target)}${address}${name}`));
  return [
    `${head}\n`,
    section('Negotiated', negotiatedRows(inspection), marks),
    ...certificateLines(inspection, marks),
    section('Client', clientRows(inspection), marks),
    ...(accepted === null ? [] : acceptedLines(accepted, marks)),
    findingsText(inspection, marks),
    verdictText(inspection, marks),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

const hostPort = ({ host, port }: Inspection['target']): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

function negotiatedRows(inspection: Inspection): Row[] {
  const { negotiated, handshakeError, unsupportedGroup, resumption, http, redirect } = inspection;
  const rows: Row[] = [];
  if (negotiated === null) {
    rows.push(['handshake', handshakeError ?? 'none']);
    if (unsupportedGroup !== null) rows.push(['group', `${unsupportedGroup}, which this Node has not`]);
  } else {
    const { protocol, cipher, group, postQuantum, alpn, legacy } = negotiated;
    rows.push(
      ['version', legacy ? `${protocol}, with everything old on offer` : protocol],
      ['cipher', cipher.standardName],
      ['group', group === null ? 'unknown, or none' : `${group}${postQuantum ? ' (post-quantum)' : ''}`],
      ['ALPN', alpn ?? 'none'],
    );
  }
  rows.push(['resumption', resumptionText(resumption)]);
  if (http !== null) {
    const { hsts } = http;
    const flags =
      hsts === null
        ? ''
        : `${hsts.includeSubDomains ? '; includeSubDomains' : ''}${hsts.preload ? '; preload' : ''}`;
    rows.push([
      'HTTP',
      `status ${http.status}, HSTS ${hsts === null ? 'none' : `max-age=${hsts.maxAge}${flags}`}`,
    ]);
  }
  if (redirect !== null) {
    const answer = redirect.status === null ? 'no answer' : `status ${redirect.status}`;
    rows.push([
      `port ${redirect.port}`,
      redirect.location === null ? answer : `${answer}, to ${redirect.location}`,
    ]);
  }
  return rows;
}

function resumptionText({
  tls13,
  tls12Ticket,
  tls12SessionId,
  ticketLifetime,
}: Inspection['resumption']): string {
  const tried: ReadonlyArray<readonly [string, boolean | null]> = [
    ['TLS 1.3', tls13],
    ['TLS 1.2 by ticket', tls12Ticket],
    ['TLS 1.2 by session id', tls12SessionId],
  ];
  const works = tried.filter(([, answer]) => answer === true).map(([what]) => what);
  if (tried.every(([, answer]) => answer === null)) return 'not tried';
  const lifetime = ticketLifetime === null ? '' : `; tickets for ${ticketLifetime} s`;
  return works.length === 0 ? 'none' : `${works.join(', ')}${lifetime}`;
}

function clientRows({ clientCertificate }: Inspection): Row[] {
  const { requested, required, given, authorities } = clientCertificate;
  if (requested !== true) return [];
  const wanted = required === true ? 'required' : required === false && !given ? 'optional' : 'requested';
  const rows: Row[] = [['certificate', given ? `${wanted}, and given` : wanted]];
  for (const name of authorities.slice(0, 10)) rows.push(['issued by', name]);
  if (authorities.length > 10) rows.push(['', `and ${authorities.length - 10} others`]);
  return rows;
}

function findingsText({ findings }: Inspection, marks: Style): string {
  if (findings.length === 0) return '';
  return `${marks.bold('Findings')}\n${findings.map((one) => findingText(one, marks)).join('')}`;
}

function findingText({ severity, code, message, remedy }: InspectFinding, marks: Style): string {
  const { high, medium, low, info } = {
    high: marks.red,
    medium: marks.yellow,
    low: marks.cyan,
    info: marks.dim,
  };
  const colour = { high, medium, low, info }[severity];
  return `  ${colour(severity.padEnd(6))}  ${marks.bold(code)}: ${plain(message)}\n          ${marks.dim(plain(remedy))}\n`;
}

function verdictText({ verdict, profile, guideline, findings }: Inspection, marks: Style): string {
  const against = `Mozilla ${guideline} ${profile}`;
  if (verdict === 'pass') return `${marks.green('pass')}  it meets ${against}\n`;
  const count = findings.filter(({ severity }) => severity === 'high' || severity === 'medium').length;
  return `${marks.red('fail')}  it does not meet ${against}: ${count} finding${count === 1 ? '' : 's'} above low\n`;
}
