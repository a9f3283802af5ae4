import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { entries, pack, root, succeed, type Tarball } from './support.ts';

const shipped: readonly RegExp[] = [
  /^dist\/(?:lib|middleware)\/.+\.(?:js|d\.ts)(?:\.map)?$/,
  /^dist\/bundle\/.+\.js(?:\.map)?$/,
  /^(?:lib|middleware)\/.+\.ts$/,
  /^docs\/(?:decisions\/|migration\/|recipes\/|reference\/)?[\w-]+\.md$/,
  /^docs\/plots\/[\w-]+\.svg$/,
  /^examples\/(?:app\/)?[\w-]+\.ts$/,
];
const single: readonly string[] = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'bench/README.md',
  'bin/portcullis',
  'man/portcullis.1',
  'package.json',
];

let folder: string;
let tarball: Tarball;
let paths: readonly string[];
/** Where it is unpacked. */
let unpacked: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-tarball-'));
  tarball = await pack(root, folder);
  paths = tarball.files.map(({ path }) => path);
  await succeed('tar', ['-xzf', tarball.file], folder);
  unpacked = join(folder, 'package');
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const textOf = (path: string): string => readFileSync(join(unpacked, path), 'utf8');
/** A page without its blocks of code, where brackets mean something else. */
const proseOf = (page: string): string => textOf(page).replaceAll(/^( *)```[^]*?^\1```/gm, '');

it('holds the build, its sources, the documents and the examples, and nothing else', () => {
  const others = paths.filter((path) => !shipped.some((pattern) => pattern.test(path)));
  expect(others.toSorted()).toEqual(single);
  for (const pattern of shipped) expect(paths.some((path) => pattern.test(path))).toBe(true);
  // What the findings of an audit link to.
  expect(paths).toContain('docs/audit.md');
});

it('has each entry with its declarations and its source', () => {
  const { exports } = JSON.parse(textOf('package.json')) as {
    exports: Record<string, string | { module: string; default: string }>;
  };
  const built = Object.values(exports).filter((files) => typeof files !== 'string');
  expect(built).toHaveLength(entries.length);
  for (const { module: file, default: bundled } of built) {
    expect(paths).toContain(bundled.slice(2));
    const module = file.replace(/^\.\/(.*)\.js$/, '$1');
    expect(paths).toEqual(
      expect.arrayContaining([`${module}.js`, `${module}.d.ts`, `${module.replace(/^dist\//, '')}.ts`]),
    );
  }
});

it('is below 2.5 MB, and 9.5 MB unpacked', () => {
  const { size, unpackedSize } = tarball;
  console.log(`The tarball has ${paths.length} files, ${size} octets, ${unpackedSize} unpacked.`);
  expect(size).toBeLessThan(2_500_000);
  expect(unpackedSize).toBeLessThan(9_500_000);
});

it('links only to pages that are in it', () => {
  const isThere = (path: string): boolean =>
    paths.some((one) => one === path || one.startsWith(`${path.replace(/\/$/, '')}/`));
  const dead = paths
    .filter((page) => page.endsWith('.md'))
    .flatMap((page) =>
      [...proseOf(page).matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)]
        .map(([, target]) => posix.join(posix.dirname(page), target!))
        .filter((target) => !isThere(target))
        .map((target) => `${page}: ${target}`),
    );
  expect(dead).toEqual([]);
});

it('has maps that lead to sources in it, and a map for every module', () => {
  const maps = paths.filter((path) => path.endsWith('.map'));
  const lost = maps.flatMap((path) => {
    const { sources, sourceRoot = '' } = JSON.parse(textOf(path)) as {
      sources: string[];
      sourceRoot?: string;
    };
    return sources
      .map((source) => posix.join(posix.dirname(path), sourceRoot, source))
      .filter((source) => !paths.includes(source))
      .map((source) => `${path}: ${source}`);
  });
  expect(lost).toEqual([]);
  // An entry that only passes on what a chunk exports has none.
  const modules = paths.filter(
    (path) =>
      /^dist\/.+\.(?:js|d\.ts)$/.test(path) &&
      (!path.startsWith('dist/bundle/') || textOf(path).includes('sourceMappingURL=')),
  );
  expect(maps.toSorted()).toEqual(modules.map((path) => `${path}.map`).toSorted());
});

it('has a command that can be run and a manual, and asks for the Nodes that it is tested on', () => {
  const manifest = JSON.parse(textOf('package.json')) as {
    bin: Record<string, string>;
    man: readonly string[];
    engines: { node: string };
    license: string;
  };
  expect(manifest.bin).toEqual({ portcullis: 'bin/portcullis' });
  expect(statSync(join(unpacked, 'bin/portcullis')).mode & 0o111).toBe(0o111);
  expect(textOf('bin/portcullis')).toMatch(/^#!\/usr\/bin\/env node\n/);
  // A list: npm 11 links no manual that is given as a string.
  expect(manifest.man).toEqual(['man/portcullis.1']);
  expect(textOf(manifest.man[0]!)).toMatch(/^\.TH "?PORTCULLIS"? 1/im);
  // What requires an ES module without a flag.
  expect(manifest.engines.node).toBe('^20.19.0 || >=22.12.0');
  expect(manifest.license).toBe('MIT');
  expect(textOf('LICENSE')).toMatch(/^MIT License\n/);
});

it('is the same to the octet from a checkout elsewhere, on another day and without a build', async () => {
  const checkout = join(folder, 'checkout');
  mkdirSync(checkout);
  const ignored = new Set(['.git', '.nodes', '.tools', 'coverage', 'dist', 'node_modules']);
  const parts = (await succeed('ls', ['-A'], root)).trim().split('\n');
  for (const part of parts.filter((name) => !ignored.has(name) && !name.endsWith('.tgz')))
    cpSync(join(root, part), join(checkout, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
  await succeed('sh', ['-c', 'find "$0" -type f -exec touch -d 2001-02-03 {} +', checkout], folder);
  // With its scripts: `prepare` builds. The modes in a tarball are those of the files.
  const again = join(folder, 'again');
  mkdirSync(again);
  await succeed('sh', ['-c', 'umask 022 && npm pack --pack-destination "$0"', again], checkout);
  const [first, second] = [readFileSync(tarball.file), readFileSync(tarball.file.replace(folder, again))];
  expect(second.equals(first)).toBe(true);
}, 180_000);
