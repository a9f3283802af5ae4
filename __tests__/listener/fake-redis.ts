import { forgetScript, readScript, writeScript } from '../../lib/redis/deny-list/scripts.ts';
import type { RedisCommands } from '../../lib/tickets/redis-client.ts';

interface Stored {
  readonly number: number;
  readonly value: string;
}

/** What Redis does with the scripts of a deny list, on a Map. The scripts themselves run in `endurance/`. */
export class FakeRedis {
  readonly records: Map<string, Stored> = new Map();
  readonly asked: string[] = [];
  #generation = '';
  #number = 0;
  #fate: 'answers' | 'fails' | 'hangs' = 'answers';
  #waiting: Array<() => void> = [];

  readonly commands: RedisCommands = {
    setIfAbsent: () => Promise.reject(new Error('not asked for')),
    get: () => this.#answer('get', () => this.state),
    evaluate: (script, _keys, values) => {
      if (script === readScript) return this.#answer('read', () => this.#read(values));
      if (script === writeScript) return this.#answer('write', () => this.#write(values));
      if (script === forgetScript) return this.#answer('forget', () => this.#forget(values));
      return Promise.reject(new Error('no script of ours'));
    },
  };

  get state(): string | undefined {
    return this.#generation === '' ? undefined : `${this.#generation}:${this.#number}`;
  }

  /** What is asked while it `hangs` is answered once it does no more. */
  set fate(fate: 'answers' | 'fails' | 'hangs') {
    this.#fate = fate;
    if (fate === 'answers') for (const wake of this.#waiting.splice(0)) wake();
  }

  flush(): void {
    this.records.clear();
    this.#generation = '';
    this.#number = 0;
  }

  /** As somebody does who can write to it. */
  tamper(id: string, value: string): void {
    this.records.set(id, { number: ++this.#number, value });
  }

  async #answer<T>(name: string, answer: () => T): Promise<T> {
    this.asked.push(name);
    if (this.#fate === 'fails') throw new Error('connect ECONNREFUSED');
    if (this.#fate === 'hangs') await new Promise<void>((wake) => this.#waiting.push(wake));
    return answer();
  }

  #read([known, after, count]: readonly string[]): string[] {
    const from = known === this.#generation ? Number(after) : 0;
    const rows = [...this.records]
      .filter(([, { number }]) => number > from)
      .toSorted(([, one], [, other]) => one.number - other.number)
      .slice(0, Number(count))
      .flatMap(([id, { number, value }]) => [id, String(number), value]);
    return [this.state ?? '', this.#generation, String(this.records.size), ...rows];
  }

  #write([generation = '', ...values]: readonly string[]): string {
    if (this.#generation === '') this.#generation = generation;
    for (let place = 0; place < values.length; place += 3) {
      const [id = '', order = '', body = ''] = values.slice(place);
      const before = this.records.get(id)?.value.slice(0, 25) ?? '';
      if (before < order) this.tamper(id, `${order} ${body}`);
    }
    return '';
  }

  #forget(values: readonly string[]): string {
    for (let place = 0; place < values.length; place += 2)
      if (this.records.get(values[place]!)?.value.startsWith(values[place + 1]!) === true)
        this.records.delete(values[place]!);
    return '';
  }
}
