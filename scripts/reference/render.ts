import { cell, codeCell, defaultOf, markdownOf } from './doc-text.ts';
import type { Item } from './model.ts';

const table = (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

export { table };

/** An export in Markdown: what it is, how it is declared, what it has. */
export function render(name: string, items: readonly Item[]): string {
  const docs = items.map(({ docComment }) => markdownOf(docComment)).filter((text) => text !== '');
  return [
    `### \`${name}\``,
    ...docs.map((text) => indentHeadings(text)),
    `\`\`\`ts\n${items.map(declarationOf).join('\n')}\n\`\`\``,
    ...items.map(membersOf).filter((text) => text !== ''),
  ].join('\n\n');
}

/** A comment has no headings of the page's own rank. */
const indentHeadings = (text: string): string => text.replaceAll(/^(#+) /gm, '####$1 ');

function declarationOf({ kind, declaration }: Item): string {
  const text = declaration
    .replace(/^export declare /, '')
    .replace(/^export /, '')
    .trim();
  // Their members stand in the table.
  if (kind === 'Interface' || kind === 'Class') return `${text} { … }`;
  return kind === 'Variable' ? `const ${text};` : text;
}

const shown = new Set(['PropertySignature', 'Property']);

/** What a table says of an export. The `name` of an error is the heading. */
export const tabled = ({ name, members }: Item): readonly Item[] =>
  members.filter((member) => member.name !== 'name' || member.type !== `'${name}'`);

function membersOf(item: Item): string {
  const members = tabled(item);
  const properties = members.filter(({ kind }) => shown.has(kind));
  const others = members.filter(({ kind }) => !shown.has(kind));
  return [
    properties.length === 0 ? '' : propertiesOf(properties),
    others.length === 0
      ? ''
      : table(
          ['member', 'meaning'],
          others.map((one) => [codeCell(signatureOf(one)), cell(markdownOf(one.docComment))]),
        ),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

const signatureOf = ({ declaration, isStatic }: Item): string =>
  `${isStatic ? 'static ' : ''}${declaration.replace(/;\s*$/, '').replaceAll(/\s+/g, ' ')}`;

function propertiesOf(properties: readonly Item[]): string {
  const withDefault = properties.some(({ docComment }) => defaultOf(docComment) !== '');
  return table(
    ['property', 'type', ...(withDefault ? ['default'] : []), 'meaning'],
    properties.map((item) => [
      codeCell(`${item.name}${item.isOptional ? '?' : ''}`),
      codeCell(item.type.replaceAll(/\s+/g, ' ').replace(/ \| undefined$/, item.isOptional ? '' : '$&')),
      ...(withDefault ? [cell(defaultOf(item.docComment))] : []),
      cell(markdownOf(item.docComment)),
    ]),
  );
}
