import type { ClientCertificate } from '../connection/index.ts';
import { allow, type Decision } from './decision.ts';
import { denied, undecided } from './answer.ts';

/**
 * Whether something in a certificate is what a rule names. `unclear`: it is not, and it is not clearly something else
 * either, as with a name that is no valid one: neither the rule nor its `not()` lets that in.
 */
export type Match = 'yes' | 'no' | 'unclear';

/** Whether one of them is. */
export function matchAny<T>(items: Iterable<T>, match: (item: T) => Match): Match {
  let found: Match = 'no';
  for (const item of items) {
    const one = match(item);
    if (one === 'yes') return one;
    if (one === 'unclear') found = one;
  }
  return found;
}

/** Whether each of them is. */
export function matchAll<T>(items: Iterable<T>, match: (item: T) => Match): Match {
  let found: Match = 'yes';
  for (const item of items) {
    const one = match(item);
    if (one === 'no') return one;
    if (one === 'unclear') found = one;
  }
  return found;
}

/** The decision of a rule that has found `match`. */
export function decisionOn(
  match: Match,
  words: (certificate: ClientCertificate) => string,
  certificate: ClientCertificate,
): Decision {
  if (match === 'yes') return allow;
  const detail = words(certificate);
  return match === 'no' ? denied(detail) : undecided(detail);
}
