import { afterEach, describe, expect, it } from '@jest/globals';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { everywhere, gatedApp, knock } from '../support/attacks-gates.ts';
import { makeStage, plain, portcullis, virtualHosts } from '../support/attacks-servers.ts';

const stage = await makeStage();
const { a, b } = stage;
const app = gatedApp({ ca: b.ca, pins: [...a.pins, ...b.pins] });
const untrusted = everywhere('CLIENT_CERTIFICATE_UNTRUSTED');
const misled = { ...untrusted, own: 'REVOCATION_STATUS_UNKNOWN' };

/** OpenSSL 3.0 (Node 20) resumes a session under any SNI, 3.5.8 (Node 22.23, 24.21, 26.10) under its own only. */
const resumesUnderAnyName = process.versions.openssl.startsWith('3.0.');

afterEach(closeEverything);

/** Attack C: a ticket of one virtual host is good at another one, though that believes other authorities. */
describe.each(versions)('over %s', (version) => {
  describe.each(['addContext', 'SNICallback'] as const)('a plain server with %s', (kind) => {
    it('lets no client of a.test in at b.test by its ticket', async () => {
      const port = await listen(virtualHosts[kind](stage, app));
      const first = await open(port, { ...speaking(version), ...a.client, servername: 'a.test' });
      expect(await first.ask('/app/any', { host: 'a.test' })).toEqual({ status: 200, body: 'in: good' });
      const second = await open(port, {
        ...speaking(version),
        ...a.client,
        servername: 'b.test',
        session: first.ticket,
      });
      expect(second.resumed).toBe(resumesUnderAnyName);
      expect(await knock(second, 'b.test')).toEqual(resumesUnderAnyName ? untrusted : misled);
      expect((await second.ask('/hosted', { host: 'b.test' })).status).not.toBe(200);
    });

    it('lets no client of a.test in at b.test by a full handshake', async () => {
      const port = await listen(virtualHosts[kind](stage, app));
      const wire = await open(port, { ...speaking(version), ...a.client, servername: 'b.test' });
      expect(await knock(wire, 'b.test')).toEqual(misled);
    });

    it('lets no client of a.test speak to b.test, where the hosts must match', async () => {
      const port = await listen(virtualHosts[kind](stage, app));
      const wire = await open(port, { ...speaking(version), ...a.client, servername: 'a.test' });
      expect(await wire.ask('/hosted', { host: 'b.test' })).toEqual({ status: 421, body: 'HOST_MISMATCH' });
      expect(await wire.ask('/hosted', { host: 'A.TEST.:443' })).toEqual({ status: 200, body: 'in: good' });
      expect(await wire.ask('http://b.test/hosted', { host: 'a.test' })).toMatchObject({ status: 421 });
    });

    it('lets no client in at b.test that sent no SNI', async () => {
      const port = await listen(virtualHosts[kind](stage, app));
      const wire = await open(port, { ...speaking(version), ...a.client, servername: '' });
      expect(await wire.ask('/hosted', { host: 'b.test' })).toEqual({ status: 421, body: 'HOST_MISMATCH' });
    });

    it('lets no session without SNI in at b.test', async () => {
      const port = await listen(virtualHosts[kind](stage, app));
      const first = await open(port, { ...speaking(version), ...a.client, servername: '' });
      expect(await first.ask('/open')).toMatchObject({ status: 200 });
      const second = await open(port, {
        ...speaking(version),
        ...a.client,
        servername: 'b.test',
        session: first.ticket,
      });
      expect(second.resumed).toBe(resumesUnderAnyName);
      expect(await knock(second, 'b.test')).toEqual(resumesUnderAnyName ? untrusted : misled);
    });
  });

  it('lets no ticket of a server that believes a in at one of the same keys that believes b', async () => {
    const first = await open(await listen(plain(stage, app)), { ...speaking(version), ...a.client });
    expect(await first.ask('/app/any')).toEqual({ status: 200, body: 'in: good' });
    const port = await listen(plain(stage, app, { ca: b.ca }));
    const second = await open(port, { ...speaking(version), ...a.client, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await knock(second)).toEqual(untrusted);
  });

  it('lets no request for another host pass at a PortcullisServer, and resumes nothing for one', async () => {
    const port = await listen(portcullis(stage, gatedApp({ ca: a.ca, pins: a.pins }), 'optional'));
    const first = await open(port, { ...speaking(version), ...a.client, servername: 'a.test' });
    expect(await first.ask('/app/any', { host: 'a.test' })).toEqual({ status: 200, body: 'in: good' });
    const second = await open(port, {
      ...speaking(version),
      ...a.client,
      servername: 'b.test',
      session: first.ticket,
    });
    expect(second.resumed).toBe(false);
    expect(await second.ask('/app/any', { host: 'a.test' })).toMatchObject({ status: 421 });
  });
});
