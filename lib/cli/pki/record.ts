import { readFileSync } from 'node:fs';
import type { RevocationReason } from '../../pki/index.ts';
import { type Certificate, readCertificate } from '../../x509/certificate.ts';
import { readPem } from '../../x509/pem.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { fileFailure, hasCode } from './file-failure.ts';
import type { Folder } from './folder.ts';
import { shown } from './paths.ts';
import { parseCertificate } from './parse-certificate.ts';

export type Purpose = 'server' | 'client';

/** One certificate that was issued. Dates are ISO 8601, serial numbers upper-case hexadecimal. */
export interface Entry {
  readonly serialNumber: string;
  /** By which people call it; also the name of its folder. */
  readonly name: string;
  readonly purpose: Purpose;
  readonly issuedAt: string;
  readonly notAfter: string;
  /** Where its files were written; null where they went to nobody's folder. */
  readonly folder: string | null;
  /** The serial number of the one that it takes the place of. */
  readonly renews?: string;
  readonly revoked?: { readonly at: string; readonly reason: RevocationReason };
  /** PEM. */
  readonly certificate: string;
}

/** A certificate that is revoked, and is not among those that the record has. */
export interface Revocation {
  readonly serialNumber: string;
  readonly at: string;
  readonly reason: RevocationReason;
}

/** The last list of revoked certificates; here first, so that the file `crl.pem` can always be made from it. */
export interface RecordedCrl {
  /** Decimal, as it may be greater than a number of JSON. */
  readonly number: string;
  readonly thisUpdate: string;
  readonly nextUpdate: string;
  /** PEM. */
  readonly pem: string;
}

/** All that an authority has done. */
export interface AuthorityRecord {
  readonly format: 'portcullis-authority';
  readonly version: 1;
  /** Whose key issues. */
  readonly issuer: 'root' | 'intermediate';
  readonly crl: RecordedCrl;
  /** With an intermediate: that of the root. */
  readonly rootCrl?: RecordedCrl;
  /** The intermediates that the root has revoked. */
  readonly rootRevoked?: readonly Revocation[];
  /** What the intermediate had before it was renewed, of the same key; PEM. */
  readonly formerIntermediates?: readonly string[];
  readonly certificates: readonly Entry[];
  readonly alsoRevoked?: readonly Revocation[];
}

export const writeRecord = (record: AuthorityRecord): string => `${JSON.stringify(record, null, 2)}\n`;

/** Reads the record; one that is damaged, or missing, is never taken for an empty one. */
export function readRecord(io: Io, { record }: Folder): AuthorityRecord {
  let text;
  try {
    text = readFileSync(record, 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw fileFailure(io, record, 'cannot be read', error);
    throw damaged(io, record, 'it is missing');
  }
  try {
    return parseRecord(text);
  } catch (error) {
    throw damaged(io, record, error instanceof RecordFault ? error.message : 'it is no JSON', error);
  }
}

class RecordFault extends Error {}

function parseRecord(text: string): AuthorityRecord {
  const value = object(JSON.parse(text), 'the record');
  if (value['format'] !== 'portcullis-authority') throw new RecordFault('it is no record of an authority');
  if (value['version'] !== 1) {
    throw new RecordFault(
      `its version is ${JSON.stringify(value['version'] ?? 'missing')}, and this command knows 1`,
    );
  }
  if (value['issuer'] !== 'root' && value['issuer'] !== 'intermediate')
    throw new RecordFault('issuer is neither root nor intermediate');
  requireCrl(object(value['crl'], 'crl'), 'crl');
  if (value['rootCrl'] !== undefined) requireCrl(object(value['rootCrl'], 'rootCrl'), 'rootCrl');
  const { certificates } = value;
  if (!Array.isArray(certificates)) throw new RecordFault('certificates is no list');
  const serials = new Set<string>();
  for (const [index, item] of certificates.entries()) {
    const entry = requireEntry(object(item, `certificates[${index}]`), `certificates[${index}]`);
    if (serials.has(entry.serialNumber)) throw new RecordFault(`certificates[${index}] comes twice`);
    serials.add(entry.serialNumber);
  }
  requireRevocations(value['alsoRevoked'] ?? [], 'alsoRevoked', serials);
  requireRevocations(value['rootRevoked'] ?? [], 'rootRevoked', new Set());
  requireFormer(value['formerIntermediates'] ?? []);
  return value as unknown as AuthorityRecord;
}

function requireFormer(certificates: unknown): void {
  if (!Array.isArray(certificates)) throw new RecordFault('formerIntermediates is no list');
  for (const [index, pem] of certificates.entries()) readOne(pem, `formerIntermediates[${index}]`);
}

function requireRevocations(revocations: unknown, name: string, serials: Set<string>): void {
  if (!Array.isArray(revocations)) throw new RecordFault(`${name} is no list`);
  for (const [index, item] of revocations.entries()) {
    const path = `${name}[${index}]`;
    const { serialNumber, at, reason } = object(item, path);
    requireSerialNumber(serialNumber, path);
    if (serials.has(serialNumber)) throw new RecordFault(`${path} comes twice`);
    serials.add(serialNumber);
    requireDate(at, `${path}.at`);
    if (typeof reason !== 'string') throw new RecordFault(`${path}.reason is no text`);
  }
}

function requireSerialNumber(value: unknown, path: string): asserts value is string {
  if (typeof value !== 'string' || !/^[0-9A-F]{2,40}$/.test(value))
    throw new RecordFault(`${path}.serialNumber is none`);
}

function requireCrl(crl: Readonly<Record<string, unknown>>, path: string): void {
  if (typeof crl['number'] !== 'string' || !/^\d+$/.test(crl['number']))
    throw new RecordFault(`${path}.number is no number`);
  for (const key of ['thisUpdate', 'nextUpdate']) requireDate(crl[key], `${path}.${key}`);
  if (typeof crl['pem'] !== 'string' || readPem(crl['pem'])?.[0]?.label !== 'X509 CRL')
    throw new RecordFault(`${path}.pem is no CRL`);
}

function requireEntry(entry: Readonly<Record<string, unknown>>, path: string): Entry {
  const { serialNumber, name, purpose, folder, renews, revoked, certificate } = entry;
  requireSerialNumber(serialNumber, path);
  if (typeof name !== 'string' || name === '') throw new RecordFault(`${path}.name is no text`);
  if (purpose !== 'server' && purpose !== 'client')
    throw new RecordFault(`${path}.purpose is neither server nor client`);
  if (folder !== null && typeof folder !== 'string') throw new RecordFault(`${path}.folder is no path`);
  if (renews !== undefined && typeof renews !== 'string') throw new RecordFault(`${path}.renews is none`);
  for (const key of ['issuedAt', 'notAfter']) requireDate(entry[key], `${path}.${key}`);
  if (revoked !== undefined) {
    const { at, reason } = object(revoked, `${path}.revoked`);
    requireDate(at, `${path}.revoked.at`);
    if (typeof reason !== 'string') throw new RecordFault(`${path}.revoked.reason is no text`);
  }
  requireCertificate(certificate, serialNumber, path);
  return entry as unknown as Entry;
}

/** A serial number that is not the certificate's own would revoke nobody, or somebody else. */
function requireCertificate(pem: unknown, serialNumber: string, path: string): void {
  if (readOne(pem, `${path}.certificate`).serialNumber !== serialNumber)
    throw new RecordFault(`${path}.serialNumber is not that of its certificate`);
}

function readOne(pem: unknown, path: string): Certificate {
  const blocks = typeof pem === 'string' ? readPem(pem) : undefined;
  if (blocks?.length !== 1 || blocks[0]!.label !== 'CERTIFICATE') throw new RecordFault(`${path} is none`);
  const certificate = readCertificate(blocks[0]!.der);
  if (certificate === undefined) throw new RecordFault(`${path} is damaged`);
  return certificate;
}

function requireDate(value: unknown, path: string): void {
  if (typeof value !== 'string' || Number.isNaN(Date.parse(value)))
    throw new RecordFault(`${path} is no date`);
}

function object(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new RecordFault(`${path} is no object`);
}

const damaged = (io: Io, file: string, problem: string, cause?: unknown): CliFailure =>
  new CliFailure(
    `the record ${shown(io, file)} cannot be used: ${problem}`,
    'Put back a copy of it. Nothing is issued or revoked without it: what it does not know cannot be revoked.',
    undefined,
    cause,
  );

/** The certificate of an entry; that it can be read was seen with the record. */
export const certificateOf = ({ certificate }: Entry): Certificate => parseCertificate(certificate);

/** All that is revoked. */
export const revocationsOf = ({ certificates, alsoRevoked = [] }: AuthorityRecord): readonly Revocation[] => [
  ...certificates.flatMap(({ serialNumber, revoked }) =>
    revoked === undefined ? [] : [{ serialNumber, ...revoked }],
  ),
  ...alsoRevoked,
];

export type Status = 'valid' | 'expired' | 'revoked';

export function statusOf({ revoked, notAfter }: Entry, now: number): Status {
  if (revoked !== undefined) return 'revoked';
  return Date.parse(notAfter) < now ? 'expired' : 'valid';
}

/**
 * The certificate that takes the place of this one today, by however many renewals: what was revoked takes nobody's.
 */
export function successorOf(
  certificates: readonly Entry[],
  { serialNumber }: Entry,
  seen: ReadonlySet<string> = new Set(),
): Entry | undefined {
  if (seen.has(serialNumber)) return undefined;
  const next = certificates.filter(({ renews }) => renews === serialNumber);
  const sound = next.find(({ revoked }) => revoked === undefined);
  if (sound !== undefined) return sound;
  for (const one of next) {
    const found = successorOf(certificates, one, new Set([...seen, serialNumber]));
    if (found !== undefined) return found;
  }
  return undefined;
}
