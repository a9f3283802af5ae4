import { resolve } from 'node:path';
import type { Authority } from '../../pki/index.ts';
import { readPem } from '../../x509/pem.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { periodOf } from './days.ts';
import { shown } from './paths.ts';
import type { RecordedCrl, Revocation } from './record.ts';
import { readCrl } from './read-crl.ts';
import { readFileIfAny } from './read-file.ts';
import type { NewFile } from './staged-files.ts';

/** Until when a CRL says that it holds, unless told otherwise. */
const crlDays = 30;
/** The root's key is fetched from its safe once a year. */
export const rootCrlDays = 366;

/**
 * The next list of an authority. Its number is one more than the last one's, which the record keeps: so it grows
 * whatever the clock does (RFC 5280 5.2.3). What has expired stays on it: a clock that is slow may still accept it.
 */
export async function nextCrl(
  authority: Authority,
  revocations: readonly Revocation[],
  last: Pick<RecordedCrl, 'number'>,
  days: number | undefined,
  now: number,
): Promise<RecordedCrl> {
  const number = BigInt(last.number) + 1n;
  const { notBefore, notAfter } = periodOf(days ?? crlDays, 'crl', now);
  const revoked = revocations.map(({ serialNumber, at, reason }) => ({
    serialNumber,
    date: new Date(at),
    reason,
  }));
  const pem = await authority.crl({ revoked, number, thisUpdate: notBefore, nextUpdate: notAfter });
  return {
    number: number.toString(),
    thisUpdate: notBefore.toISOString(),
    nextUpdate: notAfter.toISOString(),
    pem,
  };
}

export interface CopyOptions {
  readonly out?: string;
  readonly der?: boolean;
  readonly force?: boolean;
}

/**
 * A copy of the list elsewhere; in DER, as it is fetched by certificates' distribution points (RFC 5280 4.2.1.13). It
 * takes the place of the last one, and without `--force` of nothing else.
 */
export function crlCopies(io: Io, { pem }: RecordedCrl, { out, der, force }: CopyOptions): NewFile[] {
  if (out === undefined) return [];
  const path = resolve(io.directory, out);
  const present = force === true ? undefined : readFileIfAny(io, path);
  if (present !== undefined && !isList(present))
    throw new CliFailure(`${shown(io, path)} is no CRL`, 'Write elsewhere, or replace it with --force.');
  return [{ path, content: der === true ? readPem(pem)![0]!.der : pem, mode: 0o644, overwrite: true }];
}

function isList(content: Buffer): boolean {
  const text = content.toString('latin1');
  try {
    return text.includes('-----BEGIN ')
      ? readPem(text)?.every(({ label }) => label === 'X509 CRL') === true
      : readCrl(content) !== undefined;
  } catch {
    return false;
  }
}
