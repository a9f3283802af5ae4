import { createServer as createHttpServer } from 'node:http';
import type { ServerOptions } from 'node:https';
import { setImmediate as afterIo } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import {
  PolicyViolation,
  type PolicyViolationCode,
  problemDetails,
  requireClientCertificate,
  requireMatchingHost,
  requirePin,
  requireTls,
} from 'portcullis';
import { createTestPki, recordDecisions, request, type TestClients, type TestPki } from 'portcullis/testing';
import { keptConnection, listening, plainServer } from './harness.ts';

let pki: TestPki;
/** What Express logs, a turn after it has answered. */
let logged: jest.SpiedFunction<typeof console.error>;

beforeAll(async () => {
  pki = await createTestPki({ keyType: 'rsa-2048' });
});
beforeEach(() => {
  logged = jest.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(async () => {
  await afterIo();
  jest.restoreAllMocks();
});

interface Scenario {
  readonly policy: () => RequestHandler;
  readonly client?: keyof TestClients;
  readonly server?: () => ServerOptions;
  readonly headers?: Record<string, string>;
  readonly later?: number;
  readonly plainHttp?: true;
  readonly status?: number;
}

const tls12 = { maxVersion: 'TLSv1.2' } as const;
const staticRsa = { ...tls12, ciphers: 'AES128-GCM-SHA256' };
const certificate = (): RequestHandler => requireClientCertificate();

/** One way to each refusal; those of forwarded certificates and bound tokens are not given by these middleware. */
const scenarios: Readonly<
  Record<Exclude<PolicyViolationCode, 'FORWARDED_CERTIFICATE_MALFORMED' | 'TOKEN_NOT_BOUND'>, Scenario>
> = {
  AUTHENTICATION_TOO_OLD: {
    policy: () => requireClientCertificate({ maxAge: 1 }),
    client: 'good',
    later: 10_000,
  },
  CIPHER_REFUSED: { policy: () => requireTls({ ciphers: ['ECDHE-RSA-AES256-GCM-SHA384'] }) },
  CLIENT_CERTIFICATE_DENIED: {
    policy: () =>
      requireClientCertificate(({ subject, serialNumber, fingerprint256 }) => {
        throw new Error(`${subject['CN']?.[0]} ${serialNumber} ${fingerprint256}`);
      }),
    client: 'good',
  },
  CLIENT_CERTIFICATE_EXPIRED: { policy: certificate, client: 'expired' },
  CLIENT_CERTIFICATE_NOT_YET_VALID: { policy: certificate, client: 'notYetValid' },
  CLIENT_CERTIFICATE_PURPOSE: { policy: certificate, client: 'wrongPurpose' },
  CLIENT_CERTIFICATE_REQUIRED: { policy: certificate },
  CLIENT_CERTIFICATE_REVOKED: {
    policy: certificate,
    client: 'revoked',
    server: () => ({ crl: pki.crl }),
  },
  CLIENT_CERTIFICATE_UNTRUSTED: { policy: certificate, client: 'selfSigned' },
  FORWARD_SECRECY_REQUIRED: { policy: () => requireTls({ forwardSecrecy: true }), server: () => staticRsa },
  GROUP_REFUSED: { policy: () => requireTls({ groups: ['secp521r1'] }) },
  HOST_MISMATCH: {
    policy: () => requireMatchingHost(),
    headers: { Host: 'inner.example.org:8443' },
    status: 421,
  },
  PIN_MISMATCH: { policy: () => requirePin(['00'.repeat(32), '01'.repeat(32)]), client: 'good' },
  POST_QUANTUM_REQUIRED: {
    policy: () => requireTls({ postQuantum: true }),
    server: () => ({ ecdhCurve: 'X25519' }),
  },
  REVOCATION_STATUS_UNKNOWN: {
    policy: certificate,
    client: 'good',
    server: () => ({ crl: strangersCrl }),
  },
  TLS_REQUIRED: { policy: () => requireTls(), plainHttp: true },
  TLS_VERSION_REFUSED: { policy: () => requireTls({ minVersion: 'TLSv1.3' }), server: () => tls12 },
};

let strangersCrl: string;
beforeAll(async () => {
  const { crl } = await createTestPki();
  strangersCrl = crl;
});

interface Seen {
  readonly status: number;
  readonly text: string;
  readonly violation: unknown;
  readonly detail: string;
}

/** Acts a scenario out with `handler` for the answer, or Express's own in development, which tells all it knows. */
async function play(scenario: Scenario, handler?: ErrorRequestHandler): Promise<Seen> {
  let violation: unknown;
  const app = express().set('env', 'development');
  app.get('/', scenario.policy(), (_incoming, response) => void response.send('let in'));
  app.use(((error, _incoming, _response, next) => {
    violation = error;
    next(error);
  }) as ErrorRequestHandler);
  if (handler) app.use(handler);
  const ask = scenario.plainHttp ? await overHttp(app) : await overTls(app, scenario);
  if (scenario.later !== undefined) {
    jest.spyOn(Date, 'now').mockReturnValue(new Date().getTime() + scenario.later);
  }
  let answer: Pick<Seen, 'status' | 'text'> | undefined;
  const [event] = await recordDecisions(async () => (answer = await ask()));
  return { ...answer!, violation, detail: event!.detail! };
}

type Ask = () => Promise<Pick<Seen, 'status' | 'text'>>;

async function overTls(app: express.Express, { server, client, headers }: Scenario): Promise<Ask> {
  const listener = await listening(plainServer(pki, app, server?.() ?? {}));
  const identity = client === undefined ? { ca: pki.ca } : pki.clients[client];
  const { get, close } = keptConnection(listener, { ...identity, servername: 'localhost' });
  return async () => {
    const reply = await get('/', { Host: 'localhost', ...headers });
    close();
    return { status: reply.status, text: `${JSON.stringify(reply.headers)}\n${reply.body}` };
  };
}

const overHttp = (app: express.Express): Promise<Ask> =>
  Promise.resolve(async () => {
    const { status, headers, text } = await request(createHttpServer(app)).get('/');
    return { status, text: `${JSON.stringify(headers)}\n${text}` };
  });

/** Words that OpenSSL or Node have for it, and what stands in the client's certificate. */
function secretsOf({ client }: Scenario, detail: string): string[] {
  const words = [
    detail,
    'UNABLE_TO',
    'SELF_SIGNED',
    'DEPTH_ZERO',
    'CERT_',
    'CRL',
    'OpenSSL',
    'X509',
    'INVALID_PURPOSE',
    '.ts:',
    'node:',
    ' at ',
  ];
  if (client === undefined) return words;
  const { serialNumber } = pki.clients[client];
  return [...words, serialNumber, `${client}@`, `CN=${client}`, 'Test root', 'sha256/', '-----BEGIN'];
}

describe.each(Object.entries(scenarios))('%s', (code, scenario) => {
  it('is all that the client is told, by Express in development and by problemDetails()', async () => {
    const byExpress = await play(scenario);
    const byUs = await play(scenario, problemDetails());
    expect(byExpress.violation).toMatchObject({ code });
    expect([byExpress.status, byUs.status]).toEqual([scenario.status ?? 403, scenario.status ?? 403]);
    expect(JSON.parse(byUs.text.split('\n')[1]!)).toEqual({
      type: 'about:blank',
      title: (byUs.violation as Error).message,
      status: byUs.status,
      code,
    });
    for (const secret of secretsOf(scenario, byExpress.detail)) {
      expect(byExpress.text).not.toContain(secret);
      expect(byUs.text).not.toContain(secret);
    }
    await afterIo();
    expect(logged).toHaveBeenCalled();
    expect(inspect(logged.mock.calls)).not.toContain(byExpress.detail);
  });

  it('keeps its detail out of JSON, copies, inspection and its text', async () => {
    const { violation, detail } = await play(scenario);
    expect(violation).toBeInstanceOf(PolicyViolation);
    const error = violation as PolicyViolation;
    expect(error.detail).toBe(detail);
    const forms = [
      JSON.stringify(error),
      JSON.stringify(Object.assign({}, error)),
      JSON.stringify(Object.entries(Object.getOwnPropertyDescriptors(error))),
      JSON.stringify(structuredClone(error)),
      inspect(error, { depth: 5 }),
      inspect(error, { showHidden: true }),
      String(error),
      error.stack!,
      error.message,
    ];
    for (const form of forms) expect(form).not.toContain(detail);
    expect(error.stack).toBe(`PolicyViolation: ${error.message}`);
  });
});
