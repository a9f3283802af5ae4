import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type PortcullisOptions } from 'portcullis';
import type { Authority } from 'portcullis/pki';
import { fetchBounded } from '../../lib/listener/revocation/fetch.ts';
import { type FetchReport, ListFetcher } from '../../lib/listener/revocation/list-fetcher.ts';
import { objectionTo } from '../../lib/listener/revocation/reach.ts';
import { RevocationNews } from '../../lib/listener/revocation/revocation-news.ts';
import { AllowedHosts } from '../../lib/trust/revocation/allowed-hosts.ts';
import type { RevocationFetchConfig } from '../../lib/trust/revocation/fetch-options.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { closeEverything } from '../support/attacks.ts';
import { FakeTimers } from '../support/fake-timers.ts';
import { oddAuthority, impostorOf, type OddCertificate } from '../support/odd-certificates.ts';
import { crlNumber, deltaIndicator, distribution, oddCrl, type OddCrl, pemOf } from '../support/odd-crls.ts';
import { LoopbackResponder } from '../support/ocsp.ts';
import { clientOf, distributionPoints } from '../support/revocation.ts';
import { Recording } from './harness.ts';
import { closeWays, connect, start, ways } from './revocation-online.ts';

const ca = oddAuthority();
const [minute, hour] = [60_000, 3_600_000];

let web: LoopbackResponder;
let origin: string;
let client: OddCertificate;
/** What stands at the distribution point; headers of the questions. */
let given: Buffer | string;
let asked: Array<IncomingMessage['headers']>;

const listOf = (issuer: OddCertificate, options: OddCrl = {}): Buffer =>
  oddCrl({ certificate: issuer.certificate, key: issuer.key } as Authority, options);
const serialOf = ({ der }: OddCertificate): string => new Certificate(der).serialNumber;
const list = (number: number, ...revoked: readonly OddCertificate[]): Buffer =>
  listOf(ca, {
    extensions: [crlNumber(number)],
    entries: revoked.map((one) => ({ serial: serialOf(one) })),
  });

beforeEach(async () => {
  asked = [];
  web = new LoopbackResponder((request, response) => {
    asked.push(request.headers);
    response.end(given);
  });
  ({ origin } = new URL(await web.listen()));
  client = clientOf(ca, 'client', [distributionPoints(`${origin}/ca.crl`)]);
  given = list(1);
});
afterEach(async () => {
  jest.restoreAllMocks();
  closeWays();
  await closeEverything();
  await web.close();
});

const hosts = (): string[] => [new URL(origin).host];

describe('a list from the distribution point of a client', () => {
  it('is fetched when its issuer is first seen, and revokes on open connections at their next request', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const answer = web.answer;
    web.answer = (...of) => void held.then(() => answer(...of));
    const events = new Recording('portcullis:revocation');
    const started = await start(ca, { fetch: { hosts: hosts() } });
    const other = clientOf(ca, 'other', [distributionPoints(`${origin}/ca.crl`)]);
    const clients = await Promise.all(ways.map((way) => connect(started, client, way)));
    const others = await Promise.all(ways.map((way) => connect(started, other, way)));
    const told = (path: string): Promise<string[]> => Promise.all(clients.map((ask) => ask(path)));
    expect(new Set(await told('/in'))).toEqual(new Set(['REVOCATION_STATUS_UNKNOWN']));
    expect(new Set(await told('/open'))).toEqual(new Set(['open']));
    release();
    expect(await events.take()).toMatchObject({
      source: 'list',
      outcome: 'fetched',
      url: `${origin}/ca.crl`,
      issuer: "'odd root'",
      nextUpdate: expect.any(Date),
    });
    expect(new Set(await told('/in'))).toEqual(new Set(['in']));
    given = list(2, client);
    await started.server.reload();
    expect(await events.take(2)).toMatchObject({ outcome: 'fetched' });
    expect(new Set(await told('/in'))).toEqual(new Set(['CLIENT_CERTIFICATE_REVOKED']));
    expect(new Set(await Promise.all(others.map((ask) => ask('/in'))))).toEqual(new Set(['in']));
    // One list for all of them.
    expect(asked).toHaveLength(2);
    given = list(1);
    await started.server.reload();
    expect(await events.take(3)).toMatchObject({ outcome: 'failed', code: 'CRL_OLDER' });
    expect(new Set(await told('/in'))).toEqual(new Set(['CLIENT_CERTIFICATE_REVOKED']));
  });

  it('joins those that were given, of which the newest counts', async () => {
    const events = new Recording('portcullis:revocation');
    const clientAuth = {
      mode: 'optional',
      ca: ca.certificate,
      crl: list(5, client),
      revocation: { fetch: { hosts: hosts() } },
    } as const;
    const started = await start(ca, {}, 'optional', undefined, { clientAuth });
    const ask = await connect(started, client);
    await events.take();
    expect(await ask('/in')).toBe('CLIENT_CERTIFICATE_REVOKED');
    given = list(6);
    await started.server.reload();
    await events.take(2);
    expect(await ask('/in')).toBe('in');
    const asks = await Promise.all(ways.map((way) => connect(started, client, way)));
    expect(new Set(await Promise.all(asks.map((one) => one('/in'))))).toEqual(new Set(['in']));
    await started.server.reload({ clientAuth: { ...clientAuth, crl: list(7, client) } });
    expect(new Set(await Promise.all(asks.map((one) => one('/in'))))).toEqual(
      new Set(['CLIENT_CERTIFICATE_REVOKED']),
    );
  });

  it('keeps nobody out before it is there, where unknown says so', async () => {
    web.answer = (_request, response) => void response.writeHead(503).end();
    const events = new Recording('portcullis:revocation');
    const warn = jest.fn();
    const started = await start(ca, { unknown: 'allow', fetch: { hosts: hosts() } }, 'required', undefined, {
      logger: { info: () => {}, warn },
    });
    const ask = await connect(started, client);
    expect(await events.take()).toMatchObject({ outcome: 'failed', code: 'CRL_UNREACHABLE' });
    expect(await ask('/in')).toBe('in');
    expect(warn.mock.calls).toEqual([[expect.stringContaining('there is none')]]);
  });

  it('is not asked for at other hosts than those that are listed', async () => {
    const warn = jest.fn();
    const logger = { info: () => {}, warn };
    const fetch = { hosts: ['127.0.0.1', 'crl.test'] };
    const started = await start(ca, { fetch }, 'optional', undefined, { logger });
    expect(await (await connect(started, client))('/in')).toBe('in');
    expect(await (await connect(started, client))('/in')).toBe('in');
    expect(warn.mock.calls).toEqual([[expect.stringContaining('fetch.hosts')]]);
    expect(asked).toEqual([]);
  });

  it('whose logger throws costs nobody the connection', async () => {
    const fail = (): never => {
      throw new Error('the log is full');
    };
    const logger = { info: fail, warn: fail };
    for (const mode of ['optional', 'required'] as const) {
      const started = await start(ca, { fetch: { hosts: ['crl.test'] } }, mode, undefined, { logger });
      for (const way of ways) expect(await (await connect(started, client, way))('/in')).toBe('in');
    }
  });

  it('of who is not verified is not asked for at all', async () => {
    const started = await start(ca, { fetch: { hosts: hosts() } });
    const stranger = clientOf(impostorOf(ca), 'stranger', [distributionPoints(`${origin}/ca.crl`)]);
    expect(await (await connect(started, stranger))('/in')).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    expect(asked).toEqual([]);
  });

  it('ends what is asked when the server closes', async () => {
    const asking = new Promise<ServerResponse>((resolve) => {
      web.answer = (_request, response) => resolve(response);
    });
    const started = await start(ca, { fetch: { hosts: hosts() } });
    await connect(started, client);
    const response = await asking;
    const gone = new Promise<void>((resolve) => void response.once('close', () => resolve()));
    await closeEverything();
    await gone;
    expect(response.writableFinished).toBe(false);
  });
});

interface Stand {
  readonly fetcher: ListFetcher;
  readonly timers: FakeTimers;
  readonly reports: FetchReport[];
  /** Time goes by, and what is asked then is answered. */
  readonly next: (ms?: number) => Promise<FetchReport>;
}

function stand(config: Partial<RevocationFetchConfig> = {}, about: OddCertificate = client): Stand {
  const timers = new FakeTimers();
  const reports: FetchReport[] = [];
  let wake = (): void => {};
  const fetcher = new ListFetcher({
    config: { hosts: hosts(), interval: hour, timeout: 2_000, maxBytes: 4_096, ...config },
    fetch: fetchBounded,
    clock: timers,
    random: () => 1,
    strange: () => {},
    tell: (report) => {
      reports.push(report);
      wake();
    },
  });
  expect(fetcher.wants(new Certificate(about.der), new Certificate(ca.der))).toBe(true);
  return {
    fetcher,
    timers,
    reports,
    async next(ms = 0) {
      const told = new Promise<void>((resolve) => (wake = resolve));
      timers.pass(ms);
      await told;
      return reports.at(-1)!;
    },
  };
}

describe('what stands at a distribution point is not taken', () => {
  type Given = (reply: ServerResponse) => void;
  const sent =
    (octets: () => Buffer | string): Given =>
    (reply) =>
      void reply.end(octets());
  it.each<[string, string, Given]>([
    ['where it is a web page', 'CRL_MALFORMED', sent(() => '<!doctype html>')],
    ['where it is empty', 'CRL_MALFORMED', sent(() => '')],
    ['where it was cut off', 'CRL_MALFORMED', sent(() => list(1).subarray(0, -1))],
    ['where it is a delta', 'CRL_MALFORMED', sent(() => listOf(ca, { extensions: [deltaIndicator] }))],
    ['where it is two lists', 'CRL_MALFORMED', sent(() => pemOf(list(1)) + pemOf(list(2)))],
    ['where it is a certificate', 'CRL_MALFORMED', sent(() => ca.certificate)],
    ['of another CA', 'CRL_UNTRUSTED', sent(() => listOf(oddAuthority({ subject: client.subject })))],
    ['of a CA of the same name', 'CRL_UNTRUSTED', sent(() => listOf(impostorOf(ca)))],
    ['over SHA-1', 'CRL_UNTRUSTED', sent(() => listOf(ca, { hash: 'sha1' }))],
    ['of CAs only', 'CRL_WRONG_SCOPE', sent(() => listOf(ca, { extensions: [distribution.ca] }))],
    [
      'of another point',
      'CRL_WRONG_SCOPE',
      sent(() => listOf(ca, { extensions: [distribution.at(`${origin}/other.crl`)] })),
    ],
    [
      'where it is not out yet',
      'CRL_STALE',
      sent(() => listOf(ca, { thisUpdate: new Date(Date.now() + hour) })),
    ],
    ['where it is larger than allowed', 'CRL_UNREACHABLE', sent(() => Buffer.alloc(4_097, 0x30))],
    [
      'where it says that it is larger',
      'CRL_UNREACHABLE',
      (reply) => void reply.writeHead(200, { 'Content-Length': 2 ** 30 }).write('0'),
    ],
    ['where nothing is there', 'CRL_UNREACHABLE', (reply) => void reply.writeHead(404).end(list(1))],
    [
      'where nothing has changed since nothing',
      'CRL_UNREACHABLE',
      (reply) => void reply.writeHead(304).end(),
    ],
    [
      'where it goes over to another protocol',
      'CRL_UNREACHABLE',
      (reply) =>
        void reply.socket!.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
        ),
    ],
    ['where it hangs up', 'CRL_UNREACHABLE', (reply) => void reply.destroy()],
    [
      'where it sends us elsewhere',
      'CRL_UNREACHABLE',
      (reply) => void reply.writeHead(302, { Location: `${origin}/good.crl` }).end(),
    ],
  ])('%s', async (_what, code, answer) => {
    web.answer = ({ url }, reply) => (url === '/good.crl' ? reply.end(list(1)) : answer(reply));
    const { fetcher, next } = stand();
    expect(await next()).toMatchObject({ problem: { code }, changed: false });
    expect(fetcher.lists).toEqual([]);
    expect(web.questions).toHaveLength(1);
    fetcher.stop();
  });

  it('where it comes too slowly', async () => {
    web.answer = (_request, reply) => void reply.write(list(1).subarray(0, 9));
    const { fetcher, next } = stand({ timeout: 20 });
    expect(await next()).toMatchObject({ problem: { code: 'CRL_UNREACHABLE' } });
    fetcher.stop();
  });

  it('where a name leads to this machine, unless that is listed itself', async () => {
    const url = `http://localhost:${new URL(origin).port}/`;
    const ask = (...listed: string[]): Promise<unknown> => {
      const objection = objectionTo(new AllowedHosts(listed), 'hosts');
      return fetchBounded({ url, timeout: 2_000, maxBytes: 9, signal: AbortSignal.abort(), objection });
    };
    await expect(ask('localhost')).rejects.toMatchObject({ name: 'AbortError' });
    // What the resolver says of a name.
    expect(objectionTo(new AllowedHosts(['crl.test']), 'hosts')('crl.test', '127.0.0.1')).toContain(
      'list that address',
    );
    expect(objectionTo(new AllowedHosts(['crl.test']), 'hosts')('crl.test', '169.254.169.254')).toBeDefined();
    expect(objectionTo(new AllowedHosts(['crl.test', '::1']), 'hosts')('crl.test', '::1')).toBeUndefined();
    expect(objectionTo(new AllowedHosts(['crl.test']), 'hosts')('crl.test', '10.1.2.3')).toBeUndefined();
    const bent = fetchBounded({
      url,
      timeout: 2_000,
      maxBytes: 9,
      signal: new AbortController().signal,
      objection: (host, address) => (host === address ? undefined : `${host} is bent`),
    });
    await expect(bent).rejects.toThrow('localhost is bent');
    expect(web.questions).toEqual([]);
  });
});

describe('a list that was fetched', () => {
  it('is taken from PEM as well, from the second place where the first fails, and of its own point', async () => {
    const places = [`${origin}/none.crl`, `${origin}/shard.crl`];
    const sharded = clientOf(ca, 'sharded', [distributionPoints(...places)]);
    const shard = pemOf(listOf(ca, { extensions: [distribution.at(places[1]!)] }));
    web.answer = ({ url }, reply) => (url === '/shard.crl' ? reply.end(shard) : reply.writeHead(404).end());
    const { fetcher, next } = stand({}, sharded);
    expect(await next()).toMatchObject({ problem: undefined, changed: true, url: places[1] });
    expect(fetcher.lists).toHaveLength(1);
    fetcher.stop();
  });

  it('is asked for again ahead of its end, and only sent where it has changed', async () => {
    const headers = { ETag: '"a"', 'Last-Modified': 'Sat, 21 Nov 2026 10:00:00 GMT' };
    web.answer = (request, reply) => {
      asked.push(request.headers);
      reply.writeHead(request.headers['if-none-match'] === '"a"' ? 304 : 200, headers).end(given);
    };
    const { fetcher, next, reports } = stand();
    expect(await next()).toMatchObject({ changed: true, news: true });
    expect(await next(hour)).toMatchObject({ changed: false, news: false, problem: undefined });
    expect(asked[1]).toMatchObject({
      'if-none-match': '"a"',
      'if-modified-since': headers['Last-Modified'],
    });
    expect(fetcher.lists).toHaveLength(1);
    expect(reports).toHaveLength(2);
    fetcher.stop();
  });

  it('is renewed at half of a life that is shorter than the interval', async () => {
    given = listOf(ca, { nextUpdate: new Date(Date.now() + 20 * minute) });
    const { fetcher, next, timers } = stand();
    await next();
    const before = web.questions.length;
    timers.pass(9 * minute);
    expect(web.questions).toHaveLength(before);
    await next(minute);
    expect(web.questions).toHaveLength(before + 1);
    fetcher.stop();
  });

  it('serves on while the server is down, which is told once and asked less and less often', async () => {
    const { fetcher, next, reports } = stand();
    await next();
    web.answer = (_request, reply) => void reply.destroy();
    await next(hour);
    for (const pause of [5, 10, 20, 40]) await next(pause * 1_000);
    expect(reports.map(({ news }) => news)).toEqual([true, true, false, false, false, false]);
    expect(fetcher.lists).toHaveLength(1);
    web.answer = (_request, reply) => void reply.end(given);
    expect(await next(80_000)).toMatchObject({ news: true, problem: undefined });
    fetcher.stop();
  });

  it('that has run out may still revoke, and is asked for until there is another', async () => {
    given = listOf(ca, { thisUpdate: new Date(0), nextUpdate: new Date(Date.now() - minute) });
    const { fetcher, next } = stand();
    expect(await next()).toMatchObject({ problem: { code: 'CRL_STALE' }, changed: true });
    expect(fetcher.lists).toHaveLength(1);
    given = list(2);
    expect(await next(5_000)).toMatchObject({ problem: undefined, changed: true });
    fetcher.stop();
  });

  it('is not asked for any more once stopped, and is again when started again', async () => {
    const { fetcher, next, timers } = stand();
    await next();
    fetcher.stop();
    expect(timers.size).toBe(0);
    fetcher.start();
    await next();
    expect(web.questions).toHaveLength(2);
    fetcher.stop();
  });

  it('is asked for again where it was stopped and started amid a question', async () => {
    let answerNow = web.answer;
    const asking = new Promise<void>((resolve) => {
      [answerNow, web.answer] = [web.answer, () => resolve()];
    });
    const { fetcher, next, timers } = stand();
    timers.pass(0);
    await asking;
    web.answer = answerNow;
    fetcher.stop();
    fetcher.start();
    while (timers.size === 0) await new Promise((resolve) => void setImmediate(resolve));
    expect(await next()).toMatchObject({ changed: true, problem: undefined });
    fetcher.stop();
  });

  it('from one of two places is said to be there again, whichever has failed last', async () => {
    const places = [`${origin}/1.crl`, `${origin}/2.crl`];
    const { answer } = web;
    web.answer = (_request, reply) => void reply.writeHead(503).end();
    const { fetcher, next, reports } = stand({}, clientOf(ca, 'client', [distributionPoints(...places)]));
    await next();
    web.answer = answer;
    await next(5_000);
    fetcher.stop();
    expect(reports.map(({ url }) => url)).toEqual([places[1], places[0]]);
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const news = new RevocationNews({ info: say, warn: say });
    for (const report of reports) news.ofList(report);
    expect(lines).toEqual([
      expect.stringContaining('cannot be had'),
      expect.stringContaining('is there again'),
    ]);
  });

  it('is one of some hundred places, beyond which nothing is fetched', async () => {
    const { fetcher, timers } = stand();
    const { keys } = client;
    for (let place = 0; place < 260; place++) {
      const one = clientOf(ca, 'one', [distributionPoints(`${origin}/${place}.crl`)], { keys });
      expect(fetcher.wants(new Certificate(one.der), new Certificate(ca.der))).toBe(true);
    }
    expect(fetcher.followed).toHaveLength(256);
    expect(timers.size).toBe(256);
    fetcher.stop();
    expect(timers.size).toBe(0);
  });

  it('goes over to other options as far as its host is among theirs', async () => {
    const { fetcher, next, timers } = stand();
    await next();
    const parts = {
      fetch: fetchBounded,
      clock: timers,
      random: () => 1,
      strange: () => {},
      tell: () => {},
    };
    const config = { interval: hour, timeout: 1_000, maxBytes: 1_024 };
    const kept = new ListFetcher({ ...parts, config: { ...config, hosts: [...hosts(), 'a.test'] } }, fetcher);
    const lost = new ListFetcher({ ...parts, config: { ...config, hosts: ['a.test'] } }, fetcher);
    expect([kept.lists.length, lost.lists.length]).toEqual([1, 0]);
    for (const one of [fetcher, kept, lost]) one.stop();
  });
});

describe('clientAuth.revocation refuses', () => {
  const fetchOf = (hostList: unknown, more: object = {}): object => ({ fetch: { hosts: hostList, ...more } });
  const at = 'clientAuth.revocation';
  it.each<[string, object, string, string]>([
    ['no hosts', fetchOf(undefined), 'OPTION_INVALID', `${at}.fetch.hosts`],
    ['an empty list of them', fetchOf([]), 'OPTION_INVALID', `${at}.fetch.hosts`],
    ['one that is no list', fetchOf('crl.test'), 'OPTION_INVALID', `${at}.fetch.hosts`],
    ['a wildcard', fetchOf(['a.test', '*.test']), 'OPTION_INVALID', `${at}.fetch.hosts[1]`],
    ['a suffix', fetchOf(['.test:']), 'OPTION_INVALID', `${at}.fetch.hosts[0]`],
    ['a URL', fetchOf(['http://crl.test/']), 'OPTION_INVALID', `${at}.fetch.hosts[0]`],
    ['a user', fetchOf(['me@crl.test']), 'OPTION_INVALID', `${at}.fetch.hosts[0]`],
    ['a port that is none', fetchOf(['crl.test:99999']), 'OPTION_INVALID', `${at}.fetch.hosts[0]`],
    ['a hole', fetchOf([, 'crl.test']), 'OPTION_INVALID', `${at}.fetch.hosts[0]`], // oxlint-disable-line no-sparse-arrays
    ['a misspelt key', fetchOf(['a.test'], { intervall: 1 }), 'OPTION_UNKNOWN', `${at}.fetch.intervall`],
    ['no interval', fetchOf(['a.test'], { interval: 0 }), 'OPTION_INVALID', `${at}.fetch.interval`],
    ['no time', fetchOf(['a.test'], { timeout: 0 }), 'OPTION_INVALID', `${at}.fetch.timeout`],
    ['no octets', fetchOf(['a.test'], { maxBytes: 1 }), 'OPTION_INVALID', `${at}.fetch.maxBytes`],
    ['ocsp of nobody', { ocsp: {} }, 'OPTION_INVALID', `${at}.ocsp`],
    [
      'a mode that is none',
      { ocsp: { hosts: ['a.test'], mode: 'firm' } },
      'OPTION_INVALID',
      `${at}.ocsp.mode`,
    ],
    [
      'a responder without http',
      { ocsp: { responder: 'ldap://a' } },
      'OPTION_INVALID',
      `${at}.ocsp.responder`,
    ],
    [
      'a responder with a password',
      { ocsp: { responder: 'http://a:b@c.test' } },
      'OPTION_INVALID',
      `${at}.ocsp.responder`,
    ],
    [
      'a nonce that is none',
      { ocsp: { hosts: ['a.test'], nonce: true } },
      'OPTION_INVALID',
      `${at}.ocsp.nonce`,
    ],
    ['a misspelt key of it', { ocsp: { host: ['a.test'] } }, 'OPTION_UNKNOWN', `${at}.ocsp.host`],
  ])('%s', (_what, revocation, code, path) => {
    const make = (): unknown =>
      createServer({
        clientAuth: { mode: 'optional', ca: ca.certificate, revocation },
      } as PortcullisOptions);
    expect(make).toThrow(expect.objectContaining({ code, path, remedy: expect.any(String) }));
  });
});
