/** A server that exchanges its certificate while it serves, and measures itself meanwhile. */
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { plainListener, plainOptions } from '../contenders/node-servers.ts';
import type { Credentials } from '../credentials.ts';
import { createServer, type PortcullisServer } from '../../lib/index.ts';
import { answerParent } from '../messages.ts';

export interface ReloadSettings {
  readonly name: 'portcullis' | 'https';
  readonly credentials: Credentials;
}

export interface Reloaded {
  /** Microseconds, until the new certificate serves. */
  readonly wall: number;
  /** Milliseconds: the longest turn of the event loop around it. */
  readonly stall: number;
}

type KeyAndCertificate = Pick<Credentials, 'key' | 'cert'>;

let exchange: (pair: KeyAndCertificate) => Promise<unknown> | void;

const makers: Readonly<Record<ReloadSettings['name'], (credentials: Credentials) => Server>> = {
  portcullis: ({ key, cert, ca }) => {
    const server: PortcullisServer = createServer(
      { key, cert, logger: false, clientAuth: { mode: 'optional', ca } },
      plainListener,
    );
    exchange = (pair) => server.reload({ ...pair });
    return server;
  },
  https: (credentials) => {
    const options = plainOptions({ name: 'https', mutual: true, credentials });
    const server = createHttpsServer(options, plainListener);
    exchange = (pair) => server.setSecureContext({ ...options, ...pair });
    return server;
  },
};

const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 5));

answerParent({
  listen: async ({ name, credentials }: ReloadSettings): Promise<number> => {
    const server = makers[name](credentials);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return (server.address() as AddressInfo).port;
  },
  reload: async (pair: KeyAndCertificate): Promise<Reloaded> => {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    // Until the loop has turned once, nothing is measured.
    await turn();
    delay.reset();
    const began = performance.now();
    await exchange(pair);
    const wall = (performance.now() - began) * 1_000;
    await turn();
    delay.disable();
    return { wall, stall: delay.max / 1e6 };
  },
});
