import { createHash, X509Certificate } from 'node:crypto';
import { createServer as createPlainServer, type Server } from 'node:https';
import express, { type Express } from 'express';
import { createServer, exposeTls, problemDetails, requireClientCertificate, type TlsState } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { type Ask, type Client, exporterLabel, type Identity } from '../clients/client.ts';
import { setUpStand } from '../stand.ts';
import { issuerOf, oddCertificate } from '../../../support/odd-certificates.ts';
import { extension, purposes } from '../../../support/odd-extensions.ts';
import { sharedKeys } from '../../../support/odd-keys.ts';
import { commonName, generalName } from '../../../support/odd-names.ts';
import type { Cell, Who } from './cells.ts';

/** What the listener made of one request. */
export interface Seen {
  readonly tls: TlsState;
  readonly keyingMaterial: string;
}

/** The listeners of the matrix, whom they know, and what they saw. */
export interface Listeners {
  /** `id`: by which the request is found again. */
  ask(id: string, cell: Cell, client: Client): Promise<Ask>;
  seen(id: string): readonly Seen[];
  /** The pin of a client. */
  pin(who: Who): string | undefined;
  /** The certificates that a listener could have shown. */
  certificates(key: Cell['key']): readonly X509Certificate[];
  close(): void;
}

const domain = 'interop.example.org';
const kinds = { ECDSA: 'ecdsa-p256', RSA: 'rsa-2048' } as const;
type Identities = Readonly<Record<Exclude<Who, 'nobody'>, { readonly cert: string; readonly key: string }>>;

export async function setUpListeners(): Promise<Listeners> {
  const [stand, pki] = [setUpStand(), await createTestPki()];
  const issue = (kind: keyof typeof kinds): ReturnType<TestPki['issueServer']> =>
    pki.issueServer({ keyType: kinds[kind], names: [`*.${domain}`] });
  const strange = await (await createAuthority()).issueServerCertificate({ names: [`*.${domain}`] });
  const pairs = {
    ECDSA: [await issue('ECDSA')],
    RSA: [rsaServer(pki)],
    both: [await issue('ECDSA'), await issue('RSA')],
  };
  const ca = stand.write('ca.pem', pki.ca);
  const clients = await identitiesOf(pki);
  const who = Object.entries(clients) as Array<[keyof Identities, Identities['good']]>;
  const files = Object.fromEntries(who.map(([name, pems]) => [name, stand.identity(name, pems)])) as Readonly<
    Record<keyof Identities, Identity>
  >;
  const seen = new Map<string, Seen[]>();
  const app = appOf(seen);
  const ports = new Map<string, Promise<number>>();

  const serverFor = ({ door, key, version, http }: Cell, client: Client): Server => {
    const shown = { key: pairs[key].map((one) => one.key), cert: pairs[key].map(({ cert }) => cert) };
    if (door === 'lax') return createPlainServer({ ...shown, ...everything }, answerAnything);
    const choice = client.chooses === 'server' ? { http2: http === 'h2', ...only(version) } : { http2: true };
    const options = { ...shown, ...choice, logger: false } as const;
    if (door === 'resuming') return createServer(options, app);
    const clientAuth = { mode: door === 'required' ? door : 'optional', ca: pki.ca, crl: pki.crl } as const;
    const own = door === 'strange' ? { key: strange.key, cert: strange.chain } : {};
    return createServer({ ...options, ...own, clientAuth }, app);
  };
  const portFor = (cell: Cell, client: Client): Promise<number> => {
    const { door, key, version, http } = cell;
    const name = [door, key, ...(client.chooses === 'server' ? [version, http] : [])].join();
    const port = ports.get(name) ?? stand.listen(serverFor(cell, client));
    ports.set(name, port);
    return port;
  };
  const fileOf = (name: Who): Identity | undefined => (name === 'nobody' ? undefined : files[name]);

  return {
    ask: async (id, cell, client) => {
      const { version, http, path, ciphers, again } = cell;
      const identity = fileOf(cell.who);
      const second = again === cell.who ? {} : { identity: (again && fileOf(again)) ?? null };
      return {
        port: await portFor(cell, client),
        serverName: `${cell.who}.${domain}`,
        ca,
        version,
        http,
        path: `${path}?id=${id}`,
        ...(identity && { identity }),
        ...(ciphers && { ciphers }),
        ...(again !== undefined && { again: second }),
      };
    },
    seen: (id) => seen.get(id) ?? [],
    pin: (name) => (name === 'nobody' ? undefined : pinOf(clients[name].cert)),
    certificates: (key) => pairs[key].map(({ cert }) => new X509Certificate(cert)),
    close: () => stand.close(),
  };
}

const everything = { minVersion: 'TLSv1', maxVersion: 'TLSv1.3', ciphers: 'ALL:@SECLEVEL=0' } as const;
const answerAnything = (_request: unknown, response: { end(body: string): void }): void => response.end('{}');
const only = (version: string): object => (version === 'TLSv1.2' ? { dangerouslyMaxVersion: version } : {});

/** The name of each is its common name; that of the impostor's CA is the root's, or no client would show its certificate. */
async function identitiesOf(pki: TestPki): Promise<Identities> {
  const { good, expired, revoked } = pki.clients;
  const [rootName] = [new X509Certificate(pki.ca).subject.split('\n')];
  const subject = Object.fromEntries(rootName.map((line) => line.split('=') as [string, string]));
  const impostor = await (
    await createAuthority({ subject })
  ).issueClientCertificate({ subject: { CN: 'impostor' } });
  const other = await pki.issueClient({ subject: { CN: 'other' } });
  return { good, expired, revoked, other, impostor: { key: impostor.key, cert: impostor.chain } };
}

/** As public CAs issue them. NSS refuses an RSA server's certificate without `keyEncipherment`, which `portcullis/pki` omits. */
function rsaServer({ ca, authority }: TestPki): { readonly cert: string; readonly key: string } {
  const { certificate, key } = oddCertificate({
    issuer: issuerOf({ certificate: ca, key: authority.key }),
    keys: sharedKeys('rsa-2048'),
    subject: commonName(domain),
    extensions: {
      keyUsage: extension.keyUsage(['digitalSignature', 'keyEncipherment']),
      extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]),
      subjectAltName: extension.subjectAltName([generalName.dns(`*.${domain}`)]),
    },
  });
  return { cert: certificate, key };
}

function pinOf(cert: string): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}

/** `/facts` is open, `/admin` for verified clients; both remember what the connection was. */
function appOf(seen: Map<string, Seen[]>): Express {
  const app = express();
  // A browser fetches from all of them.
  app.use(({ headers: { origin } }, response, next) => {
    if (origin)
      response.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' });
    next();
  });
  app.get('/start', (_request, response) => void response.send('start'));
  app.use(['/facts', '/admin'], exposeTls(), (request, response, next) => {
    const tls = request.tls!;
    const keyingMaterial = tls.exportKeyingMaterial(32, exporterLabel).toString('hex').toUpperCase();
    const id = String(request.query['id']);
    seen.set(id, [...(seen.get(id) ?? []), { tls, keyingMaterial }]);
    // A client that asks again shall need another connection.
    if (request.httpVersionMajor === 1) response.set('Connection', 'close');
    next();
  });
  app.use('/admin', requireClientCertificate());
  app.get(['/facts', '/admin'], ({ tls }, response) => {
    response.json({ name: tls!.clientCertificate?.subject['CN']?.[0] ?? 'nobody' });
  });
  app.use(problemDetails());
  return app;
}
