import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { nodeBinary, oldestVersions, testedVersions } from '../../scripts/nodes.ts';
import { run } from '../interop/support/program.ts';
import { type Bundlers, bundlers, loadBundlers } from './bundles.ts';
import { type Consumer, entries, makeConsumer, succeedQuietly } from './support.ts';
import { compile, compilers, layTypes } from './types.ts';

const versions = [...oldestVersions, ...testedVersions];
const binaries: Record<string, string> = {};
let consumer: Consumer;

beforeAll(async () => {
  const beside = ['express@5', 'prom-client@15', 'supertest@7', '@types/supertest@7', '@types/node@20'];
  consumer = await makeConsumer([...beside, ...compilers, ...bundlers]);
  for (const version of versions) binaries[version] = await nodeBinary(version);
}, 600_000);

afterAll(() => rmSync(consumer.directory, { recursive: true, force: true }));

/**
 * Runs a script in the consumer's project, which must not warn, and gives what it prints. Node 22.12 alone of those that
 * `engines` allows warns of every `require()` of an ES module.
 */
async function evaluate(node: string, name: string, source: string): Promise<string> {
  writeFileSync(join(consumer.directory, name), source);
  const flags = node === binaries['22.12.0'] ? ['--disable-warning=ExperimentalWarning'] : [];
  const args = [...flags, join(consumer.directory, name)];
  return (await succeedQuietly(node, args, consumer.directory)).trim();
}

/** What a script says that must fail. */
async function failure(source: string): Promise<string> {
  const file = join(consumer.directory, 'failure.mjs');
  writeFileSync(file, source);
  const { status, stderr } = await run(process.execPath, [file]);
  expect(status).toBe(1);
  return stderr;
}

/** Does something while these packages are not there. */
async function without<Result>(names: readonly string[], task: () => Promise<Result>): Promise<Result> {
  const modules = join(consumer.directory, 'node_modules');
  for (const name of names) renameSync(join(modules, name), join(consumer.directory, name.replace('@', '')));
  try {
    return await task();
  } finally {
    for (const name of names)
      renameSync(join(consumer.directory, name.replace('@', '')), join(modules, name));
  }
}

describe.each(versions)('on Node %s', (version) => {
  test.each([
    ['required first, and then imported', 'require', 'import'],
    ['imported first, and then required', 'import', 'require'],
  ])('every entry %s gives the same functions and classes', async (_which, first, second) => {
    const printed = await evaluate(
      binaries[version]!,
      `${first}.cjs`,
      `const load = { require: async (name) => require(name), import: (name) => import(name) };
       (async () => {
         for (const name of ${JSON.stringify(entries)}.map((entry) => 'portcullis' + entry)) {
           const [one, other] = [await load.${first}(name), await load.${second}(name)];
           const values = Object.keys(one).filter((key) => typeof one[key] === 'function');
           if (values.some((key) => other[key] !== one[key])) throw new Error(name);
           console.log(name, values.includes('createServer'), values.length > 0);
         }
         const [{ ConfigError }, { createServer }] = [await load.${first}('portcullis'), await load.${second}('portcullis')];
         try { createServer({ minversion: 1 }); } catch (error) { console.log(error instanceof ConfigError); }
       })();`,
    );
    expect(printed.split('\n')).toEqual([
      'portcullis true true',
      ...entries.slice(1).map((entry) => `portcullis${entry} false true`),
      'true',
    ]);
  });

  test('a CommonJS program serves HTTPS to itself', async () => {
    const printed = await evaluate(
      binaries[version]!,
      'serve.cjs',
      `const { get } = require('node:https');
       const express = require('express');
       const { createServer, requireTls } = require('portcullis');
       const { createAuthority } = require('portcullis/pki');
       const app = express();
       app.get('/', requireTls(), (req, res) => res.send(req.tls.protocol));
       createAuthority().then(async (authority) => {
         const { key, chain: cert, ca } = await authority.issueServerCertificate({ names: ['localhost'] });
         const server = createServer({ key, cert, logger: false }, app).listen(0, '127.0.0.1', () => {
           const { port } = server.address();
           const lookup = (name, options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
           get({ host: 'localhost', port, ca, lookup, agent: false }, (response) => {
             response.setEncoding('utf8').on('data', (body) => console.log(response.statusCode, body));
             response.on('end', () => server.close());
           });
         });
       });`,
    );
    expect(printed).toBe('200 TLSv1.3');
  });
});

test('a server starts without loading the libraries that only issue certificates, prom-client or supertest', async () => {
  const { key, cert } = JSON.parse(
    await evaluate(
      process.execPath,
      'issue.mjs',
      `import { createTestPki } from 'portcullis/testing';
       const { key, cert } = (await createTestPki()).server;
       console.log(JSON.stringify({ key, cert }));`,
    ),
  ) as Record<'key' | 'cert', string>;
  const serve = `import { createServer } from 'portcullis';
    const server = createServer(${JSON.stringify({ key, cert, logger: false })});
    server.listen(0, '127.0.0.1', () => { console.log('listening'); server.close(); });`;
  await without(['@peculiar', 'commander', 'reflect-metadata', 'prom-client', 'undici'], async () => {
    expect(await evaluate(process.execPath, 'light.mjs', serve)).toBe('listening');
    // That they are gone: else this would prove nothing.
    expect(
      await failure(`import { createAuthority } from 'portcullis/pki'; await createAuthority();`),
    ).toContain('ERR_MODULE_NOT_FOUND');
    expect(await failure(`import 'portcullis/metrics';`)).toContain("Cannot find package 'prom-client'");
  });
});

test('createTestPki works without supertest, and request() says that it is missing', async () => {
  const source = `import { createServer } from 'portcullis';
     import { createTestPki, request } from 'portcullis/testing';
     const pki = await createTestPki();
     try { request(createServer({ ...pki.server })); } catch (error) { console.log(error.code, error.message.split('\\n')[0]); }`;
  const printed = await without(['supertest'], () =>
    evaluate(process.execPath, 'without-supertest.mjs', source),
  );
  expect(printed).toMatch(/^OPTION_INVALID request: the package supertest is not there/);
});

describe('the types reach a consumer', () => {
  beforeAll(() => layTypes(consumer.directory));

  // Two at a time, as there are two cores.
  test.each([
    ['5.5.4', [['older', 'bundler']]],
    ['5.9.3', [['nodenext', 'bundler']]],
    ['6.0.3', [['nodenext', 'bundler']]],
    ['7', [['nodenext', 'bundler'], ['loose']]],
  ] as const)(
    'with TypeScript %s, in the projects %j',
    async (version, pairs) => {
      for (const projects of pairs) {
        const said = await Promise.all(
          projects.map((name) => compile(consumer.directory, version, ['-p', `tsconfig.${name}.json`])),
        );
        expect(said).toEqual(projects.map(() => ({ status: 0, stdout: '', stderr: '' })));
      }
    },
    600_000,
  );

  const flags = '--noEmit --strict --module nodenext --target es2023 --lib es2023 --types node'.split(' ');

  test('a wrong option is an error, so that the others prove something', async () => {
    const wrong = "import { createServer } from 'portcullis';\ncreateServer({ http2: 'yes' });\n";
    writeFileSync(join(consumer.directory, 'wrong.ts'), wrong);
    const { status, stdout } = await compile(consumer.directory, '7', [...flags, 'wrong.ts']);
    expect(status).not.toBe(0);
    expect(stdout).toMatch(/wrong\.ts.*error TS2\d+/);
  }, 120_000);

  test.each(entries)(
    'portcullis%s brings the type of req.tls along',
    async (entry) => {
      const folder = join(consumer.directory, 'each', `entry${entry.replace('/', '-')}`);
      mkdirSync(folder, { recursive: true });
      const source = `import * as entry from 'portcullis${entry}';
        import type { Request } from 'express';
        export { entry };
        export const protocol = (req: Request): 'TLSv1.2' | 'TLSv1.3' | undefined => req.tls?.protocol;
        // @ts-expect-error -- not any
        export const absent = (req: Request): unknown => req.tls?.authorized;`;
      writeFileSync(join(folder, 'entry.ts'), source);
      const { stdout } = await compile(consumer.directory, '7', [...flags, join(folder, 'entry.ts')]);
      expect(stdout).toBe('');
    },
    120_000,
  );
});

/** Each import with its greatest size, in octets, and the packages that it may bring. */
const imports: ReadonlyArray<readonly [string, number, readonly string[]]> = [
  ["import 'portcullis';", 0, []],
  ["export { ConfigError } from 'portcullis';", 2_000, []],
  ["export { san } from 'portcullis';", 25_000, []],
  ["export { allOf, pin, spiffe, subject } from 'portcullis';", 50_000, []],
  ["export { requirePin } from 'portcullis';", 180_000, []],
  ["export { securityHeaders } from 'portcullis';", 200_000, ['helmet']],
  ["export { redisDenyList } from 'portcullis/redis';", 100_000, []],
  ["export { createAgent } from 'portcullis/client';", 330_000, []],
];
/** What is for servers, authorities, clients and terminals alone. */
const heavy = new Set(['listener', 'client', 'cli', 'testing', 'tickets', 'metrics']);

/** Those that an entry is for. */
const heavyOf: Readonly<Record<string, string>> = { client: 'client', redis: 'tickets' };

describe('a bundle', () => {
  let bundle: Bundlers;
  const table: Array<readonly [string, number]> = [];

  beforeAll(() => {
    bundle = loadBundlers(consumer.directory);
  });

  afterAll(() => {
    console.log(table.map(([source, bytes]) => `${String(bytes).padStart(9)} octets: ${source}`).join('\n'));
  });

  test.each(imports)(
    'of %s has at most %i octets and the packages %j',
    async (source, greatest, packages) => {
      const [built, rolled] = [await bundle.withEsbuild(source), await bundle.withRollup(source)];
      table.push([source, built.bytes]);
      expect(built.bytes).toBeLessThanOrEqual(greatest);
      expect(built.packages).toEqual(packages);
      expect(rolled.outside).toEqual(packages);
      const wanted = heavyOf[/portcullis\/(\w+)/.exec(source)?.[1] ?? ''];
      for (const { rooms } of [built, rolled]) {
        expect(rooms.filter((room) => heavy.has(room) && room !== wanted)).toEqual([]);
        expect(rooms.length > 0).toBe(greatest > 0);
      }
    },
    60_000,
  );

  test('of a server has neither the command line, nor the test kit, nor the client', async () => {
    const source = "export { createServer } from 'portcullis';";
    const { bytes, rooms, packages } = await bundle.withEsbuild(source);
    table.push([source, bytes]);
    expect(rooms).toEqual(expect.arrayContaining(['listener', 'pki', 'tickets']));
    expect(rooms.filter((room) => ['cli', 'client', 'testing', 'metrics', 'redis'].includes(room))).toEqual(
      [],
    );
    expect(packages).toContain('@peculiar/x509');
    expect(
      packages.filter((name) => ['commander', 'undici', 'express', 'prom-client'].includes(name)),
    ).toEqual([]);
  }, 60_000);

  test('of portcullis/cluster keeps what it is imported for', async () => {
    const { bytes, rooms } = await bundle.withEsbuild("import 'portcullis/cluster';");
    expect(rooms).toContain('tickets');
    expect(bytes).toBeLessThan(10_000);
  }, 60_000);

  test.each([
    ['an ES module', 'esm', 'mjs'],
    ['CommonJS', 'cjs', 'cjs'],
  ] as const)(
    'of every entry for servers, as %s, serves a request',
    async (_what, format, ending) => {
      copyFileSync(join(import.meta.dirname, 'consumer/server.mjs'), join(consumer.directory, 'server.mjs'));
      // Where there is no package.
      const alone = mkdtempSync(join(tmpdir(), 'portcullis-bundle-'));
      try {
        const file = join(alone, `server.${ending}`);
        await bundle.write(join(consumer.directory, 'server.mjs'), format, file);
        expect(await succeedQuietly(process.execPath, [file], alone)).toBe('true\n200 TLSv1.3\n');
      } finally {
        rmSync(alone, { recursive: true, force: true });
      }
    },
    60_000,
  );
});
