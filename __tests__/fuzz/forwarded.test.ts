import { performance } from 'node:perf_hooks';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createAuthority } from 'portcullis/pki';
import {
  type Assertion,
  type ForwardedFormat,
  MalformedError,
  readFormat,
} from '../../lib/forwarded/index.ts';
import { awsPassthrough, formatNames, rawOf, writers } from '../forwarded/writers.ts';
import { times } from '../support/fuzz-runs.ts';

let leaf: string;
let other: string;

beforeAll(async () => {
  const authority = await createAuthority({ subject: 'Root' });
  [leaf, other] = (await Promise.all(
    ['good', 'other'].map(
      async (subject) => (await authority.issueClientCertificate({ subject })).certificate,
    ),
  )) as [string, string];
});

/** What a format makes of headers: a certificate, a refusal, nobody, or a MalformedError; anything else is a fault. */
function outcomeOf(format: ForwardedFormat, rawHeaders: readonly string[]): Assertion | 'malformed' {
  try {
    return format.read(rawHeaders);
  } catch (error) {
    if (error instanceof MalformedError) return 'malformed';
    throw error;
  }
}

const ready = (format: string): ForwardedFormat => readFormat({ format }, 'forwarded');

/** Signs that mean something to some decoder. */
const telling = fc.constantFrom(
  ...Array.from(',;"\\:=%+/-_ \t\0\r\n'),
  'Cert=',
  'Chain=',
  '%0A',
  '%00',
  '-----BEGIN CERTIFICATE-----',
);
const text = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc
    .array(fc.oneof(telling, fc.base64String({ maxLength: 16 })), { maxLength: 60 })
    .map((parts) => parts.join('')),
);

interface Damage {
  readonly at: number;
  readonly out: number;
  readonly put: string;
}

/** Something replaced, put in, or left out, anywhere. */
const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  out: fc.nat(5),
  put: fc.oneof(telling, fc.string({ maxLength: 3 })),
});

function damaged(value: string, { at, out, put }: Damage): string {
  const place = Math.floor(at * value.length);
  return value.slice(0, place) + put + value.slice(place + out);
}

/** By how many octets two of the same length differ: five signs of base64 are as many at most. */
const distance = (a: Buffer, b: Buffer): number =>
  a.length === b.length ? a.reduce((sum, octet, index) => sum + (octet === b[index] ? 0 : 1), 0) : Infinity;

describe.each(formatNames)('headers of %s', (name) => {
  const ours = (): string[] => rawOf(writers[name](leaf));

  it('of any content are read, are malformed, or are nobody', () => {
    const names = rawOf(writers[name](leaf)).filter((_line, index) => index % 2 === 0);
    const lines = fc.array(fc.tuple(fc.constantFrom(...names), text), { maxLength: 4 });
    const format = ready(name);
    fc.assert(
      fc.property(lines, (given) => {
        const outcome = outcomeOf(format, given.flat());
        expect(outcome === 'malformed' || outcome.kind !== 'certificate').toBe(true);
      }),
      times(700),
    );
  });

  it('with some damage name nobody, or a certificate that differs by the damage', () => {
    const format = ready(name);
    const { leaf: own } = format.read(ours()) as Extract<Assertion, { kind: 'certificate' }>;
    fc.assert(
      fc.property(fc.nat(), damage, (which, what) => {
        const raw = ours();
        const line = 1 + 2 * (which % (raw.length / 2));
        raw[line] = damaged(raw[line]!, what);
        const outcome = outcomeOf(format, raw);
        if (outcome === 'malformed' || outcome.kind !== 'certificate') return;
        expect(outcome.chain).toHaveLength(0);
        expect(distance(outcome.leaf, own)).toBeLessThanOrEqual(6);
      }),
      times(700),
    );
  });
});

it('two certificates in what AWS passes through are both there, or neither', () => {
  const format = ready('aws-alb');
  const [[header, value]] = Object.entries(awsPassthrough(leaf, [other])) as [[string, string]];
  const whole = format.read([header, value]) as Extract<Assertion, { kind: 'certificate' }>;
  const all = Buffer.concat([whole.leaf, ...whole.chain]);
  fc.assert(
    fc.property(damage, (what) => {
      const outcome = outcomeOf(format, [header, damaged(value, what)]);
      if (outcome === 'malformed') return;
      const { leaf: read, chain = [] } = outcome.kind === 'certificate' ? outcome : {};
      expect(chain).toHaveLength(1);
      // Other signs of base64 in a place are other octets there.
      expect(distance(Buffer.concat([read!, ...chain]), all)).toBeLessThanOrEqual(6);
    }),
    times(1_000),
  );
});

it('an XFCC value in quotes is one value, whatever stands in it', () => {
  const format = ready('xfcc');
  const [[header, value]] = Object.entries(writers.xfcc(leaf)) as [[string, string]];
  const own = format.read([header, value]);
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (subject) => {
      const quoted = subject.replace(/[\\"]/g, (sign) => `\\${sign}`);
      expect(
        format.read([header, `Subject="${quoted}";${value.replace(/;Subject="[^;]*;[^;]*"/, '')}`]),
      ).toEqual(own);
    }),
    times(700),
  );
});

/** The time of the quickest of a few runs (ms), so that a pause of the machine counts for nothing. */
function quickest(act: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < 4; round++) {
    const start = performance.now();
    act();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

describe('a flood', () => {
  const floods = [
    ',',
    ';',
    '"',
    '\\',
    '":"',
    ':,',
    '%',
    '%2',
    '%25',
    '=',
    'a=',
    'a=,',
    'a=;',
    'a="\\"",',
    ' ',
    '-',
    '-----BEGIN CERTIFICATE-----',
    '-----BEGIN%20CERTIFICATE-----',
    'A',
    '::',
    ', :AAAA:',
  ];

  // 32 times the text takes 1024 times as long where time grows with the square. What is below 0.3 ms cannot be measured.
  it.each(formatNames)('is read by %s in time that grows with its length', (name) => {
    const [[header]] = Object.entries(writers[name](leaf)).toSorted(
      ([, a], [, b]) => b.length - a.length,
    ) as [[string, string]];
    const format = readFormat({ format: name, maxLength: 1_048_576 }, 'forwarded');
    for (const flood of floods) {
      // What stands at an end may keep a decoder going that would else give up at once.
      for (const [head, tail] of [
        ['', ''],
        [':', ':'],
        ['Cert="', '"'],
        ['x', 'x'],
      ] as const) {
        const [short, long] = [16_384, 524_288].map((length) => {
          const value = head + flood.repeat(Math.ceil(length / flood.length)).slice(0, length) + tail;
          return quickest(() => outcomeOf(format, [header, value]));
        });
        expect(long! / Math.max(short!, 0.3)).toBeLessThan(200);
      }
    }
  });
});
