import { createHash } from 'node:crypto';
import { relative } from 'node:path';

/** Of a path in Babel's tree, what is asked here. */
interface NodePath {
  readonly node: SyntaxNode;
  readonly hub?: { readonly file?: { readonly opts?: { readonly filename?: string } } };
  /** Where it stands in the node above it. */
  readonly key?: string | number | null;
  findParent(test: (path: NodePath) => boolean): NodePath | null;
}
interface SyntaxNode {
  readonly type: string;
  readonly value?: unknown;
  readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
  readonly loc?: { readonly start: { readonly line: number; readonly column: number } } | null;
}
interface Ignorer {
  /** Why a node is left out, with all that is in it. */
  shouldIgnore(path: NodePath): string | undefined;
}
interface Options {
  readonly sample?: { readonly share: number; readonly seed: string };
}

/**
 * Whether a text is for people to read: a word of two letters or more, and a space after it. Codes, names of headers and
 * options, OIDs and patterns have none, and are mutated. A line of PEM is no sentence.
 */
export const isSentence = (text: string): boolean =>
  /[A-Za-z]{2}['’]?[,.:;)]? /.test(text) && !text.startsWith('-----');

/** Whether what begins at `place` belongs to the sample: always the same for a seed. */
export function isSampled(place: string, { share, seed }: { share: number; seed: string }): boolean {
  const drawn = createHash('sha256').update(`${seed}:${place}`).digest().readUInt32BE();
  return drawn < share * 2 ** 32;
}

function textOf({ type, value, quasis }: SyntaxNode): string | undefined {
  if (type === 'StringLiteral') return String(value);
  return type === 'TemplateLiteral' ? quasis?.map((each) => each.value.raw).join('0') : undefined;
}

/** What is drawn, with all that is in it; and conditions. */
const drawn: ReadonlySet<string> = new Set([
  'ExpressionStatement',
  'ReturnStatement',
  'ThrowStatement',
  'VariableDeclaration',
]);
const isUnit = ({ node, key }: NodePath): boolean => drawn.has(node.type) || key === 'test';
const isDrawn = (path: NodePath): boolean => isUnit(path) && path.findParent(isUnit) === null;

/** Stryker asks for every node, and for none within one that is left out. Whole blocks are never left out. */
function createIgnorer({ sample }: Options): Ignorer {
  return {
    shouldIgnore(path) {
      const text = textOf(path.node);
      if (text !== undefined && isSentence(text)) return 'a sentence';
      if (sample === undefined || !isDrawn(path)) return undefined;
      return isSampled(placeOf(path), sample) ? undefined : 'not in the sample';
    },
  };
}

/** From the repository: Stryker gives whole paths, which differ from machine to machine. */
function placeOf({ node, hub }: NodePath): string {
  const file = hub?.file?.opts?.filename;
  if (file === undefined || !node.loc)
    throw new Error('Babel tells no place: the sample would not be the same');
  return `${relative(process.cwd(), file).replaceAll('\\', '/')}:${node.loc.start.line}:${node.loc.start.column}`;
}

/** Stryker's plugin; its types are no direct dependency. */
export const strykerPlugins: readonly object[] = [
  { kind: 'Ignore', name: 'sample', factory: Object.assign(createIgnorer, { inject: ['options'] }) },
];
