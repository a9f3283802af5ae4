import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RedisServer } from '../endurance/redis-server.ts';
import { Kitchen } from './run-recipe.ts';
import { type Block, isProgram, pages, placeOf, readBlocks } from './snippets/blocks.ts';
import { type Furniture, makeFurniture } from './snippets/furniture.ts';
import { prove } from './snippets/page.ts';
import { settings } from './snippets/settings.ts';
import { typeComplaints } from './snippets/types.ts';

// What happens to which block: snippets.md.

/** At once, on two cores. */
const together = 3;

const blocks: readonly Block[] = pages().flatMap(readBlocks);
const pagesWithBlocks: readonly string[] = [...new Set(blocks.map(({ page }) => page))];
const redis = new RedisServer();
const folder = mkdtempSync(join(tmpdir(), 'snippets-'));
let furniture: Promise<Furniture>;
let proofs: ReadonlyMap<string, Promise<string[]>>;

beforeAll(async () => {
  await redis.start();
  furniture = makeFurniture();
  proofs = proveAll();
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await redis.remove();
});

/** Starts them all, a few at once. */
function proveAll(): ReadonlyMap<string, Promise<string[]>> {
  const running: Array<Promise<unknown>> = Array.from({ length: together }, () => Promise.resolve());
  const found = new Map<string, Promise<string[]>>();
  for (const [index, page] of pagesWithBlocks.entries()) {
    const before = running[index % together]!;
    const proof = before.then(async () =>
      prove(page, await furniture, { ports: { 6379: redis.socket }, ...settings[page] }),
    );
    running[index % together] = proof.catch(() => undefined);
    found.set(page, proof);
  }
  return found;
}

it('the threat model names tests that are there', () => {
  const root = join(import.meta.dirname, '..');
  const rows = readFileSync(join(root, '../docs/threat-model.md'), 'utf8').split('\n');
  const named = rows
    .filter((row) => row.startsWith('| '))
    .flatMap((row) =>
      [
        ...row
          .split(' | ')
          .at(-1)!
          .matchAll(/`([\w-]+\/[\w-]*)`/g),
      ].map(([, name]) => name!),
    );
  expect(named.length).toBeGreaterThan(60);
  const missing = named.filter(
    (name) => !existsSync(join(root, name)) && !existsSync(join(root, `${name}.test.ts`)),
  );
  expect(missing).toEqual([]);
});

describe('every block of the documentation', () => {
  it.each(pagesWithBlocks)(
    'of %s runs, or is parsed',
    async (page) => {
      expect(await proofs.get(page)).toEqual([]);
    },
    240_000,
  );

  it('that is a program has the types of the package', async () => {
    const kitchen = new Kitchen();
    try {
      expect(await typeComplaints(blocks.filter(isProgram), kitchen.folder)).toEqual([]);
    } finally {
      await kitchen.close();
    }
  });
});

describe('the proof objects to', () => {
  const server =
    "import { createServer } from 'portcullis';\ncreateServer((req, res) => res.writeHead(404).end('no')).listen(8443);\n";
  it.each([
    ['a program that throws', 'js', "throw new Error('no');"],
    [
      'a server that does not start',
      'js',
      "import { createServer } from 'portcullis';\ncreateServer({ ca: 1 }).listen(8443);",
    ],
    ['a part without a marker', 'js', 'app.listen(1);'],
    ['a command that fails', 'sh', 'cat no-such-file'],
    ['a command that does not fail as is said', 'sh', 'cat server.pem # exit 1'],
    ['another status than is said', 'sh', 'curl -k https://localhost:8443/ # 403', server],
    ['another code than is said', 'sh', 'curl -k https://localhost:8443/ # 404, PIN_MISMATCH', server],
    ['a command for somewhere else', 'sh', 'rm -rf .'],
    ['one behind a harmless one', 'sh', 'cat server.pem && kubectl get pods'],
    ['an unknown package', 'sh', 'npm install portculis'],
    ['a fragment that nobody can parse', 'js fragment: of the server above', 'const = 1;'],
    ['a shell that nobody can parse', 'sh elsewhere: for another machine', 'if true; then'],
    ['broken JSON', 'json', '{ a: 1 }'],
    ['broken YAML', 'yaml', 'a: [1'],
    ['a misspelt directive', 'nginx', 'ssl_verify_clients on;'],
    ['a misspelt option of a site', 'caddyfile', 'localhost {\n  tlss internal\n}'],
    ['broken Python', 'python', 'def f(:'],
    ['an unknown language', 'cobol', 'DISPLAY 1.'],
    ['a block without a language', '', 'anything'],
    ['a command that is shown as text', 'text', 'npm install express'],
  ])('%s', async (_what, language, text, ...before: string[]) => {
    const page = join(folder, 'page.md');
    const first = before.map((program) => `\`\`\`js\n${program}\`\`\`\n\n`).join('');
    writeFileSync(page, `${first}\`\`\`${language}\n${text}\n\`\`\`\n`);
    expect(await prove(page, await furniture)).toHaveLength(1);
  });

  it('a word beside the language that is none of the markers', () => {
    writeFileSync(join(folder, 'page.md'), '```js skip: no time\n```\n');
    expect(() => readBlocks(join(folder, 'page.md'))).toThrow(/fragment and elsewhere/);
  });

  it('types that the package does not have', async () => {
    const kitchen = new Kitchen();
    const text =
      "import { createServer, requireTLS } from 'portcullis';\ncreateServer({ clientAuth: { modes: 'optional' } });\n";
    const block = { page: 'page.md', line: 1, marker: undefined, reason: '', text };
    try {
      expect(
        await typeComplaints(
          [
            { ...block, language: 'js' },
            { ...block, language: 'ts' },
          ],
          kitchen.folder,
        ),
      ).toEqual([
        expect.stringContaining('(js), its line 1: TS2724'),
        expect.stringContaining('(ts), its line 1: TS2724'),
        expect.stringContaining('(ts), its line 2: TS2769'),
      ]);
    } finally {
      await kitchen.close();
    }
  });
});

/** What is not run, by page. Each needs a reason beside its language; see snippets.md. */
const unproved: Readonly<Record<string, readonly string[]>> = {
  'docs/forwarded-certificates.md': ['js fragment'],
  'docs/inspect.md': ['sh elsewhere'],
  'docs/migration/from-client-certificate-auth.md': ['js fragment'],
  'docs/post-quantum.md': ['js fragment'],
  'docs/recipes/aws-alb.md': ['sh elsewhere', 'sh elsewhere', 'sh elsewhere'],
  'docs/recipes/envoy-mesh.md': ['sh elsewhere'],
  'docs/recipes/haproxy.md': ['sh elsewhere'],
  'docs/recipes/kubernetes-cert-manager.md': ['sh elsewhere'],
  'docs/recipes/nginx.md': ['sh elsewhere'],
  'docs/recipes/oauth.md': ['sh elsewhere'],
  'docs/recipes/spiffe.md': ['hcl elsewhere', 'sh elsewhere', 'sh elsewhere'],
  'docs/rules.md': ['ts fragment'],
  'docs/testing.md': ['ts fragment'],
};

it('those that cannot be proved are these, each with its reason', () => {
  const left = blocks.filter(({ marker }) => marker !== undefined);
  expect(left.filter(({ reason }) => reason.length < 8).map(placeOf)).toEqual([]);
  const found: Record<string, string[]> = {};
  for (const { page, language, marker } of left) (found[page] ??= []).push(`${language} ${marker}`);
  expect(found).toEqual(unproved);
});
