import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Authority, createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import type { ReloadChanges } from '../../lib/listener/lifecycle/exchange.ts';
import { closeEverything, type Wire } from '../support/attacks.ts';
import { crlNumber, oddCrl, pemOf } from '../support/odd-crls.ts';
import { appOf, type ClientAuth, start } from './revocation-harness.ts';

let pki: TestPki;
let root: Authority;
let others: Authority;
/** Of the same name as the root, with another key. */
let namesake: Authority;
let intermediate: Authority;
let revokedBelow: IssuedCertificate;
let othersCrl: string;
let intermediateCrl: string;
const minute = 60_000;
const isRevoked = 'CLIENT_CERTIFICATE_REVOKED';
const isMissing = expect.objectContaining({ code: 'CRL_MISSING', path: 'clientAuth.crl' });

beforeAll(async () => {
  pki = await createTestPki();
  root = pki.authority;
  [others, namesake, intermediate] = await Promise.all([
    createAuthority({ subject: 'Others' }),
    createAuthority({ subject: { O: 'Portcullis tests', CN: 'Test root' } }),
    root.issueIntermediate({ subject: 'Intermediate' }),
  ]);
  revokedBelow = await intermediate.issueClientCertificate({ subject: 'revoked below' });
  [othersCrl, intermediateCrl] = await Promise.all([
    others.crl({ revoked: [] }),
    intermediate.crl({ revoked: [{ certificate: revokedBelow.certificate }] }),
  ]);
});

let folder: string;
let warnings: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  warnings = [];
});
afterEach(async () => {
  await closeEverything();
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);
const rootList = (number: number, thisUpdate = new Date(Date.now() - minute), isEmpty = false): string =>
  pemOf(
    oddCrl(root, {
      extensions: [crlNumber(number)],
      thisUpdate,
      entries: isEmpty ? [] : [{ serial: pki.clients.revoked.serialNumber }],
    }),
  );
const empty = (number: number, thisUpdate?: Date): string => rootList(number, thisUpdate, true);

/** What `/in` says to each of the clients on a connection of its own. */
type Show = (...clients: ReadonlyArray<Pick<IssuedCertificate, 'key' | 'chain'>>) => Promise<string[]>;

async function serve(
  clientAuth: ClientAuth,
  watch = false,
): Promise<{ readonly server: Awaited<ReturnType<typeof start>>['server']; readonly show: Show }> {
  const logger = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
  const { server, connect } = await start(pki, clientAuth, appOf(), { logger, watch });
  const told = async (wire: Wire): Promise<string> => (await wire.ask('/in')).body;
  const show: Show = (...clients) =>
    Promise.all(clients.map(async (client) => told(await connect(client, 'TLSv1.3'))));
  return { server, show };
}

const byHand = (clientAuth: Omit<ClientAuth, 'mode'>): ReloadChanges => ({
  clientAuth: { mode: 'optional', ...clientAuth },
});

describe('a reload refuses to lose the lists of a CA that is still trusted', () => {
  it("where its file holds another CA's now, and takes it when its list is back", async () => {
    writeFileSync(at('ca.crl'), rootList(1));
    const { server, show } = await serve({ ca: [pki.ca, others.root], crl: { file: at('ca.crl') } });
    writeFileSync(at('ca.crl'), othersCrl);
    await expect(server.reload()).rejects.toEqual(isMissing);
    expect(await show(pki.clients.revoked, pki.clients.good)).toEqual([isRevoked, 'in: good']);
    writeFileSync(at('ca.crl'), rootList(2) + othersCrl);
    expect(await server.reload()).toMatchObject({ changed: ['trust'] });
    expect(await show(pki.clients.revoked, pki.clients.good)).toEqual([isRevoked, 'in: good']);
  });

  it('where it was removed from a directory that is watched', async () => {
    mkdirSync(at('lists'));
    writeFileSync(at('lists/root.crl'), rootList(1));
    writeFileSync(at('lists/others.crl'), othersCrl);
    const { server, show } = await serve(
      { ca: [pki.ca, others.root], crl: { directory: at('lists') } },
      true,
    );
    const failed = once(server, 'reloadError');
    renameSync(at('lists/root.crl'), at('root.crl'));
    expect(await failed).toEqual([isMissing]);
    expect(await show(pki.clients.revoked)).toEqual([isRevoked]);
  });

  it('be it an intermediate that is no anchor any more, but stands below one', async () => {
    writeFileSync(at('ca.crl'), rootList(1) + intermediateCrl);
    writeFileSync(at('ca.pem'), pki.ca + intermediate.certificate);
    const { server, show } = await serve({ ca: { file: at('ca.pem') }, crl: { file: at('ca.crl') } });
    writeFileSync(at('ca.crl'), rootList(2));
    await expect(server.reload()).rejects.toEqual(isMissing);
    writeFileSync(at('ca.pem'), pki.ca);
    await expect(server.reload()).rejects.toEqual(isMissing);
    expect(await show(revokedBelow)).toEqual([isRevoked]);
  });

  it('but keeps that of an intermediate that nobody has sent, and says so', async () => {
    writeFileSync(at('ca.crl'), rootList(1) + intermediateCrl);
    const { server, show } = await serve({ ca: pki.ca, crl: { file: at('ca.crl') } });
    expect(warnings).toEqual([expect.stringMatching(/not in clientAuth\.ca: '.*intermediate'/)]);
    writeFileSync(at('ca.crl'), rootList(2));
    await server.reload();
    expect(warnings.at(-1)).toMatch(/the last one stays/);
    expect(await show(revokedBelow)).not.toContain('in: revoked below');
  });

  it('unless lists are given by hand, which a warning confirms', async () => {
    const { server, show } = await serve({ ca: [pki.ca, others.root], crl: rootList(1) });
    expect(warnings).toEqual([]);
    await server.reload(byHand({ ca: [pki.ca, others.root], crl: othersCrl }));
    expect(warnings).toEqual([expect.stringMatching(/no list of 'Test root' any more/)]);
    expect(await show(pki.clients.revoked)).toEqual(['in: revoked']);
  });

  it('unless the CA is not trusted any more', async () => {
    writeFileSync(at('ca.crl'), rootList(1) + othersCrl);
    writeFileSync(at('ca.pem'), pki.ca + others.root);
    const { server, show } = await serve({ ca: { file: at('ca.pem') }, crl: { file: at('ca.crl') } });
    writeFileSync(at('ca.crl'), rootList(2));
    writeFileSync(at('ca.pem'), pki.ca);
    expect(await server.reload()).toMatchObject({ changed: ['trust'] });
    expect(await show(pki.clients.revoked, pki.clients.good)).toEqual([isRevoked, 'in: good']);
  });
});

describe('an older list does not take the place of the one that serves', () => {
  it.each([
    ['by its number', () => rootList(5), () => empty(4)],
    ['by its date', () => rootList(5), () => empty(5, new Date(Date.now() - 2 * minute))],
  ])('%s', async (_what, newer, older) => {
    const { server, show } = await serve({ ca: pki.ca, crl: newer() });
    expect(await server.reload(byHand({ ca: pki.ca, crl: older() }))).toMatchObject({ changed: [] });
    expect(warnings).toEqual([expect.stringMatching(/'Test root' is older than the one that serves/)]);
    expect(await show(pki.clients.revoked, pki.clients.good)).toEqual([isRevoked, 'in: good']);
    await server.reload(byHand({ ca: pki.ca, crl: empty(6) }));
    expect(await show(pki.clients.revoked)).toEqual(['in: revoked']);
    await server.reload(byHand({ ca: pki.ca, crl: newer() }));
    expect(await show(pki.clients.revoked)).toEqual(['in: revoked']);
  });

  it('in a file either, reload after reload', async () => {
    writeFileSync(at('ca.crl'), rootList(5));
    const { server, show } = await serve({ ca: pki.ca, crl: { file: at('ca.crl') } });
    for (const number of [4, 3]) {
      writeFileSync(at('ca.crl'), empty(number));
      // oxlint-disable-next-line no-await-in-loop -- one after another
      expect(await server.reload()).toMatchObject({ changed: [] });
    }
    expect(await show(pki.clients.revoked)).toEqual([isRevoked]);
  });
});

describe('a list that is dated ahead of our clock', () => {
  it('counts where it is minutes', async () => {
    const soon = new Date(Date.now() + 4 * minute);
    const { server, show } = await serve({ ca: pki.ca, crl: empty(1) });
    await server.reload(byHand({ ca: pki.ca, crl: rootList(2, soon) }));
    expect(await show(pki.clients.revoked, pki.clients.good)).toEqual([isRevoked, 'in: good']);
  });

  it('leaves its place to the one before where it is more', async () => {
    const later = new Date(Date.now() + 60 * minute);
    const { server, show } = await serve({ ca: pki.ca, crl: rootList(1) });
    await server.reload(byHand({ ca: pki.ca, crl: empty(2, later) }));
    expect(await show(pki.clients.revoked, pki.clients.good)).toEqual([isRevoked, 'in: good']);
  });
});

it('a list with the name of a CA and the key identifier of another is refused, whoever has signed it', async () => {
  const { server, show } = await serve({ ca: pki.ca, crl: rootList(1) });
  const crl = await namesake.crl({ revoked: [] });
  const isInvalid = expect.objectContaining({ code: 'CRL_INVALID', path: 'clientAuth.crl' });
  await expect(server.reload(byHand({ ca: pki.ca, crl }))).rejects.toEqual(isInvalid);
  await expect(serve({ ca: pki.ca, crl })).rejects.toEqual(isInvalid);
  expect(await show(pki.clients.revoked, pki.clients.good)).toEqual([isRevoked, 'in: good']);
});

it('while a CA changes its key both are trusted, and the lists of both count', async () => {
  writeFileSync(at('ca.crl'), rootList(1));
  const { server, show } = await serve({ ca: [pki.ca, namesake.root], crl: { file: at('ca.crl') } });
  const { key, certificate, chain } = await namesake.issueClientCertificate({ subject: 'new' });
  const crl = await namesake.crl({ revoked: [{ certificate }] });
  writeFileSync(at('ca.crl'), rootList(2) + crl);
  await server.reload();
  expect(warnings).toEqual([]);
  const clients = [pki.clients.revoked, pki.clients.good, { key, chain }];
  expect(await show(...clients)).toEqual([isRevoked, 'in: good', isRevoked]);
  writeFileSync(at('ca.crl'), crl);
  await server.reload();
  expect(warnings).toEqual([expect.stringMatching(/the last one stays/)]);
  expect(await show(...clients)).toEqual([isRevoked, 'in: good', isRevoked]);
});
