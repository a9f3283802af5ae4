import { createHash, X509Certificate } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import * as jose from 'jose';
import {
  createServer,
  denyList,
  forUpgrade,
  forwardedClientCertificate,
  problemDetails,
  requireBoundToken,
  type RequireBoundTokenOptions,
  requireClientCertificate,
} from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { createTestPki, recordDecisions, type TestClient, type TestPki } from 'portcullis/testing';
import { judgeConfirmation } from '../../lib/policy/bound-token.ts';
import { overHttp2 } from '../listener/http2-harness.ts';
import { runDocumented } from './documented.ts';
import {
  configErrorOf,
  keptConnection,
  listeners,
  listening,
  plainServer,
  portOf,
  type Reply,
  whoAmI,
} from './harness.ts';
import { askUpgrade, webSockets } from './upgrade-harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});
afterEach(() => {
  jest.restoreAllMocks();
});

const thumbprintOf = ({ certificate }: Pick<TestClient, 'certificate'>): string =>
  createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');

/** The claim comes with the request, as if it stood in a token that was verified. */
const confirmation: RequireBoundTokenOptions['confirmation'] = (request) => {
  const token = request.get('x-cnf');
  return token === undefined ? undefined : JSON.parse(token);
};
const boundTo = (client: Pick<TestClient, 'certificate'>): Record<string, string> => ({
  'X-Cnf': JSON.stringify({ 'x5t#S256': thumbprintOf(client) }),
});

/** By two policies, which differ in their mode. */
function guarded(options: Partial<RequireBoundTokenOptions> = {}): Express {
  const app = express();
  app.get('/required', requireBoundToken({ confirmation, ...options }), whoAmI);
  app.get('/if-bound', requireBoundToken({ confirmation, mode: 'if-bound', ...options }), whoAmI);
  return app.use(problemDetails());
}

const challenge = 'Bearer error="invalid_token"';

/** 200, or the code of a refusal as RFC 6750 has it. */
function verdict({ status, headers, body }: Pick<Reply, 'status' | 'headers' | 'body'>): unknown {
  if (status === 200) return status;
  const { code } = JSON.parse(body) as { code: string };
  expect([status, code, headers['www-authenticate']]).toEqual([401, 'TOKEN_NOT_BOUND', challenge]);
  return code;
}

describe.each(listeners)('a token on $name', ({ make }) => {
  const refused = 'TOKEN_NOT_BOUND';
  it.each<
    [string, unknown, unknown, keyof TestPki['clients'] | undefined, keyof TestPki['clients'] | undefined]
  >([
    ["bound to the client's certificate passes", 200, 200, 'good', 'good'],
    ["bound to another's does not", refused, refused, 'good', 'spiffe'],
    ['bound and without any certificate does not', refused, refused, undefined, 'good'],
    ['bound to an expired certificate does not', refused, refused, 'expired', 'expired'],
    ['bound to one of an unknown CA does not', refused, refused, 'unknownCa', 'unknownCa'],
    ['bound to a self-signed one does not', refused, refused, 'selfSigned', 'selfSigned'],
    ['without cnf passes if only bound ones are looked at', refused, 200, 'good', undefined],
    ['without cnf or certificate does so, too', refused, 200, undefined, undefined],
  ])('%s', async (_what, required, ifBound, client, holder) => {
    const server = await listening(make(pki, guarded()));
    const identity = client === undefined ? { ca: pki.ca } : pki.clients[client];
    const { get, close } = keptConnection(server, { ...identity, servername: 'localhost' });
    const headers = { Host: 'localhost', ...(holder && boundTo(pki.clients[holder])) };
    expect(verdict(await get('/required', headers))).toBe(required);
    expect(verdict(await get('/if-bound', headers))).toBe(ifBound);
    close();
  });
});

it('holds for each request of a connection over HTTP/2, until the certificate is revoked', async () => {
  const clientAuth = { mode: 'optional', ca: pki.ca } as const;
  const server = await listening(
    createServer({ ...pki.server, http2: true, clientAuth, logger: false }, guarded()),
  );
  const session = connectHttp2(`https://localhost:${portOf(server)}`, {
    ...pki.clients.revoked,
    host: '127.0.0.1',
  } as object);
  session.on('error', () => {});
  const ask = async (holder: TestClient): Promise<unknown> => {
    const got = await overHttp2(session, { path: '/required', headers: boundTo(holder) });
    return verdict({ ...got, headers: got.headers as Reply['headers'], body: got.body.toString() });
  };
  const { revoked, good } = pki.clients;
  expect([await ask(revoked), await ask(good), await ask(revoked)]).toEqual([200, 'TOKEN_NOT_BOUND', 200]);
  await server.reload({ clientAuth: { ...clientAuth, crl: pki.crl } });
  expect(await ask(revoked)).toBe('TOKEN_NOT_BOUND');
  session.destroy();
});

describe('the confirmation', () => {
  const ask = async (
    options: Partial<RequireBoundTokenOptions>,
    handler: RequestHandler | ErrorRequestHandler = problemDetails(),
  ): Promise<Reply> => {
    const app = express().set('env', 'test');
    app.get('/', requireBoundToken({ confirmation, ...options }), whoAmI).use(handler);
    const server = await listening(plainServer(pki, app));
    const { get, close } = keptConnection(server, { ...pki.clients.good, servername: 'localhost' });
    const reply = await get('/');
    close();
    return reply;
  };
  const good = (): { 'x5t#S256': string } => ({ 'x5t#S256': thumbprintOf(pki.clients.good) });

  it.each<[string, unknown, RequireBoundTokenOptions['confirmation']]>([
    ['may come at once', 200, () => good()],
    ['may be a promise', 200, async () => Promise.resolve(good())],
    ['may throw, and refuses', 'TOKEN_NOT_BOUND', () => JSON.parse('secret')],
    ['may reject, and refuses', 'TOKEN_NOT_BOUND', async () => Promise.reject(new Error('secret'))],
    ['may reject with nothing, and refuses', 'TOKEN_NOT_BOUND', async () => Promise.reject()],
    ['may never come, and refuses once its time is over', 'TOKEN_NOT_BOUND', () => new Promise(() => {})],
  ])('%s', async (_what, expected, given) => {
    const slow = /never/.test(_what);
    const reply = await ask({ confirmation: given, ...(slow && { timeout: 1 }) });
    expect(verdict(reply)).toBe(expected);
    expect(reply.body).not.toContain('secret');
  });

  it('is asked with the request, and its failure is told to the operator alone', async () => {
    const asked = jest.fn((_request: object) => {
      throw new Error('the token is odd');
    });
    const [event] = await recordDecisions(() => ask({ confirmation: asked }));
    expect(asked).toHaveBeenCalledWith(expect.objectContaining({ method: 'GET', url: '/' }));
    expect(event).toMatchObject({ policy: 'requireBoundToken', code: 'TOKEN_NOT_BOUND', outcome: 'refuse' });
    expect(event!.detail).toContain('the token is odd');
  });

  it('that does not hold passes where it is only reported', async () => {
    let reply: Reply | undefined;
    const [event] = await recordDecisions(async () => {
      reply = await ask({ reportOnly: true });
    });
    expect(reply!.status).toBe(200);
    expect(reply!.headers['www-authenticate']).toBeUndefined();
    expect(event).toMatchObject({ code: 'TOKEN_NOT_BOUND', enforced: false });
  });

  it.each<[string, RequestHandler | ErrorRequestHandler]>([
    ["Express's own error handler", ((_request, _response, next) => next()) as RequestHandler],
    [
      'one that looks at the status only',
      ((error, _request, response, _next) => {
        response.status((error as { status: number }).status).json({});
      }) as ErrorRequestHandler,
    ],
  ])('that does not hold is challenged by %s as well', async (_who, handler) => {
    jest.spyOn(console, 'error').mockImplementation(() => {});
    const { status, headers } = await ask({}, handler);
    expect([status, headers['www-authenticate']]).toEqual([401, challenge]);
  });
});

it('is answered with the challenge on the socket of an upgrade', async () => {
  const server = plainServer(pki, express());
  const stage = await webSockets(server, forUpgrade(requireBoundToken({ confirmation })));
  const asOther = { ...pki.clients.spiffe, headers: boundTo(pki.clients.good) };
  expect(verdict(await askUpgrade(server, asOther))).toBe('TOKEN_NOT_BOUND');
  const { status, socket } = await askUpgrade(server, {
    ...pki.clients.good,
    headers: boundTo(pki.clients.good),
  });
  expect([status, await stage.verdicts[1]]).toEqual([101, true]);
  socket!.destroy();
});

it('counts the client whom an earlier policy has verified by anchors of its own', async () => {
  const partners = await createAuthority({ subject: 'Partners' });
  const partner = await partners.issueClientCertificate({ subject: 'partner' });
  const app = express();
  const bound = requireBoundToken({ confirmation });
  app.get('/partner', requireClientCertificate({ ca: partners.root }), bound, whoAmI);
  app.get('/own', bound, whoAmI);
  const server = await listening(plainServer(pki, app.use(problemDetails())));
  const { key, chain: cert } = partner;
  const { get, close } = keptConnection(server, { key, cert, ca: pki.ca, servername: 'localhost' });
  const token = boundTo(partner);
  expect(verdict(await get('/partner', token))).toBe(200);
  expect(verdict(await get('/own', token))).toBe('TOKEN_NOT_BOUND');
  close();
});

it.each(['confirmation', 'other middleware'])(
  'refuses whom the deny list names by the time at which %s has answered, whoever has verified him',
  async (where) => {
    const list = denyList();
    const partners = await createAuthority({ subject: 'Partners' });
    const partner = await partners.issueClientCertificate({ subject: 'partner' });
    const { fingerprint256 } = new X509Certificate(partner.certificate);
    const deny = async (): Promise<void> => {
      await Promise.resolve();
      list.add({ fingerprint256 });
    };
    const isLate = where === 'confirmation';
    const app = express();
    app.get(
      '/',
      requireClientCertificate({ ca: partners.root }),
      async (_request, _response, next) => {
        if (!isLate) await deny();
        next();
      },
      requireBoundToken({
        confirmation: async (request) => {
          if (isLate) await deny();
          return confirmation(request);
        },
      }),
      whoAmI,
    );
    const clientAuth = { mode: 'optional', ca: pki.ca, denyList: list } as const;
    const server = await listening(
      createServer({ ...pki.server, clientAuth, logger: false }, app.use(problemDetails())),
    );
    const identity = { key: partner.key, cert: partner.chain, ca: pki.ca, servername: 'localhost' };
    const { get, close } = keptConnection(server, identity);
    const events = await recordDecisions(async () => {
      expect(verdict(await get('/', { Host: 'localhost', ...boundTo(partner) }))).toBe('TOKEN_NOT_BOUND');
    });
    expect(events.at(-1)!.detail).toContain('CLIENT_CERTIFICATE_DENIED');
    close();
  },
);

describe.each(listeners)('a certificate of its own signature on $name', ({ make }) => {
  it('counts where that is said, for the token that names it', async () => {
    const server = await listening(make(pki, guarded({ selfSigned: true })));
    const { selfSigned, good, unknownCa, expired } = pki.clients;
    const ask = async (client: TestClient, holder = client): Promise<unknown> => {
      const { get, close } = keptConnection(server, { ...client, servername: 'localhost' });
      const reply = await get('/required', { Host: 'localhost', ...boundTo(holder) });
      close();
      // Nobody else takes it for a verified one.
      const { name } = JSON.parse(reply.body) as { name?: string };
      return client === selfSigned && name !== undefined ? name : verdict(reply);
    };
    expect([await ask(selfSigned), await ask(good)]).toEqual([200, 200]);
    const refused = [await ask(selfSigned, good), await ask(unknownCa), await ask(expired)];
    expect(refused).toEqual(refused.map(() => 'TOKEN_NOT_BOUND'));
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 1000 * 365 * 86_400_000);
    expect(await ask(selfSigned)).toBe('TOKEN_NOT_BOUND');
  });
});

it('with a certificate of its own signature is refused once that is denied', async () => {
  const list = denyList();
  const clientAuth = { mode: 'optional', ca: pki.ca, denyList: list } as const;
  const server = await listening(
    createServer({ ...pki.server, clientAuth, logger: false }, guarded({ selfSigned: true })),
  );
  const { selfSigned } = pki.clients;
  const { get, close } = keptConnection(server, { ...selfSigned, servername: 'localhost' });
  const headers = { Host: 'localhost', ...boundTo(selfSigned) };
  expect(verdict(await get('/required', headers))).toBe(200);
  list.add({ fingerprint256: new X509Certificate(selfSigned.certificate).fingerprint256 });
  expect(verdict(await get('/required', headers))).toBe('TOKEN_NOT_BOUND');
  close();
});

it('counts the client of whom a trusted proxy has told, where that is accepted', async () => {
  const app = express().use(forwardedClientCertificate({ format: 'rfc9440', trust: 'loopback' }));
  app.get('/accepted', requireBoundToken({ confirmation, acceptForwarded: true, selfSigned: true }), whoAmI);
  app.get('/withheld', requireBoundToken({ confirmation, selfSigned: true }), whoAmI);
  const server = await listening(plainServer(pki, app.use(problemDetails())));
  const { get, close } = keptConnection(server, { ca: pki.ca, servername: 'localhost' });
  const ask = async (path: string, told: TestClient, holder: TestClient = told): Promise<unknown> => {
    const der = new X509Certificate(told.certificate).raw.toString('base64');
    return verdict(await get(path, { 'Client-Cert': `:${der}:`, ...boundTo(holder) }));
  };
  const { good, spiffe } = pki.clients;
  expect([await ask('/accepted', good), await ask('/accepted', spiffe)]).toEqual([200, 200]);
  const refused = [await ask('/accepted', good, spiffe), await ask('/withheld', good)];
  expect(refused).toEqual(['TOKEN_NOT_BOUND', 'TOKEN_NOT_BOUND']);
  close();
});

describe('a claim', () => {
  const thumbprint = createHash('sha256').update('a certificate').digest('base64url');
  const holder = (): { thumbprint: string } => ({ thumbprint });
  const pass = { allow: true };
  const refuse = { allow: false, code: 'TOKEN_NOT_BOUND' };

  it.each<[string, unknown]>([
    ['null', null],
    ['a string', thumbprint],
    ['an array', [thumbprint]],
    ['nothing in it', {}],
    ['the thumbprint of a key (DPoP)', { jkt: thumbprint }],
    ['an inherited member', Object.create({ 'x5t#S256': thumbprint })],
    ['no string', { 'x5t#S256': Buffer.from(thumbprint) }],
    ['an empty string', { 'x5t#S256': '' }],
    ['padding', { 'x5t#S256': `${thumbprint}=` }],
    ['base64 that is not for URLs', { 'x5t#S256': `+${thumbprint.slice(1)}` }],
    ['hexadecimal', { 'x5t#S256': createHash('sha256').update('a certificate').digest('hex') }],
    ['one character more', { 'x5t#S256': `${thumbprint}A` }],
    ['a newline at its end', { 'x5t#S256': `${thumbprint}\n` }],
    ['bits where there are none', { 'x5t#S256': thumbprint.slice(0, -1) + odd(thumbprint.at(-1)!) }],
    ["another's thumbprint", { 'x5t#S256': createHash('sha256').update('b').digest('base64url') }],
  ])('with %s refuses in both modes', (_what, cnf) => {
    for (const mode of ['required', 'if-bound'] as const)
      expect(judgeConfirmation(cnf, holder, mode)).toMatchObject(refuse);
  });

  /** The same 32 octets to a lenient decoder: the last character carries four bits, and two of padding. */
  function odd(last: string): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    return alphabet[alphabet.indexOf(last) | 1]!;
  }

  it('passes with another method beside the thumbprint', () => {
    const cnf = { jkt: 'x', 'x5t#S256': thumbprint };
    expect(judgeConfirmation(cnf, holder, 'required')).toEqual(pass);
    expect(
      judgeConfirmation(Object.freeze(Object.assign(Object.create(null), cnf)), holder, 'if-bound'),
    ).toEqual(pass);
  });

  it('that is no claim asks for no certificate', () => {
    const never = jest.fn(holder);
    expect(judgeConfirmation(undefined, never, 'if-bound')).toEqual(pass);
    expect(judgeConfirmation(undefined, never, 'required')).toMatchObject(refuse);
    expect(never).not.toHaveBeenCalled();
  });
});

describe('the example of the documentation', () => {
  it('issues a token that only its certificate can use', async () => {
    const app = await runDocumented('bound-tokens', pki, { jose });
    const { good, spiffe } = pki.clients;
    const asGood = keptConnection(app, { ...good, servername: 'localhost' });
    const asOther = keptConnection(app, { ...spiffe, servername: 'localhost' });
    const issued = await asGood.get('/token', { Host: 'localhost' }, 'POST');
    const { access_token: token } = JSON.parse(issued.body) as { access_token: string };
    const headers = { Host: 'localhost', Authorization: `Bearer ${token}` };
    expect(jose.decodeJwt(token)).toMatchObject({ cnf: { 'x5t#S256': thumbprintOf(good) } });
    expect(await asGood.get('/accounts', headers)).toMatchObject({ status: 200, body: '{"of":["good"]}' });
    expect(verdict(await asOther.get('/accounts', headers))).toBe('TOKEN_NOT_BOUND');
    const forged = { ...headers, Authorization: `Bearer ${token}x` };
    expect(await asGood.get('/accounts', forged)).toMatchObject({
      status: 401,
      body: '',
      headers: { 'www-authenticate': 'Bearer' },
    });
    asGood.close();
    asOther.close();
  });
});

it.each<[string, unknown, string, string]>([
  ['nothing', undefined, 'OPTION_INVALID', 'requireBoundToken'],
  ['no confirmation', {}, 'OPTION_INVALID', 'requireBoundToken.confirmation'],
  ['a claim', { confirmation: { jkt: 'x' } }, 'OPTION_INVALID', 'requireBoundToken.confirmation'],
  ['a bad mode', { confirmation, mode: 'ifBound' }, 'OPTION_INVALID', 'requireBoundToken.mode'],
  ['a bad time', { confirmation, timeout: -1 }, 'OPTION_INVALID', 'requireBoundToken.timeout'],
  ['a bad flag', { confirmation, selfSigned: 'yes' }, 'OPTION_INVALID', 'requireBoundToken.selfSigned'],
  [
    'another bad flag',
    { confirmation, acceptForwarded: 1 },
    'OPTION_INVALID',
    'requireBoundToken.acceptForwarded',
  ],
  ['an unknown option', { confirmation, ifBound: true }, 'OPTION_UNKNOWN', 'requireBoundToken.ifBound'],
])('%s is no option', (_what, options, code, path) => {
  expect(configErrorOf(() => requireBoundToken(options as RequireBoundTokenOptions))).toMatchObject({
    code,
    path,
  });
});
