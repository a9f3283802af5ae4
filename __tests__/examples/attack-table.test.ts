import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/**
 * docs/threat-model.md says which test shows that an attack is closed. Here: every attack that has a name is a row of
 * it, and a test whose title names the attack is in a file that the row names.
 */
const tests = join(import.meta.dirname, '..');
const docs = join(tests, '../docs');

interface Row {
  readonly page: string;
  readonly attack: string;
  /** Files below __tests__, without their ending. */
  readonly files: readonly string[];
  readonly shownBy: string;
}

const cellsOf = (line: string): string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The rows of all tables whose last column says by which test it is shown. */
function rowsOf(page: string): Row[] {
  const rows: Row[] = [];
  let isShown = false;
  let before: readonly string[] = [];
  for (const line of readFileSync(join(docs, page), 'utf8').split('\n')) {
    const cells = line.startsWith('|') ? cellsOf(line) : [];
    if (cells.length === 0) isShown = false;
    else if (cells.at(-1) === 'shown by') isShown = true;
    else if (isShown && !/^-+$/.test(cells[0]!)) {
      const shownBy = cells.at(-1)!;
      const named = [...shownBy.matchAll(/`([\w-]+\/[\w-]*)`/g)].map(([, name]) => name!);
      before = shownBy === 'the same' ? before : named;
      rows.push({ page, attack: cells[0]!, files: before, shownBy });
    }
  }
  return rows;
}

const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
const rows = pages.flatMap(rowsOf);

function filesOf(name: string): string[] {
  const path = join(tests, name);
  if (existsSync(`${path}.test.ts`)) return [`${path}.test.ts`];
  if (!existsSync(path)) return [];
  return readdirSync(path).flatMap((file) => (file.endsWith('.test.ts') ? [join(path, file)] : []));
}

/** All literal texts of a file: titles are among them, those of `each` too. */
const textsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(
    ([, single, template]) => single ?? template!,
  );

it('every row of every table of what is shown names test files that are there', () => {
  expect(rows.length).toBeGreaterThan(60);
  const missing = rows.flatMap(({ page, attack, files }) =>
    files.filter((name) => filesOf(name).length === 0).map((name) => `${page}, ${attack}: ${name}`),
  );
  expect(missing).toEqual([]);
});

it('every row of the threat model names a test file', () => {
  const unproven = rows.filter(({ page, files }) => page === 'threat-model.md' && files.length === 0);
  expect(unproven).toEqual([]);
});

/** What the row is called, and what the title of its test says. */
const attacks: ReadonlyArray<readonly [row: string, title: RegExp]> = [
  ['POODLE', /^POODLE/],
  ['DROWN', /^DROWN/],
  ['FREAK', /^FREAK/],
  ['Logjam', /^Logjam/],
  ['BEAST', /^BEAST/],
  ['RC4', /^RC4/],
  ['SWEET32', /^SWEET32/],
  ['Lucky 13', /^Lucky 13/],
  ['ROBOT', /^ROBOT/],
  ['CRIME', /^CRIME/],
  ['BREACH', /^BREACH/],
  ['Heartbleed', /^Heartbleed/],
  ['insecure renegotiation', /^insecure renegotiation/],
  ['client-initiated renegotiation', /ends a connection .*that renegotiates/],
  ['downgrade of the version', /^downgrade: TLS_FALLBACK_SCSV/],
  ['Ticketbleed', /^Ticketbleed/],
  ['CCS injection', /^CCS injection/],
  ['Raccoon', /^Raccoon/],
  ['0-RTT replay', /^0-RTT replay/],
  ['ALPACA', /^ALPACA/],
  ['handshake floods', /handshakes that stall/],
  ['slowloris', /slow heads|dribbles its headers/],
  ['request smuggling', /^request smuggling/],
];

describe('the threat model shows by a test of that name', () => {
  it.each(attacks)('%s', (name, title) => {
    const [row, ...others] = rows.filter(
      ({ page, attack }) => page === 'threat-model.md' && new RegExp(`(?:^|, )${name}`).test(attack),
    );
    expect(others).toEqual([]);
    const texts = (row?.files ?? []).flatMap(filesOf).flatMap(textsOf);
    expect(texts.filter((text) => title.test(text))).not.toEqual([]);
  });
});

it('the scanners look for what the rows say that they do', () => {
  const scanned = rows.filter(({ shownBy }) => shownBy.includes('`npm run test:scan`'));
  const lists = ['expected-nmap.ts', 'expected-sslscan.ts', 'expected-testssl.ts'].map((name) =>
    readFileSync(join(tests, '../scripts/scan', name), 'utf8'),
  );
  const looked = lists.join('\n').toLowerCase().replaceAll(/[\s-]/g, '');
  const unknown = scanned.filter(
    ({ attack }) => !looked.includes(attack.toLowerCase().replaceAll(/[\s-]/g, '').replace('injection', '')),
  );
  expect(scanned.length).toBeGreaterThan(5);
  expect(unknown).toEqual([]);
});
