import { afterEach, describe, expect, it } from '@jest/globals';
import type { KeyPair } from '../../lib/credentials/key-pair.ts';
import { readKeyPairs } from '../../lib/credentials/key-pair.ts';
import { Stapling } from '../../lib/listener/stapling/stapling.ts';
import type { ResponderQuestion } from '../../lib/listener/stapling/stapling-fetch.ts';
import { FakeTimers } from '../support/fake-timers.ts';
import { ocspResponse, type OcspOverrides, type OcspServer, ocspServer } from '../support/ocsp.ts';
import { closeAll, Recording } from './harness.ts';

const server = ocspServer({ responder: 'http://ocsp.example/status' });
const [minute, hour] = [60_000, 3_600_000];
/** Of whole seconds, as the times of a response are. */
const start = Math.floor(Date.now() / 1000) * 1000;

const pairOf = ({ key, chain }: OcspServer): KeyPair => readKeyPairs({ key, cert: chain })[0]!;
/** A response that holds from so many hours from the start on, for so long. */
const response = (from: number, hours: number, overrides: Partial<OcspOverrides> = {}): Buffer =>
  ocspResponse({
    id: server.id,
    signer: server.issuer,
    producedAt: new Date(start + from * hour),
    thisUpdate: new Date(start + from * hour),
    nextUpdate: new Date(start + (from + hours) * hour),
    ...overrides,
  });

interface Stand {
  readonly stapling: Stapling;
  readonly timers: FakeTimers;
  readonly questions: ResponderQuestion[];
  readonly warnings: string[];
  /** What the responder answers from now on; an Error is none. */
  answer: Buffer | Error;
  /** Time goes by, and what was asked is answered. */
  pass(ms: number): Promise<void>;
  readonly response: () => Buffer | undefined;
}

async function stand(answer: Buffer | Error, served: readonly KeyPair[] = [pairOf(server)]): Promise<Stand> {
  const timers = new FakeTimers(start);
  const questions: ResponderQuestion[] = [];
  const warnings: string[] = [];
  const stapling = new Stapling({
    config: { responder: undefined, timeout: 1000 },
    logger: { info: () => {}, warn: (line) => void warnings.push(line) },
    clock: timers,
    ask: (question) => {
      questions.push(question);
      return made.answer instanceof Error ? Promise.reject(made.answer) : Promise.resolve(made.answer);
    },
  });
  const made: Stand = {
    stapling,
    timers,
    questions,
    warnings,
    answer,
    async pass(ms) {
      timers.pass(ms);
      await new Promise((settle) => setImmediate(settle));
    },
    response: () => stapling.responseFor(server.der),
  };
  stapling.serve([served]);
  stapling.start();
  await made.pass(0);
  return made;
}

afterEach(closeAll);

describe('an answer of a responder', () => {
  it('is asked for where the certificate says, and is given only for that certificate', async () => {
    const good = response(-1, 24);
    const { questions, stapling, response: given } = await stand(good);
    expect(questions).toMatchObject([{ url: 'http://ocsp.example/status', chosen: false, timeout: 1000 }]);
    expect(given()).toEqual(good);
    expect(stapling.responseFor(server.issuer.der)).toBeUndefined();
    expect(stapling.responseFor(null)).toBeUndefined();
  });

  it('is renewed at half of its life', async () => {
    const made = await stand(response(0, 24));
    await made.pass(12 * hour - 1);
    expect(made.questions).toHaveLength(1);
    made.answer = response(12, 24);
    await made.pass(1);
    expect(made.questions).toHaveLength(2);
    expect(made.response()).toEqual(made.answer);
  });

  it('is renewed at half of what is left where a cache on the way has kept it', async () => {
    const made = await stand(response(-20, 24));
    await made.pass(2 * hour - 1);
    expect(made.questions).toHaveLength(1);
    await made.pass(1);
    expect(made.questions).toHaveLength(2);
  });

  it('is not asked for more than once a minute, however short its life', async () => {
    const made = await stand(response(-1, 1 + 1 / 60));
    await made.pass(minute - 1);
    expect(made.questions).toHaveLength(1);
    await made.pass(1);
    expect(made.questions).toHaveLength(2);
  });

  it('is given until its end, though there is no new one, and not a moment longer', async () => {
    const good = response(0, 24);
    const made = await stand(good);
    made.answer = new Error('down');
    await made.pass(24 * hour - 1);
    expect(made.response()).toEqual(good);
    expect(made.stapling.states).toMatchObject([{ status: 'good', problem: { code: 'OCSP_UNREACHABLE' } }]);
    await made.pass(1);
    expect(made.response()).toBeUndefined();
    expect(made.stapling.states).toMatchObject([{ status: undefined, nextUpdate: undefined }]);
  });

  it('is not given where the clock is set beyond its end', async () => {
    const made = await stand(response(0, 24));
    made.timers.jump(25 * hour);
    expect(made.response()).toBeUndefined();
    await made.pass(12 * hour);
    expect(made.questions).toHaveLength(2);
  });

  it('of an earlier time does not replace one that revokes', async () => {
    const revoked = response(1, 24, { status: 'revoked' });
    const made = await stand(new Error('down'));
    await made.pass(hour);
    made.answer = revoked;
    await made.pass(hour);
    expect(made.response()).toEqual(revoked);
    made.answer = response(0, 48);
    await made.pass(14 * hour);
    expect(made.questions.length).toBeGreaterThan(2);
    expect(made.response()).toEqual(revoked);
  });
});

describe('a responder that fails', () => {
  it('is asked again after a minute, then less and less often, up to once an hour', async () => {
    const made = await stand(new Error('down'));
    const times: number[] = [];
    for (let count = 1; times.length < 9;) {
      await made.pass(minute);
      if (made.questions.length === count) continue;
      count = made.questions.length;
      times.push((made.timers.now() - start) / minute);
    }
    expect(times).toEqual([1, 3, 7, 15, 31, 63, 123, 183, 243]);
  });

  it('is told of once in the log, and again after it has recovered, by each event', async () => {
    const events = new Recording('portcullis:ocsp');
    const made = await stand(new Error('down'));
    await made.pass(minute);
    made.answer = response(-1, 24);
    await made.pass(2 * minute);
    expect(made.response()).toEqual(made.answer);
    made.answer = new Error('down again');
    await made.pass(12 * hour);
    expect(events.events.slice(0, 4).map(({ outcome }) => outcome)).toEqual([
      'failed',
      'failed',
      'good',
      'failed',
    ]);
    expect(made.warnings).toEqual([expect.stringContaining('down.'), expect.stringContaining('down again.')]);
  });

  it('harms nobody where the log fails as well', async () => {
    const timers = new FakeTimers(start);
    let asked = 0;
    const stapling = new Stapling({
      config: { responder: undefined, timeout: 1000 },
      logger: {
        info: () => {},
        warn: () => {
          throw new Error('the disk is full');
        },
      },
      clock: timers,
      ask: () => {
        asked++;
        return Promise.reject(new Error('down'));
      },
    });
    stapling.serve([[pairOf(server)]]);
    stapling.start();
    timers.pass(0);
    await new Promise((settle) => setImmediate(settle));
    timers.pass(minute);
    expect(asked).toBe(2);
  });
});

describe('stapling', () => {
  it('keeps the answers of certificates that stay, and forgets the others', async () => {
    const good = response(-1, 24);
    const made = await stand(good);
    const other = ocspServer({ responder: 'http://ocsp.example/status' });
    made.stapling.serve([[pairOf(server)], [pairOf(other)]]);
    await made.pass(0);
    expect(made.response()).toEqual(good);
    expect(made.questions).toHaveLength(2);
    made.stapling.serve([[pairOf(other)]]);
    expect(made.response()).toBeUndefined();
    expect(made.stapling.states).toHaveLength(1);
  });

  it('gives nothing for a certificate that also stands among several of a name', async () => {
    const made = await stand(response(-1, 24));
    const other = ocspServer({}, { issuer: server.issuer });
    made.stapling.serve([[pairOf(server)], [pairOf(server), pairOf(other)]]);
    expect(made.response()).toBeUndefined();
    expect(made.stapling.states.map(({ unstaplable }) => unstaplable)).toEqual([
      'SEVERAL_KEYS',
      'SEVERAL_KEYS',
    ]);
  });

  it('takes no answer that comes after it was stopped, and asks again when started again', async () => {
    const made = await stand(new Error('down'));
    made.answer = response(-1, 24);
    made.timers.pass(minute);
    expect(made.questions).toHaveLength(2);
    made.stapling.stop();
    await made.pass(0);
    expect(made.response()).toBeUndefined();
    expect(made.questions[1]!.signal.aborted).toBe(true);
    expect(made.timers.size).toBe(0);
    made.stapling.start();
    await made.pass(hour);
    expect(made.response()).toEqual(made.answer);
  });
});
