import { ConfigError } from '../errors.ts';
import { describe } from '../options.ts';

/** When a certificate is valid, to the second, both ends included (RFC 5280 4.1.2.5). */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface ValidityOptions {
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export interface ValidityLimits {
  /** How long without `notAfter`; cut at the issuer's end. */
  readonly defaultDays: number;
  /** The longest that may be asked for. */
  readonly maxDays?: number;
  /** Why no longer, for the remedy. */
  readonly reason?: string;
  /** The issuer's validity in milliseconds. */
  readonly issuer?: { readonly notBefore: number; readonly notAfter: number };
}

export const dayMs = 86_400_000;
/** Peers whose clocks are a little slow accept a fresh certificate. */
const skewMs = 300_000;

/**
 * The default of a renewal: as long as the certificate was, in days from now on. The five minutes before are part of it,
 * or it would grow each time.
 */
export function sameLength(
  { notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number },
  maxDays: number,
): number {
  const length = Math.min(notAfter - notBefore, maxDays * dayMs - 1000);
  return (length > 2 * skewMs ? length - skewMs : length) / dayMs;
}

/** Reads `notBefore` and `notAfter`, or gives the defaults; a ConfigError where they make no certificate. */
export function readValidity(
  options: ValidityOptions,
  limits: ValidityLimits,
  now: number = Date.now(),
): Validity {
  const { issuer } = limits;
  const notBefore =
    readDate(options.notBefore, 'notBefore') ?? seconds(Math.max(now - skewMs, issuer?.notBefore ?? 0));
  const asked = readDate(options.notAfter, 'notAfter');
  const from = options.notBefore === undefined ? now : notBefore.getTime();
  const notAfter =
    asked ?? seconds(Math.min(from + Math.round(limits.defaultDays * dayMs), issuer?.notAfter ?? Infinity));
  if (notAfter <= notBefore) {
    throw new ConfigError(
      'OPTION_INVALID',
      'notAfter',
      `${iso(notAfter)} is not after notBefore, ${iso(notBefore)}`,
      asked === undefined ? 'The issuer has expired by then: renew it first.' : 'Give a later date.',
    );
  }
  if (issuer !== undefined && notAfter.getTime() > issuer.notAfter) {
    throw new ConfigError(
      'OPTION_INVALID',
      'notAfter',
      `${iso(notAfter)} is after the issuer's own end`,
      `Give ${iso(new Date(issuer.notAfter))} or earlier.`,
    );
  }
  requireShort({ notBefore, notAfter }, limits);
  return { notBefore, notAfter };
}

/** Both ends are included, so that a day is over a second before the next one. */
function requireShort({ notBefore, notAfter }: Validity, { maxDays, reason }: ValidityLimits): void {
  if (maxDays === undefined || notAfter.getTime() - notBefore.getTime() < maxDays * dayMs) return;
  throw new ConfigError(
    'OPTION_INVALID',
    'notAfter',
    `longer than ${maxDays} days`,
    `Give ${iso(new Date(notBefore.getTime() + maxDays * dayMs - 1000))} or earlier${reason === undefined ? '' : `: ${reason}`}.`,
  );
}

/** A date that a certificate can say, cut to the second; undefined where there is none. */
export function readDate(value: unknown, path: string): Date | undefined {
  if (value === undefined) return undefined;
  const ms =
    value instanceof Date || Object.prototype.toString.call(value) === '[object Date]' ? Number(value) : NaN;
  if (ms >= Date.UTC(1950, 0, 1) && ms < Date.UTC(10_000, 0, 1)) return seconds(ms);
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `expected a Date, got ${describe(value)}`,
    'Give one from 1950 to 9999.',
  );
}

const seconds = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);
const iso = (date: Date): string => date.toISOString();
