import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { exportPkcs12, openBrowser } from '../browser.ts';
import type { Answer, Ask, Client, Result } from './client.ts';

/** What the developer tools tell of a response, or of what came instead of one. */
interface Told {
  readonly error?: string;
  readonly protocol?: string;
  readonly securityDetails?: {
    readonly protocol: string;
    readonly cipher: string;
    readonly keyExchangeGroup: string;
  };
}

/** A page that fetches from every origin, with the certificate that is for that one. */
class Fetcher {
  readonly #page: Page;
  readonly #session: CDPSession;
  readonly #urls = new Map<string, string>();
  /** By URL: who waits for what the developer tools tell. */
  readonly #waiting = new Map<string, (told: Told) => void>();

  private constructor(page: Page, session: CDPSession) {
    this.#page = page;
    this.#session = session;
    session.on('Network.requestWillBeSent', ({ requestId, request }) =>
      this.#urls.set(requestId, request.url),
    );
    session.on('Network.responseReceived', ({ response }) => this.#tell(response.url, response as Told));
    session.on('Network.loadingFailed', ({ requestId, errorText }) =>
      this.#tell(this.#urls.get(requestId), { error: errorText }),
    );
  }

  #tell(url: string | undefined, told: Told): void {
    this.#waiting.get(url!)?.(told);
  }

  /** `start`: of an origin that answers anybody. */
  static async open(page: Page, start: string): Promise<Fetcher> {
    await page.goto(start);
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    return new Fetcher(page, session);
  }

  async ask({ serverName, port, path, again }: Ask): Promise<Result> {
    const origin = `https://${serverName}:${port}`;
    const url = origin + path;
    // Chromium keeps a connection or two in reserve, which have been made before there was a session.
    for (let more = again === undefined ? 0 : 3; more > 0; more -= 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await this.#fetch(url);
    }
    const told = new Promise<Told>((settle) => this.#waiting.set(url, settle));
    const answer = await this.#fetch(url);
    if (answer === undefined) return { refused: (await told).error! };
    return { answer: { ...answer, ...(await this.#facts(origin, await told)) } };
  }

  /** undefined where no answer came. */
  #fetch(url: string): Promise<Pick<Answer, 'status' | 'body'> | undefined> {
    return this.#page.evaluate(async (address) => {
      const answer = await fetch(address, { credentials: 'include', cache: 'no-store' }).catch(
        () => undefined,
      );
      return answer && { status: answer.status, body: await answer.text() };
    }, url);
  }

  async #facts(
    origin: string,
    { protocol, securityDetails }: Told,
  ): Promise<Omit<Answer, 'status' | 'body'>> {
    const { tableNames } = await this.#session.send('Network.getCertificate', { origin });
    return {
      alpn: protocol!,
      protocol: securityDetails!.protocol.replace('TLS ', 'TLSv'),
      cipher: securityDetails!.cipher,
      group: securityDetails!.keyExchangeGroup.toLowerCase(),
      serverFingerprint: createHash('sha256').update(Buffer.from(tableNames[0]!, 'base64')).digest('hex'),
    };
  }
}

/** One profile for all who have a certificate, each shown to the host of its name; another one for those without. */
async function askAll(asks: readonly Ask[], domain: string): Promise<Array<Result | Error>> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-chromium-'));
  const names = new Map<string, string>();
  const choices: Record<string, string> = {};
  for (const { identity, serverName } of asks) {
    if (identity === undefined) continue;
    const name = basename(identity.cert, '.pem');
    choices[`https://${serverName}`] = name;
    if (names.has(name)) continue;
    names.set(name, join(folder, `${name}.p12`));
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await exportPkcs12(identity, name, names.get(name)!, 'x');
  }
  const pkcs12 = [...names.values()].map((file) => ({ file, passphrase: 'x' }));
  const ca = readFileSync(asks[0]!.ca, 'utf8');
  const browser = await openBrowser({ ca, domain, choices, pkcs12 });
  try {
    return await fetchAll(asks, await browser.context.newPage());
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

async function fetchAll(asks: readonly Ask[], page: Page): Promise<Array<Result | Error>> {
  const open = asks.find(({ path }) => path.startsWith('/facts')) ?? asks[0]!;
  const fetcher = await Fetcher.open(page, `https://${open.serverName}:${open.port}/start`);
  const results: Array<Result | Error> = [];
  for (const [index, ask] of asks.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    results[index] = await fetcher.ask(ask).catch((error: Error) => error);
  }
  return results;
}

/** It cannot be told in a running browser which versions to speak: the listener has to choose. */
export const chromium: Client = {
  name: 'Chromium',
  https: ['h1', 'h2'],
  old: [],
  weak: false,
  sessions: 'same',
  hybrid: true,
  withholds: ['expired'],
  chooses: 'server',
  ask: async (asks) => {
    const domain = asks[0]!.serverName.split('.').slice(1).join('.');
    const nobody = asks.filter(({ identity }) => identity === undefined);
    const somebody = asks.filter(({ identity }) => identity !== undefined);
    const results = new Map<Ask, Result | Error>();
    for (const group of [nobody, somebody]) {
      // oxlint-disable-next-line no-await-in-loop -- one browser takes all the cores that there are
      const answers = await askAll(group, domain);
      for (const [index, ask] of group.entries()) results.set(ask, answers[index]!);
    }
    return asks.map((ask) => results.get(ask)!);
  },
};
