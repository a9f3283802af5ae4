import type { RequestListener } from 'node:http';
import { Server } from 'node:net';
import { ConfigError } from '../errors.ts';
import { createServer } from '../listener/create-server.ts';
import { describe, describeSecret } from '../options.ts';
import type { TestPki } from './test-pki.ts';

/** The server as it was given, or one for an app alone. */
export function serverFor(given: unknown, pki: TestPki | undefined): Server {
  if (given instanceof Server) return given;
  if (typeof given === 'function' && pki !== undefined) return serve(given as RequestListener, pki);
  throw new ConfigError(
    'OPTION_INVALID',
    'server',
    typeof given === 'function' ? 'an app alone speaks no TLS' : `got ${describe(given)}`,
    typeof given === 'function'
      ? 'Give createServer(options, app), or the PKI as well: request(app, { pki }).'
      : 'Give a server, as createServer(options, app), or an app and { pki }.',
  );
}

/** As a route for certificates is served: everybody is asked for one, and the route decides. */
const serve = (app: RequestListener, { server: { key, cert }, ca, crl }: TestPki): Server =>
  createServer(
    { key, cert, clientAuth: { mode: 'optional', ca, crl }, http2: true, watch: false, logger: false },
    app,
  );

export function readPki(pki: unknown): TestPki | undefined {
  if (pki === undefined) return undefined;
  const { ca, server } = Object(pki) as Partial<TestPki>;
  if (typeof ca === 'string' && typeof server === 'object') return pki as TestPki;
  throw new ConfigError(
    'OPTION_INVALID',
    'pki',
    `got ${describe(pki)}`,
    'Give what createTestPki() has resolved to (it is a promise).',
  );
}

export function readCa(ca: unknown): string | undefined {
  if (ca === undefined || (typeof ca === 'string' && ca !== '')) return ca;
  throw new ConfigError(
    'OPTION_INVALID',
    'ca',
    `got ${describeSecret(ca)}`,
    'Give a certificate in PEM, as pki.ca.',
  );
}

/** Where a server listens, for what outlives a single request. */
export function targetOf(server: Server, call: string): { readonly host: string; readonly port: number } {
  const address = server.address();
  if (typeof address !== 'object' || address === null) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      call,
      'the server does not listen',
      "Call server.listen(0, '127.0.0.1') before, and server.close() at the end.",
    );
  }
  // As supertest: whatever listens everywhere is reached on the loopback.
  const host = address.address === '::' || address.address === '0.0.0.0' ? '127.0.0.1' : address.address;
  return { host, port: address.port };
}

export const noTls = (call: string): ConfigError =>
  new ConfigError(
    'OPTION_CONFLICT',
    call,
    'the server speaks no TLS',
    'Give an https.Server: createServer(options, app).',
  );
