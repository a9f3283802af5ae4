import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { requireClientCertificate } from 'portcullis';
import { closeEverything, listen, open, openRaw, request, speaking } from '../support/attacks.ts';
import { admitted, enter, everywhere, gatedApp, knock, tell } from '../support/attacks-gates.ts';
import { makeStage, plain, portcullis, virtualHosts } from '../support/attacks-servers.ts';

const stage = await makeStage();
const { a, b, impostor } = stage;
const app = gatedApp({ ca: a.ca, pins: a.pins });
const tls12 = speaking('TLSv1.2');
const untrusted = everywhere('CLIENT_CERTIFICATE_UNTRUSTED');
const closed = everywhere('closed');

afterEach(closeEverything);

/** Attack B: over TLS 1.2 Node keeps `authorized` of the first handshake and tells the certificate of the last one. */
describe('a plain server', () => {
  it('is fooled by itself', async () => {
    const wire = await openRaw(await listen(plain(stage, app)));
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await wire.handshake(impostor)).toBe(true);
    expect(await wire.ask('/naive')).toEqual({ status: 200, body: 'in: selfSigned' });
  });

  it.each([
    ['without a CRL', () => plain(stage, app), untrusted],
    ['with a CRL', () => plain(stage, app, { crl: stage.pki.crl }), everywhere('REVOCATION_STATUS_UNKNOWN')],
    ['with addContext', () => virtualHosts.addContext(stage, app), untrusted],
    [
      'with SNICallback',
      () => virtualHosts.SNICallback(stage, app),
      { ...untrusted, own: 'REVOCATION_STATUS_UNKNOWN' },
    ],
  ])('%s lets nobody in who becomes an administrator by renegotiation', async (_name, make, verdicts) => {
    const wire = await openRaw(await listen(make()));
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await wire.ask('/open')).toMatchObject({ status: 200 });
    expect(await wire.handshake(impostor)).toBe(true);
    expect(await knock(wire)).toEqual(verdicts);
  });

  it('that requires clients lets nobody in who becomes an administrator by renegotiation', async () => {
    const wire = await openRaw(await listen(plain(stage, app, { rejectUnauthorized: true })));
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await wire.ask('/open')).toMatchObject({ status: 200 });
    await wire.handshake(impostor);
    expect(admitted(await knock(wire))).toEqual([]);
  });

  it('lets nobody in who renegotiates before the first request, however often', async () => {
    const wire = await openRaw(await listen(plain(stage, app)));
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await wire.handshake(b.client)).toBe(true);
    expect(await wire.handshake(impostor)).toBe(true);
    expect(await knock(wire)).toEqual(untrusted);
  });

  it('doubts the same client after a renegotiation, but where a route verifies it again', async () => {
    const wire = await openRaw(await listen(plain(stage, app)));
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await knock(wire)).toEqual({ ...untrusted, own: 'in: good' });
  });

  it('doubts a client that shows its certificate only by renegotiation, but where a route verifies it', async () => {
    const wire = await openRaw(await listen(plain(stage, app)));
    expect(await wire.handshake()).toBe(true);
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await knock(wire)).toEqual({ ...untrusted, own: 'in: good' });
  });

  it('forgets a client that shows no certificate in its renegotiation', async () => {
    const wire = await openRaw(await listen(plain(stage, app)));
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await wire.handshake()).toBe(true);
    expect(await knock(wire)).toEqual(everywhere('CLIENT_CERTIFICATE_REQUIRED'));
  });

  it('lets no client of another authority in that came as a good one', async () => {
    const wire = await openRaw(await listen(plain(stage, app)));
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await wire.handshake(b.client)).toBe(true);
    expect(await knock(wire)).toEqual(untrusted);
  });

  it('lets nobody in at b.test who was a client of a.test before the renegotiation', async () => {
    const wire = await openRaw(await listen(virtualHosts.addContext(stage, app)));
    expect(await wire.handshake(a.client, { serverName: 'a.test' })).toBe(true);
    expect(await wire.ask('/open', { host: 'a.test' })).toMatchObject({ status: 200 });
    await wire.handshake(a.client, { serverName: 'b.test' });
    expect(admitted(await knock(wire, 'b.test'))).toEqual([]);
  });

  it('ends a connection that renegotiates after a policy has seen it', async () => {
    const wire = await openRaw(await listen(plain(stage, app)));
    expect(await wire.handshake(a.client)).toBe(true);
    expect(await wire.ask('/app/any')).toEqual({ status: 200, body: 'in: good' });
    expect(await wire.handshake(impostor)).toBe(false);
    expect(wire.serverHellos).toBe(1);
    expect(admitted(await knock(wire))).toEqual([]);
    expect(await wire.ask('/open')).toMatchObject({ status: 'closed' });
  });

  it('answers no request that follows in one breath with a renegotiation', async () => {
    const port = await listen(plain(stage, app));
    const seen = await openRaw(port);
    expect(await seen.handshake(a.client)).toBe(true);
    expect(await seen.ask('/app/any')).toEqual({ status: 200, body: 'in: good' });
    await seen.handshake(impostor, { afterHello: request('/app/any') });
    expect(admitted(await knock(seen))).toEqual([]);

    const unseen = await openRaw(port);
    expect(await unseen.handshake(a.client)).toBe(true);
    await unseen.handshake(impostor, { afterHello: request('/app/own') });
    expect(admitted(await knock(unseen))).toEqual([]);
  });
});

describe.each([
  ['a plain server', () => plain(stage, appWithBodies())],
  ['a PortcullisServer', () => portcullis(stage, appWithBodies(), 'optional')],
])('a renegotiation during the body of a request to %s', (_name, make) => {
  it.each(['/gate-first', '/body-first'])('never ends in an answer to somebody else (%s)', async (path) => {
    const wire = await openRaw(await listen(make()));
    expect(await wire.handshake(a.client)).toBe(true);
    const [head, rest] = split(request(path, { method: 'POST', body: 'x'.repeat(1000) }));
    wire.send(head);
    await wire.handshake(impostor);
    wire.send(rest);
    expect((await wire.answer()).body).not.toContain('in:');
  });

  it('is no part of an honest one', async () => {
    const wire = await openRaw(await listen(make()));
    expect(await wire.handshake(a.client)).toBe(true);
    const question = { method: 'POST', body: 'x'.repeat(1000) };
    expect(await wire.ask('/gate-first', question)).toEqual({ status: 200, body: 'in: good' });
    expect(await wire.ask('/body-first', question)).toEqual({ status: 200, body: 'in: good' });
  });
});

describe('a PortcullisServer', () => {
  it.each(['optional', 'required'] as const)('ends a connection that renegotiates (%s)', async (mode) => {
    const port = await listen(portcullis(stage, app, mode));
    const before = await openRaw(port);
    expect(await before.handshake(a.client)).toBe(true);
    expect(await before.handshake(impostor)).toBe(false);
    // Refused before it costs anything (CVE-2011-1473).
    expect(before.serverHellos).toBe(1);
    expect(await knock(before)).toEqual(closed);

    const between = await openRaw(port);
    expect(await between.handshake(a.client)).toBe(true);
    expect(await knock(between)).toEqual(everywhere('in: good'));
    expect(await between.handshake(a.client)).toBe(false);
    expect(await knock(between)).toEqual(closed);
  });

  it('ends a connection of Node’s own client that renegotiates', async () => {
    const wire = await open(await listen(portcullis(stage, app, 'optional')), { ...tls12, ...a.client });
    expect(await wire.renegotiate()).toBe(false);
    expect(await knock(wire)).toEqual(closed);
  });
});

describe('over TLS 1.3, which has no renegotiation', () => {
  it.each([
    ['a plain server', () => plain(stage, app)],
    ['a PortcullisServer', () => portcullis(stage, app, 'optional')],
  ])('a client of %s cannot try', async (_name, make) => {
    const wire = await open(await listen(make()), { ...speaking('TLSv1.3'), ...a.client });
    expect(await wire.ask('/open')).toMatchObject({ status: 200 });
    expect(await wire.renegotiate()).toBe(false);
    expect(await knock(wire)).toEqual(everywhere('in: good'));
  });
});

/** An app that reads a body behind its gate, and one before it. */
function appWithBodies(): express.Express {
  const bodies = express();
  bodies.post('/gate-first', requireClientCertificate(), express.raw({ type: () => true }), enter);
  bodies.post('/body-first', express.raw({ type: () => true }), requireClientCertificate(), enter);
  return bodies.use(tell);
}

/** In the middle of the body. */
const split = (octets: string): [string, string] => [octets.slice(0, -500), octets.slice(-500)];
