import { clientHello, helloRecord, type Offer } from '../wire/client-hello.ts';
import { type Flight, FlightReader, type Opener } from '../wire/flight.ts';
import { groups, signatureSchemes } from '../wire/numbers.ts';
import { readSslv2Answer, sslv2Hello } from '../wire/sslv2.ts';
import { converse, type Ending, type Endpoint } from './converse.ts';
import { type KeyShares, makeKeyShares } from './key-shares.ts';
import { type Attempt, Patience, wait } from './patience.ts';

/** What came of one question: the flight, as far as it was read, and how it ended. */
export interface Answer extends Flight {
  readonly ending: Ending;
}

/** What a question is about; the rest of the hello is as every client sends it. */
export type Question = Pick<Offer, 'version' | 'suites'> & Partial<Offer>;

/** Whoever does not answer this often is not asked again: a firewall that drops would cost hours. */
const mostSilences = 5;
/** More than any server needs: of one that never tires of new suites there is no end. */
const mostConnections = 800;
/** As many time limits as all questions together may take. */
const timeLimits = 30;
/** A server is not to feel it. One at a time, and slower, where it has closed a connection without a word. */
const atOnce = { usual: 2, careful: 1 };
const carefulPause = 20;

export const allGroups: readonly number[] = [...groups.keys()];
/** Named curves: what TLS 1.2 can do by ECDHE. */
export const legacyGroups: readonly number[] = allGroups.filter((group) => group < 31);
export const allSchemes: readonly number[] = [...signatureSchemes.keys()];

/** Asks one server, by hellos that nobody else's OpenSSL would send. */
export class Prober {
  readonly #endpoint: Endpoint;
  readonly #serverName: string | undefined;
  readonly #timeout: number;
  readonly #signal: AbortSignal;
  #keyShares: KeyShares | undefined;
  readonly #deadline: number;
  readonly #patience: Patience<Answer> = new Patience();
  #silences = 0;
  #connections = 0;
  #running = 0;
  readonly #waiting: Array<() => void> = [];

  constructor(
    endpoint: Endpoint,
    serverName: string | undefined,
    { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
  ) {
    this.#endpoint = endpoint;
    this.#serverName = serverName;
    this.#timeout = timeout;
    this.#signal = signal;
    this.#deadline = performance.now() + timeLimits * timeout;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Whether questions are left unanswered from now on: what is not known then is not a no. */
  get gaveUp(): boolean {
    return (
      this.#patience.lost ||
      this.#silences >= mostSilences ||
      this.#connections >= mostConnections ||
      performance.now() > this.#deadline
    );
  }

  /** Whether every refusal without a word can be believed. */
  get isSteady(): boolean {
    return this.#patience.isSteady;
  }

  get keyShares(): KeyShares {
    return (this.#keyShares ??= makeKeyShares());
  }

  /** One hello and its answer. */
  ask(question: Question): Promise<Answer> {
    return this.#ask(question, () => undefined);
  }

  /** The same over TLS 1.3 with key shares, whose answer is read to its end. */
  read13(question: Omit<Question, 'version' | 'keyShares'>): Promise<Answer> {
    const { shares, agree } = this.keyShares;
    // Of another group the server would ask for a share first.
    const shared = shares.map(({ group }) => group);
    return this.#ask({ groups: shared, ...question, version: 'TLSv1.3', keyShares: shares }, (hello) => ({
      clientHello: hello,
      agree,
    }));
  }

  /** The suites that are accepted with SSLv2; undefined where it is refused. */
  async askSslv2(): Promise<readonly string[] | undefined> {
    let answer: ReturnType<typeof readSslv2Answer>;
    await this.#settle(async (pause) => {
      let octets: Buffer = Buffer.alloc(0);
      const listen = (chunk: Buffer): boolean => {
        octets = Buffer.concat([octets, chunk]);
        answer = readSslv2Answer(octets);
        return answer !== undefined;
      };
      const ending = await this.#converse(sslv2Hello(), listen, pause);
      return { ...new FlightReader().flight, ending };
    });
    return answer === 'refused' ? undefined : answer;
  }

  #ask(question: Question, opener: (hello: Buffer) => Opener | undefined): Promise<Answer> {
    return this.#settle(async (pause) => {
      const hello = clientHello({
        serverName: this.#serverName,
        groups: allGroups,
        signatureSchemes: allSchemes,
        ...question,
      });
      const reader = new FlightReader(opener(hello));
      const listen = (chunk: Buffer): boolean => reader.push(chunk);
      const ending = await this.#converse(helloRecord(hello, question.version), listen, pause);
      return { ...reader.flight, ending };
    });
  }

  async #settle(attempt: Attempt<Answer>): Promise<Answer> {
    const answer = await this.#patience.settle(attempt, () => this.gaveUp).finally(() => this.#wake());
    if (answer.ending.kind === 'silent' || answer.ending.kind === 'unreachable') this.#silences += 1;
    return answer;
  }

  async #converse(octets: Buffer, listen: (chunk: Buffer) => boolean, pause: number): Promise<Ending> {
    if (this.gaveUp) return { kind: 'silent' };
    await this.#turn(pause > 0);
    try {
      const signal = this.#signal;
      await wait(this.#patience.isCareful ? pause + carefulPause : pause, signal);
      this.#connections += 1;
      return await converse(this.#endpoint, octets, listen, { timeout: this.#timeout, signal });
    } finally {
      this.#running -= 1;
      this.#wake();
    }
  }

  /** `again`: it is the question that is asked again, alone. */
  #mustWait(again: boolean): boolean {
    const { isCareful, isRepeating } = this.#patience;
    return this.#running >= atOnce[isCareful ? 'careful' : 'usual'] || (isRepeating && !again);
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #turn(again: boolean): Promise<void> {
    // Asked again after waking: another may have been quicker.
    while (this.#mustWait(again)) {
      // oxlint-disable-next-line no-await-in-loop -- it is this one's turn when it is woken
      await new Promise<void>((wake) => {
        this.#waiting.push(wake);
      });
    }
    this.#running += 1;
  }
}

/** The suite that was chosen, where the answer is of the version that was asked for. */
export function chosenSuite(
  answer: Answer,
  question: Pick<Question, 'version' | 'suites'>,
): number | undefined {
  const { hello } = answer;
  if (hello?.version !== question.version) return undefined;
  return question.suites.includes(hello.suite) ? hello.suite : undefined;
}

/** Asks again and again, each time without what was chosen: until nothing of it is accepted. */
export async function eliminate<T>(
  offered: readonly T[],
  choose: (left: readonly T[]) => Promise<T | undefined>,
): Promise<T[]> {
  const chosen: T[] = [];
  let left = offered;
  while (left.length > 0) {
    // oxlint-disable-next-line no-await-in-loop -- each answer decides the next question
    const one = await choose(left);
    if (one === undefined || !left.includes(one)) break;
    chosen.push(one);
    left = left.filter((other) => other !== one);
  }
  return chosen;
}
