import { connect as connectHttp2 } from 'node:http2';
import { afterEach, beforeAll, describe, it, jest } from '@jest/globals';
import express, { type Express } from 'express';
import { createServer, forUpgrade, problemDetails, requireClientCertificate } from 'portcullis';
import { createTestPki, request, type TestPki, type TestResponse } from 'portcullis/testing';
import { overHttp2 } from '../listener/http2-harness.ts';
import { expect } from '../support/matchers.ts';
import { listeners, listening, plainServer, portOf, whoAmI } from './harness.ts';
import { askUpgrade, webSockets } from './upgrade-harness.ts';

const maxAge = 3600;
let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** `/own` by the listener's anchors, `/route` by those of the route. */
function aging(): Express {
  const app = express();
  app.get('/own', requireClientCertificate({ maxAge }), whoAmI);
  app.get('/route', requireClientCertificate({ maxAge, ca: pki.ca }), whoAmI);
  app.get('/any', requireClientCertificate(), whoAmI);
  return app.use(problemDetails());
}

/** The time from now on. OpenSSL counts seconds: two are neither too long nor too short, however they are rounded. */
function passed(seconds: number): void {
  jest.restoreAllMocks();
  const now = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(now + seconds * 1000);
}

const tooOld = { status: 403, code: 'AUTHENTICATION_TOO_OLD' };
const judged = ({ status, text }: TestResponse): unknown => outcome({ status, body: text });
const outcome = ({ status, body }: { status: number; body: string | Buffer }): unknown =>
  status === 200 ? 200 : { status, code: (JSON.parse(body.toString()) as { code: string }).code };

describe.each(listeners)('on a connection that is kept, $name', ({ make }) => {
  it('lets in for an hour after the handshake, and then not by either anchors', async () => {
    const server = await listening(make(pki, aging()));
    const kept = request(server).as(pki.clients.good).sni('localhost').keepAlive();
    const ask = async (path: string): Promise<unknown> => judged(await kept.get(path));
    expect([await ask('/own'), await ask('/route')]).toEqual([200, 200]);
    passed(maxAge - 2 * 60);
    expect([await ask('/own'), await ask('/route')]).toEqual([200, 200]);
    passed(maxAge + 2 * 60);
    expect([await ask('/own'), await ask('/route'), await ask('/any')]).toEqual([tooOld, tooOld, 200]);
    jest.restoreAllMocks();
    // The clock was wrong: what is too old is not remembered.
    expect(await ask('/own')).toBe(200);
    kept.close();
  });
});

it('does so over HTTP/2, where a new session lets in again', async () => {
  const clientAuth = { mode: 'optional', ca: pki.ca } as const;
  const server = await listening(
    createServer({ ...pki.server, http2: true, clientAuth, logger: false }, aging()),
  );
  const session = connectHttp2(`https://localhost:${portOf(server)}`, {
    ...pki.clients.good,
    host: '127.0.0.1',
  } as object);
  session.on('error', () => {});
  const ask = async (path: string): Promise<unknown> => outcome(await overHttp2(session, { path }));
  expect([await ask('/own'), await ask('/route')]).toEqual([200, 200]);
  passed(maxAge + 60);
  expect([await ask('/own'), await ask('/route')]).toEqual([tooOld, tooOld]);
  session.destroy();
});

it('does so before an upgrade', async () => {
  const { server } = await webSockets(
    plainServer(pki, express()),
    forUpgrade(requireClientCertificate({ maxAge })),
  );
  const { status, socket } = await askUpgrade(server, pki.clients.good);
  expect(status).toBe(101);
  socket!.destroy();
  passed(maxAge + 60);
  expect(outcome(await askUpgrade(server, pki.clients.good))).toEqual(tooOld);
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a session that a plain server resumes over %s', (version) => {
  // From its full handshake on: __tests__/endurance/resumed-age.test.ts, as OpenSSL's clock cannot be set.
  it('counts for no anchors but those of the route, for an hour', async () => {
    const server = await listening(plainServer(pki, aging(), { maxVersion: version }));
    const agent = request(server).as(pki.clients.good).sni('localhost');
    const session = await agent.takeSession();
    const later = agent.resumed({ session: session! });
    expect((await later.get('/route').expect(200)).body).toMatchObject({
      passed: true,
      tls: { resumed: true },
    });
    expect(await later.get('/own')).toBeRefusedWith('CLIENT_CERTIFICATE_UNTRUSTED');
    passed(maxAge + 60);
    expect(await later.get('/route')).toBeRefusedWith('AUTHENTICATION_TOO_OLD');
  });
});
