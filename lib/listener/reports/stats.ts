import type { PolicyViolationCode } from '../../errors.ts';
import type { DropReason } from '../../events.ts';
import type { TlsState } from '../../connection/index.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { daysLeft, namesOf } from './expiry.ts';

/** How many there are now, and how many there have been. */
export interface Tally {
  /** Now. */
  readonly open: number;
  /** Since the start, those that are open included. */
  readonly total: number;
}

/** Counts by name: of a protocol, a cipher, a group, a code. */
export type Tallies = Readonly<Record<string, Tally>>;
export type Counts = Readonly<Record<string, number>>;

/** What a listener has counted since it was made, reloads included. Frozen, JSON-safe. */
export interface ListenerStats {
  /** When counting began: with the server. */
  readonly since: Date;
  /** Whose handshake has succeeded. A group or ALPN that is not known, or was not negotiated, is `none`. */
  readonly connections: Tally & {
    readonly byProtocol: Tallies;
    /** IANA names. */
    readonly byCipher: Tallies;
    readonly byGroup: Tallies;
    readonly byAlpn: Tallies;
  };
  /** Those that ended, by how; failures by the code of `portcullis:handshake-error`. */
  readonly handshakes: {
    readonly ok: number;
    /** Of these. */
    readonly resumed: number;
    readonly failed: number;
    /** By the code of `portcullis:handshake-error`. */
    readonly byReason: Counts;
  };
  /** Requests that a policy, or the listener itself, has refused; not those that `reportOnly` let pass. */
  readonly refusals: { readonly total: number; readonly byCode: Counts };
  /** Connections cut because of the limits, by the reason of `portcullis:drop`. */
  readonly drops: { readonly total: number; readonly byReason: Counts };
  /** Those that serve now. */
  readonly certificates: readonly CertificateExpiry[];
}

/** When a served certificate ends. */
export interface CertificateExpiry {
  /** DNS names and addresses. */
  readonly names: readonly string[];
  /** SHA-256 of the DER: 'AB:CD:…'. */
  readonly fingerprint256: string;
  /** When it ends. */
  readonly notAfter: Date;
  /** Whole days; negative once it has expired. */
  readonly daysLeft: number;
}

/** OpenSSL knows hundreds of error codes, and clients choose which of them happen: what comes later is `OTHER`. */
const maxKeys = 64;

/** Counts what happens on a listener. Each count is a look-up by text. */
export class StatsCollector {
  readonly #now: () => number;
  readonly #since: number;
  readonly #all: OpenTally = { open: 0, total: 0 };
  readonly #protocols = new Tallied();
  readonly #ciphers = new Tallied();
  readonly #groups = new Tallied();
  readonly #alpn = new Tallied();
  readonly #failures = new Counted();
  readonly #refusals = new Counted();
  readonly #drops = new Counted();
  #resumed = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#since = now();
  }

  /** A handshake has succeeded, and its client was let in; what is returned is to be called at its close. */
  opened({ protocol, cipher, group, alpn, resumed }: TlsState): () => void {
    if (resumed) this.#resumed++;
    const tallies = [
      this.#all,
      this.#protocols.of(protocol),
      this.#ciphers.of(cipher.standardName),
      this.#groups.of(group ?? 'none'),
      this.#alpn.of(alpn ?? 'none'),
    ];
    for (const tally of tallies) {
      tally.open++;
      tally.total++;
    }
    return () => {
      for (const tally of tallies.splice(0)) tally.open--;
    };
  }

  /** `code` as in `portcullis:handshake-error`. */
  handshakeFailed(code: string): void {
    this.#failures.add(code);
  }

  refused(code: PolicyViolationCode): void {
    this.#refusals.add(code);
  }

  dropped(reason: DropReason): void {
    this.#drops.add(reason);
  }

  /** What has been counted until now. `certificates` are those that serve. */
  snapshot(certificates: readonly Certificate[]): ListenerStats {
    const now = this.#now();
    return deepFreeze({
      since: new Date(this.#since),
      connections: {
        ...this.#all,
        byProtocol: this.#protocols.snapshot(),
        byCipher: this.#ciphers.snapshot(),
        byGroup: this.#groups.snapshot(),
        byAlpn: this.#alpn.snapshot(),
      },
      handshakes: {
        ok: this.#all.total,
        resumed: this.#resumed,
        failed: this.#failures.total,
        byReason: this.#failures.snapshot(),
      },
      refusals: { total: this.#refusals.total, byCode: this.#refusals.snapshot() },
      drops: { total: this.#drops.total, byReason: this.#drops.snapshot() },
      certificates: certificates.map((certificate) => ({
        names: namesOf(certificate),
        fingerprint256: certificate.fingerprint256,
        notAfter: new Date(certificate.notAfter),
        daysLeft: daysLeft(certificate.notAfter, now),
      })),
    });
  }
}

interface OpenTally {
  open: number;
  total: number;
}

/** One value for each of a bounded number of keys. */
class Bounded<Value> {
  readonly #values = new Map<string, Value>();
  readonly #make: () => Value;

  constructor(make: () => Value) {
    this.#make = make;
  }

  of(key: string): Value {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    if (this.#values.size >= maxKeys && key !== 'OTHER') return this.of('OTHER');
    const value = this.#make();
    this.#values.set(key, value);
    return value;
  }

  entries(): IterableIterator<[string, Value]> {
    return this.#values.entries();
  }
}

class Tallied extends Bounded<OpenTally> {
  constructor() {
    super(() => ({ open: 0, total: 0 }));
  }

  snapshot(): Tallies {
    return Object.fromEntries([...this.entries()].map(([key, tally]) => [key, { ...tally }]));
  }
}

class Counted {
  readonly #counts = new Bounded<{ count: number }>(() => ({ count: 0 }));
  total = 0;

  add(key: string): void {
    this.total++;
    this.#counts.of(key).count++;
  }

  snapshot(): Counts {
    return Object.fromEntries([...this.#counts.entries()].map(([key, { count }]) => [key, count]));
  }
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
