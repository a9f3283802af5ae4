import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { parseSync } from '@swc/core';
import { describe, expect, it } from '@jest/globals';

/** The rooms of the house, row by row: what stands in a row may import the rows above it. */
const rows: readonly (readonly string[])[] = [
  ['addresses', 'clock', 'errors', 'events', 'options', 'bounded-map', 'url', 'warnings'],
  ['profiles', 'x509', 'pki'],
  ['credentials', 'trust', 'tickets'],
  ['connection', 'forwarded'],
  ['policy'],
  ['listener', 'client'],
  ['middleware'],
  ['testing', 'cli', 'redis', 'cluster', 'metrics'],
  ['index'],
];
/** Neighbours in a row know each other in one direction only. */
const besides: Readonly<Record<string, readonly string[]>> = {
  addresses: ['errors', 'options'],
  clock: [],
  errors: [],
  'bounded-map': [],
  connection: ['forwarded'],
  events: ['errors', 'warnings'],
  options: ['errors'],
  pki: ['x509'],
  url: [],
  warnings: [],
};
/** Of the rows above it middleware does not know these. */
const hiddenFromMiddleware: ReadonlySet<string> = new Set(['listener', 'credentials', 'tickets', 'pki']);

const knowers: Readonly<Record<string, readonly string[]>> = {
  'node:tls': ['listener', 'connection', 'client', 'cli'],
  'node:https': ['listener', 'connection', 'client', 'cli'],
  'node:http2': ['listener', 'connection', 'client', 'cli'],
  'node:fs': ['credentials', 'trust', 'pki', 'cli'],
};

/** What every entry hands on, so that `req.tls` has its type wherever the package is imported; nothing at run time. */
const handedOn = "export type {} from '../connection/tls-state.ts';";

const maxLines = 300;

interface Module {
  /** From the repository, with '/'. */
  readonly path: string;
  readonly text: string;
}

const rowOf = (room: string): number => rows.findIndex((row) => row.includes(room));

/** 'lib/pki/keys.ts' is in the room 'pki', 'lib/errors.ts' in 'errors', and every middleware in 'middleware'. */
function roomOf(path: string): string {
  const [top, second = ''] = path.split('/');
  return top === 'lib' ? second.replace(/\.ts$/, '') : 'middleware';
}

type Node = Record<string, unknown>;

/** Everything that a module imports: static, dynamic, type-only, re-exported, required, or as `import('…').Type`. */
function readImports({ text }: Module): string[] {
  const found: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) visit(item);
      return;
    }
    const node = value as Node;
    const specifier = specifierOf(node);
    if (specifier !== undefined) found.push(specifier);
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseSync(text, { syntax: 'typescript', target: 'es2022' }));
  return found;
}

const known = new WeakMap<Module, readonly string[]>();

/** Each module is parsed once. */
function importsOf(module: Module): readonly string[] {
  let found = known.get(module);
  if (found === undefined) known.set(module, (found = readImports(module)));
  return found;
}

function specifierOf(node: Node): string | undefined {
  switch (node['type']) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return literal(node['source']);
    case 'TsImportType':
      return literal(node['argument']);
    case 'TsExternalModuleReference':
      return literal(node['expression']);
    case 'CallExpression':
      return isLoader(node['callee'] as Node)
        ? (literal(firstArgument(node)) ?? 'a computed name')
        : undefined;
    default:
      return undefined;
  }
}

/** `import(…)`, `require(…)`, `require.resolve(…)`, `createRequire(…)(…)`. */
function isLoader(callee: Node): boolean {
  if (callee['type'] === 'Import') return true;
  if (callee['type'] === 'Identifier') return callee['value'] === 'require';
  if (callee['type'] !== 'CallExpression') return false;
  return (callee['callee'] as Node)['value'] === 'createRequire';
}

const firstArgument = (node: Node): unknown =>
  (node['arguments'] as Array<{ expression: unknown }>)[0]?.expression;
const literal = (node: unknown): string | undefined =>
  typeof node === 'object' && node !== null && (node as Node)['type'] === 'StringLiteral'
    ? String((node as Node)['value'])
    : undefined;

/** What a module does that the house does not allow. */
function violations(module: Module): string[] {
  const { path, text } = module;
  const lines = text.split('\n').length - 1;
  return [
    ...(rowOf(roomOf(path)) === -1 ? [`${path} is in no room of the house`] : []),
    ...(lines > maxLines ? [`${path} has ${lines} lines`] : []),
    ...importsOf(module).flatMap((specifier) => objection(path, specifier) ?? []),
  ];
}

/** An entry without the line that every entry has. */
const withoutHandedOn = ({ path, text }: Module): Module => ({
  path,
  text: /^lib\/[^/]+\/index\.ts$/.test(path) ? text.replace(handedOn, '') : text,
});

function objection(path: string, specifier: string): string | undefined {
  const room = roomOf(path);
  const told = `${path} imports ${specifier}`;
  if (!specifier.startsWith('.')) {
    const builtin = specifier.replace(/^node:/, '').split('/')[0]!;
    const allowed = knowers[`node:${builtin}`];
    return allowed === undefined || allowed.includes(room) ? undefined : told;
  }
  const target = posix.join(posix.dirname(path), specifier);
  if (!/^(lib|middleware)\//.test(target)) return `${told}, outside the house`;
  const other = roomOf(target);
  if (other === room || (besides[room]?.includes(other) ?? false)) return undefined;
  if (other === 'middleware' && room !== 'index') return told;
  if (room === 'middleware' && hiddenFromMiddleware.has(other)) return told;
  return rowOf(other) !== -1 && rowOf(other) < rowOf(room) ? undefined : told;
}

const root = resolve(import.meta.dirname, '..');

const house: readonly Module[] = ['lib', 'middleware'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return { path: relative(root, file).replaceAll('\\', '/'), text: readFileSync(file, 'utf8') };
    }),
);

describe('the house', () => {
  it('has its rooms, and each imports only the rows above it', () => {
    expect(house.length).toBeGreaterThan(50);
    expect(house.flatMap((module) => violations(withoutHandedOn(module)))).toEqual([]);
  });

  it('loads @peculiar/x509 in one module', () => {
    const loaders = house.filter((module) =>
      importsOf(module).some((specifier) => specifier.startsWith('@peculiar/x509')),
    );
    expect(loaders.map(({ path }) => dirname(path))).toEqual(['lib/pki']);
  });

  it('loads no file that it does not have', () => {
    const files = new Set(house.map(({ path }) => path));
    const missing = house.flatMap((module) =>
      importsOf(module)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => posix.join(posix.dirname(module.path), specifier))
        .filter((target) => !files.has(target)),
    );
    expect(missing).toEqual([]);
  });
});

describe('its guard objects to', () => {
  it.each([
    ['an import from a row below', 'lib/trust/a.ts', "import { a } from '../connection/index.ts';"],
    ['one of a type only', 'lib/x509/a.ts', "import type { A } from '../trust/path.ts';"],
    ['one of a type among values', 'lib/errors.ts', "import { type A, b } from './pki/index.ts';"],
    [
      'one of a type in place',
      'lib/x509/a.ts',
      "export const a = (b: import('../trust/path.ts').Path): void => {};",
    ],
    ['one that is passed on', 'lib/profiles/a.ts', "export { a } from '../credentials/key-pair.ts';"],
    ['one that is passed on as a whole', 'lib/profiles/a.ts', "export * from '../credentials/key-pair.ts';"],
    [
      'one of a type that is passed on',
      'lib/profiles/a.ts',
      "export type { A } from '../credentials/key-pair.ts';",
    ],
    [
      'one while running',
      'lib/profiles/a.ts',
      "export const a = () => import('../credentials/key-pair.ts');",
    ],
    ['one by require', 'lib/profiles/a.ts', "const a = require('../credentials/key-pair.ts');"],
    [
      'one by createRequire',
      'lib/profiles/a.ts',
      "const a = createRequire(import.meta.url)('../trust/path.ts');",
    ],
    ['one for its effects', 'lib/policy/a.ts', "import '../listener/server.ts';"],
    ['one from a neighbour', 'lib/x509/a.ts', "import { a } from '../pki/der.ts';"],
    ['one among the files of the first row', 'lib/errors.ts', "import { a } from './options.ts';"],
    ['middleware in lib/', 'lib/listener/a.ts', "import { a } from '../../middleware/guard.ts';"],
    ['middleware in the last row', 'lib/testing/a.ts', "import { a } from '../../middleware/guard.ts';"],
    ['the listener in middleware', 'middleware/a.ts', "import { a } from '../lib/listener/server.ts';"],
    ['credentials in middleware', 'middleware/a.ts', "import { a } from '../lib/credentials/key-pair.ts';"],
    ['pki in middleware', 'middleware/a.ts', "import type { A } from '../lib/pki/index.ts';"],
    ['lib/index in middleware', 'middleware/a.ts', "import type { A } from '../lib/index.ts';"],
    ['something outside the house', 'lib/pki/a.ts', "import { a } from '../../examples/start.ts';"],
    ['node:tls in policy', 'lib/policy/a.ts', "import type { TLSSocket } from 'node:tls';"],
    ['tls by its old name', 'lib/policy/a.ts', "import { TLSSocket } from 'tls';"],
    ['node:https in testing', 'lib/testing/a.ts', "import { Agent } from 'node:https';"],
    ['node:http2 in middleware', 'middleware/a.ts', "import { connect } from 'node:http2';"],
    ['node:fs in the listener', 'lib/listener/a.ts', "import { readFileSync } from 'node:fs';"],
    ['node:fs/promises in policy', 'lib/policy/a.ts', "const a = await import('node:fs/promises');"],
    ['a room that is not planned', 'lib/cellar/a.ts', 'export {};'],
    ['a file of more than 300 lines', 'lib/pki/a.ts', '\n'.repeat(301)],
  ])('%s', (_what, path, text) => {
    expect(violations({ path, text })).toEqual([expect.stringContaining(path)]);
  });

  it.each([
    ['a row above', 'lib/listener/a.ts', "import { a } from '../connection/index.ts';"],
    ['its own room', 'lib/pki/a.ts', "import { a } from './der.ts';"],
    ['an allowed neighbour', 'lib/pki/a.ts', "import { a } from '../x509/der.ts';"],
    ['middleware from the public face', 'lib/index.ts', "export { a } from '../middleware/guard.ts';"],
    ['a package', 'middleware/a.ts', "import helmet from 'helmet';"],
    ['node:fs in trust', 'lib/trust/a.ts', "import { readFileSync } from 'node:fs';"],
    [
      'a mention in a comment',
      'lib/policy/a.ts',
      "// import { a } from 'node:tls';\nexport const a = 'node:fs';",
    ],
    ['300 lines', 'lib/pki/a.ts', '\n'.repeat(300)],
  ])('but not to %s', (_what, path, text) => {
    expect(violations({ path, text })).toEqual([]);
  });
});
