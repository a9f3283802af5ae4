import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { createServer } from 'portcullis';
import { createTestPki } from 'portcullis/testing';
import { closeAll, listen, Recording } from '../listener/harness.ts';
import { overHttp1, type Sent } from '../listener/http2-harness.ts';
import { kinds, ofProtocol } from '../listener/http2-kinds.ts';
import { parityApp } from '../listener/http2-parity-app.ts';
import { type Browser, openBrowser } from './support/browser.ts';
import { run } from './support/program.ts';

let directory: string;
let port: number;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  const pki = await createTestPki();
  directory = mkdtempSync(join(tmpdir(), 'portcullis-'));
  writeFileSync(join(directory, 'file.txt'), 'the file, line by line\n'.repeat(5_000));
  writeFileSync(join(directory, 'ca.pem'), pki.ca);
  const app = parityApp(join(directory, 'file.txt'));
  const { key, cert } = pki.server;
  port = await listen(createServer({ key, cert, http2: true, logger: false }, app));
  browser = await openBrowser({ origin: `https://localhost:${port}`, ca: pki.ca });
  page = await browser.context.newPage();
  await page.goto(`https://localhost:${port}/send`);
});
afterAll(async () => {
  await browser?.close();
  await closeAll();
  rmSync(directory, { recursive: true });
});

/** Status, fields and body of curl's answer, without the interim ones. */
async function curl(
  protocol: string,
  { method = 'GET', path, headers = {}, body, chunks }: Sent,
): Promise<object> {
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${String(value)}`]);
  const input = body === undefined ? chunks?.join('') : body.toString('latin1');
  const unsized = protocol === '--http1.1' ? ['-H', 'Transfer-Encoding: chunked'] : [];
  const upload =
    input === undefined ? [] : body === undefined ? ['-T', '-', ...unsized] : ['--data-binary', '@-'];
  // curl would call it a form.
  const untyped = body !== undefined && !('content-type' in headers) ? ['-H', 'Content-Type:'] : [];
  const verb = method === 'HEAD' ? ['-I'] : ['-X', method, '-i'];
  const url = `https://localhost:${port}${path}`;
  const trust = ['--cacert', join(directory, 'ca.pem')];
  const args = ['-sS', protocol, ...trust, ...verb, '-H', 'Expect:', ...fields, ...untyped, ...upload, url];
  const { status, stdout, stderr } = await run('curl', args, { input: input ?? '' });
  if (status !== 0) throw new Error(`curl ended with ${status}: ${stderr}`);
  return parsed(stdout, protocol);
}

function parsed(text: string, protocol: string): object {
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(first.split(' ')[1]);
  if (status < 200) return parsed(text.slice(end + 4), protocol);
  expect(first.split(' ')[0]).toBe(protocol === '--http2' ? 'HTTP/2' : 'HTTP/1.1');
  const fields = lines
    .map(
      (line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)] as const,
    )
    .filter(([name]) => !ofProtocol.has(name) && name !== 'trailer');
  return {
    status,
    fields: fields.map(([name, value]) => `${name}: ${value}`).toSorted(),
    body: text.slice(end + 4),
  };
}

describe('curl gets over HTTP/2 what it gets over HTTP/1.1', () => {
  it.each(kinds.filter(([, { trailers }]) => trailers === undefined))('%s', async (_kind, sent, status) => {
    const [one, two] = [await curl('--http1.1', sent), await curl('--http2', sent)];
    expect(two).toMatchObject({ status });
    expect(two).toEqual(one);
  });
});

/** What a page may not send: such fields, redirects that it can see, and trailers. */
const notForPages = ({ headers = {}, chunks, trailers, path }: Sent): boolean =>
  'cookie' in headers ||
  'if-none-match' in headers ||
  'expect' in headers ||
  chunks !== undefined ||
  trailers !== undefined ||
  path === '/redirect';

/** What tells how its client differs from another one. */
const hasOwnFacts: ReadonlySet<string> = new Set(['/facts?x=y', '/gzip']);

async function hashOf(body: Buffer): Promise<string> {
  return [...new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(body)))].join();
}

describe('Chromium gets over HTTP/2 what Node gets over HTTP/1.1', () => {
  it.each(kinds.filter(([, sent]) => !notForPages(sent)))('%s', async (_kind, sent, status) => {
    const one = await overHttp1(port, sent);
    const { method = 'GET', path, headers = {}, body } = sent;
    // As a string: a list of numbers takes Playwright seconds.
    const octets = body === undefined ? undefined : Buffer.from(body).toString('latin1');
    const two = await page.evaluate(
      async ([url, verb, fields, data]) => {
        const answer = await fetch(url, {
          method: verb,
          headers: fields,
          cache: 'no-store',
          ...(data !== undefined && { body: Uint8Array.from(data, (octet) => octet.codePointAt(0)!) }),
        });
        const hash = await crypto.subtle.digest('SHA-256', await answer.arrayBuffer());
        const [{ nextHopProtocol }] = performance
          .getEntriesByName(answer.url)
          .slice(-1) as PerformanceResourceTiming[] as [PerformanceResourceTiming];
        return { status: answer.status, hash: [...new Uint8Array(hash)].join(), nextHopProtocol };
      },
      [path, method, headers as Record<string, string>, octets] as const,
    );
    expect(two.status).toBe(status);
    expect(two.nextHopProtocol).toBe('h2');
    const same = hasOwnFacts.has(path) ? two.hash : await hashOf(one.body);
    expect(two.hash).toBe(same);
  });
});

describe('h2load', () => {
  it.each([1, 8])('with 100 streams in each of %i sessions loses no request', async (clients) => {
    const drops = new Recording('portcullis:drop');
    const args = ['-n', '4000', '-c', String(clients), '-m', '100', `https://localhost:${port}/json?a=1`];
    const { status, stdout } = await run('h2load', args);
    expect(status).toBe(0);
    expect(stdout).toContain('4000 done, 4000 succeeded, 0 failed, 0 errored, 0 timeout');
    expect(stdout).toContain('status codes: 4000 2xx');
    expect(drops.events).toEqual([]);
  });
});
