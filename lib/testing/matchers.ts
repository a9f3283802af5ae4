import { ConfigError, isPolicyViolationCode, type PolicyViolationCode } from '../errors.ts';
import { isThenable } from '../clock.ts';
import { describe } from '../options.ts';
import type { DecisionEvent } from '../events.ts';
import { HandshakeRefused } from './refused.ts';

/** What a matcher says, to Jest and to Vitest. */
export interface MatcherResult {
  /** Whether the response is as expected. */
  readonly pass: boolean;
  /** What the runner shows where it fails. */
  readonly message: () => string;
  /** For the runner's comparison. */
  readonly expected?: unknown;
  /** For the runner's comparison. */
  readonly actual?: unknown;
}

type Outcome = MatcherResult | Promise<MatcherResult>;

/** What a matcher gives: a promise where it was given one, which is to be awaited. */
type Judged<Result, Received> = Received extends PromiseLike<unknown> ? Promise<void> : Result;

/**
 * What the matchers are on `expect(…)`, to tell the types of Jest or Vitest; see docs/testing.md. `Result` is what a
 * matcher gives there, `Received` what `expect` was given.
 */
export interface TestMatchers<Result = unknown, Received = unknown> {
  /** The response is a refusal with this code, by whichever policy or the listener itself. */
  toBeRefusedWith(code: PolicyViolationCode): Judged<Result, Received>;
  /**
   * No policy has refused, and the status is below 400. A redirect may be a refusal as well: it counts only where a policy
   * has let the request pass.
   */
  toBeAdmitted(): Judged<Result, Received>;
  /** The server has refused the handshake, with this reason if one is given. Takes the request itself: `await` it. */
  toFailHandshake(reason?: string): Promise<void>;
}

/**
 * For `expect.extend(matchers)` of Jest or Vitest. `toBeRefusedWith` and `toBeAdmitted` take a response of `request`, or
 * the request itself, which is to be awaited then.
 */
export const matchers: {
  readonly toBeRefusedWith: (received: unknown, code: PolicyViolationCode) => Outcome;
  readonly toBeAdmitted: (received: unknown) => Outcome;
  readonly toFailHandshake: (this: unknown, received: unknown, reason?: string) => Promise<MatcherResult>;
} = Object.freeze({
  toBeRefusedWith(received: unknown, code: PolicyViolationCode): Outcome {
    if (!isPolicyViolationCode(code)) {
      throw new ConfigError(
        'OPTION_INVALID',
        'toBeRefusedWith',
        `${describe(code)} is no code of a refusal`,
        "Give one, as 'CLIENT_CERTIFICATE_REQUIRED'.",
      );
    }
    return whenThere(received, 'toBeRefusedWith', (response) => refusedWith(response, code));
  },

  toBeAdmitted: (received: unknown): Outcome => whenThere(received, 'toBeAdmitted', admitted),

  async toFailHandshake(this: unknown, received: unknown, reason?: string): Promise<MatcherResult> {
    if (!isThenable(received))
      throw misuse('toFailHandshake', received, 'Give the request: not its response.');
    return handshakeFailed(await settled(received), reason, Object(this).isNot === true);
  },
});

/** What is read of a response. */
interface Seen {
  readonly status: number;
  readonly type?: string;
  readonly body?: unknown;
  readonly decisions?: readonly DecisionEvent[];
}

function whenThere(received: unknown, matcher: string, judge: (response: Seen) => MatcherResult): Outcome {
  if (isThenable(received)) {
    return Promise.resolve(received).then((response) => judge(readResponse(response, matcher)));
  }
  return judge(readResponse(received, matcher));
}

function readResponse(received: unknown, matcher: string): Seen {
  const { status } = Object(received) as Partial<Seen>;
  if (typeof status === 'number') return received as Seen;
  throw misuse(matcher, received, 'Give the response of request(server), or the request itself.');
}

function refusedWith(response: Seen, code: PolicyViolationCode): MatcherResult {
  const refusal = refusalOf(response);
  const pass = refusal?.code === code && !isSuccess(response);
  return {
    pass,
    expected: code,
    actual: refusal?.code,
    message: () =>
      pass
        ? `expected that it is not refused with ${code}, and it was: ${inWords(response)}`
        : `expected a refusal with ${code}: ${inWords(response)}`,
  };
}

function admitted(response: Seen): MatcherResult {
  const { status, decisions = [] } = response;
  // Where none has refused, each of them has let it pass.
  const pass = refusalOf(response) === undefined && (status < 300 || (status < 400 && decisions.length > 0));
  return {
    pass,
    expected: 'admitted',
    actual: refusalOf(response)?.code ?? response.status,
    message: () => `expected that it is ${pass ? 'not ' : ''}admitted: ${inWords(response)}`,
  };
}

const isSuccess = ({ status }: Seen): boolean => status >= 200 && status < 300;

interface Refusal {
  readonly code: string | undefined;
  readonly policy?: string;
  readonly detail?: string | undefined;
}

/** By the decision, which is published in this process; of a server elsewhere by its problem details alone. */
function refusalOf({ decisions = [], type, body, status }: Seen): Refusal | undefined {
  const decided = decisions.find(({ outcome, enforced }) => outcome === 'refuse' && enforced);
  if (decided !== undefined) return decided;
  const { code } = Object(body) as { code?: unknown };
  const isProblem = status >= 400 && type === 'application/problem+json';
  return isProblem && isPolicyViolationCode(code) ? { code } : undefined;
}

function inWords(response: Seen): string {
  const { status, decisions = [] } = response;
  const refusal = refusalOf(response);
  if (refusal !== undefined) {
    const { code, policy = 'the server', detail } = refusal;
    const swallowed = isSuccess(response) ? ', which an error handler has answered as a success' : '';
    return `status ${status}, refused by ${policy} with ${code}${detail === undefined ? '' : ` (${detail})`}${swallowed}`;
  }
  const policies = decisions.map(({ policy, outcome, enforced, code }) =>
    outcome === 'allow' ? `${policy} allowed it` : `${policy} reported ${code}${enforced ? '' : ' only'}`,
  );
  return `status ${status}, ${policies.length === 0 ? 'and no policy has decided about it' : policies.join(', ')}`;
}

type Settled = { readonly error: unknown } | { readonly value: unknown };

async function settled(promise: PromiseLike<unknown>): Promise<Settled> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

function handshakeFailed(outcome: Settled, reason: string | undefined, isNot: boolean): MatcherResult {
  const error = 'error' in outcome ? outcome.error : undefined;
  const refused = error instanceof HandshakeRefused ? error : undefined;
  // Of an error that is none of the handshake it would say that all was well.
  if ('error' in outcome && refused === undefined && isNot) throw error;
  const pass = refused !== undefined && (reason === undefined || refused.reason === reason);
  const seen =
    refused?.message ??
    ('error' in outcome
      ? `it failed otherwise: ${String(error)}`
      : `it was answered: ${answerOf(outcome.value)}`);
  const wanted = reason === undefined ? '' : ` with ${reason}`;
  return {
    pass,
    expected: reason ?? 'HANDSHAKE_REFUSED',
    actual: refused?.reason,
    message: () => `expected that the handshake is ${pass ? 'not ' : ''}refused${wanted}: ${seen}`,
  };
}

const answerOf = (value: unknown): string => {
  const { status } = Object(value) as Partial<Seen>;
  return typeof status === 'number' ? inWords(value as Seen) : describe(value);
};

const misuse = (matcher: string, received: unknown, remedy: string): ConfigError =>
  new ConfigError('OPTION_INVALID', matcher, `got ${describe(received)}`, remedy);
