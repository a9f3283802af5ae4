import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Certificate } from '../../x509/certificate.ts';
import { type PemBlock, readPem } from '../../x509/pem.ts';
import { encodePem } from '../../pki/pem.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { currentRecord } from './current-record.ts';
import { type Description, describeCertificate, describeCrl, describeRequest } from './describe.ts';
import { folderOf } from './folder.ts';
import { readFileIfAny } from './read-file.ts';
import { type AuthorityRecord, type Entry, statusOf } from './record.ts';
import { jsonText } from '../terminal/json-text.ts';
import { rows } from './report.ts';
import { select } from './select.ts';
import { openFolder, type StoreOptions } from './store.ts';

export interface ShowOptions extends StoreOptions {
  readonly json?: boolean;
}

/** `pki show`: what is in a file (certificates, requests, lists), or what the record says of a name or serial number. */
export async function show(word: string, options: ShowOptions, io: Io): Promise<void> {
  const content = await contentOf(io, word);
  const record = await (content === undefined ? recordOf(io, options) : recordIfAny(io, options));
  const descriptions =
    content === undefined
      ? select(io, record!, word).entries.flatMap(({ certificate }) => certificatesIn(certificate))
      : await describeAll(content, word);
  const told = descriptions.map((description) => withStatus(description, record, io.now()));
  if (options.json === true) {
    io.out(jsonText(told.length === 1 ? told[0]!.json : told.map((one) => one.json)));
    return;
  }
  io.out(told.map(({ title, lines }) => `${title}\n${rows(lines)}`).join('\n'));
}

/** Of a file, or of standard input for '-'; undefined where there is no such file. */
const contentOf = (io: Io, word: string): Promise<Buffer | undefined> =>
  word === '-' ? io.readInput() : Promise.resolve(readFileIfAny(io, resolve(io.directory, word)));

const recordOf = async (io: Io, options: ShowOptions): Promise<AuthorityRecord> =>
  currentRecord(io, await openFolder(io, options));

/** A file can be shown without any authority; where there is one, it tells whether the certificate was revoked. */
async function recordIfAny(io: Io, options: ShowOptions): Promise<AuthorityRecord | undefined> {
  const isNamed = options.dir !== undefined || existsSync(folderOf(io, undefined).record);
  return isNamed ? recordOf(io, options) : undefined;
}

const certificatesIn = (pem: string): Description[] =>
  readPem(pem)!.map(({ der }) => describeCertificate(new Certificate(der)));

async function describeAll(content: Buffer, word: string): Promise<readonly Description[]> {
  const text = content.toString('latin1');
  const found = text.includes('-----BEGIN ')
    ? await Promise.all((readPem(text) ?? []).map((block) => describeBlock(block, word)))
    : [await describeDer(content)];
  const told = found.filter((description) => description !== undefined);
  if (told.length > 0) return told;
  throw new CliFailure(
    `${word === '-' ? 'standard input' : `'${plain(word)}'`} has no certificate, request or CRL`,
    'Give it in PEM or DER. Keys are not shown.',
  );
}

/** DER does not say what it is: it is what can be read as such. */
async function describeDer(der: Buffer): Promise<Description | undefined> {
  for (const label of ['CERTIFICATE', 'X509 CRL', 'CERTIFICATE REQUEST']) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- the next one only where it is not this
      return await describeBlock({ label, der, text: encodePem(label, der) }, '');
    } catch {
      // Then it is something else.
    }
  }
  return undefined;
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
