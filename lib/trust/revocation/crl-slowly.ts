import { DerError } from '../../x509/der.ts';
import { findPem } from '../../x509/pem.ts';
import { readList, type RevocationList } from './crl-list.ts';

/** How long the loop is held at a time (ms). */
const slice = 10;

/**
 * Reads a CRL (DER) a little at a time, so that whoever is being served does not wait for a list of megabytes. Rejects
 * with a DerError or CrlError.
 */
export async function readListSlowly(der: Buffer): Promise<RevocationList> {
  await nextTurn();
  const steps = readList(der);
  for (let began = performance.now(); ;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - began < slice) continue;
    // oxlint-disable-next-line no-await-in-loop -- one after another is the point
    await nextTurn();
    began = performance.now();
  }
}

/** The same of what a server has sent: DER (RFC 5280 4.2.1.13), or PEM, as some have it all the same. */
export function readFetchedList(octets: Buffer): Promise<RevocationList> {
  if (octets[0] === 0x30) return readListSlowly(octets);
  const [first, ...others] = findPem(octets.toString('latin1')) ?? [];
  const der = others.length === 0 && isCrl.test(first?.label ?? '') ? first?.decode() : undefined;
  return der === undefined ? Promise.reject(new DerError('it is no CRL')) : readListSlowly(der);
}

const isCrl = /^(X509 )?CRL$/;
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
