import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import { createServer, type PortcullisServer, problemDetails, requireClientCertificate } from 'portcullis';
import { readPfx } from '../../lib/credentials/pfx/pfx.ts';
import { type CliResult, type CliSurroundings, runCli } from '../cli/harness.ts';
import { issuerOf, oddCertificate } from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { commonName, generalName } from '../support/odd-names.ts';
import { type Browser, openBrowser } from './support/browser.ts';
import { type Outcome, run } from './support/program.ts';

let directory: string;
const file = (name: string): string => join(directory, name);
const read = (name: string): string => readFileSync(file(name), 'utf8');

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-cli-pki-'));
});

const closers: Array<() => Promise<unknown>> = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const pki = (line: string, surroundings: CliSurroundings = {}): Promise<CliResult> =>
  runCli(['pki', ...line.split(' ')], { directory, ...surroundings });

async function done(line: string, surroundings: CliSurroundings = {}): Promise<CliResult> {
  const result = await pki(line, surroundings);
  expect(`${result.err}${result.code}`).toMatch(/0$/);
  return result;
}

const openssl = (...args: string[]): Promise<Outcome> => run('openssl', args, { cwd: directory });

/** As strict as it can be: RFC 5280 to the letter, and revocation looked up. */
const verify = (dir: string, purpose: string, name: string, chain: string): Promise<Outcome> =>
  openssl(
    'verify',
    '-x509_strict',
    '-check_ss_sig',
    '-auth_level',
    '2',
    '-purpose',
    purpose,
    '-crl_check',
    '-CAfile',
    `${dir}/root.pem`,
    '-CRLfile',
    `${dir}/crl.pem`,
    '-untrusted',
    chain,
    name,
  );

interface Served {
  readonly server: PortcullisServer;
  readonly port: number;
}

/** `/` for everybody, `/admin` for verified clients, by the files of an authority. */
async function serve(dir: string): Promise<Served> {
  const app = express();
  app.get('/', (_request, response) => {
    response.send('for everyone');
  });
  app.get('/admin', requireClientCertificate(), ({ tls }, response) => {
    response.send(`hello ${tls!.clientCertificate!.subject['CN']?.join()}`);
  });
  app.use(problemDetails());
  const server = createServer(
    {
      certificate: {
        keyFile: file(`${dir}/issued/localhost/server.key`),
        certFile: file(`${dir}/issued/localhost/server.pem`),
      },
      clientAuth: {
        mode: 'optional',
        ca: { file: file(`${dir}/ca.pem`) },
        crl: { file: file(`${dir}/crl.pem`) },
      },
      watch: false,
    },
    app,
  );
  return { server, port: await listen(server) };
}

async function listen(server: PortcullisServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

const curl = (port: number, dir: string, name: string, ...args: string[]): Promise<Outcome> =>
  run(
    'curl',
    ['--silent', '--show-error', '--noproxy', '*', '--cacert', `${dir}/root.pem`].concat(
      ['--cert', `${dir}/issued/${name}/client.pem`, '--key', `${dir}/issued/${name}/client.key`],
      [...args, '--resolve', `localhost:${port}:127.0.0.1`, `https://localhost:${port}/admin`],
    ),
    { cwd: directory },
  );

describe.each([
  ['a development root', ''],
  ['an intermediate', '--intermediate'],
  [
    'an RSA root for given names',
    '--key-type rsa-2048 --permit localhost --permit example.org --permit 127.0.0.1',
  ],
  ['an Ed25519 root for all names', '--key-type ed25519 --unconstrained'],
])('%s', (what, options) => {
  const dir = what.replaceAll(' ', '-');

  beforeAll(async () => {
    await done(`init --no-passphrase --dir ${dir} ${options}`.trim());
    await done(`server localhost 127.0.0.1 --dir ${dir}`);
    await done(`client alice --dir ${dir}`);
    await done(`client bob --email bob@example.org --spiffe spiffe://example.org/bob --dir ${dir}`);
  });

  test('is verified by openssl, and lets curl in until a client is revoked', async () => {
    const { server, port } = await serve(dir);
    const issued = `${dir}/issued`;
    for (const [purpose, name] of [
      ['sslserver', 'localhost/server'],
      ['sslclient', 'alice/client'],
      ['sslclient', 'bob/client'],
    ] as const) {
      const { status, stderr } = await verify(
        dir,
        purpose,
        `${issued}/${name}-certificate.pem`,
        `${issued}/${name}.pem`,
      );
      expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' });
    }
    for (const version of ['1.2', '1.3'])
      expect((await curl(port, dir, 'alice', `--tlsv${version}`, '--tls-max', version)).stdout).toBe(
        'hello alice',
      );
    await done(`revoke alice --reason keyCompromise --dir ${dir}`);
    await server.reload();
    expect((await curl(port, dir, 'alice')).stdout).toMatch(/CLIENT_CERTIFICATE_REVOKED/);
    expect((await curl(port, dir, 'bob')).stdout).toBe('hello bob');
    const revoked = await verify(
      dir,
      'sslclient',
      `${issued}/alice/client-certificate.pem`,
      `${issued}/alice/client.pem`,
    );
    expect(revoked.stdout + revoked.stderr).toMatch(/certificate revoked/);
    const lists =
      read(`${dir}/crl.pem`) + (existsSync(file(`${dir}/root-crl.pem`)) ? read(`${dir}/root-crl.pem`) : '');
    writeFileSync(file(`${dir}.crls`), lists);
    const all = ['-crl_check_all', '-CAfile', `${dir}/ca.pem`, '-CRLfile', `${dir}.crls`];
    const whole = await openssl('verify', '-x509_strict', ...all, `${issued}/bob/client-certificate.pem`);
    expect([whole.status, whole.stderr]).toEqual([0, '']);
    const issuer = existsSync(file(`${dir}/intermediate.pem`)) ? 'intermediate' : 'root';
    const list = await openssl(
      'crl',
      '-in',
      `${dir}/crl.pem`,
      '-noout',
      '-text',
      '-CAfile',
      `${dir}/${issuer}.pem`,
    );
    expect(list.stderr).toMatch(/verify OK/);
    expect(list.stdout).toMatch(/X509v3 CRL Number:\s+2[\s\S]*Serial Number: [0-9A-F]+[\s\S]*Key Compromise/);
  });

  test('signs what openssl asks for, with the names that it is told', async () => {
    const asked = ['-subj', '/O=Evil/CN=admin', '-addext', 'subjectAltName=DNS:localhost'];
    const more = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=keyCertSign'];
    const into = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${dir}.key`, '-out', `${dir}.csr`];
    const made = await openssl('req', '-new', ...into, ...asked, ...more);
    expect(made.status).toBe(0);
    await done(`server localhost --csr ${dir}.csr --name asked --dir ${dir}`);
    const { status, stderr } = await verify(
      dir,
      'sslserver',
      `${dir}/issued/asked/server-certificate.pem`,
      `${dir}/issued/asked/server.pem`,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const text = await openssl('x509', '-in', `${dir}/issued/asked/server.pem`, '-noout', '-text');
    expect(text.stdout).toMatch(/CA:FALSE/);
    expect(text.stdout).not.toMatch(/Evil|Certificate Sign/);
  });
});

/** Whoever steals a key is not bound by what this command refuses: those who verify have to refuse. */
test('openssl, curl and Chromium keep an authority to its names, whoever has its key', async () => {
  await done('init --no-passphrase --dir stolen --permit localhost');
  await done('server localhost --dir stolen');
  const root = { certificate: read('stolen/root.pem'), key: read('stolen/root.key') };
  const forged = oddCertificate({
    issuer: issuerOf(root),
    subject: commonName('localhost'),
    extensions: {
      extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]),
      subjectAltName: extension.subjectAltName([
        generalName.dns('localhost'),
        generalName.dns('example.org'),
      ]),
    },
  });
  writeFileSync(file('forged.pem'), forged.certificate);
  const told = await verify('stolen', 'sslserver', 'forged.pem', 'forged.pem');
  expect(told.stdout + told.stderr).toMatch(/permitted subtree violation/);
  const bad = await listen(
    createServer({ key: forged.key, cert: forged.certificate }, (_request, response) =>
      response.end('forged'),
    ),
  );
  const { port: good } = await serve('stolen');
  const ask = async (port: number): Promise<Outcome> =>
    run('curl', [
      '--silent',
      '--show-error',
      '--noproxy',
      '*',
      '--cacert',
      file('stolen/root.pem'),
      '--resolve',
      `localhost:${port}:127.0.0.1`,
      `https://localhost:${port}/`,
    ]);
  expect((await ask(good)).stdout).toBe('for everyone');
  expect((await ask(bad)).stderr).toMatch(/permitted subtree violation/);
  const browser = await openBrowser({ origin: `https://localhost:${good}`, ca: root.certificate });
  closers.unshift(browser.close);
  const page = await browser.context.newPage();
  expect((await page.goto(`https://localhost:${good}`))?.status()).toBe(200);
  await expect(page.goto(`https://localhost:${bad}`)).rejects.toThrow(/ERR_CERT_/);
});

describe('a PKCS#12 file', () => {
  const passwords = { compatible: '', modern: '' };

  beforeAll(async () => {
    await done('init --no-passphrase --intermediate --dir office');
    await done('server localhost --dir office');
    await done('client alice --email alice@example.org --dir office');
    for (const kind of ['compatible', 'modern'] as const) {
      const { out } = await done(`export alice --p12 ${kind}.p12 --${kind} --dir office --json`);
      passwords[kind] = (JSON.parse(out) as { password: string }).password;
    }
  });

  test.each(['compatible', 'modern'] as const)(
    'that is %s is for its owner alone, and read by openssl, NSS and ourselves',
    async (kind) => {
      expect((statSync(file(`${kind}.p12`)).mode & 0o777).toString(8)).toBe('600');
      expect(passwords[kind]).toMatch(/^(?:[a-z2-9]{5}-){4}[a-z2-9]{5}$/);
      const environment = { PASSWORD: passwords[kind] };
      const shown = await run(
        'openssl',
        ['pkcs12', '-in', `${kind}.p12`, '-passin', 'env:PASSWORD', '-nodes', '-info'],
        { cwd: directory, environment },
      );
      expect(shown.stdout).toMatch(/friendlyName: alice[\s\S]*BEGIN CERTIFICATE[\s\S]*BEGIN PRIVATE KEY/);
      const nss = await run('pk12util', ['-l', `${kind}.p12`, '-W', passwords[kind]], { cwd: directory });
      expect(nss.stdout).toMatch(/Key\(shrouded\)[\s\S]*alice/);
      const { key, certificates } = readPfx(readFileSync(file(`${kind}.p12`)), passwords[kind], 'pfx');
      expect(certificates[0].x509.checkPrivateKey(key)).toBe(true);
      expect(certificates).toHaveLength(2);
    },
  );

  test('is imported by Chromium, which reaches the protected route with it by the constrained root', async () => {
    const { server, port } = await serve('office');
    const origin = `https://localhost:${port}`;
    const ca = read('office/root.pem');
    const visit = async ({ context }: Browser): Promise<{ status: number; text: string }> => {
      const page = await context.newPage();
      const response = await page.goto(`${origin}/admin`);
      const answer = { status: response!.status(), text: await response!.text() };
      await page.close();
      return answer;
    };
    const nobody = await openBrowser({ origin, ca });
    closers.unshift(nobody.close);
    const pkcs12 = [{ file: file('compatible.p12'), passphrase: passwords.compatible }];
    const alice = await openBrowser({ origin, ca, pkcs12 });
    closers.unshift(alice.close);
    expect((await visit(nobody)).text).toMatch(/CLIENT_CERTIFICATE_REQUIRED/);
    expect(await visit(alice)).toEqual({ status: 200, text: 'hello alice' });
    await done('revoke alice --dir office');
    await server.reload();
    // On the connection that is open already.
    expect((await visit(alice)).text).toMatch(/CLIENT_CERTIFICATE_REVOKED/);
  });
});

describe('a passphrase', () => {
  const secret = 'correct horse battery staple';

  test('is asked for twice, encrypts both keys, and is asked for once to issue', async () => {
    const { err } = await done('init --intermediate --dir safe', { secrets: [secret, secret] });
    expect(err).toMatch(/New passphrase of the authority in safe: Once more: /);
    for (const key of ['root', 'intermediate'])
      expect(read(`safe/${key}.key`)).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    const nobody = await pki('server localhost --dir safe');
    expect([nobody.code, nobody.err]).toEqual([
      2,
      expect.stringMatching(/no passphrase for safe\/intermediate/),
    ]);
    const wrong = await pki('server localhost --dir safe', { secrets: ['a wrong one'] });
    expect([wrong.code, wrong.err]).toEqual([
      3,
      expect.stringMatching(/cannot be used with this passphrase/),
    ]);
    writeFileSync(file('pass'), `${secret}\n`, { mode: 0o600 });
    const right = await done('server localhost --dir safe --passphrase-file pass', { secrets: [] });
    const environment = { PORTCULLIS_PASSPHRASE: secret };
    const last = await done('crl --dir safe', { environment });
    expect([wrong, right, last].map(({ out, err: told }) => out + told).join()).not.toMatch(
      /a wrong one|horse/,
    );
    const opened = await run('openssl', [
      'pkey',
      '-in',
      file('safe/root.key'),
      '-passin',
      `file:${file('pass')}`,
    ]);
    expect(opened.stdout).toMatch(/BEGIN PRIVATE KEY/);
  });

  test('of its own encrypts the key of a client, and opens it to export it', async () => {
    await done('init --no-passphrase --dir keys');
    const environment = { PORTCULLIS_KEY_PASSPHRASE: secret };
    await done('client alice --encrypt-key --dir keys', { environment });
    expect(read('keys/issued/alice/client.key')).toMatch(/^-----BEGIN ENCRYPTED/);
    expect((await pki('export alice --p12 a.p12 --dir keys')).err).toMatch(/no passphrase for .*client\.key/);
    expect((await pki('renew alice --new-key --dir keys')).err).toMatch(/is encrypted\n.*--encrypt-key/);
    await done('renew alice --new-key --encrypt-key --dir keys', { environment });
    await done('export alice --p12 a.p12 --dir keys', {
      environment: { ...environment, PORTCULLIS_P12_PASSWORD: 'a password of my own' },
    });
    expect(readPfx(readFileSync(file('a.p12')), 'a password of my own', 'pfx').certificates).toHaveLength(1);
  });
});

describe('processes', () => {
  const program = resolve(import.meta.dirname, '../../bin/portcullis');

  const start = (line: string): Promise<{ code: number | null; signal: string | null; out: string }> =>
    new Promise((settle, fail) => {
      const child = spawn(process.execPath, [program, 'pki', ...line.split(' '), '--json'], {
        cwd: directory,
        env: { PATH: process.env['PATH'] },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.once('error', fail);
      child.once('close', (code, signal) => settle({ code, signal, out }));
    });

  interface Recorded {
    readonly crl: { readonly number: string };
    readonly certificates: ReadonlyArray<{ readonly name: string; readonly revoked?: object }>;
  }
  const record = (): Recorded => JSON.parse(read('many/record.json')) as Recorded;

  beforeAll(async () => {
    await done('init --no-passphrase --dir many');
    await done('client victim --dir many');
  });

  test('that change an authority at once lose nothing', async () => {
    const lines = ['client a', 'client b', 'server localhost', 'revoke victim', 'crl', 'crl'];
    const results = await Promise.all(lines.map((line) => start(`${line} --dir many`)));
    expect(results.map(({ code }) => code)).toEqual(lines.map(() => 0));
    const { certificates, crl } = record();
    expect(certificates.map(({ name }) => name).toSorted((x, y) => x.localeCompare(y))).toEqual([
      'a',
      'b',
      'localhost',
      'victim',
    ]);
    const numbers = results.flatMap(({ out }) => /"number": "(\d+)"/.exec(out)?.[1] ?? []);
    expect(new Set(numbers)).toEqual(new Set(['2', '3', '4']));
    expect(crl.number).toBe('4');
    expect(existsSync(file('many/lock'))).toBe(false);
  });

  test('that are killed on their way leave an authority that works, and a number that grows', async () => {
    let last = BigInt(record().crl.number);
    for (const delay of [60, 90, 110, 130, 150, 170, 190, 220]) {
      const child = spawn(process.execPath, [program, 'pki', 'client', `k${delay}`, '--dir', 'many'], {
        cwd: directory,
        stdio: 'ignore',
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), delay);
      await once(child, 'close');
      clearTimeout(timer);
      const out = (await done('crl --dir many --json')).out;
      const number = BigInt((JSON.parse(out) as { number: string }).number);
      expect(number).toBe(last + 1n);
      last = number;
      const known = record().certificates.some(({ name }) => name === `k${delay}`);
      const certificate = file(`many/issued/k${delay}/client.pem`);
      // What was handed out is known.
      const handedOut = existsSync(certificate) && statSync(certificate).size > 0;
      expect(known || !handedOut).toBe(true);
    }
    expect(read('many/crl.pem')).toBe((record().crl as unknown as { pem: string }).pem);
  });
});
