import type { RequestListener } from 'node:http';
import {
  makeDevelopmentCertificate,
  readDevelopmentCertificate,
} from '../credentials/development/development.ts';
import type { CertificateGroups } from '../credentials/choice.ts';
import { type DevelopmentFiles, developmentFiles } from '../credentials/development/development-files.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { describe } from '../options.ts';
import type { Certificate } from '../x509/certificate.ts';
import { warnOfStrangeLists } from './client-auth.ts';
import type { Logger } from './logger.ts';
import { quickenEntityTags } from './entity-tags.ts';
import { type ListenerConfig, type PortcullisOptions, readOptions } from './options.ts';
import { classesFor, isExpressApp } from './prototypes.ts';
import { PortcullisServer } from './server.ts';
import { loadCertificates, makeLive, prepareServing, type Serving } from './serving.ts';

/**
 * Makes a hardened HTTPS server, with the signature of `https.createServer`: Mozilla's `intermediate` profile, no
 * renegotiation, finite limits, and with `clientAuth` no resumption and no request for another host.
 *
 * ```ts
 * createServer({ key, cert, clientAuth: { mode: 'optional', ca } }, app).listen(8443);
 * ```
 *
 * Without any certificate it makes one for localhost by a development authority, and waits with connections until it
 * is there; with `NODE_ENV=production` that is a ConfigError `CERTIFICATE_MISSING`. Every option is read at once; a
 * bad one is a ConfigError with `code`, `path` and `remedy`.
 */
export function createServer(listener?: RequestListener): PortcullisServer;
export function createServer(options: PortcullisOptions, listener?: RequestListener): PortcullisServer;
export function createServer(
  first?: PortcullisOptions | RequestListener,
  second?: RequestListener,
): PortcullisServer {
  if (typeof first === 'function' && second !== undefined) {
    throw new ConfigError(
      'OPTION_INVALID',
      'options',
      'they stand after the app, where nobody reads them',
      'Write createServer(options, app).',
    );
  }
  const [options, listener] = typeof first === 'function' ? [{}, first] : [first ?? {}, second];
  if (listener !== undefined && typeof listener !== 'function') {
    throw new ConfigError(
      'OPTION_INVALID',
      'listener',
      `expected an app, got ${describe(listener)}`,
      'Give an Express app or a request listener.',
    );
  }
  const config = readOptions(options);
  warnOfStrangeLists(config.clientAuth, config.logger);
  const loaded = loadCertificates(config);
  if (isExpressApp(listener)) quickenEntityTags(listener);
  if (loaded === undefined) return developmentServer(config, listener);
  if (!(loaded instanceof Promise)) {
    return new PortcullisServer(makeLive(config, prepare(config, loaded)), classesFor(listener), listener);
  }
  const server = new PortcullisServer(makeLive(config, undefined), classesFor(listener), listener);
  completeLater(server, async () => prepare(config, await loaded));
  return server;
}

function developmentServer(config: ListenerConfig, listener: RequestListener | undefined): PortcullisServer {
  if (process.env['NODE_ENV'] === 'production') {
    throw new ConfigError(
      'CERTIFICATE_MISSING',
      'cert',
      'there is no certificate',
      'Give key and cert, pfx, or certificate: the development certificate is not for production.',
    );
  }
  // Not asked for otherwise: a container's user may have no home.
  const files = developmentFiles();
  const kept = readDevelopmentCertificate(files, Date.now());
  const serving = kept && prepare(config, [[kept]]);
  const server = new PortcullisServer(makeLive(config, serving), classesFor(listener), listener);
  if (kept === undefined) completeLater(server, () => makeDevelopment(config, files));
  else tellDevelopment(config.logger, files);
  return server;
}

function completeLater(server: PortcullisServer, make: () => Promise<Serving>): void {
  server.completeWith(
    make().catch((error: unknown) => {
      process.nextTick(() => server.incomplete(error));
      throw error;
    }),
  );
}

async function makeDevelopment(config: ListenerConfig, files: DevelopmentFiles): Promise<Serving> {
  const { pair, notKept } = await makeDevelopmentCertificate(files, Date.now());
  if (notKept === undefined) tellDevelopment(config.logger, files);
  else
    config.logger.warn(
      `Portcullis: a development certificate for this process only: it could not be kept (${messageOf(notKept)}).`,
    );
  return prepare(config, [[pair]]);
}

let told = false;

/** Once in a process, however many servers it makes. */
function tellDevelopment(logger: Logger, files: DevelopmentFiles): void {
  if (told) return;
  told = true;
  logger.info(
    `Portcullis: serving localhost with a development certificate. To trust it, give clients ${files.authority} ` +
      `(curl --cacert, NODE_EXTRA_CA_CERTS), or import it as an authority in your browser; it can vouch for localhost only.`,
  );
}

/** What is to serve at the start, with a warning of whatever is not valid yet. */
function prepare(config: ListenerConfig, groups: CertificateGroups): Serving {
  for (const { leaf } of groups.flat()) warnIfNotYetValid(leaf, 'server certificate', config.logger);
  for (const anchor of config.clientAuth?.trust.anchors ?? [])
    warnIfNotYetValid(anchor, 'client CA', config.logger);
  return prepareServing(config, groups);
}

/** Not an error, as the clock may be at fault. What has expired is told, with what will, once the server listens. */
function warnIfNotYetValid({ notBefore, fingerprint256 }: Certificate, role: string, logger: Logger): void {
  if (Date.now() >= notBefore) return;
  logger.warn(`Portcullis: the ${role} ${fingerprint256} is not valid yet.`);
}
