import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { run } from '../interop/support/program.ts';

const floods = join(resolve(import.meta.dirname, '../..'), 'dist/bench/floods.js');

interface Held {
  readonly open: number;
  readonly peak: number;
  readonly firstClosed?: number;
  readonly longest?: number;
  readonly drops: Readonly<Record<string, number>>;
  readonly used: number;
}
interface Probes {
  readonly asked: number;
  readonly answered: number;
}
interface Flood {
  readonly before: Probes;
  readonly during: Probes;
  readonly after: Probes;
  readonly held: readonly [Held, Held, Held];
}

async function flooded(attack: string, seconds: number): Promise<Flood> {
  const args = [floods, '--json', '--server', 'portcullis', '--attack', attack, '--seconds', `${seconds}`];
  const { status, stdout, stderr } = await run(process.execPath, args, { timeout: 110_000 });
  if (status !== 0) throw new Error(`the flood ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Flood;
}

/** An attack ends as soon as all its connections are cut; on a busy machine it takes a while to open them (ms). */
const patience = 120_000;

/** Nobody else has noticed, and nothing has stayed. */
function expectUnharmed({ before, during, after, held: [quiet, , left] }: Flood): void {
  for (const { asked, answered } of [before, during, after]) {
    expect(asked).toBeGreaterThan(0);
    expect(answered).toBe(asked);
  }
  expect(left.open).toBe(0);
  // MiB. What the first connections of a process leave behind, such as compiled code, is less than this.
  expect(left.used - quiet.used).toBeLessThan(12);
}

describe('no client waits, and nothing is left, while one address sends', () => {
  it(
    '500 handshakes that stall: all are cut by the time-out',
    async () => {
      const flood = await flooded('handshakes', 40);
      expectUnharmed(flood);
      const [, { open, peak, firstClosed }] = flood.held;
      expect([open, peak]).toEqual([0, 500]);
      expect(firstClosed).toBeGreaterThan(9_000);
    },
    patience,
  );

  it(
    '2,000 handshakes that are never answered: those of one address beyond 1,000 are refused, and the rest cut',
    async () => {
      const flood = await flooded('hellos', 40);
      expectUnharmed(flood);
      const [, { open, peak, drops }] = flood.held;
      expect(open).toBe(0);
      // On a busy machine they do not come all at once, and the last find room again.
      expect(peak).toBeLessThanOrEqual(1_000);
      const { HANDSHAKES_PER_ADDRESS: refused, HANDSHAKE_TIMEOUT: cut, ...others } = drops;
      expect([refused! + cut!, others]).toEqual([2_000, {}]);
      expect(refused).toBeGreaterThan(0);
    },
    patience,
  );

  it(
    '1,000 slow heads: the first is cut after the 10 s of the limit, and none is held',
    async () => {
      const flood = await flooded('headers', 60);
      expectUnharmed(flood);
      const [, { open, peak, firstClosed }] = flood.held;
      expect(open).toBe(0);
      expect(peak).toBeGreaterThan(500);
      // Slow heads are looked for each second; a busy machine may take longer.
      expect(firstClosed).toBeLessThan(20_000);
    },
    patience,
  );

  it(
    '1,000 slow bodies: they are let, as long as they may take, and gone with their client',
    async () => {
      const flood = await flooded('bodies', 15);
      expectUnharmed(flood);
      // As many as slowhttptest has come to on a busy machine.
      expect(flood.held[1].peak).toBeGreaterThan(100);
    },
    patience,
  );
});
