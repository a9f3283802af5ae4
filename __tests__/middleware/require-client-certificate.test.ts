import { createServer as createHttpServer } from 'node:http';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeAll, describe, it, jest } from '@jest/globals';
import express from 'express';
import {
  exposeTls,
  forwardedClientCertificate,
  problemDetails,
  requireBoundToken,
  requireClientCertificate,
  requireMatchingHost,
  requirePin,
  requireTls,
  type Rule,
  securityHeaders,
} from 'portcullis';
import { createTestPki, recordDecisions, request, type TestClients, type TestPki } from 'portcullis/testing';
import { inTurn, presentTime } from '../../lib/clock.ts';
import { configErrorOf, everywhere, listeners, listening, places, plainServer, whoAmI } from './harness.ts';
import { expect } from '../support/matchers.ts';

const day = 86_400_000;

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const clients: ReadonlyArray<[keyof TestClients, string | undefined]> = [
  ['good', undefined],
  ['spiffe', undefined],
  ['expired', 'CLIENT_CERTIFICATE_EXPIRED'],
  ['notYetValid', 'CLIENT_CERTIFICATE_NOT_YET_VALID'],
  ['wrongPurpose', 'CLIENT_CERTIFICATE_PURPOSE'],
  ['unknownCa', 'CLIENT_CERTIFICATE_UNTRUSTED'],
  ['selfSigned', 'CLIENT_CERTIFICATE_UNTRUSTED'],
];

describe.each(listeners)('requireClientCertificate() on $name', ({ make }) => {
  it.each(places)('lets a verified client pass at %s, and nobody without a certificate', async (place) => {
    const server = await listening(make(pki, everywhere(requireClientCertificate())));
    const { body } = await request(server).as(pki.clients.good).get(place).expect(200);
    expect(body).toMatchObject({ passed: true, name: 'good' });
    const nobody = await request(server, { pki }).get(place).expect(403);
    expect(nobody.decisions).toMatchObject([
      { policy: 'requireClientCertificate', outcome: 'refuse', code: 'CLIENT_CERTIFICATE_REQUIRED' },
    ]);
  });

  it('tells each bad client by its own code', async () => {
    const server = await listening(make(pki, everywhere(requireClientCertificate())));
    const seen: Array<[string, string | undefined]> = [];
    for (const [name] of clients) {
      const { decisions } = await request(server).as(pki.clients[name]).get('/app');
      seen.push([name, decisions[0]!.code]);
    }
    expect(seen).toEqual(clients);
  });

  it('refuses a certificate that has expired while a handler waited, though it was let in before', async () => {
    const now = jest.spyOn(Date, 'now');
    const waits = express.Router().use(requireClientCertificate(), (_incoming, _outgoing, next) => {
      setImmediate(() => {
        now.mockReturnValue(new Date().getTime() + 365 * day);
        next();
      });
    });
    const app = express().use(waits, requireClientCertificate()).use(problemDetails());
    const { status, decisions } = await request(await listening(make(pki, app)))
      .as(pki.clients.good)
      .get('/app');
    expect(status).toBe(403);
    expect(decisions).toMatchObject([{ outcome: 'allow' }, { code: 'CLIENT_CERTIFICATE_EXPIRED' }]);
  });

  it('refuses a certificate that has expired during the connection, from the next request on', async () => {
    const server = await listening(make(pki, everywhere(requireClientCertificate())));
    const kept = request(server).as(pki.clients.good).keepAlive();
    const now = jest.spyOn(Date, 'now');
    const statusAt = async (at: number): Promise<number> => {
      now.mockReturnValue(at);
      return (await kept.get('/app')).status;
    };
    const today = new Date().getTime();
    expect([await statusAt(today), await statusAt(today + 100 * day), await statusAt(today)]).toEqual([
      200, 403, 200,
    ]);
    kept.close();
  });

  it('measures maxAge from the full handshake', async () => {
    const server = await listening(make(pki, everywhere(requireClientCertificate({ maxAge: 3600 }))));
    const kept = request(server).as(pki.clients.good).keepAlive();
    await kept.get('/app').expect(200);
    // After the handshake, which may have taken seconds.
    const today = Date.now();
    const now = jest.spyOn(Date, 'now').mockReturnValue(today + 3_590_000);
    await kept.get('/app').expect(200);
    now.mockReturnValue(today + 3_602_000);
    const late = await kept.get('/app').expect(403);
    expect(late.decisions).toMatchObject([
      { code: 'AUTHENTICATION_TOO_OLD', detail: expect.stringMatching(/3600 s ago/) },
    ]);
    kept.close();
  });
});

it.each(places)('refuses plain HTTP at %s', async (place) => {
  const app = everywhere(requireClientCertificate()).set('trust proxy', true);
  const answer = await request(createHttpServer(app))
    .get(place)
    .set('X-Forwarded-Proto', 'https')
    .expect(403);
  expect(answer).toBeRefusedWith('TLS_REQUIRED');
});

const rejuvenate: Rule = (_certificate, { tls }) => {
  tls.authenticatedAt!.setTime(Date.now() + 365 * day);
  return { allow: true };
};

it('cannot be made younger: the date that a rule or a route gets is a copy', async () => {
  const app = express().get('/', requireClientCertificate({ allow: rejuvenate, maxAge: 60 }), whoAmI);
  const server = await listening(plainServer(pki, app));
  const kept = request(server).as(pki.clients.good).keepAlive();
  await kept.get('/').expect(200);
  jest.spyOn(Date, 'now').mockReturnValue(new Date().getTime() + 3_600_000);
  expect(await kept.get('/').expect(403)).toBeRefusedWith('AUTHENTICATION_TOO_OLD');
  kept.close();
});

describe('with a revocation list on a plain server', () => {
  it('refuses whom OpenSSL finds revoked, and lets the others pass', async () => {
    const server = await listening(
      plainServer(pki, everywhere(requireClientCertificate()), { crl: pki.crl }),
    );
    await request(server).as(pki.clients.good).get('/app').expect(200);
    const answer = await request(server).as(pki.clients.revoked).get('/app').expect(403);
    expect(answer).toBeRefusedWith('CLIENT_CERTIFICATE_REVOKED');
  });

  it('refuses everybody while the list is out of date', async () => {
    const crl = await pki.authority.crl({
      revoked: [],
      thisUpdate: new Date(Date.now() - 10 * day),
      nextUpdate: new Date(Date.now() - day),
    });
    const server = plainServer(pki, everywhere(requireClientCertificate()), { crl });
    const answer = await request(server).as(pki.clients.good).get('/app').expect(403);
    expect(answer).toBeRefusedWith('REVOCATION_STATUS_UNKNOWN');
  });
});

it('publishes and lets pass with reportOnly', async () => {
  const app = everywhere(requireClientCertificate({ reportOnly: true }));
  const server = await listening(plainServer(pki, app));
  const events = await recordDecisions(async () => {
    await request(server, { ca: pki.ca }).get('/app').expect(200);
    await request(server).as(pki.clients.expired).get('/app').expect(200);
    await request(server).as(pki.clients.good).get('/app').expect(200);
  });
  expect(events.map(({ outcome, enforced, code }) => [outcome, enforced, code])).toEqual([
    ['refuse', false, 'CLIENT_CERTIFICATE_REQUIRED'],
    ['refuse', false, 'CLIENT_CERTIFICATE_EXPIRED'],
    ['allow', false, undefined],
  ]);
});

const anyone: Rule = () => ({ allow: true });
it.each<[string, (...given: never[]) => unknown, unknown[]]>([
  ['requireClientCertificate', requireClientCertificate, [anyone, { maxAge: 1 }]],
  ['requireClientCertificate', requireClientCertificate, [{}, anyone]],
  ['requireClientCertificate', requireClientCertificate, [anyone, undefined]],
  ['requireBoundToken', requireBoundToken, [{ confirmation: () => {} }, { mode: 'required' }]],
  ['requireTls', requireTls, [{ minVersion: 'TLSv1.3' }, { postQuantum: true }]],
  ['requireMatchingHost', requireMatchingHost, [{}, {}]],
  ['requirePin', requirePin, [[], {}, {}]],
  ['forwardedClientCertificate', forwardedClientCertificate, [{ format: 'nginx', trust: 'unix' }, {}]],
  ['securityHeaders', securityHeaders, [{}, {}]],
  // As Express calls what was not called before.
  ['exposeTls', exposeTls, [{}, {}, () => {}]],
  ['problemDetails', problemDetails, [{}, {}, () => {}]],
])('no argument is dropped without a word: %s', (path, make, given) => {
  const error = configErrorOf(() => Reflect.apply(make, undefined, given));
  expect(error).toMatchObject({ code: 'OPTION_INVALID', path });
  expect(error.remedy).toMatch(
    path === 'requireClientCertificate' ? /allOf\(\).*\{ allow, maxAge \}/ : /one object|a list|app\.use/,
  );
});

it.each<[unknown, string, string]>([
  [{ maxage: 60 }, 'OPTION_UNKNOWN', 'requireClientCertificate.maxage'],
  [{ maxAge: 0 }, 'OPTION_INVALID', 'requireClientCertificate.maxAge'],
  [{ maxAge: '60' }, 'OPTION_INVALID', 'requireClientCertificate.maxAge'],
  [{ maxAge: Infinity }, 'OPTION_INVALID', 'requireClientCertificate.maxAge'],
  [{ maxAge: Number.NaN }, 'OPTION_INVALID', 'requireClientCertificate.maxAge'],
  [{ allow: true }, 'OPTION_INVALID', 'requireClientCertificate.allow'],
  [{ allow: null }, 'OPTION_INVALID', 'requireClientCertificate.allow'],
  [{ allow: [] }, 'OPTION_INVALID', 'requireClientCertificate.allow'],
  [{ reportOnly: 'yes' }, 'OPTION_INVALID', 'requireClientCertificate.reportOnly'],
  [{ ca: undefined }, 'CLIENT_CA_MISSING', 'requireClientCertificate.ca'],
  [{ ca: '' }, 'CLIENT_CA_MISSING', 'requireClientCertificate.ca'],
  [{ ca: [] }, 'CLIENT_CA_MISSING', 'requireClientCertificate.ca'],
  [{ ca: 'no certificate' }, 'CLIENT_CA_INVALID', 'requireClientCertificate.ca'],
  [{ ca: { file: '/nowhere/ca.pem' } }, 'CLIENT_CA_INVALID', 'requireClientCertificate.ca.file'],
  [[() => ({ allow: true })], 'OPTION_INVALID', 'requireClientCertificate'],
  [null, 'OPTION_INVALID', 'requireClientCertificate'],
  ['good', 'OPTION_INVALID', 'requireClientCertificate'],
])('does not take %j: %s at %s', (options, code, path) => {
  expect(configErrorOf(() => requireClientCertificate(options as never))).toMatchObject({ code, path });
});

it('goes by the time itself once a request has been cut off in the middle', async () => {
  const now = jest.spyOn(Date, 'now').mockReturnValue(1_000);
  const cutOff = (): void =>
    inTurn(() => {
      for (;;);
    });
  expect(() => runInNewContext('cutOff()', { cutOff }, { timeout: 5 })).toThrow('timed out');
  now.mockReturnValue(2_000);
  await Promise.resolve();
  expect(presentTime()).toBe(2_000);
});

it('goes by one time while a request is handled in one go, and by the time itself before, after and within another', () => {
  const now = jest.spyOn(Date, 'now');
  let time = 0;
  now.mockImplementation(() => ++time);
  expect(presentTime()).toBe(1);
  expect(inTurn(() => [presentTime(), inTurn(presentTime), presentTime()])).toEqual([2, 3, 2]);
  expect(presentTime()).toBe(4);
  expect(() =>
    inTurn(() => {
      throw new Error('thrown');
    }),
  ).toThrow('thrown');
  expect([presentTime(), presentTime()]).toEqual([6, 7]);
});
