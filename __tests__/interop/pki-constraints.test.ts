import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { ConfigError } from 'portcullis';
import {
  type AltNamesInput,
  type Authority,
  createAuthority,
  type DistinguishedNameInput,
  type IssuedCertificate,
  type NameConstraintsInput,
  type NameTreesInput,
} from 'portcullis/pki';
import { developmentNames, permittedOnly } from '../../lib/cli/pki/permitted.ts';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import { faultOfNames } from '../../lib/trust/names/constrained-path.ts';
import { run } from './support/program.ts';
import { setUpStand, type Stand } from './support/stand.ts';

let stand: Stand;

beforeAll(() => {
  stand = setUpStand();
});

afterAll(() => stand.close());

/** Names around those that are permitted and excluded, so that a good part is within and a good part is not. */
const hosts = [
  'example.org',
  'a.example.org',
  'b.a.example.org',
  'secret.example.org',
  'x.secret.example.org',
  'notexample.org',
  'xn--bcher-kva.example.org',
  'xn--bcher-kva.example',
  'example.com',
  'localhost',
  'a.test',
  'device-7.internal',
  'printer.home.arpa',
];
const addresses = [
  '10.0.0.7',
  '10.255.255.255',
  '127.0.0.1',
  '192.0.2.1',
  '::1',
  'fd00::7',
  '2001:db8::1',
  '::ffff:10.0.0.7',
  '::ffff:192.0.2.1',
];
const host = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...hosts) }, fc.domain());
const wildcard = host.map((name) => `*.${name}`);
const address = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...addresses) }, fc.ipV4(), fc.ipV6());
const email = fc
  .tuple(fc.constantFrom('a', 'A', 'alice.smith', "o'neil+tag"), host)
  .map(([local, name]) => `${local}@${name}`);
const uri = fc
  .tuple(
    fc.constantFrom('https://', 'spiffe://', 'spiffe://', 'urn:', 'https:/'),
    fc.constantFrom('', '', '', '', '', '', 'a@', 'a:b@', 'example.org@'),
    fc.oneof(
      { weight: 5, arbitrary: host },
      address.map((ip) => (ip.includes(':') ? `[${ip}]` : ip)),
    ),
    fc.constantFrom('', '', '', '', ':443', ':443', ':', '.', '%2e'),
    fc.constantFrom('', '/', '/a', '/a:b', '?a', '#a', '/?@b', '/a#b:c'),
  )
  .map((parts) => parts.join(''));

/** What people are called, what looks like a host, and what nearly does. */
const commonName = fc.oneof(
  fc.constantFrom(
    'alice',
    'Alice M. Smith',
    'alice.smith',
    'billing.v2',
    'J. R.',
    'älice.smith',
    'a..b',
    'b.',
  ),
  host,
  wildcard,
  address,
  email,
  fc.string({
    unit: fc.constantFrom('a', 'B', '7', '.', '.', '-', '_', '*', ' ', '@', 'é', '漢'),
    minLength: 1,
  }),
);
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(arbitrary, { minLength: 1, maxLength: 2 });
const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 1 });
const filled = (record: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
const subject = fc
  .record({
    CN: fc.option(commonName, { nil: undefined }),
    O: seldom(fc.constant('example.com')),
    emailAddress: seldom(email),
  })
  .map((record): DistinguishedNameInput => filled(record));
/** Mostly of one type: of many names one is ruled out nearly always. */
const names: fc.Arbitrary<AltNamesInput> = fc.oneof(
  fc.record({ dns: some(fc.oneof(host, wildcard)) }),
  fc.record({ ip: some(address) }),
  fc.record({ email: some(email) }),
  fc.record({ uri: some(uri) }),
  fc.record({ dns: some(host), ip: some(address), email: some(email), uri: some(uri) }),
);

type Order =
  | { readonly role: 'client'; readonly subject?: DistinguishedNameInput; readonly names?: AltNamesInput }
  | { readonly role: 'server'; readonly subject?: DistinguishedNameInput; readonly names: string[] };

const order: fc.Arbitrary<Order> = fc.oneof(
  fc.record({ role: fc.constant('client' as const), subject, names }, { requiredKeys: ['role'] }),
  fc.record(
    { role: fc.constant('server' as const), subject, names: some(fc.oneof(host, wildcard, address)) },
    { requiredKeys: ['role', 'names'] },
  ),
);

const trees = (dns: string[], ip: string[], mail: string[], uris: string[]): fc.Arbitrary<NameTreesInput> =>
  fc
    .record(
      {
        dns: some(fc.constantFrom(...dns)),
        ip: some(fc.constantFrom(...ip)),
        email: some(fc.constantFrom(...mail)),
        uri: some(fc.constantFrom(...uris)),
      },
      { requiredKeys: [] },
    )
    .filter((types) => Object.keys(types).length > 0);
const permitted = trees(
  ['example.org', 'a.example.org', 'test'],
  ['10.0.0.0/8', '::/0', '0.0.0.0/0'],
  ['example.org', '.example.org', 'a@example.org'],
  ['example.org', '.example.org'],
);
const excluded = trees(
  ['secret.example.org', 'example.com', 'b.a.example.org'],
  ['10.0.0.0/9', 'fd00::/8', '192.0.2.0/24'],
  ['a.example.org', 'A@example.org'],
  ['a.example.org', '.example.com'],
);
const constraints: fc.Arbitrary<NameConstraintsInput> = fc.oneof(
  fc.constant({ permitted: developmentNames }),
  fc.constant(permittedOnly(['example.org', '10.0.0.0/8'])),
  fc.constant(permittedOnly(['spiffe://example.org', '@example.org'])),
  permitted.map((only) => ({ permitted: only })),
  excluded.map((but) => ({ excluded: but })),
  fc.record({ permitted, excluded }),
);

/** What is issued of an order; undefined where it is refused. */
async function issue(
  authority: Authority,
  { role, ...options }: Order,
): Promise<IssuedCertificate | undefined> {
  try {
    return role === 'server'
      ? await authority.issueServerCertificate(options as { names: string[] })
      : await authority.issueClientCertificate(options as { subject: DistinguishedNameInput });
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** What OpenSSL says against certificates. */
async function refusals(
  root: string,
  authority: Authority,
  issued: readonly IssuedCertificate[],
): Promise<string[]> {
  if (issued.length === 0) return [];
  const files = issued.map(({ certificate }, at) => stand.write(`${at}.pem`, certificate));
  const untrusted = stand.write('untrusted.pem', authority.chain || authority.root);
  const path = ['-CAfile', root, '-untrusted', untrusted];
  const strict = ['verify', '-x509_strict', '-check_ss_sig', '-auth_level', '2', ...path, ...files];
  const told = await run('openssl', strict);
  return [told.stderr, ...(told.stdout.match(/^.*(?<!: OK)$/gm) ?? [])].filter((line) => line !== '');
}

/** What GnuTLS says against them. */
async function refusedByGnuTls(root: string, issued: readonly IssuedCertificate[]): Promise<string[]> {
  const told = await Promise.all(
    issued.map(async ({ chain }, at) => {
      const file = stand.write(`chain-${at}.pem`, chain);
      const { stdout } = await run('certtool', [
        '--verify',
        `--load-ca-certificate=${root}`,
        `--infile=${file}`,
      ]);
      return stdout.includes('Chain verification output: Verified.') ? [] : [`${stdout}${chain}`];
    }),
  );
  return told.flat();
}

/** What the OpenSSL in this Node says of clients. */
async function refusedClients(
  authority: Authority,
  clients: readonly IssuedCertificate[],
): Promise<string[]> {
  const own = await createAuthority();
  const { key, chain } = await own.issueServerCertificate({ names: ['localhost'] });
  const options = { key, cert: chain, ca: authority.root, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const told: string[] = [];
  for (const client of clients) {
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const to = { host: '127.0.0.1', port, ca: own.root, servername: 'localhost' };
    const socket = connect({ ...to, key: client.key, cert: client.chain }).on('error', () => undefined);
    const [peer] = await accepted;
    if (!peer.authorized) told.push(`${String(peer.authorizationError)} ${client.certificate}`);
    peer.on('error', () => undefined).destroy();
    socket.destroy();
  }
  server.close();
  return told;
}

test('what is issued below name constraints is accepted by openssl, GnuTLS, Node and a listener here', async () => {
  const count = { issued: 0, refused: 0 };
  const property = fc.asyncProperty(
    constraints,
    fc.option(constraints, { freq: 1 }),
    fc.array(order, { minLength: 40, maxLength: 60 }),
    async (nameConstraints, below, orders) => {
      const root = await createAuthority({ nameConstraints });
      const authority = below === null ? root : await root.issueIntermediate({ nameConstraints: below });
      const outcomes = await Promise.all(
        orders.map(async (one) => ({ ...one, issued: await issue(authority, one) })),
      );
      const issued = outcomes.flatMap((one) => one.issued ?? []);
      const [clients, servers] = (['client', 'server'] as const).map((role) =>
        outcomes.flatMap((one) => (one.role === role ? (one.issued ?? []) : [])),
      );
      const above = [...(below === null ? [] : [authority.certificate]), root.certificate];
      const faults = issued.flatMap(({ certificate }) => {
        const fault = faultOfNames(
          [certificate, ...above].map((pem) => readOneCertificate(pem, 'certificate')),
        );
        return fault === undefined ? [] : [`${fault.text} ${certificate}`];
      });
      expect(faults).toEqual([]);
      const file = stand.write('root.pem', root.certificate);
      const told = await Promise.all([
        refusals(file, authority, issued),
        refusedClients(authority, clients!),
        refusedByGnuTls(file, servers!),
      ]);
      expect(told.flat()).toEqual([]);
      count.issued += issued.length;
      count.refused += orders.length - issued.length;
    },
  );
  await fc.assert(property, { numRuns: 12, endOnFailure: true });
  expect(Math.min(count.issued, count.refused)).toBeGreaterThan(40);
});
