import { resolve } from 'node:path';
import { closest } from '../../options.ts';
import { Certificate } from '../../x509/certificate.ts';
import { readPem } from '../../x509/pem.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { fileName } from './names.ts';
import { readFileIfAny } from './read-file.ts';
import { type AuthorityRecord, certificateOf, type Entry, successorOf } from './record.ts';

/** A certificate that somebody means: recorded, or in a file without being so. */
export interface Selection {
  readonly entries: readonly Entry[];
  /** Called otherwise here, but with that name in their certificates. */
  readonly others: readonly Entry[];
  /** The certificate of a file that the record does not know. */
  readonly unknown: Certificate | undefined;
}

/** Finds what `word` means: the file of a certificate, a serial number, or a name, in this order. */
export function select(io: Io, { certificates }: AuthorityRecord, word: string): Selection {
  const file = readCertificateAt(io, word);
  if (file instanceof Certificate) {
    const entry = certificates.find((one) => one.serialNumber === file.serialNumber && isSame(one, file));
    return entry === undefined
      ? { entries: [], others: [], unknown: file }
      : { entries: [entry], others: [], unknown: undefined };
  }
  const serial = serialOf(word);
  const bySerial = certificates.filter(({ serialNumber }) => serialNumber === serial);
  const byName = called(certificates, word);
  const entries = bySerial.length > 0 ? bySerial : byName.entries;
  if (bySerial.length > 0 && [...byName.entries, ...byName.others].some((one) => one !== bySerial[0])) {
    throw new CliFailure(
      `'${plain(word)}' is a serial number and another one's name`,
      'Name the file of the certificate.',
    );
  }
  if (entries.length > 0)
    return { entries, others: bySerial.length > 0 ? [] : byName.others, unknown: undefined };
  throw nothing(word, file, certificates);
}

/** By what it is called here, as it was given or as its folder; where nothing is, by the names in it. */
function called(certificates: readonly Entry[], word: string): Pick<Selection, 'entries' | 'others'> {
  const name = word.normalize('NFC');
  const folder = fileName(word);
  const byHandle = certificates.filter((entry) => [name, folder].includes(entry.name.normalize('NFC')));
  const byContent = certificates.filter(
    (entry) => namesOf(entry).includes(name) && !byHandle.includes(entry),
  );
  return byHandle.length > 0 ? { entries: byHandle, others: byContent } : { entries: byContent, others: [] };
}

function namesOf(entry: Entry): string[] {
  const { subject, subjectAltNames } = certificateOf(entry);
  const { dns, ip, email, uri } = subjectAltNames;
  return [...(subject['CN'] ?? []), ...dns, ...ip, ...email, ...uri].map((name) => name.normalize('NFC'));
}

function nothing(word: string, file: 'other' | undefined, certificates: readonly Entry[]): CliFailure {
  const guess = closest(
    word,
    certificates.map(({ name }) => name),
  );
  return new CliFailure(
    file === 'other'
      ? `'${plain(word)}' is a file without a certificate, and no name or serial number`
      : `there is no file, serial number or name '${plain(word)}'`,
    guess === undefined
      ? "'portcullis pki list' shows what was issued."
      : `Did you mean '${plain(guess)}'? 'portcullis pki list' shows what was issued.`,
  );
}

const isSame = (entry: Entry, file: Certificate): boolean => certificateOf(entry).raw.equals(file.raw);

/** Upper-case hexadecimal of whole octets, whatever a person wrote: `0a:bc`, `abc`. */
function serialOf(word: string): string | undefined {
  if (!/^[0-9a-f]+(?::[0-9a-f]+)*$/i.test(word)) return undefined;
  const digits = word
    .replaceAll(':', '')
    .toUpperCase()
    .replace(/^0+(?=.)/, '');
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}

/** The first certificate of a file in PEM or DER; 'other' where it has none, undefined where there is no such file. */
export function readCertificateAt(io: Io, word: string): Certificate | 'other' | undefined {
  const content = readFileIfAny(io, resolve(io.directory, word));
  return content === undefined ? undefined : (firstCertificate(content) ?? 'other');
}

function firstCertificate(content: Buffer): Certificate | undefined {
  const text = content.toString('latin1');
  const der = text.includes('-----BEGIN ')
    ? readPem(text)?.find(({ label }) => label === 'CERTIFICATE')?.der
    : content;
  try {
    return der === undefined ? undefined : new Certificate(der);
  } catch {
    return undefined;
  }
}

/** The only one that is meant; of a name that was renewed the one that is not replaced. */
export function single(word: string, entries: readonly Entry[]): Entry {
  const last = entries.filter(
    (entry) => entry.revoked === undefined && successorOf(entries, entry) === undefined,
  );
  const candidates = last.length > 0 ? last : entries;
  if (candidates.length === 1) return candidates[0]!;
  throw new CliFailure(`'${plain(word)}' means ${candidates.length} certificates`, choose(candidates));
}

export const choose = (entries: readonly Entry[]): string =>
  `Give a serial number: ${entries.map(({ serialNumber, purpose, notAfter }) => `${serialNumber} (${purpose}, until ${notAfter.slice(0, 10)})`).join(', ')}.`;
