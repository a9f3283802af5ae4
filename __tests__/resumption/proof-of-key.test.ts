import { afterEach, describe, expect, it } from '@jest/globals';
import { closeEverything, listen, open, openRaw, request, speaking, versions } from '../support/attacks.ts';
import { withoutKey } from '../support/attacks-keys.ts';
import { admitted, everywhere, gatedApp, knock } from '../support/attacks-gates.ts';
import { makeStage, plain, portcullis } from '../support/attacks-servers.ts';

const stage = await makeStage();
const { a, impostor } = stage;
const app = gatedApp({ ca: a.ca, pins: a.pins });
const thief = withoutKey(a.client.cert);

afterEach(closeEverything);

describe.each([
  ['a PortcullisServer', () => portcullis(stage, app, 'optional')],
  ['a PortcullisServer that requires clients', () => portcullis(stage, app, 'required')],
  ['a plain server', () => plain(stage, app)],
  ['a plain server that requires clients', () => plain(stage, app, { rejectUnauthorized: true })],
])('%s', (_name, make) => {
  it.each(versions)('lets nobody in who has the certificate and another key (%s)', async (version) => {
    const wire = await open(await listen(make()), { ...speaking(version), ca: a.ca, ...thief });
    expect(await knock(wire)).toEqual(everywhere('closed'));
  });

  it('lets nobody in who has the certificate and another key (a client by hand)', async () => {
    const wire = await openRaw(await listen(make()));
    expect(await wire.handshake({ cert: a.client.cert, key: impostor.key })).toBe(false);
    expect(await knock(wire)).toEqual(everywhere('closed'));
  });

  it('lets nobody in who shows the certificate and proves nothing', async () => {
    const wire = await openRaw(await listen(make()));
    expect(await wire.handshake(a.client, { skipVerify: true })).toBe(false);
    expect(await knock(wire)).toEqual(everywhere('closed'));
  });
});

describe.each([
  ['a PortcullisServer', () => portcullis(stage, app, 'optional')],
  ['a plain server', () => plain(stage, app)],
])('a renegotiation with %s', (_name, make) => {
  it('answers no request between the certificate and the proof of its key', async () => {
    const wire = await openRaw(await listen(make()));
    expect(await wire.handshake(impostor)).toBe(true);
    expect(await wire.ask('/open')).toMatchObject({ status: 200 });
    const thiefs = { cert: a.client.cert, key: impostor.key };
    await wire.handshake(thiefs, { beforeVerify: request('/app/own') });
    expect(admitted(await knock(wire))).toEqual([]);
  });

  it('gives nobody a certificate without its key', async () => {
    const wire = await openRaw(await listen(make()));
    expect(await wire.handshake(impostor)).toBe(true);
    expect(await wire.ask('/open')).toMatchObject({ status: 200 });
    expect(await wire.handshake(a.client, { skipVerify: true })).toBe(false);
    expect(admitted(await knock(wire))).toEqual([]);
  });
});
