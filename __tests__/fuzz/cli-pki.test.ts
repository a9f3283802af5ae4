import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { describeCrl } from '../../lib/cli/pki/describe.ts';
import { fileName } from '../../lib/cli/pki/names.ts';
import { permittedOnly } from '../../lib/cli/pki/permitted.ts';
import { jsonText } from '../../lib/cli/terminal/json-text.ts';
import { parseSubject, subjectText } from '../../lib/cli/pki/subject.ts';
import { encodeNameConstraints } from '../../lib/pki/name-constraints.ts';
import { readPem } from '../../lib/x509/pem.ts';
import { runCli } from '../cli/harness.ts';
import { times } from '../support/fuzz-runs.ts';

const text = fc.string({ unit: 'binary', maxLength: 300 });

/** What came of it: a text, or the name of an error. */
function outcome(act: () => unknown): string {
  try {
    return String(act());
  } catch (error) {
    return (error as Error).name;
  }
}

describe('a name of a folder', () => {
  test('stays in its folder, is seen, and is no option', () => {
    fc.assert(
      fc.property(
        fc.oneof(text, fc.string({ unit: fc.constantFrom('.', '/', '\\', '*', '-', ':', '\0', ' ', '\n') })),
        (name) => {
          const folder = fileName(name);
          expect(folder).toMatch(/^[\p{L}\p{N}_@+][\p{L}\p{N}._@+-]*$/u);
          expect(basename(join('a', folder))).toBe(folder);
          expect(folder.includes(sep) || folder.endsWith('.')).toBe(false);
          expect(Buffer.byteLength(folder)).toBeLessThanOrEqual(240);
          expect(fileName(folder)).toBe(folder);
        },
      ),
      times(1000),
    );
  });
});

describe('a subject', () => {
  const attribute = fc.constantFrom('CN', 'O', 'OU', 'L', 'ST');
  const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => one.trim() === one);

  test('is read as it is written', () => {
    fc.assert(
      fc.property(fc.dictionary(attribute, fc.array(value, { minLength: 1 }), { minKeys: 1 }), (subject) => {
        const escape = (one: string): string => one.replace(/[\\,=]/g, '\\$&');
        const line = Object.entries(subject).flatMap(([name, values]) =>
          values.map((one) => `${name}=${escape(one)}`),
        );
        expect(parseSubject(line.join(', '))).toEqual({ ...subject });
      }),
      // A backslash at the end of a value stands before the comma that parts.
      { examples: [[{ CN: ['\\', '!'] }]] },
    );
  });

  test('is shown on one line, without what steers a terminal', () => {
    fc.assert(
      fc.property(fc.dictionary(attribute, fc.array(text)), (subject) => {
        expect(subjectText(subject)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        const printed = jsonText(subject);
        expect(JSON.parse(printed)).toEqual({ ...subject });
        expect(printed.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

test('whatever is permitted becomes constraints, or is refused as such', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '@', ':', '/', '0', '1', '9', '-') });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.emailAddress(), part), { minLength: 1 }),
      (names) => {
        expect(outcome(() => encodeNameConstraints(permittedOnly(names), 'names').length > 20)).toMatch(
          /^(?:true|ConfigError)$/,
        );
      },
    ),
    times(500),
  );
});

describe('an authority', () => {
  let directory: string;
  let whole: string;
  const file = (): string => join(directory, 'pki', 'record.json');
  const run = (line: string): Promise<{ code: number; out: string; err: string }> =>
    runCli(['pki', ...line.split(' ')], { directory });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'portcullis-fuzz-pki-'));
    await run('init --no-passphrase');
    await run('client alice');
    await run('client bob');
    await run('revoke bob');
    whole = readFileSync(file(), 'utf8');
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('with a record that is cut or has holes says so, or knows all that it knew', async () => {
    const cuts = fc.tuple(fc.nat(whole.length), fc.nat(40), fc.string({ maxLength: 3 }));
    await fc.assert(
      fc.asyncProperty(cuts, async ([at, length, other]) => {
        writeFileSync(file(), whole.slice(0, at) + other + whole.slice(at + length), { mode: 0o600 });
        const { code, out, err } = await run('list --json');
        const known = code === 0 ? (JSON.parse(out) as { certificates: unknown[] }).certificates.length : 2;
        expect([code === 0 || /record/.test(err), known, /TypeError|undefined/.test(err)]).toEqual([
          true,
          2,
          false,
        ]);
      }),
      times(150),
    );
  });

  test('shows a damaged list or an error, and nothing else', () => {
    const der = readPem((JSON.parse(whole) as { crl: { pem: string } }).crl.pem)![0]!.der;
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.nat(255), (at, octet) => {
        const damaged = Buffer.from(der);
        damaged[at] = octet;
        expect(outcome(() => describeCrl(damaged).title)).toMatch(/^(?:CRL|\w*Error)$/);
      }),
      times(1000),
    );
  });
});
