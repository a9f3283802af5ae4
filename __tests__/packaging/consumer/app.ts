import express, { type Request } from 'express';
import {
  allOf,
  ConfigError,
  createServer,
  denyList,
  exposeTls,
  forUpgrade,
  forwardedClientCertificate,
  type Limits,
  type PortcullisOptions,
  type PortcullisServer,
  problemDetails,
  requireBoundToken,
  requireClientCertificate,
  type ReloadReport,
  requirePin,
  rule,
  type Rule,
  san,
  type ShutdownReport,
  type TlsState,
} from 'portcullis';
import { collect } from 'portcullis/metrics';
import { type Authority, createAuthority } from 'portcullis/pki';
import { redisDenyList, redisTicketKeys, type RedisClient } from 'portcullis/redis';
import { createTestPki, request } from 'portcullis/testing';

export const app = express();
app.use(exposeTls());
app.use(forwardedClientCertificate({ format: 'rfc9440', trust: ['10.0.0.0/8'] }));
const ours: Rule = allOf(
  san.dns('*.example.org'),
  rule('an admin', ({ subject }) => subject['OU']?.includes('admins') === true),
);
app.use('/partners', requireClientCertificate({ allow: ours, acceptForwarded: true }));
app.use('/token', requireBoundToken({ confirmation: (req) => ({ 'x5t#S256': req.get('x-bound') ?? '' }) }));
export const allowed: (...upgrade: Parameters<ReturnType<typeof forUpgrade>>) => Promise<boolean> =
  forUpgrade(requireClientCertificate(ours));
export const stopCounting: () => void = collect();
app.use('/admin', requireClientCertificate({ maxAge: 60 }));
app.use('/payments', requirePin(['sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=']));
app.get('/', (req: Request, res) => {
  const tls: TlsState | undefined = req.tls;
  const names: readonly string[] | undefined = req.tls?.clientCertificate?.subject['CN'];
  // @ts-expect-error -- on Node it can be true without a certificate, so it is shown nowhere
  res.json({ tls, names, authorized: req.tls?.authorized });
});
app.use(problemDetails());

export const limits: Partial<Limits> = { handshakeTimeout: 5_000 };
export const options: PortcullisOptions = { profile: 'modern', limits };
// @ts-expect-error -- a weakening needs its dangerous name
export const weakened: PortcullisOptions = { requestCert: true };

export async function operate(server: PortcullisServer): Promise<[ReloadReport, ShutdownReport]> {
  server.on('reloadError', (error: unknown) => console.error(error, server.audit().findings, server.stats()));
  return [
    await server.reload({ certificate: { keyFile: 'a.key', certFile: 'a.pem' } }),
    await server.shutdown(),
  ];
}

export const shared = (client: RedisClient): PortcullisOptions => ({
  http2: true,
  tickets: {
    rotateEvery: 3_600,
    store: redisTicketKeys(client, { secret: 'a secret of the operator’s own' }),
  },
  clientAuth: { mode: 'optional', ca: { file: 'ca.pem' }, denyList: redisDenyList(client) },
});
export const denied: PortcullisOptions = {
  clientAuth: { mode: 'required', ca: { file: 'ca.pem' }, denyList: denyList(['AB:CD']) },
};

export async function attempt(): Promise<string> {
  const authority: Authority = await createAuthority({ subject: { CN: 'Root' } });
  const pki = await createTestPki();
  const server: PortcullisServer = createServer({ ...options, ...pki.server }, app);
  const answer = await request(server).as(pki.clients.good).get('/').expect(200);
  try {
    createServer({ clientAuth: { mode: 'optional', ca: [] } });
  } catch (error) {
    if (error instanceof ConfigError) return error.remedy;
  }
  return `${answer.status} ${authority.certificate}`;
}
