import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exempt, properties } from './inventory.ts';

const root = join(import.meta.dirname, '..', '..');
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What the house calls whatever takes octets, text or options of somebody else. */
const verbs =
  'canonical|comparable|decode|decrypt|find|judge|match|normalize|open|parse|prepared|read|select|unseal|verify';
const reader = new RegExp(
  `^export (?:async )?(?:function\\*?|const) (?:${verbs})[A-Z]\\w*[^{]*?` +
    String.raw`(?:\b(?:Buffer|Uint8Array|string|unknown|DerElement|IncomingMessage)\b|Input|Option|Entries|Names)`,
  'm',
);
const readerClass = /^export class \w*(?:Reader|Codec|Index|Hosts|HeaderNames)\b/m;

const modules = ['lib', 'middleware'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`),
);
const listed = new Set(Object.values(properties).flat());

describe('every parser and matcher', () => {
  it('has properties, or says why not', () => {
    const strange = modules.filter(
      (path) =>
        !listed.has(path) &&
        !Object.hasOwn(exempt, path) &&
        (reader.test(textOf(path)) || readerClass.test(textOf(path))),
    );
    expect(strange).toEqual([]);
  });

  it('is imported where its properties are said to be', () => {
    const missing = Object.entries(properties).flatMap(([file, paths]) => {
      const text = textOf(`__tests__/fuzz/${file}.test.ts`);
      return paths.filter((path) => !text.includes(`from '../../${path}'`)).map((path) => `${file}: ${path}`);
    });
    expect(missing).toEqual([]);
  });

  it('is there, and no module is both listed and exempt', () => {
    const gone = [...listed, ...Object.keys(exempt)].filter((path) => !existsSync(join(root, path)));
    expect(gone).toEqual([]);
    expect(Object.keys(exempt).filter((path) => listed.has(path))).toEqual([]);
  });
});
