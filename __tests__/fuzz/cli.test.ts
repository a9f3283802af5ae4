import { readFileSync, writeFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { fishQuoted, quoted } from '../../lib/cli/completion/quoting.ts';
import { isServable } from '../../lib/cli/serve/servable.ts';
import { plain } from '../../lib/cli/terminal/plain.ts';
import { makeUserFolder, type UserFolder } from '../cli/fixtures.ts';
import { runCli } from '../cli/harness.ts';
import { times } from '../support/fuzz-runs.ts';

let folder: UserFolder;

beforeAll(async () => {
  folder = await makeUserFolder();
  writeFileSync(join(folder.path, 'site', 'tls.key'), 'secret');
  writeFileSync(join(folder.path, 'site', '.env'), 'secret');
});
afterAll(() => folder.remove());

const text = fc.string({ unit: 'binary', maxLength: 60 });
/** Control and format characters, surrogates, separators of lines; the line end of the output itself aside. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const exitCodes = [0, 1, 2, 3];

describe('text for a terminal', () => {
  it('holds nothing that steers it, and keeps what is harmless', () => {
    fc.assert(
      fc.property(text, (given) => {
        const shown = plain(given);
        expect(unsafe.test(shown)).toBe(false);
        expect(plain(shown)).toBe(shown);
      }),
      times(5_000),
    );
  });

  it('is one word of a shell', () => {
    fc.assert(
      fc.property(text, (given) => {
        expect(quoted(given).replaceAll(String.raw`'\''`, '')).toMatch(/^'[^']*'$/);
        expect(fishQuoted(given)).toMatch(/^'(?:[^'\\]|\\['\\])*'$/);
      }),
      times(2_000),
    );
  });
});

describe('a command line of any kind', () => {
  it('ends with an exit code, and steers no terminal', async () => {
    const word = fc.oneof(
      text,
      fc.constantFrom(
        'pin',
        'audit',
        'completion',
        'help',
        '--json',
        '--chain',
        '-',
        '--',
        'server.pem',
        'words.txt',
      ),
    );
    // serve would serve, and what names a host would connect.
    const words = fc
      .tuple(
        fc.constantFrom('pin', 'audit', 'completion', 'help', '', '--'),
        fc.array(word, { maxLength: 4 }),
      )
      .map(([first, rest]) =>
        ([first] as string[]).concat(rest.map((one) => (one.startsWith('-') ? one : `./${one}`))),
      );
    await fc.assert(
      fc.asyncProperty(words, async (args) => {
        const { code, out, err } = await runCli(args, { directory: folder.path });
        expect(exitCodes).toContain(code);
        expect(unsafe.test(`${out}${err}`.replaceAll('\n', ''))).toBe(false);
      }),
      times(200),
    );
  });
});

describe('a file of any kind', () => {
  it('has pins or not, and nothing of it is printed', async () => {
    const contents = [
      'server.pem',
      'server.key',
      'server.pub',
      'backup.csr',
      'server.p12',
      'strange.pem',
    ].map((name) => readFileSync(join(folder.path, name)));
    const ders = contents.slice(0, 4).map((pem) => Buffer.from(pem.toString().split('-----')[2]!, 'base64'));
    const damaged = fc
      .tuple(
        fc.constantFrom(...contents, ...ders),
        fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { maxLength: 4 }),
      )
      .map(([whole, changes]) => {
        const copy = Buffer.from(whole);
        for (const [at, octet] of changes) copy[at % copy.length] = octet;
        return copy;
      });
    const anything = fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets));
    const secret = readFileSync(join(folder.path, 'server.key'), 'utf8').split('\n')[1]!;
    await fc.assert(
      fc.asyncProperty(fc.oneof({ arbitrary: damaged, weight: 4 }, anything), async (input) => {
        const environment = { P: 'open sesame' };
        const args = ['pin', '-', '--passphrase-env', 'P'];
        const { code, out, err } = await runCli(args, { directory: folder.path, input, environment });
        expect([0, 3]).toContain(code);
        expect(out === '').toBe(code === 3);
        expect(unsafe.test(`${out}${err}`.replaceAll('\n', ''))).toBe(false);
        expect(`${out}${err}`).not.toContain(secret);
        for (const line of out.split('\n').filter(Boolean)) expect(line).toMatch(/^sha256\/[\w+/]{43}=  /);
      }),
      times(200),
    );
  });
});

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

describe('the path of a request of any kind', () => {
  it('never leads to a private key, a hidden file or out of the folder', async () => {
    const step = fc.constantFrom(
      '..',
      '.',
      '',
      'site',
      '.env',
      'tls.key',
      'server.key',
      '%2e',
      '%2E%2e',
      '%2f',
      '%5c',
      '%00',
      'x',
    );
    const path = fc
      .array(step, { maxLength: 6 })
      .chain((steps) => fc.constantFrom('/', '//', '%2f', '\\').map((mark) => `/${steps.join(mark)}`));
    const root = join(folder.path, 'site');
    await fc.assert(
      fc.asyncProperty(path, async (given) => {
        const file = join(root, normalize(`/${decodeURIComponent(given)}`));
        const seen = { content: contentOf(file), servable: await isServable(root, given) };
        expect(seen).not.toEqual({ content: 'secret', servable: true });
      }),
      times(1_000),
    );
  });
});
