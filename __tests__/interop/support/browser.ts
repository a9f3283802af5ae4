import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { must } from './program.ts';

interface Pkcs12 {
  readonly file: string;
  readonly passphrase: string;
}

export interface BrowserOptions {
  /** Where it will show its certificate without asking anybody. */
  readonly origin?: string;
  /** The same for several: the common name of the certificate that it shows there, by origin or pattern of origins. */
  readonly choices?: Readonly<Record<string, string>>;
  /** All names below this one are 127.0.0.1. */
  readonly domain?: string;
  /** PEM: whose servers it trusts. */
  readonly ca: string;
  /** What it shows, in PEM. */
  readonly client?: { readonly certificate: string; readonly key: string };
  /** The same as files. */
  readonly pkcs12?: readonly Pkcs12[];
}

export interface Browser {
  readonly context: BrowserContext;
  readonly close: () => Promise<void>;
}

const offline = [
  '--no-first-run',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const resolverRules = (domain: string | undefined): string =>
  [
    ...(domain === undefined ? [] : [`MAP *.${domain} 127.0.0.1`]),
    'MAP * ~NOTFOUND',
    'EXCLUDE localhost',
  ].join();

const chosen = (filter: object): object => ({ setting: { filters: [filter] } });

function preferencesOf({ origin, choices = {} }: BrowserOptions): object {
  const choice = Object.fromEntries([
    ...(origin === undefined ? [] : [[`${origin},*`, chosen({})]]),
    ...Object.entries(choices).map(([pattern, CN]) => [`${pattern},*`, chosen({ SUBJECT: { CN } })]),
  ]) as object;
  return { profile: { content_settings: { exceptions: { auto_select_certificate: choice } } } };
}

/**
 * Debian's Chromium with a profile of its own, which speaks TLS itself: Playwright's own `clientCertificates` would put
 * a proxy of Node's between the two. Needs certutil, pk12util (libnss3-tools) and openssl.
 */
export async function openBrowser(options: BrowserOptions): Promise<Browser> {
  const home = mkdtempSync(join(tmpdir(), 'portcullis-browser-'));
  const file = (name: string): string => join(home, name);
  await makeDatabase(home, options);
  mkdirSync(file('profile/Default'), { recursive: true });
  writeFileSync(file('profile/Default/Preferences'), JSON.stringify(preferencesOf(options)));
  const context = await chromium.launchPersistentContext(file('profile'), {
    executablePath: '/usr/bin/chromium',
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: file('config'), XDG_CACHE_HOME: file('cache') },
    args: [...offline, `--host-resolver-rules=${resolverRules(options.domain)}`],
  });
  const close = async (): Promise<void> => {
    await context.close();
    rmSync(home, { recursive: true, force: true });
  };
  return { context, close };
}

/** Where Chromium looks for CAs and certificates of its user. */
async function makeDatabase(home: string, { ca, client, pkcs12 = [] }: BrowserOptions): Promise<void> {
  const folder = join(home, '.pki/nssdb');
  const database = `sql:${folder}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(home, 'ca.pem'), ca);
  await must('certutil', '-N', '-d', database, '--empty-password');
  await must('certutil', '-A', '-d', database, '-n', 'ca', '-t', 'C,,', '-i', join(home, 'ca.pem'));
  const own = client === undefined ? [] : [await exported(home, client)];
  for (const { file, passphrase } of [...own, ...pkcs12]) {
    // oxlint-disable-next-line no-await-in-loop -- one database
    await must('pk12util', '-i', file, '-d', database, '-W', passphrase);
  }
}

async function exported(
  home: string,
  { certificate, key }: { readonly certificate: string; readonly key: string },
): Promise<Pkcs12> {
  const [pem, file] = [join(home, 'client.pem'), join(home, 'client.p12')];
  writeFileSync(pem, certificate + key, { mode: 0o600 });
  await exportPkcs12({ cert: pem, key: pem }, 'client', file, 'x');
  return { file, passphrase: 'x' };
}

/** A PKCS#12 file of files in PEM. */
export const exportPkcs12 = (
  { cert, key }: { readonly cert: string; readonly key: string },
  name: string,
  file: string,
  passphrase: string,
): Promise<void> =>
  must(
    'openssl',
    'pkcs12',
    '-export',
    '-in',
    cert,
    '-inkey',
    key,
    '-name',
    name,
    '-out',
    file,
    '-passout',
    `pass:${passphrase}`,
  );
