import { setTimeout as pause } from 'node:timers/promises';
import type { Flight } from '../wire/flight.ts';
import type { Ending } from './converse.ts';

type Said = Pick<Flight, 'hello' | 'alert'> & { readonly ending: Ending };

/** One connection with one question, `pause` milliseconds from now: more than 0 where it is asked again. */
export type Attempt<T> = (pause: number) => Promise<T>;

/** Milliseconds before a question is asked again: for a limit on connections to forget the last ones. */
export const pauses: readonly number[] = [50, 250];
/** Whoever has refused so often by closing means it: some do it for whatever they refuse. */
const enough = 3;

/**
 * Tells a refusal from a mishap. A connection that ends without a word may be a server's no, its limit on connections,
 * or a path that loses some: it is a no only where it ends so each time, while a hello that has worked still does.
 */
export class Patience<T extends Said> {
  #known: Attempt<T> | undefined;
  #careful = false;
  #lost = false;
  #relented = false;
  #wordless = 0;
  #repeating = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Whether some connection has ended without a word: the next ones come one at a time. */
  get isCareful(): boolean {
    return this.#careful;
  }

  /** Whether a question is asked again: alone, so that others do not bring about what it is asked for. */
  get isRepeating(): boolean {
    return this.#repeating > 0;
  }

  /** What had worked works no more. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Of a server that has answered what it refused at first, three refusals in a row can be chance. */
  get isSteady(): boolean {
    return !this.#lost && !(this.#relented && this.#wordless > 0);
  }

  /** The answer to a question, asked until it is one. */
  async settle(attempt: Attempt<T>, isOver: () => boolean): Promise<T> {
    const first = await this.#try(attempt, 0);
    if (isOver() || !this.#isMishap(first)) return first;
    this.#careful = true;
    this.#repeating += 1;
    const repeated = this.#last.then(() => this.#insist(attempt, first, isOver));
    this.#last = repeated.catch(() => undefined);
    try {
      return await repeated;
    } finally {
      this.#repeating -= 1;
    }
  }

  async #insist(attempt: Attempt<T>, first: T, isOver: () => boolean): Promise<T> {
    const answer = await this.#repeat(attempt, first, isOver);
    if (!this.#isMishap(answer)) {
      this.#relented ||= answer.hello !== undefined;
      return answer;
    }
    this.#wordless += 1;
    if (this.#known === undefined || isOver()) return answer;
    const knock = await this.#repeat(this.#known, await this.#try(this.#known, pauses[0]!), isOver);
    if (knock.hello === undefined) this.#lost = true;
    return answer;
  }

  /** Silence costs a whole time limit: it is asked only once more. */
  async #repeat(attempt: Attempt<T>, before: T, isOver: () => boolean): Promise<T> {
    let answer = before;
    const isUsual = this.#wordless >= enough && !this.#relented;
    const tries = isUsual || before.ending.kind === 'silent' ? pauses.slice(0, 1) : pauses;
    for (const milliseconds of tries) {
      if (!this.#isMishap(answer) || isOver()) return answer;
      // oxlint-disable-next-line no-await-in-loop -- again only where this one does not answer
      answer = await this.#try(attempt, milliseconds);
    }
    return answer;
  }

  async #try(attempt: Attempt<T>, milliseconds: number): Promise<T> {
    const answer = await attempt(milliseconds);
    if (answer.hello !== undefined && answer.ending.kind === 'said') this.#known ??= attempt;
    return answer;
  }

  /** Whoever was never heard says by silence that nobody is there, and by something else that it is no TLS. */
  #isMishap({ hello, alert, ending }: T): boolean {
    if (alert !== undefined || ending.kind === 'said') return false;
    if (ending.kind === 'closed') return true;
    return this.#known !== undefined && (hello === undefined || ending.kind !== 'garbage');
  }
}

/** Ends early, and without a complaint, where `signal` says so. */
export async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds > 0) await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}
