import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createTestPki, type TestClient, type TestPki } from 'portcullis/testing';
import { closeEverything, open, versions, type Wire } from '../support/attacks.ts';
import { endChildren } from '../tickets/children.ts';
import { sessionOf, visit } from '../tickets/sessions.ts';
import { FaultClock } from './fault-clock.ts';
import { endFaultServers, FaultServer } from './fault-server.ts';

const day = 24;
const inHours = (hours: number): Date => new Date(Date.now() + hours * 3_600_000);

let pki: TestPki;
let brief: TestClient;
let folder: string;
beforeAll(async () => {
  pki = await createTestPki();
  brief = await pki.issueClient({
    subject: { CN: 'brief' },
    notBefore: inHours(-2),
    notAfter: inHours(2 * day),
  });
  folder = mkdtempSync(join(tmpdir(), 'portcullis-clocks-'));
});
let clock: FaultClock;
beforeEach(() => {
  clock = new FaultClock();
});
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await closeEverything();
  await endFaultServers();
  clock.remove();
});
afterAll(async () => {
  await endChildren();
  rmSync(folder, { recursive: true });
});

const startWith = (options: object): Promise<FaultServer> =>
  FaultServer.start({ ...serverPair(), ...options }, { environment: clock.environment });
const serverPair = (): { key: string; cert: string } => ({ key: pki.server.key, cert: pki.server.cert });
const optional = (more: object = {}): object => ({
  http2: true,
  clientAuth: { mode: 'optional', ca: pki.ca, ...more },
});

const as = (client: TestClient): { ca: string; key: string; cert: string } => ({
  ca: pki.ca,
  key: client.key,
  cert: client.chain,
});
const comes = (server: FaultServer, client: TestClient): Promise<Wire> => open(server.port, as(client));
/** How the server sees the client of this connection now. */
const seen = async (wire: Wire): Promise<string> => (await wire.ask('/')).body;

async function sessionFor({ port }: FaultServer, client: TestClient): Promise<ClientHttp2Session> {
  const one = connectHttp2(`https://127.0.0.1:${port}`, as(client));
  sessions.push(one);
  one.on('error', () => {});
  await once(one, 'connect');
  return one;
}

async function seenBy(one: ClientHttp2Session): Promise<string> {
  const stream = one.request({ ':path': '/' });
  let body = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  await once(stream, 'close');
  return body;
}

describe('while they are connected, and by new connections,', () => {
  it('a client whose certificate ends is told so, by HTTP/1.1 and HTTP/2, and others go on', async () => {
    const server = await startWith(optional());
    const [kept, other, over2] = [
      await comes(server, brief),
      await comes(server, pki.clients.good),
      await sessionFor(server, brief),
    ];
    expect([await seen(kept), await seen(other), await seenBy(over2)]).toEqual(['brief', 'good', 'brief']);

    clock.set(2 * day + 1);
    const ended = 'CLIENT_CERTIFICATE_EXPIRED';
    expect([await seen(kept), await seenBy(over2), await seen(await comes(server, brief))]).toEqual([
      ended,
      ended,
      ended,
    ]);
    expect([await seen(other), await seen(await comes(server, pki.clients.good))]).toEqual(['good', 'good']);

    // Of a clock that is behind: nobody is let in before his time.
    clock.set(-3);
    const early = 'CLIENT_CERTIFICATE_NOT_YET_VALID';
    expect([await seen(kept), await seenBy(over2), await seen(await comes(server, brief))]).toEqual([
      early,
      early,
      early,
    ]);

    clock.set(0);
    expect([await seen(kept), await seenBy(over2), await seen(await comes(server, brief))]).toEqual([
      'brief',
      'brief',
      'brief',
    ]);
  });

  it('lists that run out let nobody in, nor do those of the future, until there is a good one', async () => {
    const file = join(folder, 'clients.crl');
    const list = (nextUpdate: Date): Promise<string> =>
      pki.authority.crl({ revoked: [{ certificate: pki.clients.revoked.certificate }], nextUpdate });
    writeFileSync(file, await list(inHours(day)));
    const server = await startWith(optional({ crl: { file } }));
    // It is as old as the lists of the future need it to be.
    const [kept, over2] = [await comes(server, brief), await sessionFor(server, brief)];
    const all = async (): Promise<string[]> => [
      await seen(kept),
      await seenBy(over2),
      await seen(await comes(server, brief)),
    ];
    const revoked = 'CLIENT_CERTIFICATE_REVOKED';
    expect(await all()).toEqual(['brief', 'brief', 'brief']);
    expect(await seen(await comes(server, pki.clients.revoked))).toBe(revoked);

    const unknown = 'REVOCATION_STATUS_UNKNOWN';
    const early = 'CLIENT_CERTIFICATE_NOT_YET_VALID';
    for (const hours of [day + 1, -1]) {
      clock.set(hours);
      expect(await all()).toEqual([unknown, unknown, unknown]);
      // A list that is over may still name whom it names.
      expect([revoked, unknown, early]).toContain(await seen(await comes(server, pki.clients.revoked)));
    }

    writeFileSync(`${file}.new`, await list(inHours(4 * day)));
    renameSync(`${file}.new`, file);
    clock.set(day + 1);
    await server.reload();
    expect(await all()).toEqual(['brief', 'brief', 'brief']);
    expect(await seen(await comes(server, pki.clients.revoked))).toBe(revoked);
  });

  it('what a client has upgraded is cut when its certificate ends, and what others have is not', async () => {
    const server = await startWith(optional());
    const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
    const upgraded = async (client: TestClient): Promise<[Wire, number | 'closed']> => {
      const wire = await comes(server, client);
      wire.send(upgrade);
      return [wire, (await wire.answer()).status];
    };
    const [other] = await upgraded(pki.clients.good);
    // On a busy machine one may have ended before it came.
    let [wire, status] = [other, 403 as number | 'closed'];
    while (status !== 101) {
      // oxlint-disable-next-line no-await-in-loop -- the next one, as the last has ended
      const ending = await pki.issueClient({ subject: { CN: 'ending' }, notAfter: inHours(3 / 3_600) });
      // oxlint-disable-next-line no-await-in-loop -- the same
      [wire, status] = await upgraded(ending);
    }
    await wire.closed();
    other.send('HTTP/1.1 200 echo\r\n\r\n');
    expect(await other.answer()).toMatchObject({ status: 200 });
  });
});

it('the server’s own certificate ends: it goes on serving, says so, and its clients decide', async () => {
  const { key, cert } = await pki.issueServer({ notAfter: inHours(10 * day) });
  const server = await startWith({ key, cert });
  const wire = await open(server.port, { ca: pki.ca });
  expect(await wire.ask('/')).toMatchObject({ status: 200 });
  clock.set(11 * day);
  expect(await wire.ask('/')).toMatchObject({ status: 200 });
  // This client's clock is right, for which the certificate is good.
  expect(await (await open(server.port, { ca: pki.ca })).ask('/')).toMatchObject({ status: 200 });
  const late = await FaultServer.start({ key, cert }, { environment: clock.environment });
  expect(late.logged.join('\n')).toMatch(
    /the server certificate of localhost .* expired on .*: replace it now/,
  );
});

it.each(versions)(
  'over %s no ticket outlives its time by a clock that jumps, and tickets go on afterwards',
  async (version) => {
    const server = await startWith({});
    const resumes = async (ticket: Buffer): Promise<boolean> => {
      const { resumed, body } = await visit(server.port, version, ticket);
      expect(body).toBe('nobody');
      return resumed;
    };
    const first = await sessionOf(server.port, version);
    expect(await resumes(first)).toBe(true);
    // To and fro, over rotations: a full handshake, and no ticket that is too old.
    for (const hours of [13, 400 * day, 13, -13]) {
      clock.set(hours);
      // Of a clock that has gone back nobody can say how old a ticket is.
      expect(hours < 0 || !(await resumes(first))).toBe(true);
      expect(await resumes(await sessionOf(server.port, version))).toBe(true);
    }
  },
);

it('however the clock jumps, no timer runs on and on', async () => {
  const crl = { crl: pki.crl };
  const server = await startWith({ ...optional(crl), limits: { handshakeTimeout: 500 } });
  const kept = await comes(server, pki.clients.good);
  expect(await seen(kept)).toBe('good');
  for (const hours of [0, 40 * day, 4_000 * day, -4_000 * day, 0]) {
    clock.set(hours);
    const { timers } = await server.state();
    const from = server.news.length;
    // Something that takes its time, whatever the clock says.
    const silent = connectPlain(server.port, '127.0.0.1').resume();
    silent.on('error', () => {});
    await server.told(({ drop }) => drop === 'HANDSHAKE_TIMEOUT', from);
    silent.destroy();
    expect((await server.state()).timers - timers).toBeLessThan(50);
  }
  expect(await seen(kept)).toBe('good');
});
