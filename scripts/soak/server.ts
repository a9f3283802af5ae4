/** The server's process of the soak: serves, is changed while it serves, and tells what it holds. */
import { readdirSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import express, { type Request, type Response } from 'express';
import { answerParent } from '../../bench/messages.ts';
import {
  createServer,
  denyList,
  forUpgrade,
  type PortcullisServer,
  problemDetails,
  requireClientCertificate,
  type ShutdownReport,
} from '../../lib/index.ts';

export interface Start {
  readonly keyFile: string;
  readonly certFile: string;
  readonly ca: string;
  readonly crlFile: string;
}

/** What the process holds between two rounds. */
export interface Held {
  /** MiB, after collections. */
  readonly used: number;
  /** Descriptors. */
  readonly files: number;
  readonly open: number;
  /** Names under which `stats()` counts. */
  readonly names: number;
  /** What nobody has caught. */
  readonly crashes: readonly string[];
}

const crashes: string[] = [];
process.on('uncaughtException', (error) => crashes.push(String(error.stack)));
process.on('unhandledRejection', (error) => crashes.push(String(error)));

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const denied = denyList();
let server: PortcullisServer;

const who = (request: Request, response: Response): void => {
  const { clientCertificate, clientCertificateError } = request.tls!;
  response.send(clientCertificateError?.code ?? clientCertificate?.subject['CN']?.[0] ?? 'nobody');
};

function echo(socket: Duplex): void {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
}

function makeServer({ keyFile, certFile, ca, crlFile }: Start): PortcullisServer {
  const app = express()
    .get('/', who)
    .get('/secret', requireClientCertificate(), who)
    .post('/', express.text(), (request, response) => void response.send(String(request.body)))
    .use(problemDetails());
  const clientAuth = { mode: 'optional', ca, crl: { file: crlFile }, denyList: denied } as const;
  const made = createServer(
    {
      certificate: { keyFile, certFile },
      http2: true,
      clientAuth,
      limits: { handshakeTimeout: 2_000 },
      logger: false,
    },
    app,
  );
  // A reload of files that are half exchanged fails, and the next one does not.
  made.on('reloadError', () => {});
  const allowed = forUpgrade(requireClientCertificate());
  made.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    void (async () => {
      if (await allowed(request, socket, head)) echo(socket);
    })();
  });
  return made;
}

async function held(): Promise<Held> {
  // What a closed socket holds is let go on later turns.
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((settle) => setTimeout(settle, 25));
    collect();
  }
  const { connections, handshakes, refusals, drops } = server.stats();
  const counts = [connections.byProtocol, connections.byCipher, connections.byGroup, connections.byAlpn];
  const names = [...counts, handshakes.byReason, refusals.byCode, drops.byReason];
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return {
    used: (heap + external) / (1 << 20),
    files: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
    open: connections.open,
    names: names.reduce((sum, counted) => sum + Object.keys(counted).length, 0),
    crashes,
  };
}

answerParent({
  listen: async (start: Start): Promise<number> => {
    server = makeServer(start);
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    return (server.address() as AddressInfo).port;
  },
  reload: async (): Promise<void> => void (await server.reload()),
  deny: (fingerprint256: string): void => denied.add(fingerprint256),
  allow: (fingerprint256: string): void => void denied.remove(fingerprint256),
  held,
  shutdown: (): Promise<ShutdownReport> => server.shutdown({ timeout: 5_000 }),
});
