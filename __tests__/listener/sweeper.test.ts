import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Sweeper } from '../../lib/listener/connections/sweeper.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

it('has one timer however often it starts, and none once nobody was there', () => {
  let there = true;
  const sweep = jest.fn(() => there);
  const sweeper = new Sweeper(100, sweep);
  expect(jest.getTimerCount()).toBe(0);
  sweeper.start();
  sweeper.start();
  expect(jest.getTimerCount()).toBe(1);
  jest.advanceTimersByTime(250);
  expect(sweep).toHaveBeenCalledTimes(2);
  there = false;
  jest.advanceTimersByTime(50);
  expect([sweep.mock.calls.length, jest.getTimerCount()]).toEqual([3, 0]);
});

it('looks around again when it is started again', () => {
  const sweep = jest.fn(() => false);
  const sweeper = new Sweeper(100, sweep);
  for (let round = 1; round <= 2; round++) {
    sweeper.start();
    jest.advanceTimersByTime(1_000);
    expect(sweep).toHaveBeenCalledTimes(round);
  }
});
