import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configOf, extractAll } from './extractor.ts';

/** What the extractor says of an export, or of a member of one. */
export interface Item {
  readonly kind: string;
  readonly name: string;
  /** With its comment signs. */
  readonly docComment: string;
  /** As declared. */
  readonly declaration: string;
  /** Of a property: its type, or the literal that it always is. */
  readonly type: string;
  readonly isOptional: boolean;
  readonly isStatic: boolean;
  /** Where it is declared: `lib/policy/san.ts`. */
  readonly file: string;
  readonly members: readonly Item[];
}

/** An entry of package.json: `portcullis/client`. */
export interface Entry {
  readonly name: string;
  /** The comment at the head of its index file. */
  readonly intro: string;
  readonly items: readonly Item[];
}

interface RawItem {
  readonly kind: string;
  readonly name?: string;
  readonly docComment?: string;
  readonly excerptTokens?: ReadonlyArray<{ readonly text: string }>;
  readonly propertyTypeTokenRange?: { readonly startIndex: number; readonly endIndex: number };
  readonly isOptional?: boolean;
  readonly isStatic?: boolean;
  readonly isProtected?: boolean;
  readonly fileUrlPath?: string;
  readonly members?: readonly RawItem[];
}

/** Every entry, from the declarations in `dist` below `root`. */
export function readEntries(root: string): Entry[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly module: string }>;
  };
  const built = Object.entries(exports).flatMap(([name, files]) =>
    typeof files === 'string' ? [] : [[name, files.module] as const],
  );
  const output = mkdtempSync(join(tmpdir(), 'reference-'));
  try {
    const configs = built.map(([, file], index) =>
      configOf(root, file, {
        docModel: { enabled: true, apiJsonFilePath: join(output, `${index}.api.json`) },
      }),
    );
    extractAll(configs);
    return built.map(([name, file], index) => {
      const model = JSON.parse(readFileSync(join(output, `${index}.api.json`), 'utf8')) as RawItem;
      return {
        name: `portcullis${name.slice(1)}`,
        intro: introOf(join(root, file.replace('./dist/', '').replace(/\.js$/, '.ts'))),
        items: (model.members?.[0]?.members ?? []).flatMap((item) => readItem(item, root)),
      };
    });
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

function readItem(raw: RawItem, root: string): Item[] {
  if (raw.isProtected === true || raw.kind === 'Constructor') return [];
  const tokens = raw.excerptTokens ?? [];
  const { startIndex = 0, endIndex = 0 } = raw.propertyTypeTokenRange ?? {};
  const textOf = (list: typeof tokens): string => list.map(({ text }) => text).join('');
  return [
    {
      kind: raw.kind,
      name: (raw.name ?? '').replace(/_\d+$/, ''),
      docComment: raw.docComment ?? '',
      declaration: spelledOut(textOf(tokens), join(root, raw.fileUrlPath ?? '')),
      type: textOf(tokens.slice(startIndex, endIndex)) || literalOf(textOf(tokens)),
      isOptional: raw.isOptional ?? false,
      isStatic: raw.isStatic ?? false,
      file: raw.fileUrlPath ?? '',
      members: (raw.members ?? []).flatMap((member) => readItem(member, root)),
    },
  ];
}

/** `readonly code = "HANDSHAKE_FAILED"` has no type of its own. */
const literalOf = (declaration: string): string =>
  /= "(.*)";?$/.exec(declaration)?.[1]?.replace(/.*/, "'$&'") ?? '';

/** A union that is made of a list in the same source, as a user would write it. */
function spelledOut(declaration: string, file: string): string {
  const list = /^(.* = )\(typeof (\w+)\)\[number\];?$/.exec(declaration);
  if (list === null) return declaration;
  const body = new RegExp(`const ${list[2]}\\b[^=]*= \\[([^]*?)\\]`).exec(readFileSync(file, 'utf8'))?.[1];
  const names = body?.match(/'[^']+'/g);
  if (names === undefined || names === null) throw new Error(`${file} has no list ${list[2]}`);
  return `${list[1]}${names.join(' | ')};`;
}

/** The comment with which an index file begins. */
function introOf(file: string): string {
  return /^\/\*\*[^]*?\*\//.exec(readFileSync(file, 'utf8'))?.[0] ?? '';
}
