import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { ConfigError } from '../lib/errors.ts';
import { checkKeys, closest, describe as named, flag, oneOf, wholeNumber } from '../lib/options.ts';

const refusal = (read: () => unknown): Pick<ConfigError, 'code' | 'path' | 'remedy'> => {
  try {
    read();
  } catch (error) {
    const { code, path, remedy } = error as ConfigError;
    return { code, path, remedy };
  }
  throw new Error('nothing was refused');
};

const check =
  (value: unknown, path = 'limits') =>
  (): void =>
    checkKeys(value, ['minVersion', 'name'], path);

describe('checkKeys', () => {
  it.each<[string, unknown]>([
    ['an empty object', {}],
    ['one with allowed keys', { name: 1, minVersion: 2 }],
    ['one without a prototype', Object.assign(Object.create(null), { name: 1 })],
    ['one of another realm', runInNewContext('({ name: 1 })')],
    ['a frozen one', Object.freeze({ name: 1 })],
  ])('takes %s', (_what, value) => {
    expect(check(value)).not.toThrow();
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'name'],
    ['a number', 1],
    ['a function', () => {}],
    ['a list', []],
    ['a Map', new Map([['name', 1]])],
    ['a Date', new Date()],
    ['a buffer', Buffer.from('name')],
    ['an object that inherits an option', Object.create({ name: 1 })],
    [
      'one that inherits from an object without a prototype',
      Object.create(Object.assign(Object.create(null), { name: 1 })),
    ],
    [
      'an object of a class',
      new (class {
        name = 1;
      })(),
    ],
  ])('refuses %s', (_what, value) => {
    expect(refusal(check(value))).toEqual({
      code: 'OPTION_INVALID',
      path: 'limits',
      remedy: 'Allowed keys: minVersion, name.',
    });
  });

  it.each<[string, string, unknown, string, string]>([
    [
      'with the nearest key as a guess',
      'limits',
      { minversion: 1 },
      'limits.minversion',
      "Did you mean 'minVersion'?",
    ],
    ['with all keys where none is near', 'limits', { port: 1 }, 'limits.port', 'Allowed: minVersion, name.'],
    ['by its bare name at the top', 'options', { port: 1 }, 'port', 'Allowed: minVersion, name.'],
    [
      'even where its value is undefined',
      'limits',
      { port: undefined },
      'limits.port',
      'Allowed: minVersion, name.',
    ],
    ['that Object.prototype has', 'limits', { toString: 1 }, 'limits.toString', 'Allowed: minVersion, name.'],
  ])('refuses an unknown key %s', (_how, path, value, key, remedy) => {
    expect(refusal(check(value, path))).toEqual({ code: 'OPTION_UNKNOWN', path: key, remedy });
  });
});

describe('wholeNumber', () => {
  it.each([1, 5, 10])('takes %d of 1 to 10', (value) => {
    expect(wholeNumber(value, 'n', 'things', 1, 10)).toBe(value);
  });

  it.each([0, 11, 1.5, -1, Number.NaN, Infinity, '5', null, undefined, true, 5n, [5], { valueOf: () => 5 }])(
    'refuses %p',
    (value) => {
      expect(refusal(() => wholeNumber(value, 'n', 'things', 1, 10))).toEqual({
        code: 'OPTION_INVALID',
        path: 'n',
        remedy: 'Give one from 1 to 10.',
      });
    },
  );
});

describe('flag', () => {
  it('gives what is given, or the default', () => {
    expect([flag(true, 'f', false), flag(false, 'f', true), flag(undefined, 'f', true)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it.each([null, 0, 1, '', 'false', [], {}])('refuses %p', (value) => {
    expect(refusal(() => flag(value, 'f', false))).toMatchObject({ code: 'OPTION_INVALID', path: 'f' });
  });
});

describe('oneOf', () => {
  it.each<[unknown, string]>([
    ['leef', "Did you mean 'leaf'?"],
    ['LEAF', "Did you mean 'leaf'?"],
    ['nothing like it', 'Allowed: leaf, chain.'],
    ['', 'Allowed: leaf, chain.'],
    [undefined, 'Allowed: leaf, chain.'],
    [['leaf'], 'Allowed: leaf, chain.'],
    ['constructor', 'Allowed: leaf, chain.'],
  ])('refuses %p and says: %s', (value, remedy) => {
    expect(refusal(() => oneOf(value, ['leaf', 'chain'], 'on'))).toEqual({
      code: 'OPTION_INVALID',
      path: 'on',
      remedy,
    });
  });

  it('gives the choice', () => {
    expect(oneOf('chain', ['leaf', 'chain'], 'on')).toBe('chain');
  });
});

describe('a value in a message', () => {
  it.each<[unknown, string]>([
    [null, 'null'],
    [undefined, 'undefined'],
    [[], 'an empty array'],
    [['secret'], 'an array'],
    [Buffer.alloc(0), 'an empty buffer'],
    [Buffer.from('secret'), 'a buffer'],
    ['', 'an empty string'],
    ['short', "'short'"],
    ['-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG', "'-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG'"],
    ['x'.repeat(41), 'a long string'],
    [{ secret: 1 }, 'an object'],
    [() => 'secret', 'a function'],
    [5, '5'],
    [Symbol('s'), 'Symbol(s)'],
  ])('%p is told as %s', (value, text) => {
    expect(named(value)).toBe(text);
  });
});

describe('closest', () => {
  it.each<[string, string | undefined]>([
    ['minversion', 'minVersion'],
    ['minVerion', 'minVersion'],
    ['mniVersion', 'minVersion'],
    ['maxVersion', 'minVersion'],
    ['version', undefined],
  ])('of %s is %s', (word, guess) => {
    expect(closest(word, ['profile', 'minVersion'])).toBe(guess);
  });
});

describe('BoundedMap', () => {
  it('forgets what was unused for longest, and nothing below its limit', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    expect([map.get('a'), map.size]).toEqual([1, 2]);
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
  });

  it('keeps its size when an entry is set again, and forgets on demand', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    expect([map.get('a'), map.get('b'), map.size]).toEqual([3, 2, 2]);
    map.delete('a');
    expect([map.get('a'), map.size]).toEqual([undefined, 1]);
  });
});
