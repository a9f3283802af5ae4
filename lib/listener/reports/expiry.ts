import { type Clock, systemClock } from '../../clock.ts';
import { type CertificateExpiryEvent, publish } from '../../events.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { Alarm } from './alarm.ts';
import type { Logger } from '../logger.ts';

type Threshold = CertificateExpiryEvent['threshold'];

/** A certificate, and what for. */
export interface Watchable {
  readonly role: CertificateExpiryEvent['role'];
  readonly certificate: Certificate;
}

interface Subject extends Watchable {
  /** The nearest threshold that was told of. */
  told: Threshold | undefined;
}

export interface ExpiryParts {
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** Days before the end, the latest first. */
const thresholds: readonly Threshold[] = [0, 1, 7, 14, 30];
const day = 86_400_000;

/** Whole days until `notAfter` (ms); negative once that is past. */
export const daysLeft = (notAfter: number, now: number): number => Math.floor((notAfter - now) / day);

/** What a certificate is for, in words of an operator: the names of a server, or of a CA. */
export function namesOf({ subjectAltNames, subject }: Certificate): readonly string[] {
  const names = [...subjectAltNames.dns, ...subjectAltNames.ip];
  return Object.freeze(names.length > 0 ? names : [...(subject['CN'] ?? subject['O'] ?? [])]);
}

/**
 * Tells, by `portcullis:certificate-expiry` and the log, of certificates that end: 30, 14, 7 and 1 days before, and
 * once they have. Each threshold is told of once, and of several that were crossed unseen only the last. The log keeps
 * silent about one that is more than half of the certificate's life, as certificates of six days are always in their
 * last week.
 */
export class ExpiryWatch {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  #subjects: readonly Subject[] = [];
  #running = false;

  constructor({ logger, clock = systemClock }: ExpiryParts) {
    this.#logger = logger;
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.#check());
  }

  /** From now on these, and no others; of those that stay nothing is told twice. */
  watch(subjects: readonly Watchable[]): void {
    const key = ({ role, certificate }: Watchable): string => `${role} ${certificate.sha256}`;
    const before = new Map(this.#subjects.map((subject) => [key(subject), subject]));
    const distinct = new Map(subjects.map((subject) => [key(subject), subject]));
    this.#subjects = [...distinct].map(([id, { role, certificate }]) => ({
      role,
      certificate,
      told: before.get(id)?.told,
    }));
    if (this.#running) this.#check();
  }

  start(): void {
    this.#running = true;
    this.#check();
  }

  stop(): void {
    this.#running = false;
    this.#alarm.stop();
  }

  #check(): void {
    const now = this.#clock.now();
    // Before anything is told: a logger that throws shall not end the watch.
    const next = Math.min(...this.#subjects.map(({ certificate }) => nextThreshold(certificate, now)));
    if (Number.isFinite(next)) this.#alarm.setFor(next);
    else this.#alarm.stop();
    for (const subject of this.#subjects) {
      const crossed = crossedThreshold(subject.certificate, now);
      if (crossed === undefined || (subject.told !== undefined && crossed >= subject.told)) continue;
      subject.told = crossed;
      this.#tell(subject, crossed, now);
    }
  }

  #tell({ role, certificate }: Subject, threshold: Threshold, now: number): void {
    const { fingerprint256, notAfter } = certificate;
    const left = daysLeft(notAfter, now);
    publish('portcullis:certificate-expiry', () => ({
      role,
      names: namesOf(certificate),
      fingerprint256,
      notAfter: new Date(notAfter),
      daysLeft: left,
      threshold,
    }));
    if (threshold * day > (notAfter - certificate.notBefore) / 2) return;
    const when = `${threshold === 0 ? 'expired' : 'expires'} on ${new Date(notAfter).toISOString()}`;
    const name = namesOf(certificate)[0];
    const who = `the ${role} certificate${name === undefined ? '' : ` of ${name}`} (${fingerprint256})`;
    this.#logger.warn(`Portcullis: ${who} ${when}: ${threshold === 0 ? 'replace it now' : inDays(left)}.`);
  }
}

const inDays = (days: number): string =>
  days === 0 ? 'within a day' : days === 1 ? 'in 1 day' : `in ${days} days`;

const timeOf = ({ notAfter }: Certificate, threshold: Threshold): number => notAfter - threshold * day;

/** The nearest threshold to the end that is past (`notAfter` itself is still valid, RFC 5280 4.1.2.5). */
const crossedThreshold = (certificate: Certificate, now: number): Threshold | undefined =>
  thresholds.find((threshold) => now > timeOf(certificate, threshold));

/** When the next one is crossed (ms); Infinity where none is left. */
const nextThreshold = (certificate: Certificate, now: number): number =>
  Math.min(...thresholds.map((threshold) => timeOf(certificate, threshold) + 1).filter((time) => time > now));
