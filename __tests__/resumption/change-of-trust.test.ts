import { afterEach, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import { requireClientCertificate } from 'portcullis';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { enter, everywhere, gatedApp, knock, tell } from '../support/attacks-gates.ts';
import {
  certificateOf,
  makeStage,
  pinOf,
  plain,
  plainOptions,
  portcullis,
  ticketKeys,
} from '../support/attacks-servers.ts';

const stage = await makeStage();
const { pki, a, b } = stage;
const { revoked } = pki.clients;
const app = gatedApp({ ca: a.ca, pins: [...a.pins, pinOf(revoked.certificate)] });
const untrusted = everywhere('CLIENT_CERTIFICATE_UNTRUSTED');
const hourMs = 3_600_000;
const shortLived = await pki.issueClient({ subject: 'short', notAfter: new Date(Date.now() + hourMs) });
const shortApp = gatedApp({ ca: a.ca, pins: [...a.pins, pinOf(shortLived.certificate)] });

afterEach(async () => {
  jest.restoreAllMocks();
  await closeEverything();
});

/** Attack D: what was verified once is not verified again when a session is resumed. */
describe.each(versions)('a session over %s that began before', (version) => {
  it('its certificate was revoked is let in nowhere by the server with the CRL', async () => {
    const server = plain(stage, app);
    const port = await listen(server);
    const first = await open(port, { ...speaking(version), ...revoked });
    expect(await knock(first)).toEqual(everywhere('in: revoked'));
    server.setSecureContext({ ...plainOptions(stage), crl: pki.crl });
    const second = await open(port, { ...speaking(version), ...revoked, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await knock(second)).toEqual(untrusted);
  });

  it('its certificate was revoked is let in nowhere by another server of the fleet with the CRL', async () => {
    const first = await open(await listen(plain(stage, app)), { ...speaking(version), ...revoked });
    expect(await first.ask('/open')).toMatchObject({ status: 200 });
    const port = await listen(plain(stage, app, { crl: pki.crl, rejectUnauthorized: true }));
    const second = await open(port, { ...speaking(version), ...revoked, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await knock(second)).toEqual(untrusted);
  });

  it('a CRL came is refused from then on, though it was let in before', async () => {
    const server = plain(stage, app);
    const port = await listen(server);
    const first = await open(port, { ...speaking(version), ...revoked });
    expect((await first.ask('/app/any')).body).toBe('in: revoked');
    const second = await open(port, { ...speaking(version), ...revoked, session: first.ticket });
    expect(await knock(second)).toEqual({ ...untrusted, own: 'in: revoked' });
    server.setSecureContext({ ...plainOptions(stage), crl: pki.crl });
    expect(await knock(second)).toEqual(untrusted);
  });

  it('a CRL was taken away still tells of the revocation', async () => {
    const server = plain(stage, app, { crl: pki.crl });
    const port = await listen(server);
    const first = await open(port, { ...speaking(version), ...revoked });
    expect(await knock(first)).toEqual(everywhere('CLIENT_CERTIFICATE_REVOKED'));
    server.setSecureContext(plainOptions(stage));
    const second = await open(port, { ...speaking(version), ...revoked, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await knock(second)).toEqual(everywhere('CLIENT_CERTIFICATE_REVOKED'));
  });

  it('the listener was given other authorities is let in nowhere', async () => {
    const forB = gatedApp({ ca: b.ca, pins: [...a.pins, ...b.pins] });
    const server = plain(stage, forB);
    const port = await listen(server);
    const first = await open(port, { ...speaking(version), ...a.client });
    expect(await first.ask('/app/any')).toEqual({ status: 200, body: 'in: good' });
    server.setSecureContext({ ...plainOptions(stage), ca: b.ca });
    const second = await open(port, { ...speaking(version), ...a.client, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await knock(second)).toEqual(untrusted);
  });

  it('its certificate expired is let in nowhere', async () => {
    const port = await listen(plain(stage, shortApp));
    const first = await open(port, { ...speaking(version), ...shortLived });
    expect(await knock(first)).toEqual(everywhere('in: short'));
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 2 * hourMs);
    const second = await open(port, { ...speaking(version), ...shortLived, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await knock(second)).toEqual({ ...untrusted, own: 'CLIENT_CERTIFICATE_EXPIRED' });
  });

  it('is older than a route allows is refused by that route', async () => {
    const fresh = express()
      .get('/', requireClientCertificate({ ca: a.ca, maxAge: 60 }), enter)
      .use(tell);
    const port = await listen(plain(stage, fresh));
    const first = await open(port, { ...speaking(version), ...a.client });
    expect(await first.ask('/')).toEqual({ status: 200, body: 'in: good' });
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 120_000);
    const second = await open(port, { ...speaking(version), ...a.client, session: first.ticket });
    expect(second.resumed).toBe(true);
    expect(await second.ask('/')).toEqual({ status: 403, body: 'AUTHENTICATION_TOO_OLD' });
    const third = await open(port, { ...speaking(version), ...a.client });
    expect(third.resumed).toBe(false);
  });

  it('is resumed by no PortcullisServer, though it has the keys of the ticket', async () => {
    const first = await open(await listen(plain(stage, app)), { ...speaking(version), ...revoked });
    expect(await first.ask('/open')).toMatchObject({ status: 200 });
    const server = portcullis({ ...stage, a: b }, app, 'optional');
    server.setTicketKeys(ticketKeys);
    const second = await open(await listen(server), {
      ...speaking(version),
      ...revoked,
      session: first.ticket,
    });
    expect(second.resumed).toBe(false);
    expect(await knock(second)).toEqual({ ...untrusted, own: 'in: revoked' });
  });
});

describe.each(versions)('a connection over %s that is kept alive', (version) => {
  it.each([
    ['a PortcullisServer', () => portcullis(stage, shortApp, 'optional')],
    ['a plain server', () => plain(stage, shortApp)],
  ])('to %s is refused from the second on in which its certificate has expired', async (_name, make) => {
    const wire = await open(await listen(make()), { ...speaking(version), ...shortLived });
    expect(await knock(wire)).toEqual(everywhere('in: short'));
    const { notAfter } = certificateOf(shortLived.certificate);
    const clock = jest.spyOn(Date, 'now').mockReturnValue(notAfter);
    expect(await knock(wire)).toEqual(everywhere('in: short'));
    clock.mockReturnValue(notAfter + 1);
    expect(await knock(wire)).toEqual(everywhere('CLIENT_CERTIFICATE_EXPIRED'));
    expect((await wire.ask('/facts')).body).toContain('"code":"CLIENT_CERTIFICATE_EXPIRED"');
    // A clock that was set wrong for a moment does not end the connection.
    clock.mockReturnValue(notAfter - 1);
    expect(await knock(wire)).toEqual(everywhere('in: short'));
  });

  it('to a PortcullisServer that requires clients is refused, and closed, once its certificate has expired', async () => {
    const port = await listen(portcullis(stage, shortApp, 'required'));
    const wire = await open(port, { ...speaking(version), ...shortLived });
    expect(await knock(wire)).toEqual(everywhere('in: short'));
    const { notAfter } = certificateOf(shortLived.certificate);
    jest.spyOn(Date, 'now').mockReturnValue(notAfter + 1);
    const refusal = await wire.ask('/open');
    expect(refusal).toMatchObject({ status: 403 });
    expect(refusal.body).toContain('CLIENT_CERTIFICATE_EXPIRED');
    await wire.closed();
  });

  it('is refused while the clock says that its certificate is not valid yet', async () => {
    const wire = await open(await listen(portcullis(stage, shortApp, 'optional')), {
      ...speaking(version),
      ...shortLived,
    });
    expect(await knock(wire)).toEqual(everywhere('in: short'));
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 24 * hourMs);
    expect(await knock(wire)).toEqual(everywhere('CLIENT_CERTIFICATE_NOT_YET_VALID'));
  });
});
