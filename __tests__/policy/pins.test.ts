import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ConfigError } from 'portcullis';
import { parsePin, readPins } from '../../lib/policy/pins.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((octets) => Buffer.from(octets));

it('reads every SPKI pin as it is written', () => {
  fc.assert(
    fc.property(hash, (octets) => {
      const pin = `sha256/${octets.toString('base64')}`;
      expect([...readPins([pin], 'pins')]).toEqual([pin]);
    }),
    { numRuns: 50 },
  );
});

it('reads every spelling of a fingerprint as the one that a certificate shows', () => {
  const spelling = fc.record({
    octets: hash,
    upper: fc.boolean(),
    colons: fc.boolean(),
    prefix: fc.constantFrom('', 'sha256:', 'SHA256:'),
  });
  fc.assert(
    fc.property(spelling, ({ octets, upper, colons, prefix }) => {
      const pairs = octets.toString('hex').match(/../g)!;
      const hex = pairs.join(colons ? ':' : '');
      const pins = readPins(`${prefix}${upper ? hex.toUpperCase() : hex}`, 'pins');
      expect([...pins]).toEqual([pairs.join(':').toUpperCase()]);
    }),
    { numRuns: 50 },
  );
});

it('takes no other text: a pin that can match nothing is told at once', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => readPins(text, 'pins')).toThrow(ConfigError);
    }),
  );
});

const good = Buffer.alloc(32, 1).toString('base64');

it.each([
  ['another hash', `sha1/${Buffer.alloc(20).toString('base64')}`],
  ['base64url', `sha256/${Buffer.alloc(32, 0xff).toString('base64url')}=`],
  ['no padding', `sha256/${good.slice(0, -1)}`],
  ['bits beyond the hash in the last character', `sha256/${good.slice(0, 42)}F=`],
  ['a space', ` sha256/${good}`],
  ['a line after it', `sha256/${good}\n`],
  ['two in one text', `sha256/${good},sha256/${good}`],
  ['the quotes of HPKP', `pin-sha256="${good}"`],
  ['a letter too few', 'a'.repeat(63)],
  ['a letter too many', 'a'.repeat(65)],
  ['an octet in the place of a text', Buffer.alloc(32)],
  ['a list in the list', [`sha256/${good}`]],
])('refuses %s', (_what, pin) => {
  expect(() => readPins([pin], 'pins')).toThrow(
    expect.objectContaining({ code: 'PIN_INVALID', path: 'pins[0]' }),
  );
});

it('says of what a pin is', () => {
  const [key, hex] = [`sha256/${Buffer.alloc(32, 1).toString('base64')}`, '01'.repeat(32)];
  expect(parsePin(key)).toEqual({ kind: 'key', pin: key });
  expect(parsePin(hex)).toEqual({ kind: 'certificate', pin: Array(32).fill('01').join(':') });
});

it('refuses a list without a pin, by which nobody would be let in or kept out', () => {
  expect(() => readPins([], 'pins')).toThrow(
    expect.objectContaining({
      code: 'PIN_INVALID',
      path: 'pins',
      message: expect.stringContaining('there is none'),
    }),
  );
});

it('knows the prefix of a fingerprint at its beginning alone, and says what it has seen instead', () => {
  const hex = 'ab'.repeat(32);
  for (const text of [`${hex.slice(0, 10)}sha256:${hex.slice(10)}`, `sha256:sha256:${hex}`, `${hex}sha256:`])
    expect(() => readPins(text, 'pins')).toThrow(/is no SHA-256 pin.*64 hexadecimal digits/s);
  expect(() => readPins(7, 'pins')).toThrow(/got .*7.*64 hexadecimal digits/s);
});

it('refuses the hash of nothing, which a pipeline of commands prints when its first has failed', () => {
  const pin = `sha256/${createHash('sha256').digest('base64')}`;
  expect(() => readPins([pin], 'pins')).toThrow(/pins\[0\]: it is the hash of no octets/);
});
