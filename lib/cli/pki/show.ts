import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Certificate } from '../../x509/certificate.ts';
import { type PemBlock, readPem } from '../../x509/pem.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { type Description, describeCertificate, describeCrl, describeRequest } from './describe.ts';
import { fileFailure } from './file-failure.ts';
import { folderOf } from './folder.ts';
import { type AuthorityRecord, type Entry, readRecord, statusOf } from './record.ts';
import { json, rows } from './report.ts';
import { select } from './select.ts';
import { openFolder, type StoreOptions } from './store.ts';

export interface ShowOptions extends StoreOptions {
  readonly json?: boolean;
}

/** `pki show`: what is in a file (certificates, requests, lists), or what the record says of a name or serial number. */
export async function show(word: string, options: ShowOptions, io: Io): Promise<void> {
  const content = await contentOf(io, word);
  const record = content === undefined ? readRecord(io, openFolder(io, options)) : recordIfAny(io, options);
  const descriptions =
    content === undefined
      ? select(io, record!, word).entries.flatMap(({ certificate }) => certificatesIn(certificate))
      : await describeAll(content, word);
  const told = descriptions.map((description) => withStatus(description, record, io.now()));
  if (options.json === true) {
    io.out(json(told.length === 1 ? told[0]!.json : told.map((one) => one.json)));
    return;
  }
  io.out(told.map(({ title, lines }) => `${title}\n${rows(lines)}`).join('\n'));
}

/** Of a file, or of standard input for '-'; undefined where there is no such file. */
async function contentOf(io: Io, word: string): Promise<Buffer | undefined> {
  if (word === '-') return io.readInput();
  const path = resolve(io.directory, word);
  if (word === '' || statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileFailure(io, path, 'cannot be read', error);
  }
}

/** A file can be shown without any authority; where there is one, it tells whether the certificate was revoked. */
function recordIfAny(io: Io, options: ShowOptions): AuthorityRecord | undefined {
  const folder = folderOf(io, options.dir);
  if (options.dir === undefined && statSync(folder.record, { throwIfNoEntry: false }) === undefined)
    return undefined;
  return readRecord(io, openFolder(io, options));
}

const certificatesIn = (pem: string): Description[] =>
  readPem(pem)!.map(({ der }) => describeCertificate(new Certificate(der)));

async function describeAll(content: Buffer, word: string): Promise<readonly Description[]> {
  const text = content.toString('latin1');
  const blocks = text.includes('-----BEGIN ')
    ? (readPem(text) ?? [])
    : [{ label: 'CERTIFICATE', der: content, text: '' }];
  const found = await Promise.all(blocks.map((block) => describeBlock(block, word)));
  const told = found.filter((description) => description !== undefined);
  if (told.length > 0) return told;
  throw new CliFailure(
    `${word === '-' ? 'standard input' : `'${plain(word)}'`} has no certificate, request or CRL`,
    'Give PEM, or a certificate in DER. Keys are not shown.',
  );
}

/** Undefined for what is not shown, a private key first of all. */
async function describeBlock({ label, der, text }: PemBlock, word: string): Promise<Description | undefined> {
  try {
    if (label === 'CERTIFICATE') return describeCertificate(new Certificate(der));
    if (label === 'X509 CRL') return describeCrl(der);
  } catch (error) {
    throw new CliFailure(`'${plain(word)}' has a ${label} that is damaged`, undefined, undefined, error);
  }
  if (label !== 'CERTIFICATE REQUEST' && label !== 'NEW CERTIFICATE REQUEST') return undefined;
  const { readRequest } = await import('../../pki/index.ts');
  return describeRequest(readRequest(text));
}

function withStatus(description: Description, record: AuthorityRecord | undefined, now: number): Description {
  const entry = record?.certificates.find(({ certificate }) => certificate === description.pem);
  if (entry === undefined) return description;
  const status = statusText(entry, now);
  return {
    ...description,
    lines: [...description.lines, ['record', `'${entry.name}', ${status}`]],
    json: {
      ...description.json,
      name: entry.name,
      status: statusOf(entry, now),
      revoked: entry.revoked ?? null,
    },
  };
}

function statusText(entry: Entry, now: number): string {
  const { revoked } = entry;
  return revoked === undefined
    ? statusOf(entry, now)
    : `revoked on ${revoked.at.slice(0, 10)} (${plain(revoked.reason)})`;
}
