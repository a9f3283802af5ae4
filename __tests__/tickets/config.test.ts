import { describe, expect, it } from '@jest/globals';
import { ConfigError } from 'portcullis';
import { readTickets } from '../../lib/tickets/config.ts';
import { TestStore } from './support.ts';

function refused(value: unknown, clientAuth = false): unknown {
  try {
    readTickets(value, clientAuth);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { code, path } = error;
    return `${code} ${path}`;
  }
  throw new Error('it was taken');
}

describe('the option tickets', () => {
  it('is on by default, with keys of twelve hours', () => {
    expect(readTickets(undefined, false)).toEqual({ rotateEvery: 43_200, store: undefined });
    expect(readTickets(true, false)).toEqual({ rotateEvery: 43_200, store: undefined });
    expect(readTickets({}, false)).toEqual({ rotateEvery: 43_200, store: undefined });
  });

  it('is read once, and frozen', () => {
    const store = new TestStore();
    const config = readTickets({ rotateEvery: 3_600, store }, false);
    expect(config).toEqual({ rotateEvery: 3_600, store });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(readTickets(true, false))).toBe(true);
  });

  it('can be off, and always is with clientAuth', () => {
    expect(readTickets(false, false)).toBeUndefined();
    expect(readTickets(false, true)).toBeUndefined();
    expect(readTickets(undefined, true)).toBeUndefined();
  });

  it.each([[true], [{}], [{ rotateEvery: 60 }]])('cannot be %j with clientAuth', (value) => {
    expect(refused(value, true)).toBe('OPTION_CONFLICT tickets');
  });

  it.each([
    ['a number', 43_200, 'OPTION_INVALID tickets'],
    ['null', null, 'OPTION_INVALID tickets'],
    ['an array', [], 'OPTION_INVALID tickets'],
    ['an unknown key', { rotateevery: 60 }, 'OPTION_UNKNOWN tickets.rotateevery'],
    ['nothing', { rotateEvery: 0 }, 'OPTION_INVALID tickets.rotateEvery'],
    ['more than a week', { rotateEvery: 604_801 }, 'OPTION_INVALID tickets.rotateEvery'],
    ['a text', { rotateEvery: '12h' }, 'OPTION_INVALID tickets.rotateEvery'],
    ['a store without keyFor', { store: {} }, 'OPTION_INVALID tickets.store'],
    ['a store that is null', { store: null }, 'OPTION_INVALID tickets.store'],
  ])('refuses %s', (_what, value, expected) => {
    expect(refused(value)).toBe(expected);
  });
});
