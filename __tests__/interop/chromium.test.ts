import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import type { Page, Response } from 'playwright-core';
import { createServer, exposeTls, type PortcullisServer, type TlsState } from 'portcullis';
import { createTestPki, type TestClient, type TestPki } from 'portcullis/testing';
import { createApp } from '../../examples/app/app.ts';
import {
  impostorOf,
  oddAuthority,
  oddCertificate,
  type OddCertificate,
} from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { attribute, generalName, name } from '../support/odd-names.ts';
import { type Browser, openBrowser } from './support/browser.ts';
import { accessibilityFaults, lowContrasts, overflows, overlaps, shownFacts } from './support/page-checks.ts';

type Visitor = 'nobody' | 'payments' | 'odd' | 'impostor';

let pki: TestPki;
let payments: TestClient;
let odd: OddCertificate;
let server: PortcullisServer;
let origin: string;
const browsers = {} as Record<Visitor, Browser>;
/** What `req.tls` was at each request, by path; the last one counts. */
const seen = new Map<string, TlsState>();

beforeAll(async () => {
  pki = await createTestPki();
  const oddRoot = oddAuthority();
  odd = oddClient(oddRoot);
  // Of a CA of another name Chromium would not even offer the certificate.
  const impostor = oddCertificate({ issuer: impostorOf(oddRoot) });
  payments = await pki.issueClient({
    subject: { C: 'DE', O: 'Exämple & Söhne', OU: ['Ops', 'Night'], CN: 'payments' },
    names: { email: ['payments@example.org'], uri: ['spiffe://example.org/payments'] },
  });
  const app = express();
  app.use(exposeTls(), (request, _response, next) => {
    seen.set(request.path, request.tls!);
    next();
  });
  app.use(createApp([pinOf(payments), pinOf(pki.clients.good)]));
  const ca = [pki.ca, oddRoot.certificate];
  server = createServer({ ...pki.server, clientAuth: { mode: 'optional', ca } }, app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  const open = (client?: { certificate: string; key: string }): Promise<Browser> =>
    openBrowser({ origin, ca: pki.ca, ...(client && { client }) });
  const opened = await Promise.all([open(), open(payments), open(odd), open(impostor)]);
  const visitors = ['nobody', 'payments', 'odd', 'impostor'] as const;
  for (const [index, visitor] of visitors.entries()) browsers[visitor] = opened[index]!;
}, 60_000);

afterAll(async () => {
  await Promise.all(Object.values(browsers).map(({ close }) => close()));
  server.close();
  server.closeAllConnections();
});

function pinOf({ certificate }: TestClient): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}

const oddClient = (issuer: OddCertificate): OddCertificate =>
  oddCertificate({
    issuer,
    subject: name(
      attribute('CN', '<script>document.title = "taken"</script>'),
      attribute('O', 'line\nfeed, nul\0, right\u202eot-left'),
      attribute('OU', `"><img src=x onerror='document.title = "taken"'>`),
      attribute('UID', 'wide'.repeat(60)),
    ),
    extensions: { subjectAltName: extension.subjectAltName([generalName.email('<b>"&\'@example.org')]) },
  });

/** Opens a page; `complaints` are what the browser's console has to say of it. */
async function visit(
  visitor: Visitor,
  path: string,
): Promise<{ page: Page; response: Response; complaints: string[]; tls: TlsState }> {
  const page = await browsers[visitor].context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => complaints.push(dialog.message()));
  page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
  const response = await page.goto(`${origin}${path}`, { waitUntil: 'load' });
  return { page, response: response!, complaints, tls: seen.get(path)! };
}

describe.each([
  ['nobody', '/', 200],
  ['nobody', '/admin', 403],
  ['nobody', '/nowhere', 404],
  ['payments', '/', 200],
  ['payments', '/payments', 200],
  ['odd', '/', 200],
  ['impostor', '/', 200],
] as const)('to %s, %s', (visitor, path, status) => {
  test('is readable in light and dark, from narrow to wide', async () => {
    const { page, response, complaints } = await visit(visitor, path);
    expect(response.status()).toBe(status);
    const backgrounds = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [320, 768, 1280]) {
        /* oxlint-disable no-await-in-loop -- one page */
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        const faults = {
          contrast: await page.evaluate(lowContrasts),
          overflow: await page.evaluate(overflows),
          overlap: await page.evaluate(overlaps),
        };
        expect({ colorScheme, width, ...faults }).toEqual({
          colorScheme,
          width,
          contrast: [],
          overflow: [],
          overlap: [],
        });
      }
      backgrounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      /* oxlint-enable no-await-in-loop */
    }
    expect(backgrounds).toEqual(['rgb(246, 247, 249)', 'rgb(19, 22, 27)']);
    expect(await page.evaluate(accessibilityFaults)).toEqual([]);
    // Chromium notes every answer that is an error; anything else, a violated policy first of all, is a fault of ours.
    const failed = new RegExp(`^Failed to load resource: the server responded with a status of ${status} `);
    expect(complaints.filter((complaint) => status === 200 || !failed.test(complaint))).toEqual([]);
    await page.close();
  });
});

test('the page shows the facts of req.tls, and they are what Chromium says of the connection', async () => {
  const page = await browsers.payments.context.newPage();
  const session = await browsers.payments.context.newCDPSession(page);
  await session.send('Network.enable');
  const received = new Promise<Security>((settle) => {
    session.on('Network.responseReceived', ({ response }) => settle(response.securityDetails as Security));
  });
  await page.goto(`${origin}/payments`);
  const tls = seen.get('/payments')!;
  const facts = await page.evaluate(shownFacts);
  const { protocol, cipher, keyExchangeGroup, sanList } = await received;
  expect({ protocol: `TLS ${tls.protocol.slice(4)}`, cipher: tls.cipher.standardName }).toEqual({
    protocol,
    cipher: expect.stringContaining(cipher),
  });
  expect(tls.group!.toLowerCase()).toBe(keyExchangeGroup.toLowerCase());
  expect(sanList).toContain(tls.serverName);
  const leaf = new X509Certificate(payments.certificate);
  expect(tls.clientCertificate!.fingerprint256).toBe(leaf.fingerprint256);
  expect(facts).toEqual({
    Protocol: tls.protocol,
    Cipher: tls.cipher.standardName,
    'Key exchange': tls.group,
    'Forward secrecy': 'yes',
    'Post-quantum': tls.postQuantum ? 'yes' : 'no',
    ALPN: 'http/1.1',
    'Server name (SNI)': 'localhost',
    'Resumed session': 'no',
    'Client verified at': atSecond(tls.authenticatedAt!),
    Subject: 'C=DE\nO=Exämple & Söhne\nOU=Ops\nOU=Night\nCN=payments',
    Issuer: 'O=Portcullis tests\nCN=Test root',
    'Mail addresses': 'payments@example.org',
    URIs: 'spiffe://example.org/payments',
    'SPIFFE ID': 'spiffe://example.org/payments',
    'Valid from': atSecond(leaf.validFrom),
    'Valid until': atSecond(leaf.validTo),
    'Serial number': leaf.serialNumber,
    'Public key': 'ec prime256v1',
    'Extended key usage': '1.3.6.1.5.5.7.3.2',
    Pin: pinOf(payments),
    'Fingerprint (SHA-256)': leaf.fingerprint256,
    'Trust anchor': 'O=Portcullis tests\nCN=Test root',
  });
  await page.close();
});

interface Security {
  readonly protocol: string;
  readonly cipher: string;
  readonly keyExchangeGroup: string;
  readonly sanList: readonly string[];
}

const atSecond = (date: Date | string): string =>
  `${new Date(date).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

test.each([
  ['nobody', ['open to you', 'closed', 'closed'], 'CLIENT_CERTIFICATE_REQUIRED'],
  ['payments', ['open to you', 'open to you', 'open to you'], undefined],
  ['odd', ['open to you', 'open to you', 'closed'], 'PIN_MISMATCH'],
  ['impostor', ['open to you', 'closed', 'closed'], 'CLIENT_CERTIFICATE_UNTRUSTED'],
] as const)('%s sees which doors are open, and finds them so', async (visitor, verdicts, code) => {
  const { page } = await visit(visitor, '/');
  expect(await page.locator('.verdict').allInnerTexts()).toEqual(verdicts);
  const reasons = await page.locator('.reason').allInnerTexts();
  expect(reasons.every((reason) => reason.endsWith(code!))).toBe(true);
  expect(reasons).toHaveLength(verdicts.filter((verdict) => verdict === 'closed').length);
  const [, admin, paymentsDoor] = verdicts;
  for (const [path, verdict] of [
    ['/admin', admin],
    ['/payments', paymentsDoor],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one browser
    const [answer] = await Promise.all([
      page.waitForResponse(`${origin}${path}`),
      page.click(`.doors a[href="${path}"]`),
    ]);
    expect(answer.status()).toBe(verdict === 'closed' ? 403 : 200);
    // oxlint-disable-next-line no-await-in-loop -- one browser
    await page.goBack();
  }
  await page.close();
});

test('without a certificate /admin is a page that says what is missing', async () => {
  const { page } = await visit('nobody', '/admin');
  expect(await page.locator('h1').innerText()).toBe('Client certificate required');
  expect(await page.locator('.lead').innerText()).toContain('403 CLIENT_CERTIFICATE_REQUIRED');
  await page.close();
});

test('a certificate made of markup is shown and not obeyed', async () => {
  const { page, tls } = await visit('odd', '/admin');
  expect(await page.title()).toBe('Admin – Portcullis example');
  expect(await page.locator('script, dd b, dd img').count()).toBe(0);
  const { Subject, 'Mail addresses': mail } = await page.evaluate(shownFacts);
  expect(Subject!.split('\n')).toEqual([
    'CN=<script>document.title = "taken"</script>',
    'O=line\\u{a}feed, nul\\u{0}, right\\u{202e}ot-left',
    `OU="><img src=x onerror='document.title = "taken"'>`,
    `UID=${'wide'.repeat(60)}`,
  ]);
  expect(mail).toBe('<b>"&\'@example.org');
  expect(tls.clientCertificate!.subject['O']).toEqual(['line\nfeed, nul\0, right\u202eot-left']);
  await page.close();
});

test('every link can be reached and seen by the keyboard', async () => {
  const { page } = await visit('nobody', '/');
  const count = await page.locator('a').count();
  const outlines = [];
  for (let index = 0; index < count; index += 1) {
    /* oxlint-disable no-await-in-loop -- one key after the other */
    await page.keyboard.press('Tab');
    outlines.push(
      await page.evaluate(() => [
        document.activeElement!.tagName,
        getComputedStyle(document.activeElement!).outlineStyle,
      ]),
    );
    /* oxlint-enable no-await-in-loop */
  }
  expect(outlines).toEqual(Array.from({ length: count }, () => ['A', 'solid']));
  await page.close();
});
