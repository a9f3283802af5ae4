import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { type Express } from 'express';
import { exposeTls, problemDetails, requireClientCertificate } from 'portcullis';
import { exporterLabel, type Identity } from './clients/client.ts';

/** The name by which every server here is asked for. It leads nowhere: each client is told the address. */
export const serverName = 'interop.example.org';

/** A folder with the PEM files that programs want, and the servers that they are sent to. */
export interface Stand {
  write(name: string, content: string): string;
  identity(name: string, client: { readonly cert: string; readonly key: string }): Identity;
  /** Lets `server` listen on 127.0.0.1 and gives the port. */
  listen(server: Server): Promise<number>;
  close(): void;
}

export function setUpStand(): Stand {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-interop-'));
  const servers: Server[] = [];
  const write = (name: string, content: string): string => {
    const file = join(directory, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  return {
    write,
    identity: (name, { cert, key }) => ({ cert: write(`${name}.pem`, cert), key: write(`${name}.key`, key) }),
    listen: async (server) => {
      servers.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
    close: () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** `/facts` shows what the server knows to anybody, `/admin` the same to verified clients. */
export function factsApp(): Express {
  const app = express();
  app.get(['/facts', '/admin'], exposeTls());
  app.use('/admin', requireClientCertificate());
  app.get(['/facts', '/admin'], ({ tls }, response) => {
    // What s_client exports: without a context, which TLS 1.2 tells apart from an empty one (RFC 5705 4).
    const keyingMaterial = tls!.exportKeyingMaterial(32, exporterLabel).toString('hex').toUpperCase();
    const channelBinding = tls!.channelBinding().toString('hex').toUpperCase();
    response.json({ tls, keyingMaterial, channelBinding });
  });
  app.use(problemDetails());
  return app;
}
