import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { nodeBinary, oldestVersions, testedVersions } from '../../scripts/nodes.ts';
import { run } from '../interop/support/program.ts';
import { type Consumer, makeConsumer, root, succeed } from './support.ts';

const versions = [...oldestVersions, ...testedVersions];
const binaries: Record<string, string> = {};
let consumer: Consumer;

beforeAll(async () => {
  consumer = await makeConsumer(['express@5', 'prom-client@15', '@types/node@20', 'typescript@5.9.3']);
  for (const version of versions) binaries[version] = await nodeBinary(version);
}, 600_000);

afterAll(() => rmSync(consumer.directory, { recursive: true, force: true }));

/** A page without its blocks of code, where brackets mean something else. */
const textOf = (page: string): string =>
  readFileSync(join(consumer.directory, 'node_modules', 'portcullis', page), 'utf8').replaceAll(
    /^( *)```[^]*?^\1```/gm,
    '',
  );

/** Runs a script in the consumer's project and gives what it prints. */
async function evaluate(node: string, name: string, source: string): Promise<string> {
  writeFileSync(join(consumer.directory, name), source);
  return (await succeed(node, [join(consumer.directory, name)], consumer.directory)).trim();
}

test('the tarball holds the build, its sources, the documents and the examples, and nothing else', () => {
  const expected =
    /^(?:dist\/(?:lib|middleware)\/.+\.(?:js|d\.ts)(?:\.map)?|(?:lib|middleware)\/.+\.ts|docs\/(?:decisions\/|migration\/|recipes\/|reference\/)?[\w-]+\.md|examples\/(?:app\/)?[\w-]+\.ts)$/;
  const others = consumer.packed.filter((path) => !expected.test(path)).toSorted();
  expect(others).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'bench/README.md',
    'bin/portcullis',
    'man/portcullis.1',
    'package.json',
  ]);
  // What the findings of an audit link to.
  expect(consumer.packed).toContain('docs/audit.md');
  for (const entry of [
    'index',
    'client/index',
    'cluster/index',
    'metrics/index',
    'pki/index',
    'redis/index',
    'testing/index',
  ]) {
    expect(consumer.packed).toEqual(
      expect.arrayContaining([`dist/lib/${entry}.js`, `dist/lib/${entry}.d.ts`, `lib/${entry}.ts`]),
    );
  }
});

test('the pages in the tarball link to what is in it', () => {
  const { packed } = consumer;
  const isThere = (path: string): boolean =>
    packed.some((one) => one === path || one.startsWith(`${path.replace(/\/$/, '')}/`));
  const dead = packed
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)]
        .map(([, target]) => posix.join(posix.dirname(page), target!))
        .filter((target) => !isThere(target))
        .map((target) => `${page}: ${target}`),
    );
  expect(dead).toEqual([]);
});

describe.each(versions)('on Node %s', (version) => {
  test('import and require give the same functions, of every entry', async () => {
    const printed = await evaluate(
      binaries[version]!,
      'same.mjs',
      `import { createRequire } from 'node:module';
       const require = createRequire(import.meta.url);
       for (const name of ['', '/client', '/cluster', '/metrics', '/pki', '/redis', '/testing'].map((entry) => 'portcullis' + entry)) {
         const [imported, required] = [await import(name), require(name)];
         const functions = Object.keys(imported).filter((key) => typeof imported[key] === 'function');
         if (functions.some((key) => required[key] !== imported[key])) throw new Error(name);
         console.log(name, functions.includes('createServer'), functions.length > 0);
       }`,
    );
    expect(printed.split('\n')).toEqual([
      'portcullis true true',
      'portcullis/client false true',
      'portcullis/cluster false true',
      'portcullis/metrics false true',
      'portcullis/pki false true',
      'portcullis/redis false true',
      'portcullis/testing false true',
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
  const modules = join(consumer.directory, 'node_modules');
  const hidden = ['@peculiar', 'commander', 'reflect-metadata', 'prom-client', 'undici'];
  for (const name of hidden) renameSync(join(modules, name), join(consumer.directory, name.slice(1)));
  try {
    const serve = `import { createServer } from 'portcullis';
      const server = createServer(${JSON.stringify({ key, cert, logger: false })});
      server.listen(0, '127.0.0.1', () => { console.log('listening'); server.close(); });`;
    expect(await evaluate(process.execPath, 'light.mjs', serve)).toBe('listening');
    // That they are gone: else this would prove nothing.
    writeFileSync(
      join(consumer.directory, 'heavy.mjs'),
      `import { createAuthority } from 'portcullis/pki'; await createAuthority();`,
    );
    const heavy = await run(process.execPath, [join(consumer.directory, 'heavy.mjs')]);
    expect(heavy.stderr).toContain('ERR_MODULE_NOT_FOUND');
  } finally {
    for (const name of hidden) renameSync(join(consumer.directory, name.slice(1)), join(modules, name));
  }
});

test('createTestPki works without supertest, and request() says that it is missing', async () => {
  const printed = await evaluate(
    process.execPath,
    'without-supertest.mjs',
    `import { createServer } from 'portcullis';
     import { createTestPki, request } from 'portcullis/testing';
     const pki = await createTestPki();
     try { request(createServer({ ...pki.server })); } catch (error) { console.log(error.code, error.message.split('\\n')[0]); }`,
  );
  expect(printed).toMatch(/^OPTION_INVALID request: the package supertest is not there/);
});

describe('the types reach a consumer', () => {
  const strict = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    isolatedModules: true,
    esModuleInterop: true,
    types: ['node'],
    target: 'es2023',
    // superagent's types need the DOM's.
    lib: ['es2023', 'dom'],
  };
  const resolutions = {
    nodenext: { ...strict, module: 'nodenext', files: ['app.ts', 'testing-only.ts', 'common.cts'] },
    bundler: {
      ...strict,
      module: 'esnext',
      moduleResolution: 'bundler',
      files: ['app.ts', 'testing-only.ts'],
    },
  };

  beforeAll(async () => {
    const { directory } = consumer;
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    await succeed('npm', [...install, 'supertest@7', '@types/supertest@7'], directory);
    await succeed('npm', ['pkg', 'set', 'type=module'], directory);
    for (const file of resolutions.nodenext.files) {
      copyFileSync(join(import.meta.dirname, 'consumer', file), join(directory, file));
    }
  }, 300_000);

  test.each([
    ['5.9', 'nodenext'],
    ['5.9', 'bundler'],
    ['7', 'nodenext'],
    ['7', 'bundler'],
  ] as const)('with TypeScript %s and module resolution %s', async (compiler, resolution) => {
    const { directory } = consumer;
    const { files, ...compilerOptions } = resolutions[resolution];
    const config = join(directory, `tsconfig.${resolution}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions, files }));
    const home = compiler === '7' ? root : directory;
    const tsc = join(home, 'node_modules', 'typescript', 'bin', 'tsc');
    const version = await succeed(process.execPath, [tsc, '--version'], directory);
    expect(version.trim()).toMatch(new RegExp(`^Version ${compiler.replace('.', '\\.')}\\.`));
    const { status, stdout } = await run(process.execPath, [tsc, '-p', config], { cwd: directory });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});
