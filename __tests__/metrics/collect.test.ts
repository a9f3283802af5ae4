import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type Express } from 'express';
import { createServer, type PortcullisServer, requireClientCertificate, requirePin, rule } from 'portcullis';
import { collect, type CollectOptions, type MetricsRegister } from 'portcullis/metrics';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { AggregatorRegistry, Counter, register as defaultRegister, Registry } from 'prom-client';
import { type EventTypes, isHeard, publish } from '../../lib/events.ts';
import { ageOf, liveListeners } from '../../lib/listener/reports/live-listeners.ts';
import { maxSeries } from '../../lib/metrics/bounded-counter.ts';
import { readRevocationLists } from '../../lib/trust/revocation/crl-input.ts';
import { RevocationLists } from '../../lib/trust/revocation/revocation.ts';
import { closeAll, ended, handshake, listen, plain, Recording } from '../listener/harness.ts';
import { configErrorOf, keptConnection } from '../middleware/harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const stops: Array<() => void> = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  await closeAll();
});

function collected(
  options: CollectOptions = {},
  register: MetricsRegister = new Registry(),
): MetricsRegister {
  stops.push(collect(register, options));
  return register;
}

/** The samples of one metric, as Prometheus reads them, without its HELP and TYPE. */
async function samples(register: MetricsRegister, name: string): Promise<string[]> {
  const text = await register.metrics();
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

const enter: express.RequestHandler = (_request, response) => void response.send('in');
const serving = (app: Express, more: object = {}): PortcullisServer =>
  createServer(
    {
      key: pki.server.key,
      cert: pki.server.cert,
      clientAuth: { mode: 'optional', ca: pki.ca, crl: pki.crl },
      logger: false,
      ...more,
    },
    app,
  );

describe('collect() counts', () => {
  it('handshakes by what was negotiated, and by why they failed', async () => {
    const register = collected();
    const handshakes = new Recording('portcullis:handshake');
    const errors = new Recording('portcullis:handshake-error');
    const port = await listen(serving(express().use(enter)));
    const { good, expired } = pki.clients;
    const x25519 = { servername: 'localhost', ecdhCurve: 'X25519', ciphers: 'TLS_AES_256_GCM_SHA384' };
    await handshake(port, { ...x25519, key: good.key, cert: good.cert });
    await handshake(port, { ...x25519, key: expired.key, cert: expired.cert });
    await handshake(port, { ...x25519 });
    await plain(port, 'GET / HTTP/1.1\r\n\r\n');
    await handshakes.take(3);
    await errors.take(1);
    expect(await samples(register, 'portcullis_handshakes_total')).toEqual([
      'portcullis_handshakes_total{outcome="ok",protocol="TLSv1.3",cipher="TLS_AES_256_GCM_SHA384",group="x25519"} 3',
      'portcullis_handshakes_total{outcome="failed",protocol="none",cipher="none",group="none"} 1',
    ]);
    expect(await samples(register, 'portcullis_handshake_errors_total')).toEqual([
      'portcullis_handshake_errors_total{code="ERR_SSL_HTTP_REQUEST"} 1',
    ]);
    expect(await samples(register, 'portcullis_client_certificates_total')).toEqual([
      'portcullis_client_certificates_total{result="verified"} 1',
      'portcullis_client_certificates_total{result="CLIENT_CERTIFICATE_EXPIRED"} 1',
      'portcullis_client_certificates_total{result="none"} 1',
    ]);
  });

  it('resumptions', async () => {
    const register = collected();
    const handshakes = new Recording('portcullis:handshake');
    const port = await listen(serving(express().use(enter), { clientAuth: undefined }));
    const first = await handshake(port, { servername: 'localhost', maxVersion: 'TLSv1.2' });
    await handshake(port, {
      servername: 'localhost',
      maxVersion: 'TLSv1.2',
      session: first.getSession()!,
    });
    expect(await handshakes.take(2)).toMatchObject({ resumed: true });
    expect(await samples(register, 'portcullis_resumptions_total')).toEqual([
      'portcullis_resumptions_total{protocol="TLSv1.2"} 1',
    ]);
  });

  it('refusals by policy, code and route, and what only reports apart', async () => {
    const register = collected();
    const nobody = rule('nobody', () => false);
    const accounts = express.Router().get('/accounts/:id', requireClientCertificate(nobody), enter);
    const app = express().use('/tenants/:tenant', accounts);
    app.use('/watched', requirePin(['00'.repeat(32), '11'.repeat(32)], { reportOnly: true }), enter);
    app.use('/open', requireClientCertificate(), enter);
    app.use(
      ((_error, _request, response, _next) => void response.status(403).end()) as express.ErrorRequestHandler,
    );
    const server = serving(app);
    await listen(server);
    const client = keptConnection(server, { ...pki.clients.good, servername: 'localhost' });
    for (const path of ['/tenants/a/accounts/1', '/tenants/b/accounts/2', '/watched/x', '/open'])
      // oxlint-disable-next-line no-await-in-loop -- one connection
      await client.get(path, { Host: 'localhost' });
    await client.get('/open', { Host: 'elsewhere.example' });
    client.close();
    expect(await samples(register, 'portcullis_refusals_total')).toEqual([
      'portcullis_refusals_total{policy="requireClientCertificate",code="CLIENT_CERTIFICATE_DENIED",route="/tenants/:tenant/accounts/:id",enforced="true"} 2',
      'portcullis_refusals_total{policy="requirePin",code="PIN_MISMATCH",route="/watched",enforced="false"} 1',
      'portcullis_refusals_total{policy="requireMatchingHost",code="HOST_MISMATCH",route="none",enforced="true"} 1',
    ]);
    expect(await samples(register, 'portcullis_decisions_total')).toEqual([
      'portcullis_decisions_total{policy="requireClientCertificate",outcome="refuse"} 2',
      'portcullis_decisions_total{policy="requirePin",outcome="report"} 1',
      'portcullis_decisions_total{policy="requireClientCertificate",outcome="allow"} 1',
      'portcullis_decisions_total{policy="requireMatchingHost",outcome="refuse"} 1',
    ]);
  });

  it('drops, reloads, rotations of ticket keys and answers for stapling', async () => {
    const register = collected();
    const server = serving(express(), { limits: { connectionsPerAddress: 1 } });
    const drops = new Recording('portcullis:drop');
    const port = await listen(server);
    await handshake(port, { servername: 'localhost' });
    await plain(port, '');
    await drops.take();
    await server.reload();
    await server.reload({ key: 'none' }).catch(() => undefined);
    publish('portcullis:ticket-rotation', () => ({
      outcome: 'degraded',
      origin: 'kept',
      sharedBy: 'store',
      expiresAt: new Date(),
      reason: 'down',
    }));
    publish('portcullis:ocsp', () => ({ outcome: 'good' }) as EventTypes['portcullis:ocsp']);
    publish(
      'portcullis:deny-list',
      () => ({ outcome: 'added', source: 'redis' }) as EventTypes['portcullis:deny-list'],
    );
    publish(
      'portcullis:revocation',
      () =>
        ({
          source: 'list',
          outcome: 'failed',
          code: 'CRL_UNREACHABLE',
        }) as EventTypes['portcullis:revocation'],
    );
    const text = await register.metrics();
    for (const line of [
      'portcullis_drops_total{reason="CONNECTIONS_PER_ADDRESS"} 1',
      'portcullis_reloads_total{outcome="reloaded",trigger="call"} 1',
      'portcullis_reloads_total{outcome="failed",trigger="call"} 1',
      'portcullis_ticket_rotations_total{outcome="degraded",origin="kept"} 1',
      'portcullis_stapling_responses_total{outcome="good"} 1',
      'portcullis_revocation_checks_total{source="list",outcome="failed",code="CRL_UNREACHABLE"} 1',
      'portcullis_deny_list_changes_total{outcome="added",source="redis"} 1',
    ])
      expect(text).toContain(`${line}\n`);
  });
});

describe('collect() asks the listeners, at each scrape, for', () => {
  it('the connections that are open', async () => {
    const register = collected();
    const handshakes = new Recording('portcullis:handshake');
    const server = serving(express());
    const port = await listen(server);
    const closed = new Promise<void>((settle) => {
      server.once('secureConnection', (socket) => socket.once('close', () => settle()));
    });
    const first = await handshake(port, { servername: 'localhost' });
    await handshake(port, { servername: 'localhost', maxVersion: 'TLSv1.2' });
    await handshakes.take(2);
    const open = (): Promise<string[]> => samples(register, 'portcullis_open_connections');
    expect((await open()).toSorted()).toEqual([
      'portcullis_open_connections{protocol="TLSv1.2"} 1',
      'portcullis_open_connections{protocol="TLSv1.3"} 1',
    ]);
    first.destroy();
    await closed;
    expect(await open()).toContain('portcullis_open_connections{protocol="TLSv1.3"} 0');
  });

  it('the end of each certificate, those of a reload at once', async () => {
    const register = collected();
    const server = serving(express());
    await listen(server);
    const name = 'portcullis_certificate_expiry_timestamp_seconds';
    const line = (role: string, label: string, pem: string): string => {
      const { fingerprint256, validTo } = new X509Certificate(pem);
      return `${name}{role="${role}",name="${label}",fingerprint="${fingerprint256}"} ${Date.parse(validTo) / 1000}`;
    };
    const ca = line('client CA', 'Test root', pki.ca);
    expect((await samples(register, name)).toSorted()).toEqual(
      [ca, line('server', 'localhost', pki.server.cert)].toSorted(),
    );
    const renewed = await pki.issueServer();
    await server.reload({ key: renewed.key, cert: renewed.cert });
    expect((await samples(register, name)).toSorted()).toEqual(
      [ca, line('server', 'localhost', renewed.cert)].toSorted(),
    );
  });

  it('the age of the revocation lists, and when they run out', async () => {
    const register = collected();
    const hour = 3_600_000;
    const [thisUpdate, nextUpdate] = [new Date(Date.now() - hour), new Date(Date.now() + 24 * hour)];
    const dates = { thisUpdate, nextUpdate };
    const crl = await pki.authority.crl({ revoked: [], ...dates });
    await listen(serving(express(), { clientAuth: { mode: 'optional', ca: pki.ca, crl } }));
    const [age] = await samples(register, 'portcullis_revocation_age_seconds');
    const seconds = Number(/\{issuer="[^"]*Test root[^"]*"\} (\S+)$/.exec(age!)![1]);
    expect(seconds).toBeGreaterThan(3600 - 2);
    expect(seconds).toBeLessThan(2 * 3600);
    const [next] = await samples(register, 'portcullis_revocation_next_update_timestamp_seconds');
    expect(next).toMatch(new RegExp(`Test root.* ${Math.floor(nextUpdate.getTime() / 1000)}$`));
  });

  it('of the lists of an issuer the newest, those that were fetched among them', async () => {
    const at = Date.UTC(2026, 0, 1);
    const hour = 3_600_000;
    const crl = (from: number, to: number): Promise<string> =>
      pki.authority.crl({
        revoked: [],
        thisUpdate: new Date(at + from * hour),
        nextUpdate: new Date(at + to * hour),
      });
    const [old, newest] = await Promise.all([crl(0, 24), crl(1, 25)]);
    const policy = { check: 'chain', unknown: 'allow', expired: 'deny' } as const;
    const lists = new RevocationLists(readRevocationLists(old, 'crl'), [], policy);
    const fetched = readRevocationLists(newest, 'crl');
    const all = lists.with({ fetched, wants: () => false, ocsp: undefined });
    expect(ageOf(lists.known)).toMatchObject([{ thisUpdate: at, nextUpdate: at + 24 * hour }]);
    expect(ageOf(all.known)).toMatchObject([{ thisUpdate: at + hour, nextUpdate: at + 25 * hour }]);
  });

  it('those that are named only, and none that has been closed', async () => {
    const [mine, others] = [serving(express()), serving(express())];
    const register = collected({ server: mine });
    const both = collected();
    const handshakes = new Recording('portcullis:handshake');
    const ports = [await listen(mine), await listen(others)];
    for (const port of [ports[0]!, ports[1]!, ports[1]!])
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await handshake(port, { servername: 'localhost' });
    await handshakes.take(3);
    const name = 'portcullis_open_connections';
    expect(await samples(register, name)).toEqual([`${name}{protocol="TLSv1.3"} 1`]);
    expect(await samples(both, name)).toEqual([`${name}{protocol="TLSv1.3"} 3`]);
    const closed = once(mine, 'close');
    mine.close();
    mine.closeAllConnections();
    await closed;
    expect(await samples(register, name)).toEqual([]);
    expect(await samples(register, 'portcullis_certificate_expiry_timestamp_seconds')).toEqual([]);
  });
});

describe('whatever clients send', () => {
  const events = 10_000;

  it('there is a bounded number of series, and the known codes keep theirs', async () => {
    const register = collected({ maxRoutes: 50 });
    const flood = (index: number): string => `X${index}`;
    for (let index = 0; index < events; index++) {
      const text = flood(index);
      const any = { remoteAddress: text, remotePort: index, serverName: text, fingerprint256: text };
      publish('portcullis:handshake', () => ({
        ...any,
        protocol: text,
        cipher: text,
        group: text,
        alpn: text,
        resumed: true,
        clientCertificateError: undefined,
      }));
      publish('portcullis:handshake-error', () => ({ ...any, code: text, reason: text }));
      publish('portcullis:decision', () => ({
        ...any,
        policy: text,
        rule: text,
        outcome: 'refuse',
        enforced: index % 2 === 0,
        code: text as never,
        detail: text,
        method: text,
        path: `/${text}`,
        route: `/${text}`,
        requestId: text,
      }));
      publish('portcullis:drop', () => ({ ...any, reason: text as never }));
      publish('portcullis:reload', () => ({
        outcome: text as never,
        trigger: text as never,
        changed: [],
        certificates: [],
        code: text,
        reason: text,
      }));
      publish(
        'portcullis:ticket-rotation',
        () => ({ outcome: text, origin: text }) as unknown as EventTypes['portcullis:ticket-rotation'],
      );
      publish('portcullis:ocsp', () => ({ outcome: text }) as unknown as EventTypes['portcullis:ocsp']);
      publish(
        'portcullis:revocation',
        () =>
          ({
            ...any,
            source: text,
            outcome: text,
            code: text,
          }) as unknown as EventTypes['portcullis:revocation'],
      );
      publish(
        'portcullis:deny-list',
        () => ({ outcome: text, source: text }) as unknown as EventTypes['portcullis:deny-list'],
      );
    }
    publish('portcullis:handshake-error', () => ({
      code: 'CLIENT_CERTIFICATE_REVOKED',
      reason: '',
      remoteAddress: undefined,
      remotePort: undefined,
    }));
    const all = await register.getMetricsAsJSON();
    const counters = all.filter(({ type }) => String(type) === 'counter');
    expect(counters.map(({ name }) => name)).toHaveLength(12);
    for (const { name, values } of counters) {
      expect([name, values.length]).toEqual([name, expect.any(Number)]);
      expect(values.length).toBeLessThanOrEqual(maxSeries + 1);
      const sum = values.reduce((total, { value }) => total + value, 0);
      // Those that failed are counted there too.
      const each = name === 'portcullis_handshakes_total' ? 2 : 1;
      expect([name, Math.floor(sum / events)]).toEqual([name, each]);
    }
    const series = (name: string): number => counters.find((metric) => metric.name === name)!.values.length;
    expect(series('portcullis_handshakes_total')).toBeLessThanOrEqual(66);
    expect(series('portcullis_handshake_errors_total')).toBe(66);
    const text = await register.metrics();
    expect(text).toContain('portcullis_handshake_errors_total{code="other"} 9936\n');
    expect(text).toContain('portcullis_handshake_errors_total{code="CLIENT_CERTIFICATE_REVOKED"} 1\n');
    expect(new Set(text.match(/route="[^"]*"/g)).size).toBe(51);
    expect(text.length).toBeLessThan(200_000);
  }, 20_000);

  it('what is no text, is overlong, or would break a line is other', async () => {
    const register = collected();
    for (const code of [7, null, {}, 'A'.repeat(300), 'A"} 1\nB{', '', '__proto__', 'constructor'])
      publish('portcullis:drop', () => ({ reason: code }) as never);
    publish('portcullis:drop', () => ({ reason: undefined }) as never);
    expect(await samples(register, 'portcullis_drops_total')).toEqual([
      'portcullis_drops_total{reason="other"} 8',
      'portcullis_drops_total{reason="none"} 1',
    ]);
  });

  it('names and paths of real requests make no series', async () => {
    const register = collected();
    const app = express().get('/accounts/:id', requireClientCertificate(), enter);
    app.use(
      ((_error, _request, response, _next) => void response.status(403).end()) as express.ErrorRequestHandler,
    );
    const server = serving(app);
    const port = await listen(server);
    const tries = Array.from({ length: 20 }, async (_, index) => {
      const socket = await handshake(port, { servername: `n${index}.localhost` });
      socket.end(`GET /accounts/${index} HTTP/1.1\r\nHost: n${index}.localhost\r\nConnection: close\r\n\r\n`);
      socket.resume();
      await ended(socket);
    });
    await Promise.all(tries);
    const text = await register.metrics();
    expect(text).not.toMatch(/n\d+\.localhost|accounts\/\d/);
    expect(text).toContain(
      'portcullis_refusals_total{policy="requireClientCertificate",code="CLIENT_CERTIFICATE_REQUIRED",route="/accounts/:id",enforced="true"} 20\n',
    );
  });
});

it('of ten thousand certificates and lists the hundred that end first are told of', async () => {
  const all = Array.from({ length: 10_000 }, (_, index) => (index * 7919) % 10_000);
  const listener = {
    server: createServer({ key: pki.server.key, cert: pki.server.cert, logger: false }),
    stats: createServer({ key: pki.server.key, cert: pki.server.cert, logger: false }).stats(),
    certificates: all.map((end) => ({
      role: 'client CA' as const,
      name: `\u202e"${'n'.repeat(200)}`,
      fingerprint256: String(end),
      notAfter: end * 1000,
    })),
    revocation: all.map((end) => ({ issuer: `CA ${end}`, thisUpdate: 0, nextUpdate: end * 1000 })),
  };
  liveListeners.add(listener);
  const register = collected({ server: listener.server });
  const name = 'portcullis_certificate_expiry_timestamp_seconds';
  const [certificates, lists] = [
    await samples(register, name),
    await samples(register, 'portcullis_revocation_next_update_timestamp_seconds'),
  ];
  liveListeners.delete(listener);
  expect(certificates.map((line) => Number(line.split(' ').at(-1)))).toEqual([...all.keys()].slice(0, 100));
  expect(certificates[0]).toBe(`${name}{role="client CA",name="?\\"${'n'.repeat(126)}",fingerprint="0"} 0`);
  expect(lists).toHaveLength(100);
  expect(lists[99]).toMatch(/issuer="CA 99"\} 99$/);
});

describe('a registry', () => {
  it('may be the default one, has the metrics once, and loses them by stop()', () => {
    expect(isHeard('portcullis:decision')).toBe(false);
    const stop = collect();
    const names = defaultRegister.getMetricsAsArray().map(({ name }) => name);
    expect(names.length).toBeGreaterThan(10);
    expect(configErrorOf(() => collect())).toMatchObject({
      code: 'OPTION_CONFLICT',
      path: 'collect.register',
    });
    expect(defaultRegister.getMetricsAsArray().map(({ name }) => name)).toEqual(names);
    stop();
    stop();
    expect(defaultRegister.getMetricsAsArray()).toEqual([]);
    expect(isHeard('portcullis:decision')).toBe(false);
    collect()();
  });

  it('keeps what else it has, where one of the names is taken', () => {
    const register = new Registry();
    const name = 'portcullis_reloads_total';
    const taken = new Counter({ name, help: 'somebody else’s', registers: [register] });
    expect(configErrorOf(() => collect(register)).code).toBe('OPTION_CONFLICT');
    expect(register.getMetricsAsArray()).toEqual([taken]);
    expect(isHeard('portcullis:decision')).toBe(false);
  });

  it('of which there are two count both, each for itself', async () => {
    const [first, second] = [collected(), new Registry()];
    const stop = collect(second);
    publish('portcullis:drop', () => ({ reason: 'EVICTED' }) as never);
    stop();
    publish('portcullis:drop', () => ({ reason: 'EVICTED' }) as never);
    expect(await samples(first, 'portcullis_drops_total')).toEqual([
      'portcullis_drops_total{reason="EVICTED"} 2',
    ]);
    expect(await second.metrics()).toBe('\n');
  });

  it('that was cleared keeps the metrics of a second collect() when the first ends', async () => {
    const register = new Registry();
    const first = collect(register);
    register.clear();
    const second = collect(register);
    const names = register.getMetricsAsArray().map(({ name }) => name);
    first();
    expect(register.getMetricsAsArray().map(({ name }) => name)).toEqual(names);
    publish('portcullis:drop', () => ({ reason: 'EVICTED' }) as never);
    expect(await samples(register, 'portcullis_drops_total')).toHaveLength(1);
    second();
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it('may speak OpenMetrics, and give all of it back', async () => {
    const register: MetricsRegister = new Registry();
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const stop = collect(register);
    publish('portcullis:drop', () => ({ reason: 'EVICTED' }) as never);
    const text = await register.metrics();
    expect(text).toContain('# TYPE portcullis_drops counter\nportcullis_drops_total{reason="EVICTED"} 1\n');
    expect(text).toMatch(/# EOF\n$/);
    stop();
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it('names and explains each metric as Prometheus has it', () => {
    for (const metric of collected().getMetricsAsArray()) {
      const { name, help } = metric as unknown as { name: string; help: string };
      expect(name).toMatch(/^portcullis_[a-z]+(_[a-z]+)*$/);
      expect(help).toMatch(/^[A-Z].*\.$/);
      expect(name.endsWith('_total')).toBe(metric instanceof Counter);
    }
  });

  it('of a cluster comes to one value: counts add up, of the ends the first counts', async () => {
    const of = async (open: number, end: number): Promise<object[]> => {
      const register = collected();
      publish('portcullis:drop', () => ({ reason: 'EVICTED' }) as never);
      const all = await register.getMetricsAsJSON();
      for (const metric of all as Array<{ name: string; values: object[] }>) {
        if (metric.name === 'portcullis_open_connections')
          metric.values = [{ labels: { protocol: 'TLSv1.3' }, value: open, hash: 'a' }];
        if (metric.name.startsWith('portcullis_certificate'))
          metric.values = [
            { labels: { role: 'server', name: 'a', fingerprint: 'F' }, value: end, hash: 'b' },
          ];
      }
      stops.splice(0).forEach((stop) => stop());
      return all;
    };
    const whole = AggregatorRegistry.aggregate([await of(1, 20), await of(2, 10)]);
    const text = await whole.metrics();
    expect(text).toContain('portcullis_open_connections{protocol="TLSv1.3"} 3\n');
    expect(text).toMatch(/portcullis_certificate_expiry_timestamp_seconds\{.*\} 10\n/);
    expect(text).toContain('portcullis_drops_total{reason="EVICTED"} 2\n');
  });
});

describe('collect() refuses', () => {
  it.each<[string, () => unknown, object]>([
    ['what is no registry', () => collect({} as never), { code: 'OPTION_INVALID', path: 'collect.register' }],
    ['null', () => collect(null as never), { code: 'OPTION_INVALID', path: 'collect.register' }],
    [
      'a misspelt option',
      () => collect(new Registry(), { maxRoute: 5 } as never),
      { code: 'OPTION_UNKNOWN', path: 'collect.maxRoute', remedy: "Did you mean 'maxRoutes'?" },
    ],
    [
      'no routes at all',
      () => collect(new Registry(), { maxRoutes: 0 }),
      { code: 'OPTION_INVALID', path: 'collect.maxRoutes' },
    ],
    [
      "a server that is not this package's",
      () => collect(new Registry(), { server: new Agent() as never }),
      { code: 'OPTION_INVALID', path: 'collect.server' },
    ],
    [
      'a list of no servers',
      () => collect(new Registry(), { server: [] }),
      { code: 'OPTION_INVALID', path: 'collect.server' },
    ],
  ])('%s', (_what, make, error) => {
    expect(configErrorOf(make)).toMatchObject(error);
    expect(isHeard('portcullis:handshake')).toBe(false);
  });
});
