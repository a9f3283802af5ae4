import { afterEach, describe, expect, it } from '@jest/globals';
import type { CertificateExpiryEvent } from '../../lib/events.ts';
import { ExpiryWatch, type Watchable } from '../../lib/listener/reports/expiry.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { FakeTimers } from '../support/fake-timers.ts';
import { oddAuthority } from '../support/odd-certificates.ts';
import { ocspServer } from '../support/ocsp.ts';
import { closeAll, Recording } from './harness.ts';

const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);

/** A server's certificate of so many days that ends at `end` days from the start. */
const server = (end: number, life = 90): Watchable => ({
  role: 'server',
  certificate: new Certificate(
    ocspServer({}, { notBefore: new Date(start + (end - life) * day), notAfter: new Date(start + end * day) })
      .der,
  ),
});

/** The watch, its clock, and what it has told. */
function watching(...subjects: Watchable[]): {
  watch: ExpiryWatch;
  timers: FakeTimers;
  warnings: string[];
  told: () => Array<[daysLeft: number, threshold: number]>;
  events: readonly CertificateExpiryEvent[];
} {
  const timers = new FakeTimers(start);
  const warnings: string[] = [];
  const recording = new Recording('portcullis:certificate-expiry');
  const logger = { info: () => {}, warn: (message: string) => void warnings.push(message) };
  const watch = new ExpiryWatch({ logger, clock: timers });
  watch.watch(subjects);
  watch.start();
  const told = (): Array<[number, number]> =>
    recording.events.map(({ daysLeft, threshold }) => [daysLeft, threshold]);
  return { watch, timers, warnings, told, events: recording.events };
}

afterEach(closeAll);

describe('the end of a certificate', () => {
  it('is told of 30, 14, 7 and 1 days before, and when it has come', () => {
    const { timers, told, warnings, events } = watching(server(89));
    expect(told()).toEqual([]);
    timers.pass(100 * day);
    expect(told()).toEqual([
      [29, 30],
      [13, 14],
      [6, 7],
      [0, 1],
      [-1, 0],
    ]);
    expect(events[0]).toMatchObject({
      role: 'server',
      names: ['localhost', '127.0.0.1'],
      notAfter: new Date(start + 89 * day),
      fingerprint256: expect.stringMatching(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    });
    expect(Object.isFrozen(events[0])).toBe(true);
    expect(warnings).toHaveLength(5);
    expect(warnings[0]).toContain('the server certificate of localhost');
    expect(warnings[3]).toContain('within a day');
    expect(warnings[4]).toContain('expired on 2026-03-31');
  });

  it('is told of at once where it is near or past, by the last threshold only', () => {
    expect(watching(server(5)).told()).toEqual([[5, 7]]);
    expect(watching(server(-2)).told()).toEqual([[-2, 0]]);
  });

  it('of a client CA is told of as well', () => {
    const certificate = new Certificate(
      oddAuthority({ notBefore: new Date(start - 900 * day), notAfter: new Date(start + 20 * day) }).der,
    );
    const { events, warnings } = watching({ role: 'client CA', certificate });
    expect(events).toMatchObject([{ role: 'client CA', names: ['odd root'], threshold: 30 }]);
    expect(warnings[0]).toContain('the client CA certificate of odd root');
  });

  it('of a short-lived certificate is told of by the same events, but the log is spared', () => {
    const { timers, told, warnings } = watching(server(6, 6));
    expect(warnings).toEqual([]);
    timers.pass(7 * day);
    expect(told()).toEqual([
      [6, 7],
      [0, 1],
      [-1, 0],
    ]);
    expect(warnings).toEqual([
      expect.stringContaining('within a day'),
      expect.stringContaining('expired on'),
    ]);
  });

  it('is not forgotten where it is farther away than a timer can wait', () => {
    const { timers, told } = watching(server(400, 398));
    timers.pass(369 * day);
    expect(told()).toEqual([]);
    timers.pass(2 * day);
    expect(told()).toEqual([[29, 30]]);
  });

  it('is noticed within half a day where the clock is set forwards', () => {
    const { timers, told } = watching(server(89));
    timers.jump(80 * day);
    timers.pass(day / 2);
    expect(told()).toEqual([[8, 14]]);
  });

  it('is not told of again where the clock is set back', () => {
    const { timers, told } = watching(server(10));
    timers.jump(-10 * day);
    timers.pass(10 * day);
    expect(told()).toEqual([[10, 14]]);
    timers.pass(4 * day);
    expect(told()).toEqual([
      [10, 14],
      [6, 7],
    ]);
  });
});

describe('after a reload', () => {
  it('a renewed certificate has its own thresholds, and the old one says nothing more', () => {
    const old = server(5);
    const { watch, timers, told } = watching(old);
    watch.watch([server(89)]);
    timers.pass(58 * day);
    expect(told()).toEqual([[5, 7]]);
    timers.pass(2 * day);
    expect(told()).toEqual([
      [5, 7],
      [29, 30],
    ]);
  });

  it('one that is near its end is told of at once', () => {
    const { watch, told } = watching(server(89));
    watch.watch([server(3)]);
    expect(told()).toEqual([[3, 7]]);
  });

  it('one that has stayed is not told of twice, though it serves in two places', () => {
    const stays = server(5);
    const { watch, told } = watching(stays, stays);
    watch.watch([stays, server(89)]);
    expect(told()).toEqual([[5, 7]]);
  });
});

it('a watch that was stopped leaves no timer, and goes on where it was when started again', () => {
  const { watch, timers, told } = watching(server(5));
  watch.stop();
  expect(timers.size).toBe(0);
  timers.pass(10 * day);
  watch.start();
  expect(told()).toEqual([
    [5, 7],
    [-5, 0],
  ]);
});

it('a watch of nothing has no timer', () => {
  expect(watching().timers.size).toBe(0);
});
