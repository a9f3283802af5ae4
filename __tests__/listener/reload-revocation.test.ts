import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, type PortcullisServer, problemDetails, requireClientCertificate } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';

let pki: TestPki;
let empty: string;
beforeAll(async () => {
  pki = await createTestPki();
  // Older than the PKI's own: a list that is older than the one that serves does not take its place.
  empty = await pki.authority.crl({ revoked: [], number: 1 });
});
afterEach(async () => {
  closeSessions();
  await closeEverything();
});

const app = express()
  .get('/open', (_request, response) => void response.send('open'))
  .get('/in', requireClientCertificate(), (_request, response) => void response.send('in'))
  .use(problemDetails());

function start(mode: 'optional' | 'required', crl?: string): PortcullisServer {
  const clientAuth = { mode, ca: pki.ca, ...(crl !== undefined && { crl }) };
  return createServer({ ...pki.server, clientAuth, http2: true, logger: false }, app);
}

const refused = { status: 403, body: expect.stringContaining('CLIENT_CERTIFICATE_REVOKED') };

describe.each(versions)('a CRL that a reload brings revokes over %s', (version) => {
  it.each([
    ['where there was none', undefined],
    ['in place of an older one', 'empty'],
  ])('a client on its open connection, %s', async (_where, before) => {
    const server = start('optional', before === undefined ? undefined : empty);
    const port = await listen(server);
    const [revoked, good] = await Promise.all(
      [pki.clients.revoked, pki.clients.good].map((client) =>
        open(port, { ...speaking(version), ...client }),
      ),
    );
    expect(await revoked!.ask('/in')).toMatchObject({ status: 200, body: 'in' });
    expect(await good!.ask('/in')).toMatchObject({ status: 200, body: 'in' });
    const report = await server.reload({ clientAuth: { mode: 'optional', ca: pki.ca, crl: pki.crl } });
    expect(report.changed).toEqual(['trust']);
    expect(await revoked!.ask('/in')).toMatchObject(refused);
    expect(await revoked!.ask('/open')).toMatchObject({ status: 200, body: 'open' });
    expect(await good!.ask('/in')).toMatchObject({ status: 200, body: 'in' });
  });

  it('a client of a listener that requires one: its next request is refused, whatever the route', async () => {
    const server = start('required');
    const port = await listen(server);
    const revoked = await open(port, { ...speaking(version), ...pki.clients.revoked });
    expect(await revoked.ask('/open')).toMatchObject({ status: 200, body: 'open' });
    await server.reload({ clientAuth: { mode: 'required', ca: pki.ca, crl: pki.crl } });
    expect(await revoked.ask('/open')).toMatchObject(refused);
    await revoked.closed();
    const again = await open(port, { ...speaking(version), ...pki.clients.revoked });
    await again.closed();
  });
});

describe.each(versions)('over HTTP/2 and %s the next stream of an open session', (version) => {
  it.each(['optional', 'required'] as const)(
    'of a client that was revoked is refused, of another is not, with mode %s',
    async (mode) => {
      const server = start(mode);
      const port = await listen(server);
      const session = (client: TestPki['clients']['good']): ReturnType<typeof openSession> =>
        openSession(port, { ...speaking(version), ...client, servername: 'localhost' });
      const [revoked, good] = [await session(pki.clients.revoked), await session(pki.clients.good)];
      const ask = async (of: typeof good): Promise<[number, string]> => {
        const { status, body } = await overHttp2(of, { path: '/in', headers: { ':authority': 'localhost' } });
        return [status, body.toString()];
      };
      expect([await ask(revoked), await ask(good)]).toEqual([
        [200, 'in'],
        [200, 'in'],
      ]);
      await server.reload({ clientAuth: { mode, ca: pki.ca, crl: pki.crl } });
      expect([await ask(revoked), await ask(good)]).toEqual([
        [403, expect.stringContaining('CLIENT_CERTIFICATE_REVOKED')],
        [200, 'in'],
      ]);
    },
  );
});
