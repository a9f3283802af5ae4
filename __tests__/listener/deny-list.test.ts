import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { SecureVersion } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createServer, denyList, type PortcullisOptions } from 'portcullis';
import { type Authority, createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import type { PortcullisServer } from '../../lib/listener/server.ts';
import { closeEverything, listen, open, speaking, versions, type Wire } from '../support/attacks.ts';
import { readInput } from '../support/certificates-of.ts';
import { Recording } from './harness.ts';
import { closeSessions, openSession, overHttp2 } from './http2-harness.ts';
import { appOf, hideIntermediates } from './revocation-harness.ts';

type Client = Pick<IssuedCertificate, 'key' | 'chain' | 'certificate'>;
type ClientAuth = Partial<NonNullable<PortcullisOptions['clientAuth']>>;

let pki: TestPki;
let intermediate: Authority;
let below: IssuedCertificate;
let foreign: Authority;
let stranger: IssuedCertificate;
beforeAll(async () => {
  pki = await createTestPki();
  [intermediate, foreign] = await Promise.all([
    pki.authority.issueIntermediate({ subject: 'Intermediate' }),
    createAuthority({ subject: 'Foreign' }),
  ]);
  [below, stranger] = await Promise.all([
    intermediate.issueClientCertificate({ subject: 'below' }),
    foreign.issueClientCertificate({ subject: 'stranger' }),
  ]);
});
afterEach(async () => {
  jest.restoreAllMocks();
  closeSessions();
  await closeEverything();
});

const good = (): Client => pki.clients.good;
const other = (): Client => pki.clients.spiffe;
const print = ({ certificate }: Client): string => readInput(certificate).fingerprint256;
const pin = ({ certificate }: Pick<Client, 'certificate'>): string => readInput(certificate).pin;
const isDenied = 'CLIENT_CERTIFICATE_DENIED';

interface Place {
  readonly server: PortcullisServer;
  readonly port: number;
  connect(client: Client, version?: SecureVersion): Promise<Wire>;
}

async function start(clientAuth: ClientAuth, more: PortcullisOptions = {}): Promise<Place> {
  const server = createServer(
    { ...pki.server, clientAuth: { mode: 'optional', ca: pki.ca, ...clientAuth }, logger: false, ...more },
    appOf(foreign.root),
  );
  const port = await listen(server);
  const connect = ({ key, chain }: Client, version: SecureVersion = 'TLSv1.3'): Promise<Wire> =>
    open(port, { ...speaking(version), ca: pki.ca, key, cert: chain });
  return { server, port, connect };
}

/** What a client that connects anew gets. */
async function told(place: Place, client: Client, path = '/in'): Promise<string> {
  const wire = await place.connect(client);
  const { status, body } = await wire.ask(path);
  return status === 'closed' ? 'closed' : body;
}

describe.each(versions)('over %s', (version) => {
  it('a client that is denied is refused at its next request, and its connection closed', async () => {
    const list = denyList();
    const place = await start({ denyList: list });
    const wires = await Promise.all([place.connect(good(), version), place.connect(other(), version)]);
    for (const wire of wires) expect((await wire.ask('/in')).body).toMatch(/^in: /);

    list.add({ fingerprint256: print(good()), reason: 'stolen' });
    expect(await wires[0].ask('/in')).toEqual({ status: 403, body: isDenied });
    await wires[0].closed();
    expect((await wires[1].ask('/in')).status).toBe(200);

    list.remove(print(good()));
    const again = await place.connect(good(), version);
    expect((await again.ask('/in')).status).toBe(200);
  });

  it('with mode required it is refused on its open connection, and let in no more', async () => {
    const list = denyList();
    const place = await start({ mode: 'required', denyList: list });
    const wire = await place.connect(good(), version);
    expect((await wire.ask('/open')).body).toBe('open');
    list.add(print(good()));
    const answer = await wire.ask('/open');
    expect([answer.status, (JSON.parse(answer.body) as { code: string }).code]).toEqual([403, isDenied]);
    await wire.closed();

    const failed = new Recording('portcullis:handshake-error');
    const refused = await place.connect(good(), version);
    expect((await refused.ask('/open')).status).toBe('closed');
    expect(await failed.take()).toMatchObject({ code: isDenied });
    expect(place.server.stats().handshakes).toMatchObject({ failed: 1 });
    failed.stop();
  });
});

describe('who is denied', () => {
  it('is nobody where routes ask, and a stranger elsewhere', async () => {
    const place = await start({ denyList: [print(good())] });
    expect([await told(place, good()), await told(place, good(), '/open')]).toEqual([isDenied, 'open']);
    expect(await told(place, other())).toMatch(/^in: /);
  });

  it('is denied by his pin, by his serial number, and by a CA above him', async () => {
    for (const entry of [
      pin(good()),
      { issuer: pki.ca, serialNumber: pki.clients.good.serialNumber },
      { issuer: { CN: 'Test root' }, serialNumber: pki.clients.good.serialNumber },
      { certificate: pki.ca },
      pin({ certificate: pki.ca }),
    ])
      expect(await told(await start({ denyList: [entry] }), good())).toBe(isDenied);
    for (const entry of [{ certificate: intermediate.certificate }, print(below)])
      expect(await told(await start({ denyList: [entry] }), below)).toBe(isDenied);
  });

  it('is denied by a CA that Node hides, where its certificate was given', async () => {
    const list = denyList(print(good()));
    const place = await start({ denyList: list });
    hideIntermediates(place.server);
    expect(await told(place, below)).toBe('in: below');
    list.add({ certificate: intermediate.certificate });
    expect(await told(place, below)).toBe(isDenied);
  });

  it('is denied by the anchors of a route, too, and his connection closed', async () => {
    const list = denyList();
    const place = await start({ denyList: list });
    const wire = await place.connect(stranger);
    expect((await wire.ask('/route')).body).toBe('in: stranger');
    list.add(print(stranger));
    expect((await wire.ask('/route')).body).toBe(isDenied);
    await wire.closed();
    expect(await told(place, stranger, '/route')).toBe(isDenied);
  });

  it('is told by the decision, and the client learns no reason', async () => {
    const decisions = new Recording('portcullis:decision');
    const place = await start({ denyList: [{ pin: pin(good()), reason: 'INC-17' }] });
    const wire = await place.connect(good());
    expect(await wire.ask('/in')).toEqual({ status: 403, body: isDenied });
    expect(await decisions.take()).toMatchObject({
      outcome: 'refuse',
      code: isDenied,
      detail: `it stands in the deny list: ${pin(good())} (INC-17)`,
    });
    expect(place.server.stats().refusals).toMatchObject({ byCode: { [isDenied]: 1 } });
    decisions.stop();
  });

  it('is not denied by a plain https.Server, which has no list', async () => {
    const server = createHttpsServer(
      {
        key: pki.server.key,
        cert: pki.server.cert,
        ca: pki.ca,
        requestCert: true,
        rejectUnauthorized: false,
      },
      appOf(),
    );
    const wire = await open(await listen(server), { ca: pki.ca, key: good().key, cert: good().chain });
    denyList([print(good())]);
    expect((await wire.ask('/in')).body).toBe('in: good');
  });
});

describe('a reload', () => {
  it('keeps the list, which goes on to change', async () => {
    const list = denyList([print(other())]);
    const place = await start({ denyList: list });
    expect((await place.server.reload({ key: pki.server.key, cert: pki.server.cert })).changed).toEqual([]);
    expect(await told(place, other())).toBe(isDenied);
    list.add(print(good()));
    expect(await told(place, good())).toBe(isDenied);
  });

  it('with another list goes by that one, for open connections too, and by the former no more', async () => {
    const former = denyList();
    const place = await start({ denyList: former });
    const wire = await place.connect(good());
    expect((await wire.ask('/in')).status).toBe(200);
    const clientAuth = { mode: 'optional', ca: pki.ca } as const;
    const { changed } = await place.server.reload({
      clientAuth: { ...clientAuth, denyList: [print(good())] },
    });
    expect(changed).toEqual(['trust']);
    expect((await wire.ask('/in')).body).toBe(isDenied);
    await wire.closed();
    former.add(print(other()));
    expect(await told(place, other())).toMatch(/^in: /);
  });

  it('that takes the list away is warned of', async () => {
    const warnings: string[] = [];
    const logger = { info: () => {}, warn: (message: string) => void warnings.push(message) };
    const place = await start({ denyList: [print(good())] }, { logger });
    await place.server.reload({ clientAuth: { mode: 'optional', ca: pki.ca } });
    expect(warnings).toEqual([expect.stringContaining('has no denyList')]);
    expect(await told(place, good())).toBe('in: good');
  });
});

describe('over HTTP/2', () => {
  it('refuses the next stream, and ends the session of the one client only', async () => {
    const list = denyList();
    const { port } = await start({ denyList: list }, { http2: true });
    const connect = ({ key, chain }: Client): ReturnType<typeof openSession> =>
      openSession(port, { key, cert: chain, servername: 'localhost' }, 'localhost');
    const [denied, free] = [await connect(good()), await connect(other())];
    const get = async (session: typeof denied): Promise<number> =>
      (await overHttp2(session, { path: '/in' })).status;
    expect([await get(denied), await get(free)]).toEqual([200, 200]);
    const gone = Promise.all([once(denied, 'goaway'), once(denied, 'close')]);
    list.add(print(good()));
    expect([await get(denied), await get(free)]).toEqual([403, 200]);
    await gone;
    expect(await get(free)).toBe(200);
  });
});
