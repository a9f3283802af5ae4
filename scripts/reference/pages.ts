import type { Entry, Item } from './model.ts';
import { markdownOf } from './doc-text.ts';
import { render, tabled } from './render.ts';

interface Page {
  readonly file: string;
  readonly title: string;
  readonly intro: string;
  readonly items: readonly Item[];
}

/** The pages of the main entry, by where a thing is declared. */
const topics: ReadonlyArray<readonly [file: string, title: string, intro: string, rooms: RegExp]> = [
  [
    'listener',
    'createServer',
    'The listener, its options, and what it says of itself.',
    /^lib\/(?:listener|credentials|profiles|tickets|trust)\//,
  ],
  ['request', 'The request', 'What `req.tls` holds.', /^lib\/connection\//],
  [
    'middleware',
    'The middleware',
    'One for each policy, with its options.',
    /^(?:middleware|lib\/forwarded)\//,
  ],
  ['rules', 'Rules', 'Who may come in, from `portcullis`; see [rules](../rules.md).', /^lib\/policy\//],
  [
    'events',
    'Events',
    'What is published on `node:diagnostics_channel`; see [observability](../observability.md).',
    /^lib\/events\.ts$/,
  ],
  [
    'errors',
    'Errors',
    'What is thrown, and given to `next`. Each code: [codes](codes.md).',
    /^lib\/errors\.ts$/,
  ],
];

/** Every page of exports: file name → Markdown. An export that no topic takes is an error. */
export function exportPages(entries: readonly Entry[]): Map<string, string> {
  const [main, ...others] = entries as [Entry, ...Entry[]];
  const taken = new Set<Item>();
  const pages: Page[] = topics.map(([file, title, intro, rooms]) => {
    const items = main.items.filter((item) => rooms.test(item.file));
    for (const item of items) taken.add(item);
    return { file, title, intro, items };
  });
  const left = main.items.filter((item) => !taken.has(item)).map(({ name }) => name);
  if (left.length > 0) throw new Error(`No page of the reference takes ${left.join(', ')}`);
  const told = new Map(pages.flatMap(({ file, items }) => items.map((item) => [keyOf(item), file])));
  for (const { name, intro, items } of others)
    pages.push({
      file: name.replace('portcullis/', ''),
      title: name,
      intro: [markdownOf(intro), linksTo(items, told)].filter(Boolean).join('\n\n'),
      items: items.filter((item) => !told.has(keyOf(item))),
    });
  return new Map(pages.map((page) => [`${page.file}.md`, pageOf(page)]));
}

const keyOf = ({ file, name }: Item): string => `${file} ${name}`;

/** What an entry exports once more stands where the main one has it. */
function linksTo(items: readonly Item[], told: ReadonlyMap<string, string>): string {
  const links = items.flatMap((item) => {
    const page = told.get(keyOf(item));
    return page === undefined ? [] : [`[\`${item.name}\`](${page}.md#${item.name.toLowerCase()})`];
  });
  return links.length === 0 ? '' : `From \`portcullis\` as well: ${[...new Set(links)].join(', ')}.`;
}

const isCode = ([, [first]]: readonly [string, readonly Item[]]): boolean =>
  ['Function', 'Class', 'Variable'].includes(first!.kind);

function pageOf({ title, intro, items }: Page): string {
  const byName = new Map<string, Item[]>();
  for (const item of items) byName.set(item.name, [...(byName.get(item.name) ?? []), item]);
  const all = [...byName];
  const section = (heading: string, list: typeof all): string[] =>
    list.length === 0 ? [] : [`## ${heading}`, ...list.map(([name, found]) => render(name, found))];
  return (
    [
      `# ${title}`,
      ...(intro === '' ? [] : [intro]),
      ...section('Functions, classes and values', all.filter(isCode)),
      ...section(
        'Types',
        all.filter((one) => !isCode(one)),
      ),
      '',
    ]
      .join('\n\n')
      .trimEnd() + '\n'
  );
}

/** The index: what stands on which page. */
export function indexPage(pages: ReadonlyMap<string, string>): string {
  const lines = [...pages].map(([file, text]) => {
    const names = [...text.matchAll(/^### `([^`]+)`$/gm)].map(([, name]) => `\`${name}\``);
    const title = /^# (.*)$/m.exec(text)![1]!;
    return `- [${title}](${file})${names.length === 0 ? '' : `: ${names.join(', ')}`}`;
  });
  return `# Reference\n\nMade from the source by \`npm run docs\`. In the order in which one needs it: [the guide](../guide.md).\n\n${lines.join('\n')}\n`;
}

/** Exports and members without a word about them. */
export const withoutWords = (entries: readonly Entry[]): string[] =>
  entries.flatMap(({ name, intro, items }) => {
    const names = [...new Set(items.map((item) => item.name))];
    const silent = names.filter((one) =>
      items.filter((item) => item.name === one).every(({ docComment }) => markdownOf(docComment) === ''),
    );
    return [
      ...(markdownOf(intro) === '' ? [`${name} itself`] : []),
      ...silent.map((one) => `${name}: ${one}`),
      ...items.flatMap((item) => membersWithoutWords(item).map((one) => `${name}: ${item.name}.${one}`)),
    ];
  });

function membersWithoutWords(item: Item): string[] {
  const members = tabled(item).filter(({ docComment }) => markdownOf(docComment) === '');
  return members.map(({ name, declaration }) => name || declaration);
}
