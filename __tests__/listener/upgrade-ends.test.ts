import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type Duplex, PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  type ClientCertificate,
  createServer,
  forUpgrade,
  forwardedClientCertificate,
  requireClientCertificate,
  requireTls,
  type UpgradeCheck,
} from 'portcullis';
import { type Authority, createAuthority } from 'portcullis/pki';
import { createTestPki, type TestClient, type TestPki } from 'portcullis/testing';
import { countOpenFiles } from '../../lib/credentials/files/open-files.ts';
import { OpenFiles, scarceAt } from '../../lib/listener/connections/open-files.ts';
import { UpgradeEnds } from '../../lib/listener/connections/upgrade-ends.ts';
import { Upgrades } from '../../lib/listener/connections/upgrades.ts';
import { closeEverything, listen, open } from '../support/attacks.ts';
import { FakeTimers } from '../support/fake-timers.ts';

const day = 86_400_000;
let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

it('of upgraded connections each is told of once when its certificate ends, wherever the clock has jumped to', async () => {
  const clientAuth = { mode: 'optional', ca: pki.ca } as const;
  const server = createServer({ ...pki.server, clientAuth, logger: false }, (_request, response) => {
    response.end('in');
  });
  const sockets: Duplex[] = [];
  server.on('secureConnection', (socket) => sockets.push(socket));
  const port = await listen(server);
  const now = Math.floor(Date.now() / 1_000) * 1_000;
  const issue = (days: number): Promise<TestClient> =>
    pki.issueClient({ subject: { CN: `${days}` }, notAfter: new Date(now + days * day) });
  const [long, short] = [await issue(20), await issue(2)];
  for (const client of [long, short, undefined]) {
    const wire = await open(port, { ca: pki.ca, ...(client && { key: client.key, cert: client.chain }) });
    await wire.ask('/');
  }
  const clock = new FakeTimers(now);
  const told: Duplex[] = [];
  const ends = new UpgradeEnds((socket) => told.push(socket), clock);
  for (const socket of sockets) ends.watch(socket);
  clock.pass(2 * day);
  expect(told).toEqual([]);
  clock.pass(1);
  expect(told).toEqual([sockets[1]]);
  // Set right, it is noticed within a minute.
  clock.jump(30 * day);
  clock.pass(60_000);
  expect(told).toEqual([sockets[1], sockets[0]]);
  // Who has not been cut has issuers, whose certificates end as well.
  expect(clock.size).toBe(1);
  for (const socket of sockets) ends.forget(socket);
  expect(clock.size).toBe(0);

  clock.jump(-32 * day);
  ends.watch(sockets[0]!);
  ends.forget(sockets[0]!);
  expect(clock.size).toBe(0);
  await closeEverything();
});

describe('an upgrade is cut when the certificate ends by which it was let in', () => {
  const start = Math.floor(Date.now() / 1_000) * 1_000;
  const clock = new FakeTimers(start);
  const upgrades = new Upgrades(clock);
  let routes: Authority;
  let port: number;
  let short: TestClient;
  let routeClient: Pick<TestClient, 'key' | 'chain'>;
  beforeAll(async () => {
    jest.spyOn(Date, 'now').mockImplementation(() => clock.now());
    routes = await createAuthority({ subject: 'Of the route' });
    const notAfter = new Date(start + day);
    short = await pki.issueClient({ subject: { CN: 'short' }, notAfter });
    routeClient = await routes.issueClientCertificate({ subject: 'of the route', notAfter });
    const clientAuth = { mode: 'optional', ca: pki.ca } as const;
    const server = createServer({ ...pki.server, clientAuth, logger: false }, (_request, response) => {
      response.end();
    });
    const checks: Record<string, UpgradeCheck> = {
      '/direct': forUpgrade(requireClientCertificate()),
      '/route': forUpgrade(requireClientCertificate({ ca: routes.root })),
      '/forwarded': forUpgrade(
        forwardedClientCertificate({ format: 'rfc9440', trust: 'loopback' }),
        requireClientCertificate({ acceptForwarded: true }),
      ),
      // It has a certificate, and asks nothing of it.
      '/open': forUpgrade(requireTls()),
    };
    const answer = async (request: IncomingMessage, socket: Duplex): Promise<void> => {
      upgrades.began(request, socket);
      if (await checks[request.url!]!(request, socket)) socket.write('HTTP/1.1 101 Welcome\r\n\r\n');
    };
    server.on('upgrade', (request, socket) => void answer(request, socket));
    port = await listen(server);
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await closeEverything();
  });

  /** Its socket, and whether it has been closed. */
  async function enter(
    path: string,
    as?: Pick<TestClient, 'key' | 'chain'>,
    more = '',
  ): Promise<() => boolean> {
    const { socket } = await open(port, { ca: pki.ca, ...(as && { key: as.key, cert: as.chain }) });
    socket.on('error', () => {});
    const answered = once(socket, 'data') as Promise<[Buffer]>;
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n${more}\r\n`,
    );
    expect(String((await answered)[0])).toMatch(/^HTTP\/1.1 101 /);
    const closed = once(socket, 'close');
    ends.push(closed);
    return () => socket.closed;
  }
  const ends: Array<Promise<unknown>> = [];

  it('of the connection, of a CA of the route, of a forwarded client, and no other', async () => {
    const der = (client: TestClient): string =>
      `Client-Cert: :${new X509Certificate(client.certificate).raw.toString('base64')}:\r\n`;
    const cut = [
      await enter('/route', routeClient),
      await enter('/forwarded', undefined, der(short)),
      await enter('/direct', short),
    ];
    const ending = Promise.all(ends.splice(0));
    const stays = [
      await enter('/open', short),
      await enter('/direct', pki.clients.good),
      await enter('/forwarded', undefined, der(pki.clients.good)),
    ];
    clock.pass(day);
    await new Promise(setImmediate);
    expect([...cut, ...stays].filter((isClosed) => isClosed())).toEqual([]);
    clock.pass(1);
    await ending;
    expect(cut.every((isClosed) => isClosed())).toBe(true);
    // Asked, it stays, and is not asked again and again.
    clock.pass(60_000);
    expect(stays.map((isClosed) => isClosed())).toEqual([false, false, false]);
  });
});

it('upgrades whose certificates end at once are judged once each, fifty in one turn, and again at the next end', async () => {
  const clock = new FakeTimers(0);
  const upgrades = new Upgrades(clock);
  const issuer = { notAfter: new Date(2_000), chain: [] };
  const client = { notAfter: new Date(1_000), chain: [issuer] } as unknown as ClientCertificate;
  let judged = 0;
  const sockets = Array.from({ length: 60 }, () => new PassThrough());
  for (const socket of sockets)
    upgrades.admit(
      socket,
      async () => (judged += 1) <= 60,
      () => client,
    );
  const turn = (): Promise<void> => new Promise(setImmediate);
  clock.pass(1_001);
  const counts = [judged];
  for (let turns = 3; turns > 0; turns--) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await turn();
    counts.push(judged);
  }
  expect(counts).toEqual([0, 50, 60, 60]);
  clock.pass(500);
  await turn();
  expect([judged, sockets.filter(({ destroyed }) => destroyed).length]).toEqual([60, 0]);
  clock.pass(500);
  await Promise.all(sockets.map((socket) => once(socket, 'close')));
  expect([judged, clock.size]).toEqual([120, 0]);
});

describe('open files', () => {
  const numbered = (fd: number | undefined): Duplex => Object.assign(new PassThrough(), { _handle: { fd } });
  const asker = (state: { limit: number; open: number; counts: number }) => {
    const files = new OpenFiles({ limit: () => state.limit, count: () => ((state.counts += 1), state.open) });
    return (fd: number | undefined, connections: number, now: number): number =>
      files.excess(numbered(fd), connections, now);
  };

  it('are scarce from a number on that leaves some for the rest of the process', () => {
    expect([64, 1_024, 20_000, Infinity].map(scarceAt)).toEqual([56, 960, 19_936, Infinity]);
  });

  it('are counted once the newest has a high number, and as many make room as are too many', () => {
    const state = { limit: 114, open: 101, counts: 0 };
    const asked = asker(state);
    expect([asked(99, 80, 0), asked(undefined, 80, 0), asked(-1, 80, 0), state.counts]).toEqual([0, 0, 0, 0]);
    expect([asked(100, 80, 0), state.counts]).toEqual([1, 1]);
    // The next one has the number of the one that went.
    expect([asked(20, 80, 1), asked(20, 90, 2), asked(20, 79, 3)]).toEqual([1, 2, 0]);
    expect(state.counts).toBe(1);
    // Of others, whom nobody hears of.
    state.open = 120;
    expect([asked(119, 79, 4), state.counts]).toEqual([2, 2]);
  });

  it('refuse nobody without a count of this moment, whatever numbers there have been', () => {
    const state = { limit: 114, open: 114, counts: 0 };
    const asked = asker(state);
    // Others have taken them, and give them back.
    expect(asked(113, 5, 0)).toBe(2);
    state.open = 20;
    expect([asked(19, 5, 100), asked(19, 6, 101), state.counts]).toEqual([0, 0, 2]);
    expect([asked(113, 5, 102), state.counts]).toEqual([0, 3]);
  });

  it('are compared with the limit that there is now', () => {
    const state = { limit: Infinity, open: 101, counts: 0 };
    const asked = asker(state);
    expect(asked(100, 80, 0)).toBe(0);
    state.limit = 114;
    expect(asked(100, 80, 1_000)).toBe(1);
    state.limit = 1_024;
    expect(asked(100, 80, 2_000)).toBe(0);
  });

  it('of this process are counted, and not the one that counts', () => {
    const known = existsSync('/proc/self/fd');
    expect(countOpenFiles() > 2).toBe(known);
  });
});
