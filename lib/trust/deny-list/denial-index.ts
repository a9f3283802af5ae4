import type { Certificate } from '../../x509/certificate.ts';
import { issuerOf } from '../revocation/crl-name.ts';
import type { Denial } from './entry.ts';
import { canonicalSerial, pinKey } from './identifiers.ts';
import { isIssuedBy } from './issuer.ts';

/** Entries by what they deny: a look-up does not grow with the list. */
export class DenialIndex {
  readonly #byKey = new Map<string, Denial>();
  readonly #bySerial = new Map<string, Set<Denial>>();
  readonly #byCaName = new Map<string, Set<Denial>>();
  #pins = 0;

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Denial | undefined {
    return this.#byKey.get(key);
  }

  values(): IterableIterator<Denial> {
    return this.#byKey.values();
  }

  /** In the place of one that denies the same. */
  put(denial: Denial): void {
    this.delete(denial.key);
    const { key, denied } = denial;
    this.#byKey.set(key, denial);
    if (denied.pin !== undefined) this.#pins++;
    if (denied.serialNumber !== undefined) join(this.#bySerial, denied.serialNumber, denial);
    if (denied.caName !== undefined) join(this.#byCaName, denied.caName, denial);
  }

  delete(key: string): boolean {
    const denial = this.#byKey.get(key);
    if (denial === undefined) return false;
    this.#byKey.delete(key);
    const { denied } = denial;
    if (denied.pin !== undefined) this.#pins--;
    if (denied.serialNumber !== undefined) leave(this.#bySerial, denied.serialNumber, denial);
    if (denied.caName !== undefined) leave(this.#byCaName, denied.caName, denial);
    return true;
  }

  /** The entries that mean this certificate. */
  *matching(certificate: Certificate): Generator<Denial> {
    const itself = this.#byKey.get(`certificate:${certificate.sha256}`);
    if (itself !== undefined) yield itself;
    const byPin = this.#pins > 0 ? this.#byKey.get(pinKey(certificate.pin)) : undefined;
    if (byPin !== undefined) yield byPin;
    if (this.#bySerial.size === 0) return;
    for (const denial of this.#bySerial.get(canonicalSerial(certificate.serialNumber)) ?? [])
      if (isIssuedBy(certificate, denial.denied.issuer!)) yield denial;
  }

  /** The entries that mean a CA of the name of this certificate's issuer. */
  issuersOf(certificate: Certificate): Iterable<Denial> {
    return this.#byCaName.size === 0 ? [] : (this.#byCaName.get(issuerOf(certificate)) ?? []);
  }
}

function join(map: Map<string, Set<Denial>>, key: string, denial: Denial): void {
  const others = map.get(key);
  if (others === undefined) map.set(key, new Set([denial]));
  else others.add(denial);
}

function leave(map: Map<string, Set<Denial>>, key: string, denial: Denial): void {
  const others = map.get(key);
  others?.delete(denial);
  if (others?.size === 0) map.delete(key);
}
