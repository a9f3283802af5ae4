import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { EventTypes } from 'portcullis';
import type { Clock } from '../../lib/clock.ts';
import { TicketKeys } from '../../lib/tickets/ticket-keys.ts';
import type { TicketKeyPeriod, TicketKeyStore } from '../../lib/tickets/store.ts';

interface Due {
  readonly at: number;
  readonly run: () => void;
}

/** Time that only a test moves. Timers go by what has passed, `now` by what the wall shows: it may be turned. */
export class TestClock implements Clock {
  #passed = 0;
  #wall: number;
  readonly #due = new Set<Due>();

  constructor(wall: number) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  after(milliseconds: number, run: () => void): () => void {
    const due = { at: this.#passed + milliseconds, run };
    this.#due.add(due);
    return () => void this.#due.delete(due);
  }

  get timers(): number {
    return this.#due.size;
  }

  /** Lets time pass, timer by timer, and what they set off come to its end. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#passed + milliseconds;
    await settled();
    for (;;) {
      const [next] = [...this.#due].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#due.delete(next);
      this.#forward(next.at);
      next.run();
      await settled();
    }
    this.#forward(end);
  }

  /** Somebody sets the clock on the wall. */
  turn(milliseconds: number): void {
    this.#wall += milliseconds;
  }

  #forward(to: number): void {
    this.#wall += to - this.#passed;
    this.#passed = to;
  }
}

/** Until every promise that has an outcome has been heard. */
export const settled = (): Promise<void> => new Promise((settle) => setImmediate(settle));

/** A store that works until it is told to fail. */
export class TestStore implements TicketKeyStore {
  readonly keys: Map<string, Buffer> = new Map();
  readonly asked: string[] = [];
  failure: Error | undefined;
  /** What it waits for before it answers. */
  wait: (() => Promise<void>) | undefined;

  async keyFor({ id }: TicketKeyPeriod, candidate: Buffer): Promise<Buffer> {
    this.asked.push(id);
    await this.wait?.();
    if (this.failure !== undefined) throw this.failure;
    if (!this.keys.has(id)) this.keys.set(id, Buffer.from(candidate));
    return Buffer.from(this.keys.get(id)!);
  }
}

type RotationEvent = EventTypes['portcullis:ticket-rotation'];

/** The keys of one process, as a listener has them, and all that it hears of them. */
export class TestKeys {
  readonly applied: Buffer[] = [];
  readonly said: string[] = [];
  readonly events: RotationEvent[] = [];
  readonly keys: TicketKeys;
  readonly #record = (event: unknown): void => void this.events.push(event as RotationEvent);

  constructor(clock: Clock, rotateEvery: number, store?: TicketKeyStore) {
    const say = (message: string): void => void this.said.push(message);
    this.keys = new TicketKeys(
      { rotateEvery, store },
      // As Node does it, it is copied.
      { apply: (key) => void this.applied.push(Buffer.from(key)), logger: { info: say, warn: say }, clock },
    );
  }

  start(): this {
    subscribe('portcullis:ticket-rotation', this.#record);
    this.keys.start();
    return this;
  }

  stop(): void {
    this.keys.stop();
    unsubscribe('portcullis:ticket-rotation', this.#record);
  }

  get key(): string {
    return this.applied.at(-1)!.toString('hex');
  }

  /** `rotated own`, `degraded kept` and so on. */
  get story(): string[] {
    return this.events.map(({ outcome, origin }) => `${outcome} ${origin}`);
  }
}
