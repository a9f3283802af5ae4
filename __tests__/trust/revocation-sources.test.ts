import { describe, expect, it } from '@jest/globals';
import { der, octetString, sequence } from '../../lib/pki/der.ts';
import {
  OcspClient,
  type OcspClientParts,
  type OcspKnowledge,
  type OcspReport,
} from '../../lib/trust/ocsp/ocsp-client.ts';
import { certIdOf } from '../../lib/trust/ocsp/ocsp-request.ts';
import { Turns } from '../../lib/trust/ocsp/turns.ts';
import { AllowedHosts } from '../../lib/trust/revocation/allowed-hosts.ts';
import { distributionPointsOf } from '../../lib/trust/revocation/distribution-points.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { explicitTag, implicitTag } from '../../lib/x509/der.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { FakeTimers } from '../support/fake-timers.ts';
import { oddAuthority } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { generalName } from '../support/odd-names.ts';
import { type OcspOverrides, ocspResponse } from '../support/ocsp.ts';
import { clientOf, responders } from '../support/revocation.ts';

const ca = oddAuthority();
const issuer = new Certificate(ca.der);
const [minute, hour] = [60_000, 3_600_000];
/** Of whole seconds, as the times of a response are. */
const start = Math.floor(Date.now() / 1000) * 1000;

describe('the hosts that may be asked', () => {
  const allowed = new AllowedHosts(['crl.test', 'Other.test:8080', '[2001:db8::1]', '::1', 'bücher.test']);

  it.each([
    ['http://crl.test/a.crl', 'http://crl.test/a.crl'],
    ['https://CRL.test:443/a?b=c#d', 'https://crl.test/a?b=c'],
    ['http://crl.test:80', 'http://crl.test/'],
    ['http://other.test:8080/', 'http://other.test:8080/'],
    ['https://other.test:8080/', 'https://other.test:8080/'],
    ['http://[2001:db8:0::1]/', 'http://[2001:db8::1]/'],
    ['http://[::1]/', 'http://[::1]/'],
    ['http://bücher.test/', 'http://xn--bcher-kva.test/'],
  ])('are %s', (url, canonical) => {
    expect(allowed.allowed(url)).toBe(canonical);
  });

  it.each([
    'http://crl.test:8080/',
    'http://crl.test:443/',
    'https://crl.test:80/',
    'http://other.test/',
    'http://a.crl.test/',
    'http://crl.test.evil.test/',
    'http://crl.test./',
    'http://evil.test/crl.test',
    'http://crl.test@evil.test/',
    'http://me@crl.test/',
    'http://me:secret@crl.test/',
    'http://evil.test#crl.test',
    'http://evil.test\\@crl.test/',
    'http://evilcrl.test/',
    'ftp://crl.test/',
    'ldap://crl.test/cn=ca',
    'file:///crl.test',
    'javascript:crl.test',
    '//crl.test/',
    'crl.test',
    'http://',
    '',
    `http://crl.test/${'a'.repeat(3000)}`,
    'http://127.0.0.1/',
    'http://0/',
  ])('are not %s', (url) => {
    expect(allowed.allowed(url)).toBeUndefined();
  });
});

describe('the distribution points of a certificate', () => {
  const of = (...points: readonly Buffer[]): readonly string[] =>
    distributionPointsOf(
      new Certificate(
        clientOf(ca, 'client', [extension.raw(oids.crlDistributionPoints, sequence(...points))]).der,
      ),
    );
  const fullName = (...names: readonly Buffer[]): Buffer =>
    der(explicitTag(0), der(explicitTag(0), ...names));
  const uri = (text: string): Buffer => generalName.uri(text);

  it('are the URIs of those that speak of every reason, of this issuer', () => {
    expect(
      of(
        sequence(fullName(generalName.dns('a.test'), uri('http://a.test/1'), uri('ldap://a.test/'))),
        sequence(fullName(uri('http://a.test/2')), der(implicitTag(1), Buffer.of(1, 0x40))),
        sequence(fullName(uri('http://a.test/3')), der(explicitTag(2), uri('http://b.test/'))),
        sequence(der(explicitTag(0), der(explicitTag(1)))),
        sequence(der(explicitTag(2), uri('http://b.test/'))),
        sequence(fullName(uri('http://a.test/4'), uri('http://a.test/1'))),
      ),
    ).toEqual(['http://a.test/1', 'ldap://a.test/', 'http://a.test/4']);
  });

  it('are none where the extension is missing or cannot be read, and not too many', () => {
    expect(distributionPointsOf(issuer)).toEqual([]);
    expect(of(octetString(Buffer.of(1)))).toEqual([]);
    expect(of(Buffer.of(0x30, 9))).toEqual([]);
    expect(
      of(sequence(fullName(...Array.from({ length: 50 }, (_, n) => uri(`http://a.test/${n}`))))),
    ).toHaveLength(8);
  });
});

const url = 'http://ocsp.test/';
const odd = clientOf(ca, 'client', [responders(url)]);
const certificate = new Certificate(odd.der);
const id = certIdOf(certificate, issuer);

/** A response that holds from so many minutes from the start on, for so long. */
const answer = (from: number, minutes: number | null, overrides: Partial<OcspOverrides> = {}): Buffer =>
  ocspResponse({
    id,
    signer: ca,
    producedAt: new Date(start + from * minute),
    thisUpdate: new Date(start + from * minute),
    nextUpdate: minutes === null ? null : new Date(start + (from + minutes) * minute),
    ...overrides,
  });

interface Stand {
  readonly client: OcspClient;
  readonly timers: FakeTimers;
  readonly reports: OcspReport[];
  asked: number;
  /** What the responder answers from now on; an Error is none. */
  given: Buffer | Error;
  /** A request of the client: whether it has to wait, and what is known once it has. */
  request(of?: Certificate): Promise<string>;
}

function stand(given: Buffer | Error, config: Partial<OcspClientParts['config']> = {}): Stand {
  const timers = new FakeTimers(start);
  const reports: OcspReport[] = [];
  const client = new OcspClient({
    config: {
      mode: 'hard',
      responder: undefined,
      hosts: ['ocsp.test'],
      nonce: 'send',
      timeout: 1_000,
      interval: hour,
      ...config,
    },
    clock: timers,
    ask: () => {
      made.asked++;
      return made.given instanceof Error ? Promise.reject(made.given) : Promise.resolve(made.given);
    },
    tell: (report) => void reports.push(report),
  });
  const made: Stand = {
    client,
    timers,
    reports,
    asked: 0,
    given,
    async request(about = certificate) {
      const { waiting } = client.ask(about, issuer, timers.now());
      const before = client.statusOf(about, issuer, timers.now())!.status;
      await (waiting ?? new Promise((resolve) => void setImmediate(resolve)));
      const known = client.statusOf(about, issuer, timers.now())!.status;
      return waiting === undefined ? before : `waited: ${known}`;
    },
  };
  return made;
}

describe("a responder's word", () => {
  it('is waited for once, and asked for again ahead of its end, behind the requests', async () => {
    const made = stand(answer(0, 60));
    expect(await made.request()).toBe('waited: good');
    made.timers.pass(30 * minute - 1);
    expect(await made.request()).toBe('good');
    expect(made.asked).toBe(1);
    made.timers.pass(1);
    made.given = answer(30, 60);
    expect(await made.request()).toBe('good');
    expect(made.asked).toBe(2);
    made.timers.pass(20 * minute);
    expect(await made.request()).toBe('good');
    expect(made.asked).toBe(2);
  });

  it('counts until its end while the responder is down, and no longer', async () => {
    const made = stand(answer(0, 60));
    await made.request();
    made.given = new Error('down');
    made.timers.pass(hour - 1);
    expect(await made.request()).toBe('good');
    made.timers.pass(1);
    expect(await made.request()).toBe('unknown');
    made.timers.pass(minute);
    expect(await made.request()).toBe('waited: unknown');
  });

  it('is asked for again after the interval, however long it says that it holds', async () => {
    const made = stand(answer(0, 30 * 24 * 60), { interval: 10 * minute });
    await made.request();
    made.timers.pass(10 * minute);
    made.given = answer(10, 60, { status: 'revoked' });
    expect(await made.request()).toBe('waited: revoked');
    expect(made.client.version).toBe(1);
  });

  it('holds for a minute where it does not say until when, and not at all where it is old then', async () => {
    const made = stand(answer(0, null));
    expect(await made.request()).toBe('waited: good');
    made.timers.pass(minute - 1);
    made.given = new Error('down');
    expect(await made.request()).toBe('good');
    made.timers.pass(1);
    expect(await made.request()).toBe('unknown');
    expect(await stand(answer(-120, null)).request()).toBe('waited: unknown');
  });

  it('that revokes stays, whatever earlier word is played again, until a later one takes it back', async () => {
    const made = stand(answer(1, 1, { status: 'revoked' }));
    made.timers.pass(minute);
    expect(await made.request()).toBe('waited: revoked');
    made.given = answer(0, 600);
    made.timers.pass(5 * minute);
    expect(await made.request()).toMatch(/revoked$/);
    made.given = new Error('down');
    made.timers.pass(hour);
    expect(await made.request()).toMatch(/revoked$/);
    made.given = answer(66, 600);
    made.timers.pass(hour);
    expect(await made.request()).toBe('waited: good');
  });

  it('is taken back where the responder does not know the certificate any more', async () => {
    const made = stand(answer(0, 60));
    await made.request();
    made.given = answer(30, 60, { status: 'unknown' });
    made.timers.pass(30 * minute);
    await made.request();
    expect(made.client.version).toBe(1);
    expect(await made.request()).toBe('unknown');
    expect(made.reports.at(-1)).toMatchObject({ outcome: { code: 'OCSP_UNKNOWN' }, retracts: true });
  });

  it('is asked for once, however many requests wait for it', async () => {
    const made = stand(answer(0, 60));
    const all = await Promise.all(Array.from({ length: 50 }, () => made.request()));
    expect(new Set(all)).toEqual(new Set(['waited: good']));
    expect(made.asked).toBe(1);
  });

  it('is not asked for by the second, however short its life', async () => {
    const made = stand(answer(-60, 60 + 1 / 60));
    for (let count = 0; count < 10; count++) {
      await made.request();
      made.timers.pass(200);
    }
    expect(made.asked).toBeLessThanOrEqual(3);
  });

  it('is asked for anew after a reload, while what is known counts', async () => {
    const made = stand(answer(0, 60));
    await made.request();
    made.client.refresh();
    made.given = answer(0, 60, { status: 'revoked' });
    made.timers.pass(minute);
    expect(await made.request()).toBe('good');
    expect(await made.request()).toBe('revoked');
  });
});

describe('a responder that fails', () => {
  it('is asked about a certificate again after some seconds, then less and less often', async () => {
    const made = stand(new Error('down'));
    await made.request();
    const pauses: number[] = [];
    for (let last = 0, at = 0; pauses.length < 5; at += 1_000) {
      const before = made.asked;
      await made.request();
      if (made.asked > before) {
        pauses.push((at - last) / 1_000);
        last = at;
      }
      made.timers.pass(1_000);
    }
    expect(pauses).toEqual([5, 10, 20, 40, 60]);
  });

  it('is left alone for all of its certificates after a few failures, and asked again then', async () => {
    const made = stand(new Error('down'));
    const others = Array.from(
      { length: 6 },
      (_, n) => new Certificate(clientOf(ca, `other ${n}`, [responders(url)]).der),
    );
    for (const other of others) expect(await made.request(other)).toBe('waited: unknown');
    expect(made.asked).toBe(3);
    expect(made.client.statusOf(others[5]!, issuer, start)).toMatchObject({
      reason: expect.stringContaining('left alone'),
    });
    made.timers.pass(5_000);
    made.given = answer(0, 60);
    expect(await made.request()).toBe('waited: good');
  });

  it('is waited for no longer than the timeout', async () => {
    const timers = new FakeTimers(start);
    const { client } = stand(answer(0, 60));
    const slow = new OcspClient({
      config: { ...client.config, timeout: 500 },
      clock: timers,
      ask: () => new Promise(() => {}),
      tell: () => {
        throw new Error('the log fails as well');
      },
    });
    const { waiting } = slow.ask(certificate, issuer, start);
    timers.pass(500);
    await waiting;
    expect(slow.statusOf(certificate, issuer, start)).toMatchObject({
      reason: expect.stringContaining('in time'),
    });
    slow.stop();
    expect(timers.size).toBe(0);
  });

  it('is not asked by who has stopped, until started again', async () => {
    const made = stand(answer(0, 60));
    made.client.stop();
    await made.request();
    expect(made.reports).toEqual([]);
    made.client.start();
    expect(await made.request()).toBe('waited: good');
  });

  it('gives way to the other that the certificate names', async () => {
    const two = new Certificate(clientOf(ca, 'two', [responders(url, 'http://ocsp.test/second')]).der);
    const made = stand(new Error('down'));
    await made.request(two);
    made.timers.pass(5_000);
    await made.request(two);
    expect(made.reports.map((report) => report.url)).toEqual([url, 'http://ocsp.test/second']);
  });
});

describe('more questions than a responder is asked at once', () => {
  const elsewhere = new Certificate(clientOf(ca, 'elsewhere', [responders('http://other.test/')]).der);
  /** Certificates that the same response speaks of. */
  const many = (count: number): Certificate[] =>
    Array.from(
      { length: count },
      (_, n) => Object.create(certificate, { sha256: { value: `${n}` } }) as Certificate,
    );
  const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

  interface Rush {
    readonly client: OcspClient;
    readonly timers: FakeTimers;
    /** Of the responder that `certificate` names; it answers when it is told to. */
    readonly questions: Array<(response: Buffer) => void>;
    readonly statusOf: (of: Certificate) => OcspKnowledge;
  }
  function rush(all: readonly Certificate[]): Rush {
    const timers = new FakeTimers(start);
    const questions: Rush['questions'] = [];
    const {
      client: { config },
    } = stand(answer(0, 60));
    const client = new OcspClient({
      config: { ...config, hosts: [...config.hosts, 'other.test'] },
      clock: timers,
      ask: (question) =>
        question.url === url
          ? new Promise((resolve) => void questions.push(resolve))
          : Promise.resolve(answer(0, 60, { id: certIdOf(elsewhere, issuer) })),
      tell: () => {},
    });
    for (const one of all) void client.ask(one, issuer, start);
    return { client, timers, questions, statusOf: (of) => client.statusOf(of, issuer, timers.now())! };
  }

  it('hold up nobody whose responder is another one', async () => {
    const { client, statusOf } = rush(many(400));
    await client.ask(elsewhere, issuer, start).waiting;
    expect(statusOf(elsewhere)).toMatchObject({ status: 'good' });
  });

  it('are all answered in the end, though nobody waits for longer than the timeout', async () => {
    const all = many(40);
    const { client, timers, questions, statusOf } = rush(all);
    expect(questions).toHaveLength(16);
    timers.pass(900);
    for (const release of questions) release(answer(0, 60));
    const { waiting } = client.ask(all[39]!, issuer, timers.now());
    await settled();
    expect(questions).toHaveLength(32);
    timers.pass(900);
    for (const release of questions) release(answer(0, 60));
    await settled();
    timers.pass(100);
    await waiting;
    expect(statusOf(all[39]!)).toMatchObject({ reason: expect.stringContaining('in time') });
    timers.pass(800);
    for (const release of questions) release(answer(0, 60));
    await settled();
    expect(all.map((one) => statusOf(one).status)).toEqual(all.map(() => 'good'));
    expect([questions.length, timers.size]).toEqual([40, 0]);
  });

  it('are not put any more to one that has failed meanwhile, which is asked again after the first pause', async () => {
    const all = many(100);
    const { client, timers, questions, statusOf } = rush(all);
    timers.pass(1_000);
    await settled();
    // Two are borne.
    expect(questions.length).toBeLessThanOrEqual(18);
    expect(statusOf(all[99]!)).toMatchObject({ reason: expect.stringContaining('left alone') });
    const before = questions.length;
    timers.pass(5_000);
    await settled();
    const { waiting } = client.ask(all[99]!, issuer, timers.now());
    expect(questions).toHaveLength(before + 1);
    questions.at(-1)!(answer(0, 60));
    await waiting;
    expect(statusOf(all[99]!).status).toBe('good');
  });

  it('and more than may wait say nothing against it', async () => {
    const all = many(16 + 1_024 + 5);
    const { client, timers, questions, statusOf } = rush(all);
    await settled();
    expect(statusOf(all.at(-1)!)).toMatchObject({ reason: expect.stringContaining('too many') });
    for (let count = 0; count < questions.length; count++) {
      questions[count]!(answer(0, 60));
      // oxlint-disable-next-line no-await-in-loop -- each answer lets another question go
      if (count + 1 === questions.length) await settled();
    }
    expect(questions).toHaveLength(16 + 1_024);
    timers.pass(5_000);
    const { waiting } = client.ask(all.at(-1)!, issuer, timers.now());
    questions.at(-1)!(answer(0, 60));
    await waiting;
    expect(statusOf(all.at(-1)!).status).toBe('good');
  });
});

describe('a client that goes over to other options', () => {
  const over = (before: OcspClient, config: Partial<OcspClientParts['config']>): string => {
    const parts = {
      clock: new FakeTimers(start),
      ask: () => Promise.reject(new Error('down')),
      tell: () => {},
    };
    const after = new OcspClient({ ...parts, config: { ...before.config, ...config }, before });
    return after.statusOf(certificate, issuer, start)!.status;
  };

  it.each<[string, Partial<OcspClientParts['config']>, good: string]>([
    ['another timeout', { timeout: 5 }, 'good'],
    ['soft', { mode: 'soft' }, 'good'],
    ['another interval', { interval: minute }, 'good'],
    ['more hosts', { hosts: ['ocsp.test', 'more.test'] }, 'good'],
    ['other hosts', { hosts: ['more.test'] }, 'unknown'],
    ['a responder of its own', { responder: 'http://own.test/' }, 'unknown'],
    ['another nonce', { nonce: 'require' }, 'unknown'],
  ])(
    '%s: who is revoked stays so, and who is good where the same would be asked',
    async (_what, config, good) => {
      const revoked = stand(answer(0, 60, { status: 'revoked' }));
      await revoked.request();
      expect(over(revoked.client, config)).toBe('revoked');
      const well = stand(answer(0, 60));
      await well.request();
      expect(over(well.client, config)).toBe(good);
    },
  );

  it('asks about everybody again, and believes the later answer', async () => {
    const made = stand(answer(0, 60, { status: 'revoked' }));
    await made.request();
    const { client: before } = made;
    const timers = new FakeTimers(start + minute);
    const after = new OcspClient({
      config: { ...before.config, timeout: 5 },
      clock: timers,
      ask: () => Promise.resolve(answer(1, 60)),
      tell: () => {},
      before,
    });
    after.ask(certificate, issuer, timers.now());
    expect(after.statusOf(certificate, issuer, timers.now())!.status).toBe('revoked');
    await new Promise((resolve) => void setImmediate(resolve));
    expect(after.statusOf(certificate, issuer, timers.now())!.status).toBe('good');
  });
});

describe('turns', () => {
  it('let some work at once, the others wait, and what is beyond is refused', async () => {
    const turns = new Turns(2, 1);
    const release: Array<() => void> = [];
    const work = (): Promise<void> => new Promise((resolve) => void release.push(resolve));
    const done = [turns.take(work), turns.take(work), turns.take(work)];
    await expect(turns.take(work)).rejects.toThrow('too many');
    expect(release).toHaveLength(2);
    release[0]!();
    await done[0];
    await new Promise((resolve) => void setImmediate(resolve));
    expect(release).toHaveLength(3);
    for (const settle of release) settle();
    await Promise.all(done);
    expect(await turns.take(() => Promise.resolve('free'))).toBe('free');
  });
});
