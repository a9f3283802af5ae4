import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RequestHandler } from 'express';
import * as fc from 'fast-check';
import { forUpgrade } from 'portcullis';
import { times } from '../support/fuzz-runs.ts';

beforeEach(() => {
  jest.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** What a middleware may do, in turn; any but 'next' and 'wait' is a reason to refuse. */
const acts = ['next', 'wait', 'error', 'route', 'zero', 'throw', 'end', 'write', 'json'] as const;
type Act = (typeof acts)[number];

/** Does one thing after the other; where it does not pass on, nobody else will. */
const doing =
  (plan: readonly Act[]): RequestHandler =>
  async (_request, response, next) => {
    for (const act of plan) {
      if (act === 'next') next();
      else if (act === 'wait') await new Promise((settle) => setImmediate(settle));
      else if (act === 'error') next(new Error('refused'));
      else if (act === 'route') next('route');
      else if (act === 'zero') next(0);
      else if (act === 'throw') throw new Error('thrown');
      else if (response.writableEnded) return;
      else if (act === 'end') response.status(403).end();
      else if (act === 'json') response.status(401).json({});
      else response.write('x');
    }
  };

const firstWord = (plan: readonly Act[]): Act | undefined => plan.find((act) => act !== 'wait');

/** Whether it passes on before anything else, and does nothing else at once. What it does later comes too late. */
function passes(plan: readonly Act[]): boolean {
  if (firstWord(plan) !== 'next') return false;
  const after = plan.slice(plan.indexOf('next') + 1);
  const end = after.indexOf('wait');
  const atOnce = end === -1 ? after : after.slice(0, end);
  // A second word to `next` is not heard.
  return atOnce.every((act) => act === 'next' || act === 'error' || act === 'route' || act === 'zero');
}

/** Keeps what is written to it. */
class Wire extends Duplex {
  written = '';
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString('latin1');
    done();
  }
}

describe('middleware that does anything', () => {
  it('is passed only if all of it has passed on; then nothing was written, otherwise one answer at most', async () => {
    const plan = fc.array(fc.constantFrom(...acts), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 4 }), async (plans) => {
        const wire = new Wire();
        const request = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: '/' });
        const allowed = await forUpgrade(plans.map(doing), { timeout: 5 })(request, wire);
        // What is done after a pause may come in time, or too late.
        const paused = plans.some((each) => each.includes('wait'));
        const expected = plans.some((each) => firstWord(each) !== 'next')
          ? [false]
          : paused
            ? [true, false]
            : [plans.every(passes)];
        expect(expected).toContain(allowed);
        const answers = wire.written.split('HTTP/1.1 ').length - 1;
        expect(allowed ? [0, false] : [0, 1]).toContain(answers);
        expect(allowed && (wire.destroyed || wire.written !== '')).toBe(false);
        wire.destroy();
      }),
      times(300),
    );
  });
});
