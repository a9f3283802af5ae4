import { Agent, type AgentOptions, type ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connector, Target } from './connector.ts';

/** How a request of Node's asks its agent for a connection; its types leave it out. */
interface AskedAgent {
  addRequest(request: ClientRequest, ...rest: readonly unknown[]): void;
}

type Callback = (error: Error | null, socket: Duplex) => void;

/** Node's agent over lines of the kit. One that is kept has one connection, and its requests wait for each other. */
export class LineAgent extends Agent {
  /** By it Node lets an agent serve `https:`; its own type leaves it out. */
  readonly protocol: string = 'https:';
  readonly defaultPort: number = 443;
  readonly #connector: Connector;
  #opening = 0;
  /** Requests that wait for the outcome. */
  #waiting: (() => void)[] = [];

  constructor(connector: Connector) {
    const { keepAlive } = connector.course;
    super({ keepAlive, ...(keepAlive && { maxSockets: 1 }) } satisfies AgentOptions);
    this.#connector = connector;
  }

  /** Called by Node, whose `maxSockets` counts no connection that is still being opened: for that one it waits here. */
  addRequest(request: ClientRequest, ...rest: readonly unknown[]): void {
    const add = (): void => inherited.addRequest.call(this, request, ...rest);
    if (this.#opening > 0 && this.#connector.course.keepAlive) this.#waiting.push(add);
    else add();
  }

  /** Called by Node; the socket that it gives has ended its handshake. */
  override createConnection(target: object, callback?: Callback): undefined {
    const deliver = callback as (error: unknown, socket?: Duplex) => void;
    const settle = (error: unknown, socket?: Duplex): void => {
      this.#opening--;
      deliver(error, socket);
      this.#proceed();
    };
    this.#opening++;
    this.#connector.open(target as Target).then(({ socket }) => settle(null, socket), settle);
  }

  /** Where none has been opened, the first in the row tries another. */
  #proceed(): void {
    while (this.#opening === 0 && this.#waiting.length > 0) this.#waiting.shift()!();
  }
}

const inherited = Agent.prototype as unknown as AskedAgent;
