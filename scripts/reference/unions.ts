import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cell, markdownOf } from './doc-text.ts';

/** The texts of an exported union in a source file, each with the comment above it: one comment serves those that follow. */
export function readUnion(root: string, file: string, type: string): ReadonlyMap<string, string> {
  const source = readFileSync(join(root, file), 'utf8');
  // A comment may have a semicolon; the union ends behind a text, or what leaves it open.
  const body = new RegExp(`export type ${type} =([^]*?(?:'|\\(string & \\{\\}\\)));`).exec(source)?.[1];
  if (body === undefined) throw new Error(`${file} has no union ${type}`);
  const found = new Map<string, string>();
  let meaning = '';
  for (const [, comment, code] of body.matchAll(/(\/\*\*[^]*?\*\/)|'([\w-]+)'/g)) {
    if (comment !== undefined) meaning = cell(markdownOf(comment));
    else found.set(code!, meaning);
  }
  if (found.size === 0) throw new Error(`${file}: the union ${type} is empty`);
  return found;
}
