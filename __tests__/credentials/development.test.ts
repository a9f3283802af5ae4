import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Logger, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import supertest from 'supertest';
import {
  developmentAuthority,
  makeDevelopmentCertificate,
  readDevelopmentCertificate,
} from '../../lib/credentials/development/development.ts';
import {
  type DevelopmentFiles,
  developmentFiles,
} from '../../lib/credentials/development/development-files.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { closeAll, failedHandshake, handshake, listen, Recording } from '../listener/harness.ts';
import { type OddCertificate, oddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { generalName } from '../support/odd-names.ts';

const day = 86_400_000;
const before = process.env['PORTCULLIS_HOME'];
let home: string;
let files: DevelopmentFiles;
let logger: { info: jest.Mock<Logger['info']>; warn: jest.Mock<Logger['warn']> };

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'development-'));
  process.env['PORTCULLIS_HOME'] = home;
  files = developmentFiles();
  logger = { info: jest.fn<Logger['info']>(), warn: jest.fn<Logger['warn']>() };
});
afterEach(async () => {
  await closeAll();
  rmSync(home, { recursive: true, force: true });
  if (before === undefined) delete process.env['PORTCULLIS_HOME'];
  else process.env['PORTCULLIS_HOME'] = before;
});

const start = (options: PortcullisOptions = {}): PortcullisServer =>
  createServer({ logger, ...options }, (_request, response) => response.end('in'));
/** Every server says in one line what it is. */
const isSummary = (line: string): boolean => line.startsWith('Portcullis: listening on ');
const read = (file: string): string => readFileSync(file, 'utf8');
const fingerprint = (file: string): string => new X509Certificate(readFileSync(file)).fingerprint256;

/** The certificate that a client is given that trusts the authority on disk. */
async function served(server: PortcullisServer, client: ConnectionOptions = {}): Promise<string> {
  const socket = await handshake(await listen(server), {
    ca: read(files.authority),
    rejectUnauthorized: true,
    servername: 'localhost',
    ...client,
  });
  return socket.getPeerX509Certificate()!.fingerprint256;
}

describe('without any certificate, createServer', () => {
  it('serves supertest at once, and a client that trusts the authority believes it', async () => {
    const server = start();
    const answer = await supertest(server).get('/').disableTLSCerts();
    expect([answer.status, answer.text]).toEqual([200, 'in']);
    for (const servername of ['localhost', ''])
      await expect(served(start(), { servername })).resolves.toBe(fingerprint(files.localhost));
  });

  it('lets those who come early wait, however many', async () => {
    const port = await listen(start());
    const sockets = await Promise.all(Array.from({ length: 5 }, () => handshake(port)));
    expect(new Set(sockets.map((socket) => socket.getPeerX509Certificate()!.fingerprint256))).toEqual(
      new Set([fingerprint(files.localhost)]),
    );
  });

  it('is hardened as with a certificate of its own', async () => {
    const failures = new Recording('portcullis:handshake-error');
    const ca = read((await made()).authority);
    rmSync(files.localhost);
    const port = await listen(start({ profile: 'modern', clientAuth: { mode: 'required', ca } }));
    await failedHandshake(port, { maxVersion: 'TLSv1.2' });
    await handshake(port);
    const codes = [await failures.take(1), await failures.take(2)].map(({ code }) => code);
    expect(codes).toEqual(['ERR_SSL_UNSUPPORTED_PROTOCOL', 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE']);
  });

  it('keeps the keys from others', async () => {
    await made();
    const modes = [join(home, 'development'), files.authorityKey, files.localhost, files.authority].map(
      (file) => (statSync(file).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(['700', '600', '600', '644']);
    expect(read(files.authority)).not.toContain('PRIVATE KEY');
    expect(readdirSync(join(home, 'development'))).toHaveLength(3);
  });

  it('says once where the authority lies, however many servers there are', async () => {
    jest.resetModules();
    const ownProcess = await import('portcullis');
    for (let count = 0; count < 3; count++)
      await handshake(await listen(ownProcess.createServer({ logger })));
    const told = logger.info.mock.calls.filter(([line]) => !isSummary(line));
    expect(told).toEqual([[expect.stringContaining(files.authority)]]);
    expect(logger.warn).not.toHaveBeenCalled();
  });

  it('closes before the certificate is there, and nothing happens later', async () => {
    const server = start();
    await listen(server);
    server.close();
    await made();
    expect(server.listening).toBe(false);
  });

  it('asks the disk for nothing where it has a certificate', async () => {
    const { key, chain } = await (
      await developmentAuthority(files, Date.now())
    ).authority.issueServerCertificate({ names: ['localhost'] });
    rmSync(home, { recursive: true });
    await handshake(await listen(start({ key, cert: chain })));
    expect(() => statSync(home)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});

/** A first start, up to the files. */
async function made(): Promise<DevelopmentFiles> {
  const { notKept } = await makeDevelopmentCertificate(files, Date.now());
  expect(notKept).toBeUndefined();
  return files;
}

describe('a second start', () => {
  it('serves the same certificate, and writes nothing', async () => {
    await made();
    const kept = [files.authority, files.authorityKey, files.localhost].map(read);
    await expect(served(start())).resolves.toBe(fingerprint(files.localhost));
    expect([files.authority, files.authorityKey, files.localhost].map(read)).toEqual(kept);
  });

  it.each<[string, (kept: string) => void]>([
    ['is damaged', (kept) => writeFileSync(files.localhost, kept.slice(0, 500))],
    ['is empty', () => writeFileSync(files.localhost, '')],
    ['is gone', () => rmSync(files.localhost)],
    [
      'has another key',
      (kept) =>
        writeFileSync(
          files.localhost,
          kept.replace(
            /-----BEGIN PRIVATE[\s\S]*/,
            read(files.authorityKey).replace(/^[\s\S]*(?=-----BEGIN PRIVATE)/, ''),
          ),
        ),
    ],
  ])('makes a new certificate by the same authority where the old one %s', async (_what, damage) => {
    await made();
    const [authority, certificate] = [fingerprint(files.authority), fingerprint(files.localhost)];
    damage(read(files.localhost));
    await expect(served(start())).resolves.not.toBe(certificate);
    expect(fingerprint(files.authority)).toBe(authority);
  });

  it('restores the authority’s certificate from beside its key', async () => {
    await made();
    const authority = fingerprint(files.authority);
    rmSync(files.authority);
    await handshake(await listen(start()));
    expect(fingerprint(files.authority)).toBe(authority);
  });

  it('makes another authority where the old one’s key is damaged, and a certificate by it', async () => {
    await made();
    const authority = fingerprint(files.authority);
    writeFileSync(files.authorityKey, 'damaged');
    rmSync(files.authority);
    await handshake(await listen(start()));
    expect(fingerprint(files.authority)).not.toBe(authority);
    await expect(served(start())).resolves.toBe(fingerprint(files.localhost));
  });

  it('does not serve the certificate of another authority than the one that clients were given', async () => {
    await made();
    const kept = read(files.localhost);
    rmSync(join(home, 'development'), { recursive: true });
    await made();
    writeFileSync(files.localhost, kept);
    expect(readDevelopmentCertificate(files, Date.now())).toBeUndefined();
  });

  it('makes a new certificate in the last week of the old one', async () => {
    await made();
    const { notAfter } = new Certificate(new X509Certificate(readFileSync(files.localhost)).raw);
    expect(readDevelopmentCertificate(files, notAfter - 7 * day)).toBeDefined();
    expect(readDevelopmentCertificate(files, notAfter - 7 * day + 1)).toBeUndefined();
  });

  it('serves no certificate that is not valid yet', async () => {
    await made();
    expect(readDevelopmentCertificate(files, Date.now() - day)).toBeUndefined();
  });

  it('makes a new authority before the old one could expire under its certificates', async () => {
    await made();
    const old = fingerprint(files.authority);
    const { notAfter } = new Certificate(new X509Certificate(readFileSync(files.authority)).raw);
    await developmentAuthority(files, notAfter - 100 * day);
    expect(fingerprint(files.authority)).toBe(old);
    await developmentAuthority(files, notAfter - 100 * day + 1);
    expect(fingerprint(files.authority)).not.toBe(old);
  });
});

describe('on a disk that keeps nothing', () => {
  it('createServer serves all the same, and warns', async () => {
    writeFileSync(join(home, 'development'), 'no folder');
    await handshake(await listen(start()));
    expect(logger.warn.mock.calls).toEqual([
      [expect.stringMatching(/for this process only.*(EEXIST|ENOTDIR)/)],
    ]);
    expect(logger.info.mock.calls.filter(([line]) => !isSummary(line))).toEqual([]);
  });

  it('createServer serves by the authority that it can read', async () => {
    await made();
    const authority = read(files.authority);
    rmSync(files.localhost);
    rmSync(files.authority);
    mkdirSync(files.authority);
    const socket = await handshake(await listen(start()), { ca: authority, servername: 'localhost' });
    expect(socket.authorized).toBe(true);
    expect(logger.warn).toHaveBeenCalledTimes(1);
    expect(readdirSync(join(home, 'development')).toSorted()).toEqual([
      'authority.key',
      'authority.pem',
      'localhost.pem',
    ]);
  });
});

describe('the development authority', () => {
  it('is one, where several start at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 4 }, () => makeDevelopmentCertificate(files, Date.now())),
    );
    const authority = new X509Certificate(readFileSync(files.authority));
    for (const { pair } of results) expect(pair.leaf.x509.verify(authority.publicKey)).toBe(true);
    expect(readDevelopmentCertificate(files, Date.now())).toBeDefined();
    expect(read(files.authorityKey)).toContain(read(files.authority));
  });

  it.each<[string, Buffer, boolean]>([
    ['localhost', generalName.dns('localhost'), true],
    ['a name below localhost', generalName.dns('app.localhost'), true],
    ['an address of this machine', generalName.ip(Buffer.from([127, 0, 0, 1])), true],
    ['any other name', generalName.dns('example.org'), false],
    ['a name that ends like localhost', generalName.dns('evil-localhost'), false],
    ['an address elsewhere', generalName.ip(Buffer.from([192, 0, 2, 1])), false],
  ])(
    'vouches for this machine only: who trusts it and meets a certificate for %s',
    async (_what, name, believed) => {
      await made();
      const { key, certificate } = oddCertificate({
        issuer: issuerOf(new Certificate(new X509Certificate(readFileSync(files.authority)).raw)),
        extensions: { subjectAltName: extension.subjectAltName([name]), extendedKeyUsage: null },
      });
      const port = await listen(createPlainServer({ key, cert: certificate }));
      const socket = await handshake(port, {
        ca: read(files.authority),
        checkServerIdentity: () => undefined,
      });
      expect(socket.authorized).toBe(believed);
    },
  );
});

/** Whoever has the key of the authority can sign what it would not issue itself. */
function issuerOf(certificate: Certificate): OddCertificate {
  const privateKey = createPrivateKey(read(files.authorityKey));
  return {
    certificate: certificate.pem,
    key: '',
    der: certificate.raw,
    keys: { privateKey, publicKey: createPublicKey(privateKey) },
    subject: certificate.subjectRaw,
    keyId: Buffer.from(certificate.subjectKeyId!, 'hex'),
  };
}

describe('the files lie', () => {
  it.each<[string, NodeJS.ProcessEnv, string]>([
    [
      'in PORTCULLIS_HOME',
      { PORTCULLIS_HOME: '/srv/portcullis', XDG_DATA_HOME: '/data' },
      '/srv/portcullis/development',
    ],
    ['in the folder for a user’s data', { XDG_DATA_HOME: '/data' }, '/data/portcullis/development'],
    [
      'there too where PORTCULLIS_HOME is empty',
      { PORTCULLIS_HOME: '', XDG_DATA_HOME: '/data' },
      '/data/portcullis/development',
    ],
  ])('%s', (_where, environment, folder) => {
    expect(developmentFiles(environment)).toEqual({
      authority: join(folder, 'authority.pem'),
      authorityKey: join(folder, 'authority.key'),
      localhost: join(folder, 'localhost.pem'),
    });
  });
});
