import type { RequestListener } from 'node:http';
import type { Server } from 'node:net';
import { createServer, type PortcullisOptions } from '../../lib/index.ts';
import { expressApp } from './express-apps.ts';
import { plainListener } from './node-servers.ts';
import { policies } from './policies.ts';
import type { ServerSettings } from './settings.ts';

export const withExpress = (settings: ServerSettings): Server =>
  listener(settings, expressApp(...policies(settings.credentials, settings.policies ?? 0)));

export const withoutFramework = (settings: ServerSettings): Server => listener(settings, plainListener);

/** One address is all the clients here, and callgrind makes a handshake fifty times as long. */
const patient: PortcullisOptions['limits'] = {
  handshakeTimeout: 120_000,
  headersTimeout: 60_000,
  connectionsPerAddress: 20_000,
};

function listener(settings: ServerSettings, handler: RequestListener): Server {
  const { key, cert, ca } = settings.credentials;
  const options: PortcullisOptions = {
    key,
    cert,
    logger: false,
    http2: settings.http2 === true,
    ...(settings.patient === true && { limits: patient }),
    ...(settings.mutual && {
      clientAuth: {
        mode: 'optional',
        ca,
        ...(settings.crl !== undefined && { crl: settings.crl }),
      },
    }),
  };
  return createServer(options, handler);
}
