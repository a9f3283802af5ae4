import { ConfigError } from '../errors.ts';
import { checkKeys, describe, oneOf } from '../options.ts';
import {
  type Authority,
  type ClientCertificateOptions,
  createAuthority,
  type KeyType,
  type ServerCertificateOptions,
} from '../pki/index.ts';
import { readServerNames } from '../pki/names.ts';
import { feign, type Feigned, issueClients, type TestClients } from './clients.ts';
import { ClientIdentity, ServerIdentity, type TestClient, type TestServer } from './identities.ts';

/** What `createTestPki` takes. */
export interface TestPkiOptions {
  /** Of the root and of the server; the clients have ECDSA P-256. Default `'ecdsa-p256'`. */
  readonly keyType?: KeyType;
  /** DNS names and addresses of the server. Default: `localhost`, `*.localhost`, `127.0.0.1`, `::1`. */
  readonly serverNames?: readonly string[];
}

/** A whole PKI for tests. */
export interface TestPki {
  /** The root, which issued everything here, and can issue more. */
  readonly authority: Authority;
  /** The root's certificate in PEM: for `clientAuth.ca`, and for clients. */
  readonly ca: string;
  /** A server of the root, for `localhost` and the loopback addresses unless told otherwise. */
  readonly server: TestServer;
  /** Good clients and bad ones, by what is wrong with them. */
  readonly clients: TestClients;
  /** The root's first CRL in PEM, valid for a week: `clients.revoked` stands in it. */
  readonly crl: string;
  /**
   * Revokes clients of the root, and gives the next CRL, with a greater number: all that were revoked until now stand in
   * it. For `server.reload({ clientAuth: { …, crl } })`.
   */
  revoke(...clients: ReadonlyArray<{ readonly certificate: string }>): Promise<string>;
  /**
   * Somebody who has made the names of a client, and of the root, for himself: an authority of the root's name, and not
   * of its key, has issued the certificate.
   */
  impostor(name: 'good' | 'spiffe'): Promise<TestClient>;
  /** One more client of the root. */
  issueClient(options: ClientCertificateOptions): Promise<TestClient>;
  /** One more server of the root, for the default names unless told otherwise. */
  issueServer(options?: Partial<ServerCertificateOptions>): Promise<TestServer>;
}

const defaultNames = ['localhost', '*.localhost', '127.0.0.1', '::1'];
const rootSubject = { O: 'Portcullis tests', CN: 'Test root' };
const yearMs = 365 * 86_400_000;

/**
 * Makes a root, a server, clients good and bad, and a CRL, all new and in memory: no key lies in a repository.
 * Share one between the tests of a file. ConfigErrors as in `portcullis/pki`.
 *
 * ```ts
 * const pki = await createTestPki();
 * const server = createServer({ ...pki.server, clientAuth: { mode: 'optional', ca: pki.ca } }, app);
 * await request(server).as(pki.clients.good).get('/admin').expect(200);
 * ```
 */
export async function createTestPki(options: TestPkiOptions = {}): Promise<TestPki> {
  checkKeys(options, ['keyType', 'serverNames'], 'options');
  const { keyType = 'ecdsa-p256', serverNames = defaultNames } = options;
  readServerNames(serverNames, 'serverNames');
  // The root is older than the certificate of `clients.expired`, so that only the latter's dates are at fault.
  const authority = await createAuthority({
    keyType,
    subject: rootSubject,
    notBefore: new Date(Date.now() - yearMs),
  });
  const issueServer = async (server: Partial<ServerCertificateOptions> = {}): Promise<TestServer> =>
    new ServerIdentity(await authority.issueServerCertificate({ names: serverNames, ...server }));
  const [server, clients] = await Promise.all([issueServer({ keyType }), issueClients(authority)]);
  const revoke = revoking(authority);
  const crl = await revoke(clients.revoked);
  return Object.freeze({
    authority,
    ca: authority.root,
    server,
    clients,
    crl,
    revoke,
    // oxlint-disable-next-line require-await -- a bad name shall be a rejection
    impostor: async (name: Feigned) =>
      feign(oneOf(name, ['good', 'spiffe'], 'impostor'), rootSubject, authority.root),
    issueServer,
    issueClient: async (client: ClientCertificateOptions) =>
      new ClientIdentity(await authority.issueClientCertificate(client), authority.root),
  });
}

/** Its own record of whom it has revoked: an authority keeps none. One list after the other, so that none forgets anybody. */
function revoking(authority: Authority): TestPki['revoke'] {
  const revoked: string[] = [];
  let number = BigInt(Date.now());
  let last: Promise<unknown> = Promise.resolve();
  const revoke = async (certificates: readonly string[]): Promise<string> => {
    const all = [...new Set([...revoked, ...certificates])];
    const list = all.map((certificate) => ({ certificate, reason: 'keyCompromise' as const }));
    const crl = await authority.crl({ revoked: list, number: number++ });
    revoked.push(...certificates);
    return crl;
  };
  return async (...clients) => {
    const certificates = clients.map(certificateOf);
    const made = last.then(() => revoke(certificates));
    // What is wrong with one list is not wrong with the next.
    last = made.catch(() => undefined);
    return made;
  };
}

function certificateOf(client: unknown, index: number): string {
  const { certificate } = Object(client) as { certificate?: unknown };
  if (typeof certificate === 'string') return certificate;
  throw new ConfigError(
    'OPTION_INVALID',
    `revoke[${index}]`,
    `got ${describe(client)}`,
    'Give clients of this PKI, as pki.clients.good.',
  );
}
