import { fastify } from 'fastify';
import type { Server } from 'node:net';
import { plainOptions } from './node-servers.ts';
import { answer, type ServerSettings } from './settings.ts';

export async function fastifyServer(settings: ServerSettings): Promise<Server> {
  const app = fastify({ https: plainOptions(settings) });
  app.get('/', () => answer);
  await app.ready();
  return app.server;
}
