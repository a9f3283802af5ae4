import fs from 'node:fs';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createServer, type PortcullisServer, requireClientCertificate } from 'portcullis';
import { createAuthority, createRequest } from 'portcullis/pki';
import express from 'express';
import { oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { attribute, name as oddName } from '../support/odd-names.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import type { Io } from '../../lib/cli/io.ts';
import { withLock } from '../../lib/cli/pki/lock.ts';
import { type CliResult, type CliSurroundings, runCli } from './harness.ts';

// A machine that is busy takes its time for some twenty commands.
jest.setTimeout(60_000);

const day = 86_400_000;
let template: string;
let directory: string;
const file = (name: string): string => join(directory, name);
const read = (name: string): string => fs.readFileSync(file(name), 'utf8');
const mode = (name: string): string => (fs.statSync(file(name)).mode & 0o777).toString(8);
const record = (): Json => JSON.parse(read('pki/record.json'));
// oxlint-disable-next-line typescript/no-explicit-any -- what a command prints
type Json = any;

const pki = (line: string, surroundings: CliSurroundings = {}): Promise<CliResult> =>
  runCli(['pki', ...line.split(' ')], { directory, ...surroundings });

/** Of a command that has to succeed. */
async function done(line: string, surroundings: CliSurroundings = {}): Promise<CliResult> {
  const result = await pki(line, surroundings);
  expect(`${result.err}${result.code}`).toMatch(/0$/);
  return result;
}

const json = async (line: string, surroundings: CliSurroundings = {}): Promise<Json> =>
  JSON.parse((await done(`${line} --json`, surroundings)).out);

/** Of a command that has to fail, and change nothing. */
async function refused(line: string, surroundings: CliSurroundings = {}): Promise<CliResult> {
  const before = snapshot(directory);
  const result = await pki(line, surroundings);
  expect(result.code).toBeGreaterThan(1);
  expect(result.out).toBe('');
  expect(snapshot(directory)).toEqual(before);
  return result;
}

/** Every file with its content and mode. */
function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mode: bits } = fs.lstatSync(path);
    found[path] = `${bits} ${entry.isFile() ? fs.readFileSync(path, 'latin1') : ''}`;
  }
  return found;
}

beforeAll(async () => {
  template = fs.mkdtempSync(join(tmpdir(), 'portcullis-pki-'));
  directory = template;
  await done('init --no-passphrase');
});

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'portcullis-pki-'));
  fs.cpSync(join(template, 'pki'), file('pki'), { recursive: true });
  // Node 22 copies files with their modes, and folders without.
  fs.chmodSync(file('pki'), 0o700);
});

afterEach(() => {
  jest.restoreAllMocks();
  fs.rmSync(directory, { recursive: true, force: true });
});

afterAll(() => fs.rmSync(template, { recursive: true, force: true }));

describe('pki init', () => {
  test('makes a folder that only its owner can look into, and keeps out of repositories', () => {
    expect(fs.readdirSync(file('pki')).toSorted()).toEqual([
      '.gitignore',
      'ca.pem',
      'crl.pem',
      'record.json',
      'root.key',
      'root.pem',
    ]);
    expect([mode('pki'), mode('pki/root.key'), mode('pki/record.json'), mode('pki/root.pem')]).toEqual([
      '700',
      '600',
      '600',
      '644',
    ]);
    expect(read('pki/.gitignore')).toBe('*\n');
    expect(record()).toMatchObject({ version: 1, issuer: 'root', crl: { number: '1' }, certificates: [] });
    expect(read('pki/crl.pem')).toBe(record().crl.pem);
  });

  test('hides nothing else that is in the folder from a repository', async () => {
    fs.mkdirSync(file('mine'), { mode: 0o700 });
    fs.writeFileSync(file('mine/app.js'), '');
    await done('init --no-passphrase --dir mine');
    expect(fs.existsSync(file('mine/.gitignore'))).toBe(false);
  });

  test('never touches an authority that is there', async () => {
    const { err } = await refused('init --no-passphrase');
    expect(err).toMatch(/there is an authority in pki already/);
    fs.rmSync(file('pki/record.json'));
    expect((await refused('init --no-passphrase')).err).toMatch(/pki has .*root\.key.* already/);
  });

  test.each([
    ['example.org', /rule out 'example\.org'[\s\S]*hint: .*--permit/],
    ['8.8.8.8', /rule out '8\.8\.8\.8'/],
    ['2001:db8::1', /rule out/],
  ])('makes a root that cannot speak for %s', async (name, message) => {
    expect((await refused(`server ${name}`)).err).toMatch(message);
  });

  test('says how to name a client whose name OpenSSL takes for a host', async () => {
    expect((await refused('client alice.smith')).err).toMatch(
      /common name 'alice\.smith'[\s\S]*hint: .*UID.*--permit/,
    );
    await done('client alice.smith@example.org');
    await done('client --subject UID=alice.smith --name alice.smith');
  });

  test('makes a root for what development and home networks need', async () => {
    const names = 'localhost *.localhost app.test db.internal nas.home.arpa printer.local';
    const addresses = '127.0.0.1 ::1 10.1.2.3 172.31.0.1 192.168.1.1 fd00::1 fe80::1';
    expect((await json(`server ${names} ${addresses}`)).names).toMatchObject({
      dns: names.split(' '),
      ip: addresses.split(' '),
    });
  });

  test('with --permit closes every kind of name of which nothing is permitted', async () => {
    await done('init --no-passphrase --dir one --permit example.org');
    await done('server example.org a.b.example.org --dir one');
    await done(
      'client --email a@example.org --email b@mail.example.org --uri spiffe://example.org/x --dir one',
    );
    for (const line of [
      'server localhost',
      'server 127.0.0.1',
      'server example.org.evil.test',
      'client --email a@example.com',
      'client --spiffe spiffe://example.com/x',
      'client --uri urn:uuid:12345678-1234-1234-1234-123456789012',
      'client --ip 10.0.0.1',
    ])
      expect((await refused(`${line} --dir one`)).err).toMatch(/name constraints/);
    await done(
      'init --no-passphrase --dir two --permit 10.0.0.0/8 --permit @example.org --permit spiffe://prod.test',
    );
    await done('client --email x@sub.example.org --spiffe spiffe://prod.test/a --ip 10.9.9.9 --dir two');
    for (const line of [
      'server example.org',
      'server 11.0.0.1',
      'client --uri https://example.org/',
      'client --uri spiffe://sub.prod.test/a',
      'client --dns prod.test',
    ])
      expect((await refused(`${line} --dir two`)).err).toMatch(/name constraints/);
  });

  test('with --unconstrained says so, and is open', async () => {
    const { out } = await done('init --no-passphrase --unconstrained --dir any');
    expect(out).toMatch(/any: whoever has its key can be anyone/);
    await done('server example.org --dir any');
  });

  test('with --intermediate issues without the root key, which may be elsewhere', async () => {
    fs.mkdirSync(file('safe'));
    const made = await json(
      'init --no-passphrase --intermediate --root-out safe/root.key --subject O=Example,CN=Root\\,x --dir two',
    );
    expect(made.rootKey).toBe(file('safe/root.key'));
    expect(fs.existsSync(file('two/root.key'))).toBe(false);
    const list = await json('crl --root --root-key safe/root.key --dir two');
    expect([list.number, list.files]).toEqual(['2', [file('two/root-crl.pem')]]);
    fs.rmSync(file('safe'), { recursive: true });
    const { files } = await json('server localhost --dir two');
    const chain = fs.readFileSync(files.chain, 'utf8').match(/-----BEGIN[^]*?END CERTIFICATE-----\n/g)!;
    const [leaf, intermediate] = chain.map((pem) => new X509Certificate(pem));
    const root = new X509Certificate(read('two/root.pem'));
    expect(chain).toHaveLength(2);
    expect(leaf!.verify(intermediate!.publicKey) && intermediate!.verify(root.publicKey)).toBe(true);
    expect([root.subject, intermediate!.subject]).toEqual([
      'O=Example\nCN=Root\\,x',
      'O=Example\nCN=Root\\,x intermediate',
    ]);
    await done('revoke localhost --dir two');
    expect((await refused('crl --root --dir two')).err).toMatch(/--root-key FILE/);
  });

  test('reads the clock once: the intermediate ends with a root that is short', async () => {
    let now = Date.now();
    await done('init --no-passphrase --intermediate --days 100 --dir two', { now: () => (now += 2_000) });
    const [root, intermediate] = ['root', 'intermediate'].map(
      (name) => new X509Certificate(read(`two/${name}.pem`)),
    );
    expect([intermediate!.validFrom, intermediate!.validTo]).toEqual([root!.validFrom, root!.validTo]);
  });

  test.each([
    ['init --permit a.test --unconstrained --dir x', /contradict/],
    ['init --root-out k --dir x', /--root-out needs --intermediate/],
    ['init --no-passphrase --passphrase-file p --dir x', /contradict/],
    ['init --dir x', /no passphrase .*\n.*--passphrase-file FILE.*--no-passphrase/],
    ['init --no-passphrase --days 20000 --dir x', /--days 20000 is too long/],
    ['init --no-passphrase --days 0 --dir x', /whole number of days/],
    ['init --no-passphrase --permit 10.0.0.1/8 --dir x', /--permit .*bits beyond its prefix/],
    ['init --no-passphrase --subject CN= --dir x', /'CN=' is no attribute/],
  ])('refuses %s', async (line, message) => {
    const { err, code } = await pki(line);
    expect(err).toMatch(message);
    expect(code).toBe(2);
    expect(fs.existsSync(file('x'))).toBe(false);
  });
});

describe('the passphrase', () => {
  test.each([
    ['two that differ', { secrets: ['a long one, really', 'another'] }, '', /the two passphrases differ/],
    ['an empty variable', { environment: { PORTCULLIS_PASSPHRASE: '' } }, '', /is empty/],
    ['a file that others read', {}, ' --passphrase-file open', /open to others\nhint: Run: chmod 600 open/],
    ['a file of two lines', {}, ' --passphrase-file lines', /more than one line/],
    ['a file that is not there', {}, ' --passphrase-file gone', /gone cannot be read: no such file/],
  ])('is refused as %s', async (_what, surroundings, options, message) => {
    fs.writeFileSync(file('open'), 'secret');
    fs.chmodSync(file('open'), 0o644);
    fs.writeFileSync(file('lines'), 'one\ntwo\n', { mode: 0o600 });
    expect((await refused(`init --dir safe${options}`, surroundings)).err).toMatch(message);
  });
});

describe('an authority', () => {
  test.each([
    ['pki', 0o755, /the folder pki is open to others \(mode 755\)\nhint: Run: chmod 700 pki/],
    ['pki', 0o710, /chmod 700 pki/],
    [
      'pki/root.key',
      0o640,
      /the authority key pki\/root\.key is open to others \(mode 640\)\nhint: .*chmod 600/,
    ],
  ])('is not used while others can read %s (%o)', async (path, bits, message) => {
    fs.chmodSync(file(path), bits);
    expect((await refused('server localhost')).err).toMatch(message);
  });

  test('that is not there is not made by the way', async () => {
    fs.mkdirSync(file('empty'), { mode: 0o700 });
    for (const dir of ['none', 'empty']) {
      for (const command of ['server localhost', 'crl', 'list', 'revoke x', 'show x']) {
        expect((await refused(`${command} --dir ${dir}`)).err).toMatch(/portcullis pki init/);
      }
    }
    expect((await refused('list', { environment: { PORTCULLIS_PKI: 'none' } })).err).toMatch(/none does not/);
  });

  test.each([
    ['no JSON', '{', /it is no JSON/],
    ['cut off', undefined, /it is no JSON/],
    ['empty', '', /it is no JSON/],
    ['something else', '{"format":"other"}', /it is no record/],
    ['of a later version', '{"format":"portcullis-authority","version":2}', /its version is 2/],
    [
      'without its list',
      '{"format":"portcullis-authority","version":1,"issuer":"root","crl":{}}',
      /crl\.number is no number/,
    ],
  ])('with a record that is %s does nothing, and does not begin a new one', async (_what, text, message) => {
    fs.writeFileSync(file('pki/record.json'), text ?? read('pki/record.json').slice(0, 100));
    for (const command of ['server localhost', 'crl', 'list'])
      expect((await refused(command)).err).toMatch(message);
  });

  test('is moved with its folder', async () => {
    await done('server localhost');
    fs.renameSync(file('pki'), file('elsewhere'));
    await done('renew localhost --dir elsewhere');
    const renewed = new X509Certificate(read('elsewhere/issued/localhost/server.pem'));
    const entries = (await json('list --dir elsewhere')).certificates;
    expect(renewed.serialNumber).toBe(entries[1].serialNumber);
    expect(fs.existsSync(file('pki'))).toBe(false);
  });
});

describe('pki server and client', () => {
  let server: PortcullisServer | undefined;

  afterEach(async () => {
    if (server === undefined) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    server = undefined;
  });

  const status = (client: string): Promise<number | string> =>
    new Promise((settle) => {
      const { port } = server!.address() as AddressInfo;
      get(
        {
          port,
          host: 'localhost',
          agent: false,
          ca: read('pki/root.pem'),
          cert: read(`pki/issued/${client}/client.pem`),
          key: read(`pki/issued/${client}/client.key`),
        },
        (response) => {
          response.resume().on('error', () => {});
          settle(response.statusCode!);
        },
      ).on('error', (error) => settle(String(error)));
    });

  test('write what a listener and its clients need, until a client is revoked', async () => {
    await done('server localhost 127.0.0.1 ::1');
    await done('client alice --days 1');
    await done('client --email bob@example.org --spiffe spiffe://example.org/bob');
    const app = express().get('/', requireClientCertificate(), (_request, response) => {
      response.send('in');
    });
    server = createServer(
      {
        certificate: {
          keyFile: file('pki/issued/localhost/server.key'),
          certFile: file('pki/issued/localhost/server.pem'),
        },
        clientAuth: {
          mode: 'optional',
          ca: { file: file('pki/ca.pem') },
          crl: { file: file('pki/crl.pem') },
        },
        watch: false,
      },
      app,
    );
    server.listen(0, 'localhost');
    await once(server, 'listening');
    expect([await status('alice'), await status('bob@example.org')]).toEqual([200, 200]);
    await done('revoke alice --reason keyCompromise');
    await server.reload();
    expect([await status('alice'), await status('bob@example.org')]).toEqual([403, 200]);
  });

  test('issue by an intermediate until that has leaked: the root’s list shuts out whatever it has issued', async () => {
    fs.rmSync(file('pki'), { recursive: true });
    await done('init --no-passphrase --intermediate --root-out root.key');
    await done('server localhost');
    await done('client alice');
    server = createServer(
      {
        certificate: {
          keyFile: file('pki/issued/localhost/server.key'),
          certFile: file('pki/issued/localhost/server.pem'),
        },
        clientAuth: {
          mode: 'optional',
          ca: { file: file('pki/ca.pem') },
          crl: [{ file: file('pki/crl.pem') }, { file: file('pki/root-crl.pem') }],
        },
        watch: false,
      },
      express().get('/', requireClientCertificate(), (_request, response) => void response.send('in')),
    );
    server.listen(0, 'localhost');
    await once(server, 'listening');
    expect(await status('alice')).toBe(200);
    const { err } = await done(
      'revoke pki/intermediate.pem --root-key root.key --reason keyCompromise --out copy.pem',
    );
    expect(err).toMatch(/root-crl\.pem to all who check/);
    await server.reload();
    expect(await status('alice')).toBe(403);
  });

  test('record a certificate, and write its key for the owner alone', async () => {
    const issued = await json('client alice --key-type ed25519 --days 7');
    const entry = record().certificates[0];
    expect(entry).toMatchObject({
      name: 'alice',
      purpose: 'client',
      serialNumber: issued.serialNumber,
      folder: 'issued/alice',
      certificate: read('pki/issued/alice/client-certificate.pem'),
    });
    expect(mode('pki/issued/alice/client.key')).toBe('600');
    const { publicKey } = new X509Certificate(entry.certificate);
    expect(publicKey.asymmetricKeyType).toBe('ed25519');
    expect(Date.parse(issued.notAfter) - Date.parse(issued.notBefore)).toBe(7 * day - 1000);
  });

  test.each([
    [
      'server localhost --days 399',
      /--days 399 is too long.*\(server\)\n.*at most 398.*portcullis pki renew/,
    ],
    ['server localhost --days 3650', /too long/],
    ['client alice --days 826', /at most 825/],
    ['server', /a server needs a name/],
    ['client', /a client needs a name/],
    ['client alice --cn bob', /NAME and --cn contradict/],
    ['client alice --spiffe spiffe://Example.org/x', /is no SPIFFE ID/],
    ['client --spiffe spiffe://a/b --uri https://c.test/', /its only URI/],
    ['server localhost --name ../../evil', /cannot be the name of a folder/],
    ['server localhost --name .', /cannot be the name of a folder/],
    ['server *', /bad label/],
    ['server localhost --key-passphrase-file x', /--encrypt-key/],
    ['server --names-from-csr', /without --csr/],
    ['server localhost --names-from-csr', /contradict/],
  ])('refuse: %s', async (line, message) => {
    expect((await refused(line)).err).toMatch(message);
  });

  test('take 398 and 825 days, but none that outlives the authority', async () => {
    await done('server localhost --days 398');
    await done('client alice --days 825');
    await done('init --no-passphrase --days 30 --dir brief');
    const { notAfter } = await json('client alice --dir brief');
    expect(Date.parse(notAfter)).toBe(new Certificate(derOf(read('brief/root.pem'))).notAfter);
    expect((await refused('client bob --days 60 --dir brief')).err).toMatch(/after the issuer's own end/);
    const now = Date.now() + 31 * day;
    expect((await refused('client bob --dir brief', { now })).err).toMatch(
      /ran out on .*\n.*renew --authority/,
    );
  });

  test.each([
    [['server', '*.localhost'], 'wildcard.localhost'],
    [['client', '../../etc/x'], '__.._etc_x'],
    [['client', '/absolute'], '_absolute'],
    [['client', '--cn=-rf'], '_rf'],
    [['client', 'a\\b:c'], 'a_b_c'],
    [['client', 'Zoë Žluťoučký'], 'Zoë_Žluťoučký'],
    [['client', '..'], '_'],
    [['server', '::1'], '__1'],
  ])('call the folder of %j %s', async (words, folder) => {
    const result = await runCli(['pki', ...words], { directory });
    expect(result.err).toBe('');
    expect(fs.readdirSync(file('pki/issued'))).toEqual([folder]);
    expect(fs.readdirSync(directory)).toEqual(['pki']);
    expect(record().certificates[0].name).toBe(folder);
  });

  test('refuse a name that has a folder, and replace its files only by --force', async () => {
    await done('client alice');
    expect((await refused('client alice')).err).toMatch(/client\.key exists already\nhint: .*--force/);
    const old = read('pki/issued/alice/client.key');
    await done('client alice --force');
    expect(read('pki/issued/alice/client.key')).not.toBe(old);
    expect(record().certificates).toHaveLength(2);
    const pair = new X509Certificate(read('pki/issued/alice/client.pem'));
    expect(pair.checkPrivateKey(createPrivateKey(read('pki/issued/alice/client.key')))).toBe(true);
  });

  test('hint at the options that the command has', async () => {
    const { serialNumber } = await json('client alice');
    await done('renew alice --new-key');
    fs.writeFileSync(file('taken'), '');
    fs.mkdirSync(file('new'));
    fs.writeFileSync(file('new/client.pem'), '');
    for (const [line, hint] of [
      ['init --no-passphrase --intermediate --root-out taken --dir two', /hint: .*--dir.*--root-out/],
      [`renew ${serialNumber} --out new`, /hint: Name another folder with --out\.\n/],
      ['export --root --out taken', /hint: Name another file.*--force/],
    ] as const)
      expect((await refused(line)).err).toMatch(hint);
  });

  test('follow no symbolic link to write a key', async () => {
    fs.mkdirSync(file('out'));
    fs.writeFileSync(file('victim'), 'untouched');
    fs.symlinkSync(file('victim'), file('out/client.key'));
    fs.symlinkSync(file('nowhere'), file('out/client.pem'));
    expect((await refused('client alice --out out')).err).toMatch(/out\/client\.key exists already/);
    await done('client alice --out out --force');
    expect(read('victim')).toBe('untouched');
    expect(fs.lstatSync(file('out/client.key')).isFile()).toBe(true);
    expect(fs.existsSync(file('nowhere'))).toBe(false);
  });

  describe('for a request', () => {
    beforeEach(async () => {
      const { request } = await createRequest({ subject: 'evil', names: ['localhost', 'other.test'] });
      fs.writeFileSync(file('server.csr'), request);
    });

    test('show what it asks for, and grant nothing without a word', async () => {
      const { err, code } = await refused('server --csr server.csr');
      expect(code).toBe(2);
      expect(err).toMatch(/the subject CN=evil, dns:localhost, dns:other\.test\n.*--names-from-csr/);
    });

    test('grant the names that are given, or its own when told to', async () => {
      const given = await json('server localhost --csr server.csr');
      expect([given.names.dns, given.subject]).toEqual([['localhost'], { CN: ['localhost'] }]);
      expect(fs.readdirSync(file('pki/issued/localhost')).toSorted()).toEqual([
        'server-certificate.pem',
        'server.pem',
      ]);
      const own = await json('server --csr - --names-from-csr --name own', { input: read('server.csr') });
      expect([own.names.dns, own.subject]).toEqual([['localhost', 'other.test'], { CN: ['evil'] }]);
    });

    test('are read in DER as well', async () => {
      const { request } = await createRequest({ names: ['der.test'] });
      fs.writeFileSync(file('der.csr'), derOf(request));
      const { names } = await json('sign der.csr --names-from-csr');
      expect(names.dns).toEqual(['der.test']);
    });

    test('are issued by pki sign as well, for a server or a client', async () => {
      expect((await refused('sign server.csr')).err).toMatch(/asks for the subject CN=evil/);
      expect((await json('sign server.csr localhost')).names.dns).toEqual(['localhost']);
      const client = await json('sign server.csr device-7 --for client --spiffe spiffe://example.org/7');
      expect(client).toMatchObject({
        purpose: 'client',
        subject: { CN: ['device-7'] },
        names: { dns: [], uri: ['spiffe://example.org/7'] },
        files: { chain: file('pki/issued/device-7/client.pem') },
      });
      expect(client.files.key).toBeUndefined();
      expect((await refused('sign server.csr a b --for client')).err).toMatch(/one common name/);
      expect((await refused('sign server.csr a.test --email x@a.test')).err).toMatch(/are a client's/);
    });

    test('refuse one whose signature is not its key’s, and what is none', async () => {
      const [, body] = /-----BEGIN [A-Z ]+-----\n([^-]*)/.exec(read('server.csr'))!;
      const der = Buffer.from(body!, 'base64');
      der[40]! ^= 1;
      const text = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
      fs.writeFileSync(file('bad.csr'), text);
      fs.writeFileSync(file('none.csr'), 'hello');
      for (const csr of ['bad.csr', 'none.csr', 'pki/root.pem', 'gone.csr'])
        await refused(`server localhost --csr ${csr}`);
      expect((await refused('server localhost --csr server.csr --key-type rsa-2048')).err).toMatch(
        /do not go with --csr/,
      );
    });
  });
});

const derOf = (pem: string): Buffer => Buffer.from(pem.replace(/-----[^-]*-----/g, ''), 'base64');

describe('pki renew', () => {
  test('keeps key, names and place, and only then counts as renewed', async () => {
    await done('server localhost 10.0.0.1 --days 30');
    const key = read('pki/issued/localhost/server.key');
    const before = new X509Certificate(read('pki/issued/localhost/server.pem'));
    const now = Date.now() + 20 * day;
    const renewed = await json('renew pki/issued/localhost/server.pem', { now });
    const after = new X509Certificate(read('pki/issued/localhost/server.pem'));
    expect(read('pki/issued/localhost/server.key')).toBe(key);
    expect(after.subjectAltName).toBe(before.subjectAltName);
    expect(after.publicKey.equals(before.publicKey)).toBe(true);
    expect(renewed).toMatchObject({ renews: before.serialNumber, serialNumber: after.serialNumber });
    expect(Date.parse(renewed.notAfter) - Date.parse(renewed.notBefore)).toBe(30 * day - 1000);
    expect((await json('list --expiring 15', { now })).certificates).toEqual([]);
  });

  test('makes a new key when told to, for the newest of that name', async () => {
    await done('client alice');
    await done('renew alice');
    await done('renew alice --new-key');
    const [first, second, third] = record().certificates;
    expect([first.renews, second.renews, third.renews]).toEqual([
      undefined,
      first.serialNumber,
      second.serialNumber,
    ]);
    const pair = new X509Certificate(read('pki/issued/alice/client.pem'));
    expect(pair.serialNumber).toBe(third.serialNumber);
    expect(pair.checkPrivateKey(createPrivateKey(read('pki/issued/alice/client.key')))).toBe(true);
  });

  test('puts no certificate beside a key that is not its own', async () => {
    const { serialNumber } = await json('client alice');
    await done('renew alice --new-key');
    expect((await refused(`renew ${serialNumber}`)).err).toMatch(
      /was renewed already, by .*\n.*--out FOLDER/,
    );
    await done(`renew ${serialNumber} --out elsewhere`);
    const first = await json('client bob');
    await done('client bob --force');
    for (const how of ['', ' --new-key'])
      expect((await refused(`renew ${first.serialNumber}${how}`)).err).toMatch(
        /of another key by now\n.*--out/,
      );
    await done(`renew ${first.serialNumber} --out bob`);
    fs.rmSync(file('pki/issued/bob/client.pem'));
    fs.copyFileSync(file('pki/issued/alice/client.key'), file('pki/issued/bob/client.key'));
    const [, , , , last] = record().certificates;
    expect((await refused(`renew ${last.serialNumber}`)).err).toMatch(/is not the key of this certificate/);
  });

  test('asks what kind of new key to make for one that is not made here', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2560 });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { request } = await createRequest({ subject: 'alice', key });
    fs.writeFileSync(file('alice.csr'), request);
    await done('client alice --csr alice.csr');
    expect((await refused('renew alice --new-key')).err).toMatch(
      /--key-type: .*not made here \(rsa 2560\)\n.*ecdsa-p256/,
    );
    const renewed = await json('renew alice --new-key --key-type ecdsa-p384 --out new');
    expect(createPrivateKey(fs.readFileSync(renewed.files.key)).asymmetricKeyDetails).toEqual({
      namedCurve: 'secp384r1',
    });
  });

  test('refuses who was revoked, and whom it does not know', async () => {
    await done('client alice');
    await done('revoke alice --reason cessationOfOperation');
    expect((await refused('renew alice')).err).toMatch(/was revoked on .*cessationOfOperation/);
    fs.writeFileSync(file('other.pem'), (await createAuthority()).certificate);
    expect((await refused('renew other.pem')).err).toMatch(/not in the record/);
    expect((await refused('renew alicf')).err).toMatch(/Did you mean 'alice'/);
  });
});

describe('pki renew --authority', () => {
  test('gives the root above an intermediate a new time, without which that gains none', async () => {
    await done('init --no-passphrase --intermediate --root-out root.key --days 400 --dir two');
    await done('client alice --dir two');
    const now = Date.now() + 350 * day;
    await done('crl --dir two', { now });
    const due = await pki('list --expiring 60 --dir two', { now });
    expect(due.err).toMatch(
      /Renew the root: portcullis pki renew --authority --root --root-key FILE; Renew the intermediate: portcullis pki renew --authority --root-key FILE/,
    );
    expect((await refused('renew --authority --root-key root.key --dir two', { now })).err).toMatch(
      /the root ends on .*\n.*renew --authority --root /,
    );
    const old = new X509Certificate(read('two/root.pem'));
    const renewed = await json('renew --authority --root --root-key root.key --dir two', { now });
    const root = new X509Certificate(read('two/root.pem'));
    expect([renewed.role, root.subject, root.publicKey.equals(old.publicKey)]).toEqual([
      'root',
      old.subject,
      true,
    ]);
    expect(read('two/ca.pem')).toBe(read('two/root.pem') + read('two/intermediate.pem'));
    await done('renew --authority --root-key root.key --dir two', { now });
    await done('renew alice --dir two', { now });
    await done('crl --root --root-key root.key --dir two', { now });
    expect((await pki('list --expiring 60 --dir two', { now })).code).toBe(0);
  });

  test('tells by the name of the option what lies beyond the end of the root', async () => {
    await done('init --no-passphrase --intermediate --days 400 --dir two');
    await done('renew --authority --root --days 500 --dir two');
    const { code, err } = await refused('renew --authority --days 600 --dir two');
    expect([code, err]).toEqual([2, expect.stringMatching(/--days: .* is after the issuer's own end/)]);
  });

  test('gives the root a new time, under which what it has issued is good', async () => {
    await done('client alice');
    const old = new X509Certificate(read('pki/root.pem'));
    await done('renew --authority --days 5000', { now: Date.now() + day });
    const root = new X509Certificate(read('pki/root.pem'));
    expect([root.subject, root.publicKey.equals(old.publicKey)]).toEqual([old.subject, true]);
    expect(Date.parse(root.validTo)).toBeGreaterThan(Date.parse(old.validTo));
    const { certificate } = record().certificates[0];
    expect(new X509Certificate(certificate).verify(root.publicKey)).toBe(true);
    await done('revoke alice');
  });

  test('needs the root key for an intermediate', async () => {
    await done('init --no-passphrase --intermediate --root-out root.key --dir two');
    expect((await refused('renew --authority --dir two')).err).toMatch(/--root-key FILE/);
    const old = new X509Certificate(read('two/intermediate.pem'));
    await done('renew --authority --root-key root.key --dir two');
    const renewed = new X509Certificate(read('two/intermediate.pem'));
    expect(renewed.serialNumber).not.toBe(old.serialNumber);
    expect(renewed.verify(new X509Certificate(read('two/root.pem')).publicKey)).toBe(true);
    expect(read('two/ca.pem')).toBe(read('two/root.pem') + read('two/intermediate.pem'));
    await done('server localhost --dir two');
  });

  test.each([
    ['renew', /what shall be renewed/],
    ['renew alice --authority', /renews the authority alone/],
    ['renew --authority --new-key', /renews the authority alone/],
    ['renew alice --root-key x', /--root-key goes with --authority/],
    ['renew alice --root', /--root goes with --authority/],
    ['renew alice --key-type rsa-2048', /--key-type without --new-key/],
  ])('refuses: %s', async (line, message) => {
    expect((await refused(line)).err).toMatch(message);
  });
});

describe('pki revoke', () => {
  test('records it and writes the next list at once, by name, serial number or file', async () => {
    const serials = [];
    for (const name of ['a', 'b', 'c']) serials.push((await json(`client ${name}`)).serialNumber);
    const written = [];
    const colons = serials[1].toLowerCase().match(/../g).join(':');
    for (const word of ['a', colons, 'pki/issued/c/client.pem'])
      written.push((await json(`revoke ${word} --reason superseded`)).crl.number);
    expect(written).toEqual(['2', '3', '4']);
    const shown = await json('show pki/crl.pem');
    expect(shown).toMatchObject({ kind: 'crl', number: '4' });
    expect(shown.revoked.map((one: Json) => [one.serialNumber, one.reason])).toEqual(
      serials.map((serial) => [serial, 'superseded']),
    );
  });

  test('forgets none of a name: asks which, or takes them all', async () => {
    await done('client alice');
    await done('renew alice');
    expect((await refused('revoke alice')).err).toMatch(/'alice' means 2 certificates\n.*--all/);
    expect((await json('revoke alice --all')).revoked).toHaveLength(2);
  });

  test('for a key that has leaked leaves no way to another certificate for it', async () => {
    await done('client alice --days 1');
    await done('renew alice --days 30');
    const now = Date.now() + 5 * day;
    await done('revoke alice --all --reason keyCompromise', { now });
    const told = /its key has leaked/;
    expect((await refused('renew alice', { now })).err).toMatch(told);
    const { request } = await createRequest({ subject: 'bob', key: read('pki/issued/alice/client.key') });
    fs.writeFileSync(file('leaked.csr'), request);
    expect((await refused('client bob --csr leaked.csr', { now })).err).toMatch(told);
    expect((await done('renew alice --new-key', { now })).code).toBe(0);
  });

  test('for a key that has leaked takes all that have it, and else says that they are good still', async () => {
    const { serialNumber } = await json('client alice');
    const second = await json('renew alice');
    fs.copyFileSync(file('pki/issued/alice/client.pem'), file('second.pem'));
    const third = await json('renew alice');
    const other = await json('renew alice --new-key');
    const warned = await done(`revoke ${serialNumber} --reason affiliationChanged`);
    expect(warned.err).toMatch(
      new RegExp(`${second.serialNumber}, ${third.serialNumber}.*--reason keyCompromise`),
    );
    const { revoked } = JSON.parse((await pki('revoke second.pem --reason keyCompromise --json')).out);
    expect(revoked.map((one: Json) => one.serialNumber)).toEqual([second.serialNumber, third.serialNumber]);
    const states = (await json('list')).certificates;
    expect(states.map((one: Json) => [one.status, one.renewedBy])).toEqual([
      ['revoked', other.serialNumber],
      ['revoked', other.serialNumber],
      ['revoked', other.serialNumber],
      ['valid', null],
    ]);
  });

  test('of an intermediate is on the list of the root, with all of its key, and stays there', async () => {
    await done('init --no-passphrase --intermediate --root-out root.key --dir two');
    await done('client alice --dir two');
    const older = read('two/record.json');
    const former = new X509Certificate(read('two/intermediate.pem')).serialNumber;
    await done('renew --authority --root-key root.key --dir two');
    const word = 'revoke two/intermediate.pem --dir two';
    expect((await refused(word)).err).toMatch(/--root-key FILE/);
    expect((await refused('revoke alice --root-key root.key --dir two')).err).toMatch(/of an intermediate/);
    const current = new X509Certificate(read('two/intermediate.pem')).serialNumber;
    const result = await pki(`${word} --root-key root.key --reason keyCompromise`);
    expect([result.code, result.err]).toEqual([0, expect.stringMatching(/issues no more.*pki init/)]);
    const onList = async (): Promise<string[]> =>
      (await json('show two/root-crl.pem')).revoked.map((one: Json) => `${one.serialNumber} ${one.reason}`);
    const both = [`${current} caCompromise`, `${former} caCompromise`];
    expect(await onList()).toEqual(both);
    await done('crl --root --root-key root.key --dir two');
    expect(await onList()).toEqual(both);
    for (const line of ['server localhost', 'renew alice', 'renew --authority --root-key root.key'])
      expect((await refused(`${line} --dir two`)).err).toMatch(/the intermediate was revoked .*\n.*pki init/);
    expect((await json('list --dir two')).authorities[1].revoked).toMatchObject({ reason: 'caCompromise' });
    // Of its clients one may be revoked still.
    await done('revoke alice --dir two');
    fs.writeFileSync(file('two/record.json'), older);
    expect((await refused('server localhost --dir two')).err).toMatch(/the intermediate was revoked/);
    expect((await json('crl --root --root-key root.key --dir two')).revoked).toBe(2);
    expect(await onList()).toEqual(both);
  });

  test('done twice changes nothing, but the reason may follow', async () => {
    await done('client alice');
    const first = await json('revoke alice');
    const again = await json('revoke alice');
    expect([again.changed, again.crl.number, again.revoked[0].at]).toEqual([
      false,
      first.crl.number,
      first.revoked[0].at,
    ]);
    const told = await json('revoke alice --reason keyCompromise');
    expect([told.changed, told.crl.number, told.revoked[0]]).toMatchObject([
      true,
      '3',
      { at: first.revoked[0].at, reason: 'keyCompromise' },
    ]);
  });

  test('is not undone by an older copy of the record', async () => {
    await done('client known');
    const older = read('pki/record.json');
    const { serialNumber } = await json('client unknown');
    const one = await json('revoke known --reason keyCompromise');
    await done('revoke unknown --reason superseded');
    await done('crl');
    fs.writeFileSync(file('pki/record.json'), older);
    const [entry] = (await json('list')).certificates;
    expect([entry.status, entry.revoked]).toMatchObject(['revoked', { reason: 'keyCompromise' }]);
    const { err } = await done('client bob');
    expect(err).toMatch(/warning: pki\/crl\.pem has number 4, and the record knows 1/);
    const next = await json('crl');
    expect([next.number, next.revoked]).toEqual(['5', 2]);
    const shown = await json('show pki/crl.pem');
    expect(shown.revoked.map((each: Json) => [each.serialNumber, each.reason])).toEqual([
      [one.revoked[0].serialNumber, 'keyCompromise'],
      [serialNumber, 'superseded'],
    ]);
    // A record that is copied from elsewhere has another authority's list beside it.
    await done('init --no-passphrase --dir other');
    for (let number = 2; number < 7; number++) await done('crl --dir other');
    fs.copyFileSync(file('other/crl.pem'), file('pki/crl.pem'));
    expect((await json('crl')).number).toBe('6');
    await done('revoke pki/issued/unknown/client.pem');
    expect((await json('show pki/crl.pem')).revoked).toHaveLength(2);
  });

  test('writes its copy over a list only, and never over what is the authority’s own', async () => {
    await done('client alice');
    fs.writeFileSync(file('app.js'), 'mine');
    fs.mkdirSync(file('folder'));
    fs.symlinkSync(file('pki'), file('link'));
    for (const own of ['pki/root.key', 'pki/record.json', 'link/root.pem', 'pki/crl.pem'])
      expect((await refused(`crl --force --out ${own}`)).err).toMatch(/is the authority's own file/);
    expect((await refused('export --root --force --out pki/root.key')).err).toMatch(/own file/);
    for (const other of ['app.js', 'pki/issued/alice/client.key'])
      expect((await refused(`revoke alice --out ${other}`)).err).toMatch(/is no CRL\n.*--force/);
    expect((await refused('revoke alice --out folder')).err).toMatch(/folder is no regular file/);
    expect((await refused('revoke alice --force --out /dev/null')).err).toMatch(/no regular file/);
    await done('crl --out app.js --force');
    await done('crl --out app.js --der');
    await done('crl --out app.js');
    expect(read('app.js')).toBe(read('pki/crl.pem'));
  });

  test.each([
    [['server', '*.api.internal'], '*.api.internal'],
    [['client', '--spiffe', 'spiffe://example.org/payments'], 'spiffe://example.org/payments'],
    [['client', 'ali ce'], 'ali ce'],
    [['client', 'bob', '--name', 'b2'], 'bob'],
    [['client', 'Zo\u00eb'], 'Zoe\u0308'],
    [['client', 'x', '--email', 'x@example.org'], 'x@example.org'],
  ])('finds what %j has issued by %s', async (words, word) => {
    await runCli(['pki', ...words], { directory });
    const { code, err } = await runCli(['pki', 'revoke', word], { directory });
    expect([code, err]).toEqual([0, '']);
    expect(record().certificates[0].revoked).toBeDefined();
  });

  test('asks who is meant where one is called what another one is', async () => {
    await done('client bob --name alice');
    await done('client alice --name b2');
    expect((await refused('revoke alice')).err).toMatch(/'alice' means 2 certificates/);
    expect((await json('renew alice')).subject).toEqual({ CN: ['bob'] });
    expect((await json('revoke alice --all')).revoked).toHaveLength(3);
  });

  test('reaches a certificate that an older copy of the record does not know, but no stranger’s', async () => {
    const older = read('pki/record.json');
    const { serialNumber } = await json('client alice');
    fs.writeFileSync(file('pki/record.json'), older);
    const { revoked } = await json('revoke pki/issued/alice/client.pem');
    expect(revoked[0].serialNumber).toBe(serialNumber);
    const stranger = await (await createAuthority()).issueClientCertificate({ subject: 'alice' });
    fs.writeFileSync(file('stranger.pem'), stranger.certificate);
    expect((await refused('revoke stranger.pem')).err).toMatch(/was not issued by this authority/);
    expect((await refused('revoke pki/root.pem')).err).toMatch(/is an authority/);
  });

  test('writes a copy where a server watches it, and DER for a distribution point', async () => {
    await done('client alice');
    await done('revoke alice --out copy.pem');
    expect(read('copy.pem')).toBe(read('pki/crl.pem'));
    await done('crl --der --out ca.crl --days 3');
    expect(fs.readFileSync(file('ca.crl'))).toEqual(derOf(read('pki/crl.pem')));
    expect((await refused('crl --days 400')).err).toMatch(/at most 366/);
  });
});

describe('of two that change an authority at once', () => {
  test('neither loses what the other did, and no list has another one’s number', async () => {
    await done('client zero');
    const lines = ['client one', 'client two', 'revoke zero', 'crl', 'crl', 'server localhost'];
    const results = await Promise.all(lines.map((line) => json(line)));
    const { certificates, crl } = record();
    expect(certificates.map(({ name }: Json) => name).toSorted()).toEqual([
      'localhost',
      'one',
      'two',
      'zero',
    ]);
    const numbers = results.flatMap((result) => result.crl?.number ?? result.number ?? []);
    expect(new Set(numbers)).toEqual(new Set(['2', '3', '4']));
    expect(numbers).toHaveLength(3);
    expect(crl.number).toBe('4');
    expect((await json('show pki/crl.pem')).revoked).toHaveLength(1);
    expect(fs.readdirSync(file('pki')).filter((name) => /lock|tmp/.test(name))).toEqual([]);
  });

  const lock = (holder: object): void =>
    fs.writeFileSync(
      file('pki/lock'),
      JSON.stringify({
        pid: 2 ** 22 + 1,
        host: hostname(),
        since: new Date().toISOString(),
        token: 'x',
        ...holder,
      }),
    );

  test.each([
    ['has ended', { pid: 2 ** 22 + 1 }],
    ['had this one’s process id', { pid: process.pid }],
    ['ran before the machine started', { pid: 1, since: '2020-01-01T00:00:00Z' }],
  ])('one that %s holds nobody up', async (_what, holder) => {
    lock(holder);
    await Promise.all([done('crl'), done('client alice'), done('crl')]);
    expect(fs.existsSync(file('pki/lock'))).toBe(false);
    expect([record().crl.number, record().certificates.length]).toEqual(['3', 1]);
  });
});

describe('a lock that cannot be judged', () => {
  const wait = (): Promise<void> =>
    withLock({ directory } as Io, file('pki/lock'), () => {}, { waitMs: 0, unsignedMs: 0 });

  test.each([
    [
      'of another machine',
      '{"pid":7,"host":"other","since":"2026-01-01T00:00:00Z","token":"x"}',
      /process 7 on "other"/,
    ],
    [
      'of a process that runs',
      JSON.stringify({ pid: process.ppid, host: hostname(), since: new Date(), token: 'x' }),
      /by process/,
    ],
  ])('%s stays, and is told', async (_what, content, message) => {
    fs.writeFileSync(file('pki/lock'), content);
    await expect(wait()).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringContaining('rm pki/lock'),
    });
    expect(read('pki/lock')).toBe(content);
  });

  test.each([
    ['that nobody has signed', ''],
    ['that is damaged', '{'],
    [
      'whose taking over was cut short',
      JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), since: new Date(), token: 'x' }),
    ],
  ])('%s holds nobody up for ever', async (_what, content) => {
    fs.writeFileSync(file('pki/lock'), content);
    fs.writeFileSync(file('pki/lock.takeover'), '');
    await wait();
    expect(fs.readdirSync(file('pki')).filter((name) => /lock|tmp/.test(name))).toEqual([]);
  });

  test('that is a symbolic link to nowhere is told at once', async () => {
    fs.symlinkSync(file('nowhere'), file('pki/lock'));
    expect((await refused('crl')).err).toMatch(/pki\/lock is no regular file\n.*rm pki\/lock/);
  });
});

describe('where the disk gives up', () => {
  /** From a moment on nothing is done any more, the tidying up included: as for a process that was killed. */
  const killedAt = (place: string): { readonly mockRestore: () => void } => {
    const gone = (): never => {
      throw new Error('killed');
    };
    const real = fs.linkSync;
    const spy = jest.spyOn(fs, 'linkSync').mockImplementation((from, to) => {
      if (!String(to).endsWith(place)) return real(from, to);
      for (const name of ['renameSync', 'rmSync', 'rmdirSync'] as const)
        jest.spyOn(fs, name).mockImplementation(gone);
      return gone();
    });
    return { mockRestore: () => (spy.mockRestore(), jest.restoreAllMocks()) };
  };

  const full = (): never => {
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  };

  test.each([
    ['client alice', 0],
    ['client alice', 1],
    ['client alice', 3],
    ['revoke zero --out a/b.pem', 1],
    ['revoke zero --out a/b.pem', 2],
  ])('during %s after %i writes, everything is as it was', async (line, writes) => {
    await done('client zero');
    const real = fs.fsyncSync;
    let left = writes;
    jest.spyOn(fs, 'fsyncSync').mockImplementation((handle) => (left-- > 0 ? real(handle) : full()));
    const { err } = await refused(line);
    expect(err).toMatch(/cannot be written: the disk is full/);
  });

  test('or the process ends between record and list, the next command brings the list in step', async () => {
    await done('client alice');
    const before = read('pki/crl.pem');
    await done('revoke alice');
    fs.writeFileSync(file('pki/crl.pem'), before);
    await done('client bob');
    expect(read('pki/crl.pem')).toBe(record().crl.pem);
    expect((await json('show pki/crl.pem')).revoked).toHaveLength(1);
  });

  test('and files cannot take their places, nothing is unrecorded', async () => {
    const real = fs.linkSync;
    jest
      .spyOn(fs, 'linkSync')
      .mockImplementation((from, to) => (String(to).endsWith('client.pem') ? full() : real(from, to)));
    const { code, err } = await pki('client alice');
    expect([code, err]).toEqual([3, expect.stringMatching(/client\.pem cannot .* full\n.* is recorded/)]);
    expect(record().certificates.map(({ name }: Json) => name)).toEqual(['alice']);
    expect(fs.readdirSync(file('pki/issued/alice'))).toEqual(
      ['client.key', 'client-certificate.pem'].toSorted(),
    );
  });

  test('for the copy of a list alone, who was revoked is, and the command says so', async () => {
    await done('client alice');
    const real = fs.renameSync;
    jest
      .spyOn(fs, 'renameSync')
      .mockImplementation((from, to) => (String(to).endsWith('copy.pem') ? full() : real(from, to)));
    const { code, err } = await pki('revoke alice --out copy.pem');
    expect([code, err]).toEqual([3, expect.stringMatching(/Revoked, recorded.*only the copy is missing/)]);
    expect(read('pki/crl.pem')).toBe(record().crl.pem);
    expect(record().crl.number).toBe('2');
    expect(fs.readdirSync(directory)).toEqual(['pki']);
  });

  test.each([0, 1, 2, 3])(
    'and the process is killed %i steps into taking back what could not be recorded, nothing is unrecorded',
    async (steps) => {
      const [rename, remove] = [fs.renameSync, fs.rmSync];
      jest
        .spyOn(fs, 'renameSync')
        .mockImplementation((from, to) => (String(to).endsWith('record.json') ? full() : rename(from, to)));
      let left = steps;
      jest.spyOn(fs, 'rmSync').mockImplementation((path, options) => {
        if (/\.[0-9]\.[0-9a-f]{12}\.tmp$|pending/.test(String(path)) && left-- <= 0)
          throw new Error('killed');
        remove(path, options);
      });
      expect((await pki('client alice')).code).toBeGreaterThan(1);
      jest.restoreAllMocks();
      await done('list');
      const recorded = record().certificates.length;
      const handedOut = fs.existsSync(file('pki/issued/alice'))
        ? fs.readdirSync(file('pki/issued/alice'))
        : [];
      expect(recorded === 1 || handedOut.length === 0).toBe(true);
      expect(fs.readdirSync(file('pki')).filter((name) => /lock|tmp|pending/.test(name))).toEqual([]);
    },
  );

  test('a process that was killed while it wrote keys leaves none, and one that was moving them is finished', async () => {
    await done('client zero');
    const killed = killedAt('client.pem');
    await pki('client alice');
    killed.mockRestore();
    await done('list');
    expect(fs.readdirSync(file('pki/issued/alice'))).toHaveLength(3);
    await done('renew alice');
    expect(fs.readdirSync(file('pki')).filter((name) => /lock|tmp|pending/.test(name))).toEqual([]);
  });
});

describe('pki list', () => {
  test('tells what ends soon by its exit code, renewed and revoked ones aside', async () => {
    await done('client brief --days 5');
    await done('client long --days 80');
    await done('client gone --days 5');
    await done('revoke gone');
    const now = Date.now();
    const soon = await pki('list --expiring 10', { now });
    expect([soon.code, soon.err]).toEqual([1, expect.stringMatching(/1 certificate ends within 10 days/)]);
    expect(soon.out).toMatch(/brief/);
    expect(soon.out).not.toMatch(/long|gone/);
    expect((await pki('list --expiring 3', { now })).code).toBe(0);
    await done('renew brief --days 80', { now });
    expect((await pki('list --expiring 10', { now })).code).toBe(0);
    const lapsed = await pki('list --expiring 1', { now: now + 31 * day });
    expect([lapsed.code, lapsed.err]).toEqual([1, expect.stringMatching(/the CRL has run out\n.*pki crl/)]);
    const states = (await json('list', { now: now + 6 * day })).certificates;
    expect(states.map((one: Json) => [one.name, one.status])).toEqual([
      ['brief', 'expired'],
      ['long', 'valid'],
      ['gone', 'revoked'],
      ['brief', 'valid'],
    ]);
    expect(states[0].renewedBy).toBe(states[3].serialNumber);
  });

  test('tells what has ended until it is renewed, revoked or issued again, and what only a revoked one renewed', async () => {
    for (const name of ['one', 'two', 'three']) await done(`client ${name} --days 5`);
    await done('renew three');
    const third = record().certificates[3].serialNumber;
    await done(`revoke ${third} --reason superseded`);
    const now = Date.now() + 20 * day;
    const due = await pki('list --expiring 3 --json', { now });
    expect([due.code, due.err]).toEqual([1, expect.stringMatching(/3 certificates have ended\n/)]);
    expect(JSON.parse(due.out).certificates.map(({ name }: Json) => name)).toEqual(['one', 'two', 'three']);
    await done('renew one --days 10', { now });
    await done('client two --days 10 --force', { now });
    await done('revoke three --all', { now });
    expect((await pki('list --expiring 3', { now })).code).toBe(0);
  });

  test('tells that the list of the root above an intermediate has run out', async () => {
    await done('init --no-passphrase --intermediate --dir two');
    const now = Date.now() + 367 * day;
    await done('crl --dir two', { now });
    const { code, err, out } = await pki('list --expiring 1 --dir two', { now });
    expect([code, err]).toEqual([1, expect.stringMatching(/the root's CRL has run out\n.*pki crl --root/)]);
    expect(out).toMatch(/root CRL: number 1, ran out on/);
    await done('crl --root --dir two', { now });
    expect((await json('list --expiring 1 --dir two', { now })).rootCrl.lapsed).toBe(false);
  });
});

describe('a file that is none', () => {
  beforeEach(() => fs.symlinkSync('loop', file('loop')));

  test.each([
    ['sign /dev/zero a.test', /\/dev\/zero is no regular file/],
    ['init --dir x --passphrase-file /dev/zero', /\/dev\/zero is no regular file/],
    ['show /dev/zero', /\/dev\/zero is no regular file/],
    ['sign loop a.test', /loop cannot be read: too many symbolic links/],
    ['show loop', /there is no file, serial number or name 'loop'/],
    [`revoke ${'x'.repeat(300)}`, /there is no file, serial number or name 'x+'/],
    [`crl --out ${'x'.repeat(300)}`, /cannot be written: the name is too long/],
    ['crl --out loop/x', /cannot be written: too many symbolic links/],
    ['crl --out /proc/x/crl.pem', /\/proc\/x\/crl\.pem cannot be written: no such file or folder/],
  ])('ends in a word, and changes nothing: %s', async (line, message) => {
    expect((await refused(line)).err).toMatch(message);
  });
});

describe('pki show', () => {
  test('escapes what would steer a terminal, and shows no key', async () => {
    const odd = oddCertificate({
      issuer: oddAuthority(),
      subject: oddName(attribute('CN', 'red\u001b[31m\nbell\u0007\u202egnp.exe')),
    });
    fs.writeFileSync(file('odd.pem'), odd.certificate);
    const { out } = await done('show odd.pem');
    expect(out).toContain('CN=red\\x1b[31m\\nbell\\x07\\u{202e}gnp.exe');
    expect(out).toMatch(/^[\n\x20-\x7e]*$/);
    expect((await refused('show pki/root.key')).err).toMatch(/Keys are not shown/);
  });

  test('tells certificates, requests and lists apart, with or without an authority', async () => {
    const { request } = await createRequest({ names: ['a.test'] });
    expect(await json('show - --dir pki', { input: request })).toMatchObject({ kind: 'request' });
    await done('client alice');
    expect(await json('show alice')).toMatchObject({ kind: 'certificate', status: 'valid', name: 'alice' });
    for (const [name, pem] of [
      ['request', request],
      ['crl', read('pki/crl.pem')],
      ['certificate', read('pki/root.pem')],
    ] as const) {
      fs.writeFileSync(file(`${name}.der`), derOf(pem));
      expect(await json(`show ${name}.der`)).toMatchObject({ kind: name });
    }
    fs.renameSync(file('pki'), file('other'));
    expect(await json('show other/root.pem')).toMatchObject({ kind: 'certificate', authority: true });
  });
});

describe('pki export', () => {
  test('gives the root, and says how it comes to be trusted', async () => {
    const { out, err } = await done('export --root');
    expect(out).toBe(read('pki/root.pem'));
    expect(err).toMatch(/SHA-256 (?:[0-9A-F]{2}:){31}/);
    for (const system of ['Debian', 'macOS', 'Windows', 'Firefox']) expect(err).toContain(system);
    await done('export --root --out root.pem');
    expect(read('root.pem')).toBe(out);
  });

  test('asks for the key that stayed with its owner', async () => {
    const { request, key } = await createRequest({ subject: 'device' });
    fs.writeFileSync(file('device.csr'), request);
    await done('client device --csr device.csr');
    expect((await refused('export device --p12 d.p12')).err).toMatch(/is not here\nhint: .*--key/);
    fs.writeFileSync(file('device.key'), key, { mode: 0o644 });
    fs.chmodSync(file('device.key'), 0o644);
    expect((await refused('export device --p12 d.p12 --key device.key')).err).toMatch(
      /chmod 600 device\.key/,
    );
  });

  test('leaves a name out that PKCS#12 cannot show', async () => {
    await runCli(['pki', 'client', '𠮷野'], { directory });
    const { code } = await runCli(['pki', 'export', '𠮷野', '--p12', 'a.p12'], { directory });
    expect([code, mode('a.p12')]).toEqual([0, '600']);
  });

  test.each([
    ['export', /what shall be exported/],
    ['export alice', /--p12 FILE is missing/],
    ['export alice --p12 a --modern --compatible', /contradict/],
    ['export alice --root', /--root exports the root alone/],
    ['export alice --p12 a', /there is no file, serial number or name 'alice'/],
  ])('refuses: %s', async (line, message) => {
    expect((await refused(line)).err).toMatch(message);
  });
});
