import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { style } from '../terminal/style.ts';
import type { ListedCertificate, ListedCrl, Listing } from './list.ts';
import { shown } from './paths.ts';
import { nameTexts } from './request-file.ts';
import { jsonText } from '../terminal/json-text.ts';
import { subjectText } from './subject.ts';

/** A table for a person, or JSON. */
export function reportList(
  io: Io,
  listing: Listing,
  options: { readonly json: boolean; readonly expiring: boolean },
): void {
  if (options.json) {
    io.out(jsonText(listing));
    return;
  }
  const { bold } = style(io.colours);
  for (const { role, subject, notAfter, revoked } of listing.authorities) {
    const state =
      revoked === null ? '' : `, revoked on ${revoked.at.slice(0, 10)} (${plain(revoked.reason)})`;
    io.out(`${role}: ${subjectText(subject)}, until ${notAfter.slice(0, 10)}${state}\n`);
  }
  if (!options.expiring || listing.crl.lapsed) {
    io.out(`CRL: ${crlText(listing.crl)}\n`);
  }
  const { rootCrl } = listing;
  if (rootCrl !== null && (!options.expiring || rootCrl.lapsed)) io.out(`root CRL: ${crlText(rootCrl)}\n`);
  if (listing.certificates.length === 0) {
    if (!options.expiring) io.out(`Nothing was issued in ${shown(io, listing.directory)} yet.\n`);
    return;
  }
  const rows = listing.certificates.map(rowOf);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => cell.padEnd(column === cells.length - 1 ? 0 : widths[column]!)).join('  ');
  io.out(`${options.expiring ? '' : '\n'}${bold(line(header))}\n`);
  for (const [index, row] of rows.entries())
    io.out(`${coloured(io, line(row), listing.certificates[index]!)}\n`);
}

const crlText = ({ number, nextUpdate, lapsed }: ListedCrl): string =>
  `number ${number}, ${lapsed ? 'ran out on' : 'until'} ${nextUpdate.slice(0, 10)}`;

const header = ['NAME', 'PURPOSE', 'STATUS', 'UNTIL', 'SERIAL NUMBER', 'NAMES'];

function rowOf(one: ListedCertificate): readonly string[] {
  const { name, purpose, status, renewedBy, notAfter, serialNumber, subject, names } = one;
  const texts = nameTexts(names);
  return [
    plain(name),
    purpose,
    status === 'valid' && renewedBy !== null ? 'renewed' : status,
    notAfter.slice(0, 10),
    serialNumber,
    texts.length > 0 ? texts.join(' ') : subjectText(subject),
  ];
}

function coloured(io: Io, line: string, { status, renewedBy }: ListedCertificate): string {
  const { red, dim } = style(io.colours);
  if (status === 'revoked') return red(line);
  return status === 'expired' || renewedBy !== null ? dim(line) : line;
}
