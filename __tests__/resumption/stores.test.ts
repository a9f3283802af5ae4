import type { Server } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { admitted, everywhere, gatedApp, knock } from '../support/attacks-gates.ts';
import { makeStage, plain, plainOptions, portcullis, virtualHosts } from '../support/attacks-servers.ts';

const stage = await makeStage();
const { pki, a } = stage;
const app = gatedApp({ ca: a.ca, pins: a.pins });
const tls12 = speaking('TLSv1.2');
const noTickets = { secureOptions: 0x4000 };

afterEach(closeEverything);

/** Sessions by identifier, kept where `newSession` and `resumeSession` are handled, as a cache of a fleet does. */
function keepSessions<Kept extends Server>(server: Kept, sessions = new Map<string, Buffer>()): Kept {
  server.on('newSession', (id, session, done) => {
    sessions.set(id.toString('hex'), Buffer.from(session));
    done();
  });
  server.on('resumeSession', (id, done) => {
    const session = sessions.get(id.toString('hex'));
    done(null, session === undefined ? null : Buffer.from(session));
  });
  return server;
}

describe.each(versions)('a session from a store, over %s', (version) => {
  const speak = speaking(version);

  it.each([
    ['plain server', () => keepSessions(plain(stage, app, noTickets))],
    ['PortcullisServer', () => keepSessions(portcullis(stage, app, 'optional'))],
  ])('without a certificate is let in nowhere by a %s', async (_name, make) => {
    const port = await listen(make());
    const first = await open(port, { ...speak, ca: a.ca });
    expect(await first.ask('/open')).toMatchObject({ status: 200 });
    const second = await open(port, { ...speak, ca: a.ca, session: first.ticket });
    expect(admitted(await knock(second))).toEqual([]);
  });

  it('does not get past a PortcullisServer that requires clients', async () => {
    const sessions = new Map<string, Buffer>();
    const lax = keepSessions(plain(stage, app, { ...noTickets, requestCert: false }), sessions);
    const first = await open(await listen(lax), { ...speak, ca: a.ca });
    expect(await first.ask('/open')).toMatchObject({ status: 200 });
    const port = await listen(keepSessions(portcullis(stage, app, 'required'), sessions));
    const second = await open(port, { ...speak, ca: a.ca, session: first.ticket });
    expect(await knock(second)).toEqual(everywhere('closed'));
  });

  it('of a client that was revoked since is let in nowhere', async () => {
    const { revoked } = pki.clients;
    const server = keepSessions(plain(stage, app, noTickets));
    const port = await listen(server);
    const first = await open(port, { ...speak, ...revoked });
    expect((await first.ask('/app/any')).body).toBe('in: revoked');
    server.setSecureContext({ ...plainOptions(stage), ...noTickets, crl: pki.crl });
    const second = await open(port, { ...speak, ...revoked, session: first.ticket });
    expect(admitted(await knock(second))).toEqual([]);
  });
});

describe('a session from a store, over TLS 1.2', () => {
  it('of a good client counts at a plain server where the route verifies it again', async () => {
    const port = await listen(keepSessions(plain(stage, app, noTickets)));
    const first = await open(port, { ...tls12, ...a.client });
    expect(await knock(first)).toEqual(everywhere('in: good'));
    const second = await open(port, { ...tls12, ...a.client, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await knock(second)).toEqual({ ...everywhere('CLIENT_CERTIFICATE_UNTRUSTED'), own: 'in: good' });
  });

  it('is misdirected at a PortcullisServer, as nobody knows any more for which host it is', async () => {
    const port = await listen(keepSessions(portcullis(stage, app, 'optional')));
    const first = await open(port, { ...tls12, ...a.client });
    expect(await knock(first)).toEqual(everywhere('in: good'));
    const second = await open(port, { ...tls12, ...a.client, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await second.ask('/open')).toMatchObject({ status: 421 });
  });

  it('of a.test is let in nowhere at b.test', async () => {
    const port = await listen(keepSessions(virtualHosts.addContext(stage, app)));
    const first = await open(port, { ...tls12, ...a.client, servername: 'a.test' });
    expect((await first.ask('/app/any', { host: 'a.test' })).body).toBe('in: good');
    const second = await open(port, {
      ...tls12,
      ...a.client,
      servername: 'b.test',
      session: first.ticket,
    });
    expect(admitted(await knock(second, 'b.test'))).toEqual([]);
  });
});
