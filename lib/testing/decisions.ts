import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ConfigError } from '../errors.ts';
import type { DecisionEvent } from '../events.ts';
import { checkArguments, describe } from '../options.ts';

/** Decisions of this whole process, since it was made. */
export interface DecisionRecord {
  /** In the order in which they were published; it grows until `stop()`. */
  readonly events: readonly DecisionEvent[];
  /** Records no more. Called again it does nothing. */
  stop(): void;
}

/**
 * Records what every policy decides, of all requests of this process, whoever makes them, until `stop()`; or while `act`
 * runs, and then gives the events. Of a single request of the kit `res.decisions` tells.
 */
export function recordDecisions(): DecisionRecord;
export function recordDecisions(act: () => unknown): Promise<DecisionEvent[]>;
export function recordDecisions(act?: () => unknown): DecisionRecord | Promise<DecisionEvent[]> {
  checkArguments(arguments, 1, 'recordDecisions', 'Give one function, or nothing.');
  if (act !== undefined && typeof act !== 'function') {
    throw new ConfigError(
      'OPTION_INVALID',
      'recordDecisions',
      `expected a function, got ${describe(act)}`,
      'Give one that makes the requests, or nothing.',
    );
  }
  const events: DecisionEvent[] = [];
  const record = (event: unknown): void => void events.push(event as DecisionEvent);
  subscribe('portcullis:decision', record);
  const stop = (): void => void unsubscribe('portcullis:decision', record);
  return act === undefined ? Object.freeze({ events, stop }) : recordDuring(act, events, stop);
}

async function recordDuring(
  act: () => unknown,
  events: DecisionEvent[],
  stop: () => void,
): Promise<DecisionEvent[]> {
  try {
    await act();
    return events;
  } finally {
    stop();
  }
}
