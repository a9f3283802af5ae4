import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Authority, createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeEverything, versions, type Wire } from '../support/attacks.ts';
import { oddCrl } from '../support/odd-crls.ts';
import { Recording } from './harness.ts';
import { appOf, type ClientAuth, hideIntermediates, start } from './revocation-harness.ts';

let pki: TestPki;
let others: Authority;
let intermediate: Authority;
let below: IssuedCertificate;
let revokesGood: string;
let revokesIntermediate: string;
let empty: string;
let emptyAgain: string;
let othersCrl: string;

const list = (number: number, ...revoked: readonly string[]): Promise<string> =>
  pki.authority.crl({ number, revoked: revoked.map((certificate) => ({ certificate })) });

beforeAll(async () => {
  pki = await createTestPki();
  [others, intermediate] = await Promise.all([
    createAuthority({ subject: 'Others' }),
    pki.authority.issueIntermediate({ subject: 'Intermediate' }),
  ]);
  below = await intermediate.issueClientCertificate({ subject: 'below' });
  [empty, revokesGood, emptyAgain, revokesIntermediate, othersCrl] = await Promise.all([
    list(1),
    list(2, pki.clients.good.certificate),
    list(3),
    list(4, intermediate.certificate),
    others.crl({ revoked: [] }),
  ]);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await closeEverything();
});

const told = async (wire: Wire, path = '/in'): Promise<string> => (await wire.ask(path)).body;

describe.each(versions)(
  'a change of the lists reaches over %s an open connection at its next request:',
  (version) => {
    it('who is revoked is refused, and comes back with a list that says so', async () => {
      const { server, connect } = await start(pki, { ca: pki.ca, crl: empty });
      const [wire, spiffe] = await Promise.all([
        connect(pki.clients.good, version),
        connect(pki.clients.spiffe, version),
      ]);
      const reload = (clientAuth: ClientAuth): Promise<unknown> =>
        server.reload({ clientAuth: { mode: 'optional', ...clientAuth } });
      expect(await told(wire)).toBe('in: good');
      expect(await told(spiffe)).toMatch(/^in/);
      await reload({ ca: [pki.ca, others.root], crl: revokesGood });
      expect(await told(wire)).toBe('CLIENT_CERTIFICATE_REVOKED');
      expect(await told(wire, '/open')).toBe('open');
      expect(await told(spiffe)).toMatch(/^in/);
      await reload({ ca: pki.ca, crl: emptyAgain });
      expect(await told(wire)).toBe('in: good');
    });

    it('on a route with its own ca as well', async () => {
      const { server, connect } = await start(pki, { ca: pki.ca }, appOf(pki.ca));
      const wire = await connect(pki.clients.good, version);
      expect(await told(wire, '/route')).toBe('in: good');
      await server.reload({ clientAuth: { mode: 'optional', ca: [pki.ca, others.root], crl: revokesGood } });
      expect(await told(wire, '/route')).toBe('CLIENT_CERTIFICATE_REVOKED');
      expect(await told(wire)).toBe('CLIENT_CERTIFICATE_REVOKED');
    });

    it('who is still welcome stays, whatever CA and list is added', async () => {
      const { server, connect } = await start(pki, { mode: 'required', ca: pki.ca });
      const wire = await connect(pki.clients.good, version);
      expect(await told(wire)).toBe('in: good');
      await server.reload({
        clientAuth: { mode: 'required', ca: [pki.ca, others.root], crl: [empty, othersCrl] },
      });
      expect(await told(wire)).toBe('in: good');
    });

    it('a listener that requires clients refuses who is revoked itself, and closes', async () => {
      const { server, connect } = await start(pki, { mode: 'required', ca: pki.ca, crl: empty });
      const wire = await connect(pki.clients.good, version);
      expect(await told(wire, '/open')).toBe('open');
      const decisions = new Recording('portcullis:decision');
      await server.reload({
        clientAuth: { mode: 'required', ca: [pki.ca, others.root], crl: revokesGood },
      });
      const answer = await wire.ask('/open');
      expect(answer.status).toBe(403);
      expect(JSON.parse(answer.body)).toMatchObject({ status: 403, code: 'CLIENT_CERTIFICATE_REVOKED' });
      await wire.closed();
      expect(await decisions.take()).toMatchObject({
        outcome: 'refuse',
        code: 'CLIENT_CERTIFICATE_REVOKED',
        path: '/open',
      });
      decisions.stop();
    });

    it('a list that runs out lets nobody in from then on', async () => {
      const nextUpdate = new Date(Math.ceil(Date.now() / 1000) * 1000 + 60_000);
      const { connect } = await start(pki, { ca: pki.ca, crl: oddCrl(pki.authority, { nextUpdate }) });
      const wire = await connect(pki.clients.good, version);
      expect(await told(wire)).toBe('in: good');
      const clock = jest.spyOn(Date, 'now').mockReturnValue(nextUpdate.getTime());
      expect(await told(wire)).toBe('in: good');
      clock.mockReturnValue(nextUpdate.getTime() + 1);
      expect(await told(wire)).toBe('REVOCATION_STATUS_UNKNOWN');
      clock.mockReturnValue(nextUpdate.getTime());
      expect(await told(wire)).toBe('in: good');
    });
  },
);

describe.each(versions)('where Node hides the intermediates over %s, as 24.21 does,', (version) => {
  it("OpenSSL's word holds only while all CAs are trusted that it was given for", async () => {
    const { server, connect } = await start(pki, { ca: [pki.ca, others.root] });
    hideIntermediates(server);
    const wire = await connect(below, version);
    expect(await told(wire)).toBe('in: below');
    const reload = (ca: string | string[], crl?: string): Promise<unknown> =>
      server.reload({ clientAuth: { mode: 'optional', ca, ...(crl !== undefined && { crl }) } });
    const more = await createAuthority();
    await reload([more.root, others.root, pki.ca]);
    expect(await told(wire)).toBe('in: below');
    await reload(others.root);
    expect(await told(wire)).toBe('CLIENT_CERTIFICATE_UNTRUSTED');
    await reload([pki.ca, others.root], revokesIntermediate);
    expect(await told(wire)).toBe('REVOCATION_STATUS_UNKNOWN');
    await reload([pki.ca, intermediate.certificate, others.root], await list(5));
    expect(await told(wire)).toBe('in: below');
    await reload([pki.ca, intermediate.certificate], await list(6, intermediate.certificate));
    expect(await told(wire)).toBe('CLIENT_CERTIFICATE_REVOKED');
  });
});
