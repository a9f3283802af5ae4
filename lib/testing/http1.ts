import { Agent, type AgentOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connector, Target } from './connector.ts';

type Callback = (error: Error | null, socket: Duplex) => void;

/** Node's agent over lines of the kit. One that is kept has one connection, and its requests wait for each other. */
export class LineAgent extends Agent {
  /** By it Node lets an agent serve `https:`; its own type leaves it out. */
  readonly protocol: string = 'https:';
  readonly defaultPort: number = 443;
  readonly #connector: Connector;

  constructor(connector: Connector) {
    const { keepAlive } = connector.course;
    super({ keepAlive, ...(keepAlive && { maxSockets: 1 }) } satisfies AgentOptions);
    this.#connector = connector;
  }

  /** Called by Node; the socket that it gives has ended its handshake. */
  override createConnection(target: object, callback?: Callback): undefined {
    const deliver = callback as (error: unknown, socket?: Duplex) => void;
    this.#connector.open(target as Target).then(
      ({ socket }) => deliver(null, socket),
      (error: unknown) => deliver(error),
    );
  }
}
