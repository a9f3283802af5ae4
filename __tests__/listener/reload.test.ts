import { X509Certificate } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import {
  type CertificateMaterial,
  createServer,
  type ConfigError,
  requireClientCertificate,
} from 'portcullis';
import { createAuthority, type Authority } from 'portcullis/pki';
import { createTestPki, type TestPki, type TestServer } from 'portcullis/testing';
import { closeEverything, listen as listenTo, open, speaking, versions } from '../support/attacks.ts';
import { closeAll, failedHandshake, handshake, listen, Recording } from './harness.ts';

let pki: TestPki;
let renewed: TestServer;
let a: TestServer;
let others: Authority;
beforeAll(async () => {
  pki = await createTestPki();
  renewed = await pki.issueServer();
  a = await pki.issueServer({ names: ['a.test'] });
  others = await createAuthority({ subject: { CN: 'Others' } });
});
afterEach(async () => {
  await closeAll();
  await closeEverything();
});

const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256;

/** What a new client is shown. */
async function shown(port: number): Promise<string> {
  const socket = await handshake(port);
  const { fingerprint256 } = socket.getPeerX509Certificate()!;
  socket.destroy();
  return fingerprint256;
}

const app = express();
app.get('/open', (_request, response) => void response.send('open'));
app.get('/in', requireClientCertificate(), (request, response) => {
  response.send(`in: ${request.tls!.clientCertificate!.subject['CN']?.join('+')}`);
});
app.use(
  (error: { status: number; code: string }, _request: unknown, response: express.Response, _next: unknown) =>
    void response.status(error.status).send(error.code),
);

describe('reload', () => {
  it('shows new connections the new certificate, and leaves the open ones alone', async () => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const port = await listenTo(server);
    const before = await open(port, { ca: pki.ca });
    const heard = once(server, 'reload');
    const report = await server.reload({ key: renewed.key, cert: renewed.cert });
    expect(report).toMatchObject({
      trigger: 'call',
      changed: ['certificate'],
      certificates: [
        { names: expect.arrayContaining(['localhost']), fingerprint256: fingerprintOf(renewed.cert) },
      ],
    });
    expect(await heard).toEqual([report]);
    expect(await shown(port)).toBe(fingerprintOf(renewed.cert));
    expect(await before.ask('/open')).toMatchObject({ status: 200, body: 'open' });
  });

  it('keeps every other setting', async () => {
    const server = createServer({ ...pki.server, profile: 'modern', logger: false }, app);
    const port = await listen(server);
    await server.reload({ key: renewed.key, cert: renewed.cert });
    expect(await failedHandshake(port, { maxVersion: 'TLSv1.2' })).toMatch(
      /ALERT_PROTOCOL_VERSION|ECONNRESET/,
    );
    const socket = await handshake(port);
    expect(socket.getProtocol()).toBe('TLSv1.3');
  });

  it('takes the changes as the options of the next one', async () => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const port = await listen(server);
    await server.reload({ key: renewed.key, cert: renewed.cert });
    expect(await server.reload()).toMatchObject({ changed: [] });
    expect(await shown(port)).toBe(fingerprintOf(renewed.cert));
  });

  it.each<[string, () => object, Partial<ConfigError>]>([
    ['a certificate of another key', () => ({ cert: renewed.cert }), { code: 'KEY_MISMATCH', path: 'cert' }],
    ['garbage', () => ({ key: 'x', cert: 'y' }), { code: 'CERTIFICATE_INVALID', path: 'cert' }],
    ['no options', () => 'now' as unknown as object, { code: 'OPTION_INVALID', path: 'changes' }],
    ['a misspelt option', () => ({ certificat: [] }), { code: 'OPTION_UNKNOWN', path: 'changes.certificat' }],
    [
      'a setting of the start',
      () => ({ profile: 'modern' }),
      { code: 'OPTION_UNKNOWN', path: 'changes.profile' },
    ],
    [
      'client authentication where there was none',
      () => ({ clientAuth: { mode: 'optional', ca: pki.ca } }),
      { code: 'OPTION_CONFLICT', path: 'clientAuth.mode' },
    ],
    [
      'several certificates where there was one',
      () => ({ certificate: [{ load: () => ({ ...pki.server }) }, { load: () => ({ ...a }) }] }),
      { code: 'OPTION_CONFLICT', path: 'certificate' },
    ],
    [
      'a client’s certificate',
      () => ({ key: pki.clients.good.key, cert: pki.clients.good.cert }),
      { code: 'CERTIFICATE_INVALID', path: 'cert' },
    ],
  ])('refuses %s, says so, and goes on with what served', async (_what, changes, error) => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const port = await listen(server);
    const events = new Recording('portcullis:reload');
    const errors: unknown[] = [];
    server.on('reloadError', (problem: unknown) => errors.push(problem));
    await expect(server.reload(changes())).rejects.toMatchObject({ name: 'ConfigError', ...error });
    expect(errors).toMatchObject([error]);
    expect(events.events).toMatchObject([{ outcome: 'failed', trigger: 'call', code: error.code }]);
    expect(await shown(port)).toBe(fingerprintOf(pki.server.cert));
    await server.reload({ key: renewed.key, cert: renewed.cert });
    expect(await shown(port)).toBe(fingerprintOf(renewed.cert));
  });

  it('does what is asked at once one after the other, so that the last one counts', async () => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const port = await listen(server);
    const pairs = [renewed, pki.server, renewed, pki.server, renewed];
    const reports = await Promise.all(pairs.map(({ key, cert }) => server.reload({ key, cert })));
    expect(reports.map(({ changed }) => changed)).toEqual(pairs.map(() => ['certificate']));
    expect(await shown(port)).toBe(fingerprintOf(renewed.cert));
  });

  it('fails no handshake and loses no request while clients come', async () => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const port = await listenTo(server);
    const load = { done: false };
    const client = async (): Promise<number> => {
      let count = 0;
      while (!load.done) {
        // oxlint-disable-next-line no-await-in-loop -- one client after the other
        const wire = await open(port, { ca: pki.ca });
        // oxlint-disable-next-line no-await-in-loop
        expect(await wire.ask('/open')).toMatchObject({ status: 200, body: 'open' });
        wire.close();
        count += 1;
      }
      return count;
    };
    const clients = Promise.all([client(), client(), client()]);
    for (let round = 0; round < 15; round++) {
      const { key, cert } = round % 2 === 0 ? renewed : pki.server;
      // oxlint-disable-next-line no-await-in-loop -- one reload after the other
      expect(await server.reload({ key, cert })).toMatchObject({ changed: ['certificate'] });
    }
    load.done = true;
    expect((await clients).every((count) => count > 0)).toBe(true);
  });
});

describe.each(versions)(
  'a change of the CA reaches over %s an open connection at its next request:',
  (version) => {
    const start = async (ca: string) => {
      const server = createServer(
        { ...pki.server, clientAuth: { mode: 'optional', ca }, logger: false },
        app,
      );
      const port = await listenTo(server);
      return { server, client: await open(port, { ...speaking(version), ...pki.clients.good }) };
    };

    it('whose CA is gone is refused', async () => {
      const { server, client } = await start(pki.ca);
      expect(await client.ask('/in')).toMatchObject({ status: 200 });
      const report = await server.reload({ clientAuth: { mode: 'optional', ca: others.root } });
      expect(report.changed).toEqual(['trust']);
      expect(await client.ask('/in')).toMatchObject({ status: 403, body: 'CLIENT_CERTIFICATE_UNTRUSTED' });
      expect(await client.ask('/open')).toMatchObject({ status: 200 });
      await server.reload({ clientAuth: { mode: 'optional', ca: [others.root, pki.ca] } });
      expect(await client.ask('/in')).toMatchObject({ status: 200 });
    });

    it('who is still welcome stays', async () => {
      const { server, client } = await start(pki.ca);
      expect(await client.ask('/in')).toMatchObject({ status: 200 });
      await server.reload({ clientAuth: { mode: 'optional', ca: [others.root, pki.ca] } });
      expect(await client.ask('/in')).toMatchObject({ status: 200 });
    });

    it('and new handshakes know only the new one', async () => {
      const { server } = await start(pki.ca);
      await server.reload({ clientAuth: { mode: 'optional', ca: others.root } });
      const { port } = server.address() as { port: number };
      const late = await open(port, { ...speaking(version), ...pki.clients.good });
      expect(await late.ask('/in')).toMatchObject({ status: 403, body: 'CLIENT_CERTIFICATE_UNTRUSTED' });
      const other = await others.issueClientCertificate({ subject: { CN: 'other' } });
      const welcome = await open(port, {
        ...speaking(version),
        ca: pki.ca,
        key: other.key,
        cert: other.chain,
      });
      expect(await welcome.ask('/in')).toMatchObject({ status: 200, body: 'in: other' });
    });
  },
);

describe('a source that takes its time', () => {
  it('makes the first connections wait, and serves them', async () => {
    let give: (material: CertificateMaterial) => void = () => {};
    const source = { load: () => new Promise<CertificateMaterial>((resolve) => (give = resolve)) };
    const server = createServer({ certificate: source, logger: false }, app);
    const port = await listenTo(server);
    const waiting = shown(port);
    give({ ...pki.server });
    expect(await waiting).toBe(fingerprintOf(pki.server.cert));
  });

  it('and fails is an error of the server, which a reload can mend', async () => {
    const answers: Array<() => CertificateMaterial> = [
      () => {
        throw new Error('the vault is sealed');
      },
      () => ({ ...pki.server }),
    ];
    // oxlint-disable-next-line require-await -- a promise is what it has to give
    const source = { load: async () => answers.shift()!() };
    const server = createServer({ certificate: source, logger: false }, app);
    const [error] = (await once(server, 'error')) as [ConfigError];
    expect(error.message).toMatch(/the vault is sealed|certificate/);
    const port = await listen(server);
    await server.reload();
    expect(await shown(port)).toBe(fingerprintOf(pki.server.cert));
  });

  it('and fails once the server is closed is told to the log, as nobody waits for it', async () => {
    let fail: (error: Error) => void = () => {};
    const source = { load: () => new Promise<never>((_settle, reject) => (fail = reject)) };
    const told = new EventEmitter();
    const warn = (message: string): unknown => told.emit('warned', message);
    const server = createServer({ certificate: source, logger: { info: () => {}, warn } }, app);
    await listen(server);
    await closeAll();
    const warned = once(told, 'warned');
    fail(new Error('the vault is sealed'));
    await expect(warned).resolves.toEqual([expect.stringContaining('the vault is sealed')]);
  });
});
