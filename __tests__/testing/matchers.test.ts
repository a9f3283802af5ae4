import { createServer as createPlainServer } from 'node:https';
import { channel } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { beforeAll, describe, it } from '@jest/globals';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import {
  createServer,
  type PolicyViolationCode,
  type PortcullisOptions,
  type PortcullisServer,
  problemDetails,
  requireClientCertificate,
  requirePin,
} from 'portcullis';
import { createTestPki, matchers, recordDecisions, request, type TestPki } from 'portcullis/testing';
import { expect } from '../support/matchers.ts';

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
});

const [pin, backup] = [6, 7].map((octet) => `sha256/${Buffer.alloc(32, octet).toString('base64')}`);
const swallow: ErrorRequestHandler = (_error, _request, response, _next) => {
  response.send('sorry');
};

const toOpen: ErrorRequestHandler = (_error, _request, response, _next) => response.redirect('/open');
const readByEvents: RequestHandler = (incoming, _response, next) => {
  incoming.on('end', next).resume();
};

function makeServer(mode: 'optional' | 'required' = 'optional'): PortcullisServer {
  const options: PortcullisOptions = {
    ...pki.server,
    clientAuth: { mode, ca: pki.ca },
    http2: true,
    logger: false,
  };
  const app = express();
  app.get('/open', (_request, response) => void response.send('open'));
  app.get('/admin', requireClientCertificate(), (_request, response) => void response.send('in'));
  app.get('/watched', requireClientCertificate({ reportOnly: true }), (_request, response) => {
    response.send('in');
  });
  app.get('/pinned', requirePin([pin!, backup!]), (_request, response) => void response.send('in'));
  app.get('/told', requireClientCertificate(), problemDetails());
  app.get('/hidden', requireClientCertificate(), swallow);
  app.get('/login', requireClientCertificate(), toOpen);
  app.post('/login', readByEvents, requireClientCertificate(), toOpen);
  app.get('/moved', requireClientCertificate(), (_request, response) => response.redirect('/open'));
  app.get('/elsewhere', (_request, response) => response.redirect('/open'));
  app.get('/broken', (_request, response) => void response.sendStatus(500));
  return createServer(options, app);
}

/** What a matcher says that does not hold. */
async function said(assertion: () => unknown): Promise<string> {
  try {
    await assertion();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it held');
}

const refused = (code: PolicyViolationCode) => `expected a refusal with ${code}: `;

describe('toBeRefusedWith', () => {
  it.each(['/admin', '/told', '/login'])(
    'knows the code of a refusal, however it is answered: %s',
    async (path) => {
      const agent = request(makeServer(), { pki });
      const answer = await agent.get(path);
      expect(answer).toBeRefusedWith('CLIENT_CERTIFICATE_REQUIRED');
      expect(answer).not.toBeRefusedWith('PIN_MISMATCH');
      expect(answer).not.toBeAdmitted();
    },
  );

  it('takes a response, a request, or a promise', async () => {
    const agent = request(makeServer(), { pki });
    await expect(agent.get('/admin')).toBeRefusedWith('CLIENT_CERTIFICATE_REQUIRED');
    await expect(agent.get('/admin')).resolves.toBeRefusedWith('CLIENT_CERTIFICATE_REQUIRED');
  });

  it.each(['h2', 'http/1.1'] as const)(
    'knows whose a refusal is after the body was read by events (%s)',
    async (protocol) => {
      const answer = await request(makeServer(), { pki }).over(protocol).post('/login').send('body');
      expect(answer.status).toBe(302);
      expect(answer).toBeRefusedWith('CLIENT_CERTIFICATE_REQUIRED');
      expect(answer).not.toBeAdmitted();
    },
  );

  it('says what was refused in its place, and why', async () => {
    const answer = await request(makeServer(), { pki }).get('/admin');
    const { detail } = answer.decisions[0]!;
    expect(detail).toMatch(/^the client sent none/);
    expect(await said(() => expect(answer).toBeRefusedWith('PIN_MISMATCH'))).toBe(
      `${refused('PIN_MISMATCH')}status 403, refused by requireClientCertificate with CLIENT_CERTIFICATE_REQUIRED (${detail})`,
    );
    expect(await said(() => expect(answer).not.toBeRefusedWith('CLIENT_CERTIFICATE_REQUIRED'))).toMatch(
      /^expected that it is not refused with CLIENT_CERTIFICATE_REQUIRED, and it was: status 403/,
    );
  });

  it('says what let the request pass, reported it only, or that nobody was asked', async () => {
    const agent = request(makeServer()).as(pki.clients.good);
    const code = 'CLIENT_CERTIFICATE_REQUIRED';
    const allowed = await agent.get('/admin');
    expect(await said(() => expect(allowed).toBeRefusedWith(code))).toBe(
      `${refused(code)}status 200, requireClientCertificate allowed it`,
    );
    const watched = await agent.anonymous().get('/watched');
    expect(await said(() => expect(watched).toBeRefusedWith(code))).toBe(
      `${refused(code)}status 200, requireClientCertificate reported ${code} only`,
    );
    const open = await agent.get('/open');
    expect(await said(() => expect(open).toBeRefusedWith(code))).toBe(
      `${refused(code)}status 200, and no policy has decided about it`,
    );
  });

  it('is not fooled by an error handler that answers 200', async () => {
    const answer = await request(makeServer(), { pki }).get('/hidden').expect(200);
    expect(await said(() => expect(answer).toBeRefusedWith('CLIENT_CERTIFICATE_REQUIRED'))).toContain(
      'which an error handler has answered as a success',
    );
    expect(answer).not.toBeAdmitted();
  });

  it('reads the problem details of a server that is elsewhere', () => {
    const body = { code: 'PIN_MISMATCH' };
    const elsewhere = { status: 403, type: 'application/problem+json', body };
    expect(elsewhere).toBeRefusedWith('PIN_MISMATCH');
    expect({ ...elsewhere, type: 'application/json' }).not.toBeRefusedWith('PIN_MISMATCH');
    expect({ ...elsewhere, status: 200 }).not.toBeRefusedWith('PIN_MISMATCH');
    expect({ ...elsewhere, body: { code: 'toString' } }).not.toBeRefusedWith('PIN_MISMATCH');
  });

  it('takes no code that there is not, and nothing that is no response', async () => {
    expect(() => expect({ status: 403 }).toBeRefusedWith('PIN_MISSMATCH' as 'PIN_MISMATCH')).toThrow(
      /is no code of a refusal/,
    );
    expect(() => expect(403).toBeRefusedWith('PIN_MISMATCH')).toThrow(/Give the response/);
    await expect(async () => expect(Promise.resolve()).toBeRefusedWith('PIN_MISMATCH')).rejects.toThrow(
      /Give the response/,
    );
  });
});

describe('toBeAdmitted', () => {
  it('holds for whom the policies and the route let pass', async () => {
    const agent = request(makeServer()).as(pki.clients.good);
    expect(await agent.get('/admin')).toBeAdmitted();
    await expect(agent.anonymous().get('/watched')).toBeAdmitted();
    const answer = await agent.get('/pinned');
    expect(answer).not.toBeAdmitted();
    expect(await said(() => expect(answer).toBeAdmitted())).toMatch(
      /^expected that it is admitted: status 403, refused by requirePin with PIN_MISMATCH \(/,
    );
    expect(await said(async () => expect(await agent.get('/open')).not.toBeAdmitted())).toMatch(
      /^expected that it is not admitted: status 200/,
    );
    await expect(agent.get('/broken')).not.toBeAdmitted();
    await expect(agent.get('/nowhere')).not.toBeAdmitted();
  });
});

describe('toBeAdmitted, of redirects', () => {
  it('holds only where a policy has let the request pass', async () => {
    const agent = request(makeServer()).as(pki.clients.good);
    expect(await agent.get('/moved').expect(302)).toBeAdmitted();
    expect(await agent.get('/elsewhere').expect(302)).not.toBeAdmitted();
    expect({ status: 302 }).not.toBeAdmitted();
  });

  it('remembers a refusal on the way of those that are followed', async () => {
    const agent = request(makeServer()).as(pki.clients.good);
    const allowed = await agent.get('/moved').redirects(1).expect(200);
    expect(allowed).toBeAdmitted();
    expect(allowed.decisions).toMatchObject([{ outcome: 'allow', path: '/moved' }]);
    const refusedFirst = await agent.anonymous().get('/login').redirects(1).expect(200, 'open');
    expect(refusedFirst).not.toBeAdmitted();
    expect(refusedFirst.decisions).toMatchObject([{ code: 'CLIENT_CERTIFICATE_REQUIRED' }]);
  });
});

describe('toFailHandshake', () => {
  it('holds where the server has refused it, for this reason', async () => {
    const agent = request(makeServer('required'), { pki });
    await expect(agent.get('/open')).toFailHandshake();
    await expect(agent.as(pki.clients.expired).get('/open')).toFailHandshake('CLIENT_CERTIFICATE_EXPIRED');
    await expect(agent.as(pki.clients.good).get('/open')).not.toFailHandshake();
    expect(
      await said(() => expect(agent.get('/open')).toFailHandshake('CLIENT_CERTIFICATE_EXPIRED')),
    ).toMatch(
      /^expected that the handshake is refused with CLIENT_CERTIFICATE_EXPIRED: .*CLIENT_CERTIFICATE_REQUIRED/,
    );
    expect(await said(() => expect(agent.get('/open')).not.toFailHandshake())).toMatch(
      /^expected that the handshake is not refused: the server refused/,
    );
    const good = agent.as(pki.clients.good);
    expect(await said(() => expect(good.get('/open')).toFailHandshake())).toMatch(
      /it was answered: status 200/,
    );
  });

  it('is not the client’s own refusal, which passes for nothing', async () => {
    const agent = request(makeServer());
    expect(await said(() => expect(agent.get('/')).toFailHandshake())).toMatch(
      /it failed otherwise: .*self-signed/i,
    );
    await expect(expect(agent.get('/')).not.toFailHandshake()).rejects.toMatchObject({
      code: 'SELF_SIGNED_CERT_IN_CHAIN',
    });
  });

  it('takes the request, and no response', async () => {
    await expect(expect({ status: 200 }).toFailHandshake()).rejects.toThrow(/Give the request/);
  });

  it('works without a test runner', async () => {
    const { pass } = await matchers.toFailHandshake(request(makeServer('required'), { pki }).get('/'));
    expect(pass).toBe(true);
  });
});

/** How many listen to what the kit listens to. */
const listeners = (): number =>
  ['decision', 'drop', 'handshake-error']
    .map((name) => channel(`portcullis:${name}`) as { readonly _subscribers?: readonly unknown[] })
    .reduce((sum, { _subscribers = [] }) => sum + _subscribers.length, 0);

describe('recordDecisions', () => {
  it('records until it is stopped, or while a function runs', async () => {
    const agent = request(makeServer(), { pki });
    const record = recordDecisions();
    await agent.get('/admin');
    const during = await recordDecisions(() => agent.get('/pinned'));
    record.stop();
    record.stop();
    await agent.get('/admin');
    const codes = ({ code }: { code: PolicyViolationCode | undefined }): unknown => code;
    expect(record.events.map(codes)).toEqual(['CLIENT_CERTIFICATE_REQUIRED', 'CLIENT_CERTIFICATE_REQUIRED']);
    expect(during).toMatchObject([{ policy: 'requirePin', path: '/pinned' }]);
  });

  it('leaves nobody listening, as a request does', async () => {
    const before = listeners();
    const plain = createPlainServer(pki.server, (_request, response) => response.end());
    await expect(
      recordDecisions(() => {
        throw new Error('in between');
      }),
    ).rejects.toThrow('in between');
    await request(plain, { pki }).get('/').expect(200);
    await expect(request(plain).get('/')).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    // Of other suites of this worker somebody may listen still.
    for (let turn = 0; turn < 50 && listeners() > before; turn++) await setImmediate();
    expect(listeners()).toBeLessThanOrEqual(before);
    expect(() => recordDecisions('no' as never)).toThrow(/expected a function/);
  });
});
