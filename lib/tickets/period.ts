import type { TicketKeyPeriod } from './store.ts';

/** A period of the ring. All processes cut time at the same moments, so that they need not talk about it. */
export interface Period extends TicketKeyPeriod {
  readonly index: number;
  /** From here on the key of the next period is fetched. */
  readonly halfAt: number;
}

/** The period with that number; `rotateEvery` in seconds. */
export function periodNumber(index: number, rotateEvery: number): Period {
  const length = rotateEvery * 1_000;
  return {
    index,
    id: `${rotateEvery}:${index}`,
    halfAt: index * length + length / 2,
    expiresAt: (index + 1) * length,
  };
}

/** The period in which `now` (ms) lies. */
export const periodAt = (now: number, rotateEvery: number): Period =>
  periodNumber(Math.floor(now / (rotateEvery * 1_000)), rotateEvery);
