import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const root: string = resolve(import.meta.dirname, '../../..');

/** A fenced block of a page. */
export interface Block {
  /** From the repository: `docs/rules.md`. */
  readonly page: string;
  /** The line of its fence, from 1. */
  readonly line: number;
  readonly language: string;
  /** Why it is not run, where it is not. */
  readonly marker: 'fragment' | 'elsewhere' | undefined;
  readonly reason: string;
  readonly text: string;
}

/** README.md and every page below docs/ but the reference, which is generated, and compared with what it is made of. */
export const pages = (): readonly string[] => [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((page) => !page.startsWith('docs/reference/'))
    .toSorted(),
];

/** The blocks of a page; one that is never closed is an error. */
export function readBlocks(page: string): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; line: number; info: string; indent: number; text: string[] } | undefined;
  for (const [index, line] of readFileSync(resolve(root, page), 'utf8').split('\n').entries()) {
    const found = /^( *)(`{3,}|~{3,})(.*)$/.exec(line);
    if (open === undefined) {
      const [, indent = '', fence, info] = found ?? [];
      if (fence === undefined || info === undefined) continue;
      open = { fence, line: index + 1, info: info.trim(), indent: indent.length, text: [] };
    } else if (found !== null && found[2]!.startsWith(open.fence) && found[3]!.trim() === '') {
      blocks.push(blockOf(page, open));
      open = undefined;
    } else {
      open.text.push(line.replace(new RegExp(`^ {0,${open.indent}}`), ''));
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: this block is not closed`);
  return blocks;
}

function blockOf(page: string, open: { line: number; info: string; text: readonly string[] }): Block {
  const [, language = '', marker, reason = ''] =
    /^(\S*)(?: +(fragment|elsewhere):? *(.*))?$/.exec(open.info) ?? [];
  const text = open.text.map((line) => `${line}\n`).join('');
  if (language === '' && open.info !== '')
    throw new Error(`${page}:${open.line}: "${open.info}": the words known here are fragment and elsewhere`);
  return {
    page,
    line: open.line,
    language,
    marker: marker as Block['marker'],
    reason,
    text,
  };
}

export const placeOf = ({ page, line, language }: Block): string => `${page}:${line} (${language})`;

/** A whole program that serves, rather than one that ends. */
export const isServer = ({ language, marker, text }: Block): boolean =>
  isProgram({ language, marker }) && /\.listen\(\s*8443\b/.test(text);

export const isProgram = ({ language, marker }: Pick<Block, 'language' | 'marker'>): boolean =>
  (language === 'js' || language === 'ts') && marker === undefined;

/** A block that needs the page's server. */
export const asksServer = (block: Block): boolean =>
  block.marker === undefined &&
  !isServer(block) &&
  /\b(?:localhost|127\.0\.0\.1|\w+\.(?:org|internal)):8443\b/.test(block.text);
