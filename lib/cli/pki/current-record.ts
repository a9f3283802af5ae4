import type { RevocationReason } from '../../pki/index.ts';
import { readOwnCrl } from '../../pki/crl-number.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { readPem } from '../../x509/pem.ts';
import type { Io } from '../io.ts';
import { type Authorities, readAuthorities } from './authorities.ts';
import { type Folder, readCurrentText } from './folder.ts';
import { shown } from './paths.ts';
import { type Crl, readCrl } from './read-crl.ts';
import { type AuthorityRecord, readRecord, type RecordedCrl, type Revocation } from './record.ts';

/**
 * The record, with what the published list knows besides: an older copy of the record that was put back must not let in
 * again who was revoked since, nor give a number to two lists.
 */
export function currentRecord(io: Io, folder: Folder): AuthorityRecord {
  const record = readRecord(io, folder);
  const { crl, rootCrl } = record;
  if (
    readCurrentText(folder.crl) === crl.pem &&
    (!rootCrl || readCurrentText(folder.rootCrl) === rootCrl.pem)
  )
    return record;
  const authorities: Authorities = readAuthorities(io, folder, record);
  const own = newerList(folder.crl, authorities.issuer, crl);
  const above = rootCrl && newerList(folder.rootCrl, authorities.root, rootCrl);
  return {
    ...record,
    ...(own !== undefined && { crl: own.recorded, ...withRevocations(record, own.revoked) }),
    ...(above !== undefined && {
      rootCrl: above.recorded,
      rootRevoked: merged(record.rootRevoked ?? [], above.revoked),
    }),
  };
}

/** The same, and says so. */
export function restoredRecord(io: Io, folder: Folder): AuthorityRecord {
  const record = currentRecord(io, folder);
  const { crl } = readRecord(io, folder);
  if (record.crl.number !== crl.number) {
    io.err(
      `warning: ${shown(io, folder.crl)} has number ${record.crl.number}, and the record knows ${crl.number}, as an older copy of it would: what the list revokes stays revoked. Certificates that were issued since are revoked by their files.\n`,
    );
  }
  return record;
}

interface PublishedList {
  readonly recorded: RecordedCrl;
  readonly revoked: readonly Revocation[];
}

/** A list of the authority's own that is at least as new as the one of the record; undefined for any other. */
function newerList(file: string, issuer: Certificate, last: RecordedCrl): PublishedList | undefined {
  const pem = readCurrentText(file);
  const blocks = pem === undefined || pem === last.pem ? undefined : readPem(pem);
  const [block] = blocks ?? [];
  if (pem === undefined || block?.label !== 'X509 CRL' || blocks!.length > 1) return undefined;
  const list = readOwn(block.der, issuer);
  if (list?.number === undefined || list.nextUpdate === undefined || list.number < BigInt(last.number))
    return undefined;
  return {
    recorded: {
      number: list.number.toString(),
      thisUpdate: new Date(list.thisUpdate).toISOString(),
      nextUpdate: new Date(list.nextUpdate).toISOString(),
      pem,
    },
    revoked: list.revoked.map(({ serialNumber, at, reason = 'unspecified' }) => ({
      serialNumber,
      at,
      // Signed by this authority, which writes no others.
      reason: reason as RevocationReason,
    })),
  };
}

function readOwn(der: Buffer, issuer: Certificate): Crl | undefined {
  try {
    return readOwnCrl(der, issuer) === undefined ? undefined : readCrl(der);
  } catch {
    return undefined;
  }
}

/** What was known, and what only the list knows. */
function merged(known: readonly Revocation[], listed: readonly Revocation[]): readonly Revocation[] {
  const serials = new Set(known.map(({ serialNumber }) => serialNumber));
  return [...known, ...listed.filter(({ serialNumber }) => !serials.has(serialNumber))];
}

function withRevocations(
  record: AuthorityRecord,
  revoked: readonly Revocation[],
): Pick<AuthorityRecord, 'alsoRevoked' | 'certificates'> {
  const found = new Map(revoked.map((one) => [one.serialNumber, one]));
  const certificates = record.certificates.map((entry) => {
    const { at, reason } = found.get(entry.serialNumber) ?? {};
    return entry.revoked !== undefined || at === undefined || reason === undefined
      ? entry
      : { ...entry, revoked: { at, reason } };
  });
  const known = new Set(certificates.map(({ serialNumber }) => serialNumber));
  const others = revoked.filter(({ serialNumber }) => !known.has(serialNumber));
  const alsoRevoked = merged(record.alsoRevoked ?? [], others);
  return { certificates, ...(alsoRevoked.length > 0 && { alsoRevoked }) };
}
