import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { run } from '../interop/support/program.ts';
import { type Consumer, install, makeConsumer, pack, root, succeed, succeedQuietly } from './support.ts';

describe('with Express 5 as the only other package, and nothing hoisted', () => {
  let consumer: Consumer;

  // As pnpm lays it out: a package sees what it declares.
  beforeAll(async () => {
    consumer = await makeConsumer(['express@5'], ['--install-strategy=linked']);
  }, 300_000);

  afterAll(() => rmSync(consumer.directory, { recursive: true, force: true }));

  const evaluate = async (source: string): Promise<string> => {
    writeFileSync(join(consumer.directory, 'app.mjs'), source);
    return (await succeedQuietly(process.execPath, ['app.mjs'], consumer.directory)).trim();
  };

  it('the application sees the two, and no package of a package', () => {
    const seen = readdirSync(join(consumer.directory, 'node_modules')).filter(
      (name) => !name.startsWith('.'),
    );
    expect(seen.toSorted()).toEqual(['express', 'portcullis']);
  });

  it('every entry but that of the optional prom-client loads', async () => {
    const printed = await evaluate(
      `for (const entry of ['', '/client', '/cluster', '/metrics', '/pki', '/redis', '/testing'])
         await import('portcullis' + entry).then(
           () => console.log(entry, 'loaded'),
           ({ code, message }) => console.log(entry, code, /package '([^']+)'/.exec(message)?.[1]),
         );`,
    );
    expect(printed.split('\n').map((line) => line.trim())).toEqual([
      'loaded',
      '/client loaded',
      '/cluster loaded',
      '/metrics ERR_MODULE_NOT_FOUND prom-client',
      '/pki loaded',
      '/redis loaded',
      '/testing loaded',
    ]);
  });

  it('serves a request with helmet, a client certificate and a fetch of its own', async () => {
    const printed = await evaluate(
      `import express from 'express';
       import { createServer, requireClientCertificate, securityHeaders } from 'portcullis';
       import { createFetch } from 'portcullis/client';
       import { createAuthority } from 'portcullis/pki';
       const authority = await createAuthority();
       const server = await authority.issueServerCertificate({ names: ['localhost'] });
       const client = await authority.issueClientCertificate({ subject: { CN: 'alice' } });
       const app = express();
       app.use(securityHeaders());
       app.get('/', requireClientCertificate(), (req, res) => res.send(req.tls.clientCertificate.subject.CN[0]));
       const { key, chain: cert } = server;
       const clientAuth = { mode: 'optional', ca: authority.root };
       const listener = createServer({ key, cert, clientAuth, logger: false }, app);
       listener.listen(0, 'localhost', async () => {
         const send = createFetch({ ca: authority.root, key: client.key, cert: client.chain });
         const response = await send('https://localhost:' + listener.address().port + '/');
         console.log(response.status, await response.text(), response.headers.get('x-content-type-options'));
         await listener.shutdown();
         process.exit();
       });`,
    );
    expect(printed).toBe('200 alice nosniff');
  });

  it('the command runs from node_modules/.bin', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const command = join(consumer.directory, 'node_modules/.bin/portcullis');
    expect((await succeedQuietly(command, ['--version'], consumer.directory)).trim()).toBe(version);
    expect(await succeedQuietly(command, ['pki', '--help'], consumer.directory)).toContain('init');
  });
});

describe('npm', () => {
  let folder: string;
  let tarball: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-npm-'));
    tarball = (await pack(root, folder)).file;
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('refuses it beside Express 4', async () => {
    const project = join(folder, 'old');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'old', private: true }));
    const flags = [...install, '--dry-run', tarball, 'express@4'];
    const { status, stderr } = await run('npm', flags, { cwd: project, timeout: 120_000 });
    expect(status).not.toBe(0);
    expect(stderr).toContain('ERESOLVE');
    expect(stderr).toMatch(/peer express@"\^5\.0\.0" from portcullis/);
  }, 120_000);

  it('installs the command and its manual for the whole machine', async () => {
    const prefix = join(folder, 'machine');
    const flags = ['--global', '--prefix', prefix, '--omit=peer', '--legacy-peer-deps'];
    await succeed('npm', [...install, ...flags, tarball], folder);
    expect(readFileSync(join(prefix, 'share/man/man1/portcullis.1'), 'utf8')).toBe(
      readFileSync(join(root, 'man/portcullis.1'), 'utf8'),
    );
    expect(await succeedQuietly(join(prefix, 'bin/portcullis'), ['--help'], folder)).toContain('portcullis');
  }, 300_000);
});
