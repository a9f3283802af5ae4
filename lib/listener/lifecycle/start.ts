import type { ListenOptions } from 'node:net';
import { ConfigError } from '../../errors.ts';

type Maybe<Value> = Value | undefined;
type Callback = Maybe<() => void>;

/** What `listen()` takes, in all its forms. */
export type ListenArguments =
  | [port?: Maybe<number>, hostname?: Maybe<string>, backlog?: Maybe<number>, listener?: Callback]
  | [port?: Maybe<number>, hostname?: Maybe<string>, listener?: Callback]
  | [port?: Maybe<number>, backlog?: Maybe<number>, listener?: Callback]
  | [port?: Maybe<number>, listener?: Callback]
  | [path: string, backlog?: Maybe<number>, listener?: Callback]
  | [path: string, listener?: Callback]
  | [options: ListenOptions, listener?: Callback]
  | [handle: unknown, backlog?: Maybe<number>, listener?: Callback]
  | [handle: unknown, listener?: Callback];

/**
 * What a listener knows between `listen()` and 'listening', where there is nothing yet that could be closed: whether
 * it has been shut down meanwhile.
 */
export class Start {
  #undone = false;
  #stopping = false;

  /** `listen()`. Throws a ConfigError `OPTION_CONFLICT` while a shutdown goes on, whose deadline would cut the new connections. */
  begin(): void {
    if (this.#stopping) {
      throw new ConfigError(
        'OPTION_CONFLICT',
        'listen',
        'a shutdown goes on, which would end the new connections as well',
        'Await the promise of shutdown() first.',
      );
    }
    this.#undone = false;
  }

  /** A shutdown goes on until `ended` settles; what has not come up yet is not to come up, even after it. */
  stop<Report>(ended: Promise<Report>): Promise<Report> {
    this.#undone = true;
    this.#stopping = true;
    return ended.finally(() => (this.#stopping = false));
  }

  /** 'listening': whether it is still wanted. */
  get wanted(): boolean {
    return !this.#undone;
  }
}
