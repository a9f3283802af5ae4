import { createServer as createPlainServer } from 'node:https';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer } from 'portcullis';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { admitted, everywhere, gatedApp, knock } from '../support/attacks-gates.ts';
import {
  makeStage,
  plain,
  plainOptions,
  portcullis,
  ticketKeys,
  virtualHosts,
} from '../support/attacks-servers.ts';

const stage = await makeStage();
const { a } = stage;
const app = gatedApp({ ca: a.ca, pins: a.pins });
const nobody = { ca: a.ca };

afterEach(closeEverything);

/** Attack A: over TLS 1.3 Node takes a resumed session without a certificate for an authorized one. */
describe.each(versions)('a session that began without a certificate, over %s', (version) => {
  it.each([
    ['a plain server', plain],
    ['a plain server with addContext', virtualHosts.addContext],
    ['a plain server with SNICallback', virtualHosts.SNICallback],
  ])('is let in nowhere by %s when it is resumed', async (_name, make) => {
    const port = await listen(make(stage, app));
    const first = await open(port, { ...speaking(version), ...nobody });
    expect(await knock(first)).toEqual(everywhere('CLIENT_CERTIFICATE_REQUIRED'));
    const second = await open(port, { ...speaking(version), ...nobody, session: first.ticket });
    expect(await second.ask('/open')).toMatchObject({ status: 200 });
    expect(await knock(second)).toEqual(everywhere('CLIENT_CERTIFICATE_REQUIRED'));
  });

  it('is not resumed by a PortcullisServer with optional clients, and let in nowhere', async () => {
    const port = await listen(portcullis(stage, app, 'optional'));
    const first = await open(port, { ...speaking(version), ...nobody });
    expect(await knock(first)).toEqual(everywhere('CLIENT_CERTIFICATE_REQUIRED'));
    const second = await open(port, { ...speaking(version), ...nobody, session: first.ticket });
    expect(second.resumed).toBe(false);
    expect(await knock(second)).toEqual(everywhere('CLIENT_CERTIFICATE_REQUIRED'));
  });

  it('does not get past a server that requires certificates with the ticket of one that asks for none', async () => {
    const lax = createPlainServer({ ...plainOptions(stage), requestCert: false }, app);
    const first = await open(await listen(lax), { ...speaking(version), ...nobody });
    expect(await first.ask('/open')).toMatchObject({ status: 200 });

    const strict = await listen(plain(stage, app, { rejectUnauthorized: true }));
    const second = await open(strict, { ...speaking(version), ...nobody, session: first.ticket });
    expect(admitted(await knock(second))).toEqual([]);
  });

  it('does not get past a PortcullisServer with a ticket of its own key from a server that asks for none', async () => {
    const strict = portcullis(stage, app, 'required');
    const keys = strict.getTicketKeys();
    const lax = createPlainServer({ ...plainOptions(stage), requestCert: false, ticketKeys: keys }, app);
    const first = await open(await listen(lax), { ...speaking(version), ...nobody });
    expect(await first.ask('/open')).toMatchObject({ status: 200 });

    const second = await open(await listen(strict), {
      ...speaking(version),
      ...nobody,
      session: first.ticket,
    });
    expect(await second.ask('/open')).toMatchObject({ status: 'closed' });
  });

  it('does not get past a PortcullisServer whose ticket keys somebody sets later', async () => {
    const strict = portcullis(stage, app, 'optional');
    strict.setTicketKeys(ticketKeys);
    const lax = createPlainServer({ ...plainOptions(stage), requestCert: false }, app);
    const first = await open(await listen(lax), { ...speaking(version), ...nobody });
    expect(await first.ask('/open')).toMatchObject({ status: 200 });

    const second = await open(await listen(strict), {
      ...speaking(version),
      ...nobody,
      session: first.ticket,
    });
    expect(await knock(second)).toEqual(everywhere('CLIENT_CERTIFICATE_REQUIRED'));
  });

  it('gives nothing to a route of a PortcullisServer without clientAuth, whose tickets are on', async () => {
    const { key, cert } = stage.server;
    const port = await listen(createServer({ key, cert }, app));
    const first = await open(port, { ...speaking(version), ...a.client });
    expect(await knock(first)).toEqual(everywhere('CLIENT_CERTIFICATE_REQUIRED'));
    const second = await open(port, { ...speaking(version), ...a.client, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await knock(second)).toEqual(everywhere('CLIENT_CERTIFICATE_REQUIRED'));
  });

  it('is not mended by a certificate that the client offers only when it resumes', async () => {
    const port = await listen(plain(stage, app));
    const first = await open(port, { ...speaking(version), ...nobody });
    expect(await first.ask('/open')).toMatchObject({ status: 200 });
    const second = await open(port, { ...speaking(version), ...a.client, session: first.ticket });
    const expected = second.resumed ? everywhere('CLIENT_CERTIFICATE_REQUIRED') : everywhere('in: good');
    expect(await knock(second)).toEqual(expected);
  });
});
