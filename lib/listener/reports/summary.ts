import type { AddressInfo } from 'node:net';
import type { AuditReport } from '../../profiles/audit.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { daysLeft, namesOf } from './expiry.ts';

/** What a listener is, where it says so in one line. */
export interface SummaryInput {
  /** As `server.address()` gives it. */
  readonly address: AddressInfo | string | null;
  readonly profile: string;
  readonly minVersion: string;
  readonly maxVersion: string;
  readonly http2: boolean;
  readonly clientAuth: 'required' | 'optional' | 'none';
  readonly tickets: boolean;
  /** Undefined: not there yet. */
  readonly certificates: readonly Certificate[] | undefined;
  readonly audit: AuditReport;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Names and certificates beyond these are counted only: it is one line. */
const shown = 3;

/** One line for the log of a listener that has started. */
export function summaryLine(input: SummaryInput): string {
  const { profile, minVersion, maxVersion, http2, clientAuth, tickets, audit } = input;
  const versions = minVersion === maxVersion ? minVersion : `${minVersion} to ${maxVersion}`;
  const parts = [
    `${where(input.address)}, profile ${profile}`,
    versions,
    http2 ? 'HTTP/2 and HTTP/1.1' : 'HTTP/1.1',
    `client certificates ${clientAuth}`,
    certificates(input),
    `tickets ${tickets ? 'on' : 'off'}`,
    findings(audit),
  ];
  return `Portcullis: ${parts.join(', ')}.`;
}

function where(address: SummaryInput['address']): string {
  if (address === null) return 'not listening';
  if (typeof address === 'string') return `listening on ${address}`;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `listening on https://${host}:${address.port}`;
}

function certificates({ certificates: list, now }: SummaryInput): string {
  if (list === undefined) return 'certificate to come';
  const texts = list.slice(0, shown).map((certificate) => {
    const names = namesOf(certificate);
    const days = daysLeft(certificate.notAfter, now);
    const left = days < 0 ? 'EXPIRED' : `${days} ${days === 1 ? 'day' : 'days'} left`;
    return `${printable(limited(names).join(' '))} (${left})`;
  });
  return `certificate ${limited(texts, list.length).join('; ')}`;
}

function limited(texts: readonly string[], count: number = texts.length): readonly string[] {
  return count <= shown ? texts : [...texts.slice(0, shown), `${count - shown} more`];
}

/** A certificate may have anything for a name, and a log has one line for this. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');

function findings({ findings: list }: AuditReport): string {
  const grave = list.filter(({ severity }) => severity === 'medium' || severity === 'high').length;
  return grave === 0
    ? 'audit clean'
    : `audit: ${grave} ${grave === 1 ? 'finding' : 'findings'} above low, see audit()`;
}
