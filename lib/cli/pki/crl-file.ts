import type { Authority } from '../../pki/index.ts';
import { readPem } from '../../x509/pem.ts';
import { periodOf } from './days.ts';
import type { Entry, RecordedCrl } from './record.ts';
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
  certificates: readonly Entry[],
  last: Pick<RecordedCrl, 'number'>,
  days: number | undefined,
  now: number,
): Promise<RecordedCrl> {
  const number = BigInt(last.number) + 1n;
  const { notBefore, notAfter } = periodOf(days ?? crlDays, 'crl', now);
  const revoked = certificates.flatMap(({ serialNumber, revoked: revocation }) =>
    revocation === undefined
      ? []
      : [{ serialNumber, date: new Date(revocation.at), reason: revocation.reason }],
  );
  const pem = await authority.crl({ revoked, number, thisUpdate: notBefore, nextUpdate: notAfter });
  return {
    number: number.toString(),
    thisUpdate: notBefore.toISOString(),
    nextUpdate: notAfter.toISOString(),
    pem,
  };
}

/** A copy of the list elsewhere; in DER, as it is fetched by certificates' distribution points (RFC 5280 4.2.1.13). */
export const crlFile = (path: string, { pem }: RecordedCrl, der: boolean): NewFile => ({
  path,
  content: der ? readPem(pem)![0]!.der : pem,
  mode: 0o644,
  // Each list takes the place of the last one: that is its purpose.
  overwrite: true,
});
