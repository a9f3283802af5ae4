import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './support.ts';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
};
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { dev?: boolean; devOptional?: boolean; license?: string; version?: string }>;
};
const builtins: ReadonlySet<string> = new Set(builtinModules);

/** Who names which packages, of the shipped files with this ending. */
function importedBy(ending: '.js' | '.d.ts'): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const folder of ['dist/lib', 'dist/middleware']) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith(ending)) continue;
      for (const name of bareImports(readFileSync(join(root, folder, file), 'utf8')))
        found.set(name, (found.get(name) ?? new Set()).add(`${folder}/${file}`));
    }
  }
  return found;
}

/** The packages that a module loads or takes types from; its comments are examples. */
function bareImports(source: string): string[] {
  const code = source.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/^\s*\/\/(?!\/).*$/gm, '');
  const named = [
    ...code.matchAll(
      /(?:^|[\s;}])(?:from|import)\s*['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]\s*\)|(?:\brequire|createRequire\([^()]*\)|\.resolve)\(\s*['"]([^'"\n]+)['"]\s*\)|^\/\/\/ <reference types="([^"]+)"/gm,
    ),
  ].map((match) => match.slice(1).find((group) => group !== undefined)!);
  return named
    .filter((name) => /^[@a-z]/i.test(name) && !name.startsWith('node:') && !builtins.has(name))
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
}

describe('the packages that the shipped modules load', () => {
  const loaded = importedBy('.js');
  const typed = importedBy('.d.ts');
  const runtime = Object.keys(manifest.dependencies).filter((name) => !name.startsWith('@types/'));
  // Its own name: what it tells a user to write.
  const known = new Set([manifest.name, ...runtime, ...Object.keys(manifest.peerDependencies)]);

  it('are dependencies or peers, every one', () => {
    expect([...loaded].filter(([name]) => !known.has(name))).toEqual([]);
  });

  it('are every runtime dependency: none is there for nothing', () => {
    expect(runtime.filter((name) => !loaded.has(name))).toEqual([]);
  });

  it('are optional peers only where an entry of their own wants them', () => {
    const optional = Object.keys(manifest.peerDependenciesMeta).filter((name) => !name.startsWith('@types/'));
    const rooms: Record<string, string> = {
      'prom-client': 'dist/lib/metrics/',
      supertest: 'dist/lib/testing/',
    };
    expect(optional.toSorted()).toEqual(Object.keys(rooms));
    for (const name of optional) {
      const users = [...(loaded.get(name) ?? []), ...(typed.get(name) ?? [])];
      expect(users).not.toEqual([]);
      expect(users.filter((file) => !file.startsWith(rooms[name]!))).toEqual([]);
    }
  });

  it('bring the types that the declarations name, or have them of a dependency', () => {
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
    const without = [...typed.keys()].filter((name) => {
      const typesOf = `@types/${name.replace(/^@(.*)\//, '$1__')}`;
      const { types, typings } = JSON.parse(
        readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'),
      ) as Record<string, string>;
      return !(typesOf in declared) && !(name in declared && (types ?? typings) !== undefined);
    });
    expect(without).toEqual([]);
    for (const name of Object.keys(manifest.dependencies).filter((one) => one.startsWith('@types/')))
      expect([...typed.keys()]).toContain(name.slice('@types/'.length));
  });
});

describe('the reader of imports', () => {
  it.each([
    ["import a from 'left';", ['left']],
    ["import 'left/lite';", ['left']],
    ["import { a, b } from '@scope/left/deep.js';", ['@scope/left']],
    ["export * from 'left';", ['left']],
    ["const a = await import('left');", ['left']],
    ["type A = import('left').A;", ['left']],
    ["const a = createRequire(import.meta.url)('left');", ['left']],
    ["const a = require('left');", ['left']],
    ['/// <reference types="left" />', ['left']],
    ["/** import a from 'left'; */\n// import 'left'", []],
    ["import a from './left.js'; import b from 'node:fs'; import c from 'fs';", []],
  ])('%s', (source, names) => {
    expect(bareImports(source)).toEqual(names);
  });
});

describe('docs/decisions/dependencies.md', () => {
  it('has a sentence for each dependency and each peer, and for nothing else', () => {
    const page = readFileSync(join(root, 'docs/decisions/dependencies.md'), 'utf8').split(/^## /m, 1)[0]!;
    const said = [...page.matchAll(/^- \*\*([^*]+)\*\*(.*)$/gm)].map(([, name, words]) => ({
      name: name!,
      words,
    }));
    expect(said.map(({ name }) => name).toSorted()).toEqual(
      [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)].toSorted(),
    );
    for (const { words } of said) expect(words).toMatch(/\w{3,} .*\.$/);
  });
});

describe('the licences of all that an installation brings along', () => {
  const allowed = new Set([
    '0BSD',
    'Apache-2.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'BlueOak-1.0.0',
    'ISC',
    'MIT',
  ]);
  const brought = Object.entries(packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true,
  );

  it('are on the list', () => {
    expect(brought.length).toBeGreaterThan(Object.keys(manifest.dependencies).length);
    expect(
      brought
        .filter(([, { license }]) => !allowed.has(license ?? ''))
        .map(([path, { license }]) => `${path}: ${license}`),
    ).toEqual([]);
  });

  it('are those that the installed packages give themselves', () => {
    const others = brought.filter(([path, { license, version }]) => {
      const own = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as Record<
        string,
        string
      >;
      return own['license'] !== license || own['version'] !== version;
    });
    expect(others).toEqual([]);
  });
});
