/* oxlint-disable jest/no-conditional-expect, jest/expect-expect -- a property is of the inputs that it speaks of */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readListedName } from '../../lib/listener/redirect/redirect-hosts.ts';
import { times } from '../support/fuzz-runs.ts';
import { damage, type Damage, inserted, inTurn } from './support/damage.ts';
import { goodRequest, makeStand, recordHello, recordHttp2, type Stand } from './support/wire-stand.ts';

let stand: Stand;
let hellos: readonly Buffer[];
let frames: readonly Buffer[];

beforeAll(async () => {
  stand = await makeStand();
  hellos = await Promise.all([
    recordHello({ ALPNProtocols: ['h2', 'http/1.1'] }),
    recordHello({ maxVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] }),
  ]);
  frames = await Promise.all([
    recordHttp2({ ':path': '/secret' }, ''),
    recordHttp2({ ':path': '/', 'x-padding': 'a'.repeat(300) }, ''),
    recordHttp2({ ':path': '/secret', ':method': 'POST', 'client-cert': ':AAAA:' }, 'a body'),
  ]);
});
afterAll(() => stand.close());

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Most damage is in here, so that a head comes through now and then. */
const padding = `X-Padding: ${'a'.repeat(300)}\r\n`;

/** Good heads, and those of somebody who pretends to be behind a proxy. */
const heads = [
  goodRequest,
  `GET / HTTP/1.1\r\nHost: localhost\r\n${padding}\r\nGET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  `GET /x HTTP/1.1\r\n${padding}Host: localhost\r\n\r\n`,
  'GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'POST /secret HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'GET /secret HTTP/1.1\r\nHost: localhost\r\nX-SSL-Client-Verify: SUCCESS\r\nX-Forwarded-Client-Cert: Hash=00;Cert="a"\r\nX-Forwarded-Proto: https\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
  'GET /secret HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
].map(latin1);

/** What means something to some parser. */
const telling = fc
  .constantFrom(
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    ',',
    '%2e',
    '/../',
    '//',
    '?',
    '#',
    '0\r\n\r\n',
    'Host: evil.test\r\n',
    'Content-Length: 0\r\n',
    'Transfer-Encoding: chunked\r\n',
    'http://evil.test/',
    'HTTP/1.0',
    'PRI * HTTP/2.0',
    'PROXY TCP4 10.0.0.1 10.0.0.2 1 443\r\n',
    '\r\n\r\n\0\r\nQUIT\n',
    '\x16\x03\x01',
    '\x00\x00\x00\x04\x01\x00\x00\x00\x00',
  )
  .map(latin1);
const spliced = fc.tuple(fc.nat(), telling).map(([place, word]) => inserted(place, word));
const harm = fc.array(fc.oneof(damage, spliced), { minLength: 1, maxLength: 3 }).map(inTurn);
/** A recorded session, and what happens to it: so many at a time, as a server has many clients at once. */
const sessions = (maxLength = 8): fc.Arbitrary<Array<[which: number, what: Damage]>> =>
  fc.array(fc.tuple(fc.nat(), harm), { minLength: 1, maxLength });
const changed = (recorded: readonly Buffer[], [which, what]: [number, Damage]): Buffer =>
  what(recorded[which % recorded.length]!);

/** That a new client is served as ever, and that nobody has come in meanwhile. */
async function expectOrder(): Promise<void> {
  expect(await stand.goodAnswers()).toEqual(['good', 'good']);
  expect(stand.intruders).toEqual([]);
}

describe('a server to which strangers send anything', () => {
  it('takes the sound sessions as they were recorded', async () => {
    const answers = await Promise.all(heads.slice(0, 1).map((head) => stand.asGood(head, 'http/1.1')));
    expect(answers[0]).toMatch(/^HTTP\/1\.1 200 /);
    expect(await stand.asStranger(heads[0]!, 'http/1.1')).toMatch(/^HTTP\/1\.1 (?:401|403) /);
    expect(await stand.asStranger(heads[1]!, 'http/1.1')).toMatch(/^HTTP\/1\.1 200 [\s\S]*anybody/);
    expect(stand.visitors()).toBe(1);
    expect(frames.every((octets) => octets.includes('PRI * HTTP/2.0'))).toBe(true);
    expect(hellos.every(([type]) => type === 22)).toBe(true);
    await expectOrder();
  });

  it('goes on after hellos that are damaged, and after what is no TLS at all', async () => {
    const plain = [
      ...heads,
      latin1('PROXY TCP4 10.0.0.1 10.0.0.2 1 443\r\n'),
      latin1('SSH-2.0-x\r\n'),
      Buffer.from([0x80, 0x2e, 1, 0, 2]),
    ];
    await fc.assert(
      fc.asyncProperty(sessions(), sessions(), async (tls, other) => {
        const octets = [
          ...tls.map((one) => changed(hellos, one)),
          ...other.map((one) => changed(plain, one)),
        ];
        const answers = await Promise.all(octets.map((each) => stand.raw(stand.port, each)));
        // Without TLS nobody hears of more than where to go: no answer of the application.
        for (const answer of answers) expect(answer).not.toMatch(/anybody|good/);
        await expectOrder();
      }),
      times(20),
    );
  });

  it('lets no stranger behind the guard by any head of HTTP/1.1', async () => {
    const before = stand.visitors();
    const { unknownCa, selfSigned } = stand.pki.clients;
    await fc.assert(
      fc.asyncProperty(
        sessions(),
        fc.constantFrom({}, {}, {}, {}, unknownCa, selfSigned),
        async (given, identity) => {
          const answers = await Promise.all(
            given.map((one) => stand.asStranger(changed(heads, one), 'http/1.1', identity)),
          );
          for (const answer of answers) expect(answer).not.toMatch(/\r\n\r\ngood/);
          await expectOrder();
        },
      ),
      times(30),
    );
    expect(stand.visitors()).toBeGreaterThan(before);
  });

  it('lets no stranger behind the guard by any frames of HTTP/2', async () => {
    await fc.assert(
      fc.asyncProperty(sessions(), async (given) => {
        await Promise.all(given.map((one) => stand.asStranger(changed(frames, one), 'h2')));
        await expectOrder();
      }),
      times(30),
    );
  });

  it('goes on after a good client that sends anything', async () => {
    await fc.assert(
      fc.asyncProperty(sessions(4), sessions(4), async (one, two) => {
        await Promise.all([
          ...one.map((each) => stand.asGood(changed(heads, each), 'http/1.1')),
          ...two.map((each) => stand.asGood(changed(frames, each), 'h2')),
        ]);
        await expectOrder();
      }),
      times(20),
    );
  });

  it('redirects nowhere but to its own names, and writes no header that was sent', async () => {
    let led = 0;
    await fc.assert(
      fc.asyncProperty(sessions(), async (given) => {
        const answers = await Promise.all(
          given.map((one) => stand.raw(stand.redirectPort, changed(heads, one))),
        );
        for (const answer of answers.flatMap((each) => each.split(/(?=HTTP\/1\.1 \d{3} )/))) {
          const [head = ''] = answer.split('\r\n\r\n');
          expect(head.toLowerCase().match(/^location:/gm)?.length ?? 0).toBeLessThanOrEqual(1);
          const location = /^location: (.*)$/im.exec(head)?.[1];
          if (location === undefined) continue;
          led++;
          const { protocol, hostname, port, username } = new URL(location);
          expect([protocol, readListedName(hostname)?.name, port, username]).toEqual([
            'https:',
            expect.stringMatching(/^(?:localhost|a\.test|127\.0\.0\.1|::1)$/),
            String(stand.port),
            '',
          ]);
        }
        await expectOrder();
      }),
      times(30),
    );
    expect(led).toBeGreaterThan(0);
  });
});
