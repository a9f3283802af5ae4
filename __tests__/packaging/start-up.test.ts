import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nodeBinary, testedVersions } from '../../scripts/nodes.ts';
import { run } from '../interop/support/program.ts';
import { type Consumer, makeConsumer, succeed } from './support.ts';

const binaries: Record<string, string> = {};
let consumer: Consumer;
let pair: { readonly key: string; readonly cert: string };

beforeAll(async () => {
  consumer = await makeConsumer(['express@5', 'prom-client@15']);
  for (const version of testedVersions) binaries[version] = await nodeBinary(version);
  const issue = `import { createTestPki } from 'portcullis/testing';
    const { key, cert } = (await createTestPki()).server;
    console.log(JSON.stringify({ key, cert }));`;
  pair = JSON.parse(await evaluate(process.execPath, issue)) as typeof pair;
}, 600_000);

afterAll(() => rmSync(consumer.directory, { recursive: true, force: true }));

/** Runs a script in the consumer's project and gives what it prints. */
async function evaluate(node: string, source: string, flags: readonly string[] = []): Promise<string> {
  const file = join(consumer.directory, 'script.mjs');
  writeFileSync(file, source);
  return (await succeed(node, [...flags, file], consumer.directory)).trim();
}

/** Prints a line for each module that is loaded by `import`, `import()` or `require()` of one. */
const loader = `data:text/javascript,${encodeURIComponent(`import { writeSync } from 'node:fs';
  export async function load(url, context, next) { writeSync(1, 'loaded ' + url + '\\n'); return next(url, context); }`)}`;
const watching = `data:text/javascript,${encodeURIComponent(
  `import { register } from 'node:module'; register(${JSON.stringify(loader)});`,
)}`;

const serve =
  (): string => `import { createServer, requireClientCertificate, securityHeaders } from 'portcullis';
  requireClientCertificate();
  securityHeaders();
  const server = createServer(${JSON.stringify({ ...pair, logger: false })}, () => {});
  server.listen(0, '127.0.0.1', () => server.close());`;

it('reads two files of its own until it listens, and helmet, but nothing of what issues, fetches or parses commands', async () => {
  const printed = await evaluate(process.execPath, serve(), ['--no-warnings', '--import', watching]);
  const modules = [...printed.matchAll(/^loaded file:.*\/node_modules\/(.+)$/gm)].map(([, path]) => path!);
  expect(modules.toSorted()).toEqual([
    expect.stringMatching(/^helmet\//),
    'portcullis/dist/bundle/chunks/core.js',
    'portcullis/dist/bundle/index.js',
  ]);
});

describe.each(testedVersions)('on Node %s', (version) => {
  it('starts without HTTP/2 and without Node’s own fetch, which stands behind a getter of node:http', async () => {
    const tell = `process.on('exit', () => console.log(process.moduleLoadList.filter((name) => /undici|http2/.test(name)).join()));`;
    expect(await evaluate(binaries[version]!, `${serve()}\n${tell}`)).toBe('');
    const heavy = serve().replace(`"logger":false`, `"logger":false,"http2":true`);
    expect(await evaluate(binaries[version]!, `${heavy}\n${tell}`)).toContain('http2');
  });

  it('has one ConfigError, whatever entry throws it, and whether it was imported or required', async () => {
    const printed = await evaluate(
      binaries[version]!,
      `import { createRequire } from 'node:module';
       import { ConfigError, createServer } from 'portcullis';
       import { createAgent } from 'portcullis/client';
       import { createAuthority } from 'portcullis/pki';
       import { redisTicketKeys } from 'portcullis/redis';
       import { createTestPki } from 'portcullis/testing';
       const required = createRequire(import.meta.url)('portcullis');
       const makers = { createServer, createAgent, createAuthority, redisTicketKeys, createTestPki, required: required.createServer };
       for (const [name, make] of Object.entries(makers)) {
         try { await make({ noSuchOption: 1 }); console.log(name, 'takes it'); }
         catch (error) { console.log(name, error instanceof ConfigError); }
       }`,
    );
    expect(printed.split('\n')).toEqual(
      ['createServer', 'createAgent', 'createAuthority', 'redisTicketKeys', 'createTestPki', 'required'].map(
        (name) => `${name} true`,
      ),
    );
  });
});

it('is all ASCII, as V8 keeps two octets for each character of a file that is not', () => {
  const folder = join(consumer.directory, 'node_modules', 'portcullis', 'dist', 'bundle');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js'),
  );
  expect(files).toContain(join('chunks', 'core.js'));
  const beyond = files.filter((name) => /[^\0-\x7f]/.test(readFileSync(join(folder, name), 'utf8')));
  expect(beyond).toEqual([]);
});

it('tells where in its sources an error was thrown', async () => {
  const file = join(consumer.directory, 'throw.mjs');
  writeFileSync(file, `import { createServer } from 'portcullis'; createServer({ noSuchOption: 1 });`);
  const { status, stderr } = await run(process.execPath, ['--enable-source-maps', file]);
  expect(status).toBe(1);
  const [, path, line] =
    /\((?:file:\/\/)?(\S+\/portcullis\/lib\/listener\/create-server\.ts):(\d+):\d+\)/.exec(stderr) ?? [];
  expect(readFileSync(path!, 'utf8').split('\n')[Number(line) - 1]).toContain('readOptions(options)');
});
