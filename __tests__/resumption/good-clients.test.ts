import { afterEach, describe, expect, it } from '@jest/globals';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { everywhere, gatedApp, knock } from '../support/attacks-gates.ts';
import { makeStage, plain, portcullis, virtualHosts } from '../support/attacks-servers.ts';

const stage = await makeStage();
const { a, b } = stage;
const forA = gatedApp({ ca: a.ca, pins: a.pins });
const forB = gatedApp({ ca: b.ca, pins: b.pins });

afterEach(closeEverything);

describe.each(versions)('a good client over %s', (version) => {
  it.each([
    ['a PortcullisServer with optional clients', () => portcullis(stage, forA, 'optional')],
    ['a PortcullisServer that requires clients', () => portcullis(stage, forA, 'required')],
    ['a plain server', () => plain(stage, forA)],
    ['a plain server that requires clients', () => plain(stage, forA, { rejectUnauthorized: true })],
    ['a plain server with a CRL', () => plain(stage, forA, { crl: stage.pki.crl })],
    ['a plain server with addContext', () => virtualHosts.addContext(stage, forA)],
    ['a plain server with SNICallback', () => virtualHosts.SNICallback(stage, forA)],
  ])('gets in everywhere at %s, on every request of a connection', async (_name, make) => {
    const port = await listen(make());
    const wire = await open(port, { ...speaking(version), ...a.client });
    expect(await knock(wire)).toEqual(everywhere('in: good'));
    expect(await knock(wire)).toEqual(everywhere('in: good'));
  });

  it.each(['addContext', 'SNICallback'] as const)(
    'gets in at its own virtual host by %s, and by requireMatchingHost()',
    async (kind) => {
      const port = await listen(virtualHosts[kind](stage, forB));
      const wire = await open(port, { ...speaking(version), ...b.client, servername: 'b.test' });
      expect(await knock(wire, 'b.test')).toEqual(everywhere('in: b'));
      expect(await wire.ask('/hosted', { host: 'b.test:8443' })).toEqual({ status: 200, body: 'in: b' });
    },
  );

  it('gets in with a session to resume, as a PortcullisServer makes a full handshake instead', async () => {
    const port = await listen(portcullis(stage, forA, 'required'));
    const first = await open(port, { ...speaking(version), ...a.client });
    expect(await knock(first)).toEqual(everywhere('in: good'));
    const second = await open(port, { ...speaking(version), ...a.client, session: first.ticket });
    expect(second.resumed).toBe(false);
    expect(await knock(second)).toEqual(everywhere('in: good'));
  });

  it('that resumes at a plain server gets in where a route verifies it again, and nowhere else', async () => {
    const port = await listen(plain(stage, forA));
    const first = await open(port, { ...speaking(version), ...a.client });
    expect(await knock(first)).toEqual(everywhere('in: good'));
    const second = await open(port, { ...speaking(version), ...a.client, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await knock(second)).toEqual({ ...everywhere('CLIENT_CERTIFICATE_UNTRUSTED'), own: 'in: good' });
  });

  it('gets in where a route trusts its authority and the listener does not', async () => {
    const servers = [
      portcullis(stage, forB, 'optional'),
      plain(stage, forB),
      // No SNI context was chosen, so that none can have revoked it.
      virtualHosts.addContext(stage, forB),
    ];
    for (const server of servers) {
      // oxlint-disable-next-line no-await-in-loop -- one server after another
      const wire = await open(await listen(server), { ...speaking(version), ...b.client });
      // oxlint-disable-next-line no-await-in-loop
      expect(await knock(wire)).toEqual({ ...everywhere('CLIENT_CERTIFICATE_UNTRUSTED'), own: 'in: b' });
    }
  });
});
