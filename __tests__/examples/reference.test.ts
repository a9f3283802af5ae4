import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Reference } from '../../scripts/reference/make.ts';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'docs', 'reference');
const committed = readdirSync(folder).toSorted();
let reference: Reference;

beforeAll(async () => {
  // The built one: the extractor reads declarations of the same build.
  const { makeReference } = (await import(join(root, 'dist/scripts/reference/make.js'))) as {
    makeReference: (root: string) => Reference;
  };
  reference = makeReference(root);
}, 120_000);

describe('the reference', () => {
  it.each(committed)('%s is what `npm run docs` makes of the source', (name) => {
    expect(readFileSync(join(folder, name), 'utf8')).toBe(reference.pages.get(name));
  });

  it('has every page', () => {
    expect(committed).toEqual([...reference.pages.keys()].toSorted());
  });

  it('has a word about every export, every member, every code and every option of a command', () => {
    expect(reference.silent).toEqual([]);
  });

  it('has every function that an entry of the package exports', async () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: Record<string, string | { readonly default: string }>;
    };
    const all = [...reference.pages.values()].join('\n');
    const missing: string[] = [];
    const entries = Object.values(exports).flatMap((files) =>
      typeof files === 'string' ? [] : [files.default],
    );
    expect(entries.length).toBeGreaterThan(0);
    for (const file of entries)
      for (const name of Object.keys((await import(join(root, file))) as object))
        if (!all.includes(`### \`${name}\``)) missing.push(`${file}: ${name}`);
    expect(missing).toEqual([]);
  });

  it('links to pages that are there', () => {
    const broken = [...reference.pages].flatMap(([name, text]) =>
      [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)]
        .map(([, target]) => target!)
        .filter((target) => !isThere(target))
        .map((target) => `${name}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

function isThere(target: string): boolean {
  if (reference.pages.has(target)) return true;
  try {
    return readFileSync(join(folder, target)).length > 0;
  } catch {
    return false;
  }
}
