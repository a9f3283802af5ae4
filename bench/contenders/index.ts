import type { Server } from 'node:net';
import type { ContenderName, ServerSettings } from './settings.ts';

/** The servers that are compared; all answer the same. A process loads only what it serves with. */
const contenders: Readonly<Record<ContenderName, (settings: ServerSettings) => Promise<Server>>> = {
  https: async (settings) => (await import('./node-servers.ts')).https(settings),
  'node:http2': async (settings) => (await import('./node-servers.ts')).http2(settings),
  'http upstream': async () => {
    const { expressApp } = await import('./express-apps.ts');
    return (await import('./node-servers.ts')).upstream(expressApp());
  },
  express: async (settings) => (await import('./express-apps.ts')).onHttps(settings),
  'express + helmet': async (settings) => (await import('./express-apps.ts')).withHelmet(settings),
  'express + helmet + client-certificate-auth': async (settings) => {
    const { clientCertificateAuth, withHelmet } = await import('./express-apps.ts');
    return withHelmet(settings, await clientCertificateAuth());
  },
  'express + helmet + getPeerCertificate': async (settings) => {
    const { naiveCheck, withHelmet } = await import('./express-apps.ts');
    return withHelmet(settings, naiveCheck);
  },
  fastify: async (settings) => (await import('./fastify.ts')).fastifyServer(settings),
  portcullis: async (settings) => (await import('./portcullis.ts')).withExpress(settings),
  'portcullis, no framework': async (settings) =>
    (await import('./portcullis.ts')).withoutFramework(settings),
};

export const makeServer = (settings: ServerSettings): Promise<Server> => contenders[settings.name](settings);
