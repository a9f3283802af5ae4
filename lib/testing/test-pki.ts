import { checkKeys } from '../options.ts';
import {
  type Authority,
  type ClientCertificateOptions,
  createAuthority,
  type KeyType,
  type ServerCertificateOptions,
} from '../pki/index.ts';
import { readServerNames } from '../pki/names.ts';
import { issueClients, type TestClients } from './clients.ts';
import { ClientIdentity, ServerIdentity, type TestClient, type TestServer } from './identities.ts';

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
  readonly server: TestServer;
  readonly clients: TestClients;
  /** The root's CRL in PEM, valid for a week: `clients.revoked` stands in it. */
  readonly crl: string;
  /** One more client of the root. */
  issueClient(options: ClientCertificateOptions): Promise<TestClient>;
  /** One more server of the root, for the default names unless told otherwise. */
  issueServer(options?: Partial<ServerCertificateOptions>): Promise<TestServer>;
}

const defaultNames = ['localhost', '*.localhost', '127.0.0.1', '::1'];
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
    subject: { O: 'Portcullis tests', CN: 'Test root' },
    notBefore: new Date(Date.now() - yearMs),
  });
  const issueServer = async (server: Partial<ServerCertificateOptions> = {}): Promise<TestServer> =>
    new ServerIdentity(await authority.issueServerCertificate({ names: serverNames, ...server }));
  const [server, clients] = await Promise.all([issueServer({ keyType }), issueClients(authority)]);
  const crl = await authority.crl({
    revoked: [{ certificate: clients.revoked.certificate, reason: 'keyCompromise' }],
  });
  return Object.freeze({
    authority,
    ca: authority.root,
    server,
    clients,
    crl,
    issueServer,
    issueClient: async (client: ClientCertificateOptions) =>
      new ClientIdentity(await authority.issueClientCertificate(client), authority.root),
  });
}
