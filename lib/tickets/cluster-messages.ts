import { isTicketKey, type TicketKeyPeriod, ticketKeyLength } from './store.ts';

/**
 * What a worker and its primary say to each other, beside the messages of the application: the key `portcullis` marks
 * theirs. Another form of it needs another name, as two versions of this package may meet.
 */
export interface KeyRequest {
  readonly portcullis: 'ticket-key-request/1';
  /** Tells the answers apart. */
  readonly id: string;
  readonly scope: string;
  readonly period: TicketKeyPeriod;
  readonly candidate: string;
}

export interface KeyAnswer {
  readonly portcullis: 'ticket-key-answer/1';
  readonly id: string;
  readonly key: string;
}

/** A request, or undefined for any other message, and for one that is malformed. */
export function readRequest(message: unknown): KeyRequest | undefined {
  const { portcullis, id, scope, period, candidate } = fields(message);
  const { id: periodId, expiresAt } = fields(period);
  const sound =
    portcullis === 'ticket-key-request/1' &&
    isName(id) &&
    isName(scope) &&
    isName(periodId) &&
    Number.isSafeInteger(expiresAt) &&
    readKey(candidate) !== undefined;
  return sound ? (message as KeyRequest) : undefined;
}

/** The key that answers the request `id`, or undefined for any other message. */
export function readAnswer(message: unknown, id: string): Buffer | undefined {
  const { portcullis, id: answered, key } = fields(message);
  return portcullis === 'ticket-key-answer/1' && answered === id ? readKey(key) : undefined;
}

/** From base64; undefined for anything that is no ticket key. */
export function readKey(text: unknown): Buffer | undefined {
  if (typeof text !== 'string' || text.length !== (ticketKeyLength / 3) * 4) return undefined;
  const key = Buffer.from(text, 'base64');
  return isTicketKey(key) ? key : undefined;
}

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const isName = (value: unknown): value is string => typeof value === 'string' && value.length <= 300;
