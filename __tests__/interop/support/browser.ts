import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

export interface BrowserOptions {
  /** Where it will show its certificate without asking anybody. */
  readonly origin: string;
  /** PEM: whose servers it trusts. */
  readonly ca: string;
  /** What it shows: in PEM, or a PKCS#12 file to import as it is. */
  readonly client?:
    | { readonly certificate: string; readonly key: string }
    | { readonly p12: string; readonly password: string };
  /** The same as a PKCS#12 file. */
  readonly pkcs12?: { readonly file: string; readonly passphrase: string };
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
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost',
];

/**
 * Debian's Chromium with a profile of its own, which speaks TLS itself: Playwright's own `clientCertificates` would put
 * a proxy of Node's between the two. Needs certutil, pk12util (libnss3-tools) and openssl.
 */
export async function openBrowser({ origin, ca, client, pkcs12 }: BrowserOptions): Promise<Browser> {
  const home = mkdtempSync(join(tmpdir(), 'portcullis-browser-'));
  const file = (name: string): string => join(home, name);
  const database = `sql:${file('.pki/nssdb')}`;
  mkdirSync(file('.pki/nssdb'), { recursive: true });
  run('certutil', '-N', '-d', database, '--empty-password');
  writeFileSync(file('ca.pem'), ca);
  run('certutil', '-A', '-d', database, '-n', 'ca', '-t', 'C,,', '-i', file('ca.pem'));
  if (client !== undefined) {
    const { p12, password } = 'p12' in client ? client : exported(home, client);
    run('pk12util', '-i', p12, '-d', database, '-W', password);
  }
  if (pkcs12 !== undefined) run('pk12util', '-i', pkcs12.file, '-d', database, '-W', pkcs12.passphrase);
  mkdirSync(file('profile/Default'), { recursive: true });
  const choice = { [`${origin},*`]: { setting: { filters: [{}] } } };
  const preferences = { profile: { content_settings: { exceptions: { auto_select_certificate: choice } } } };
  writeFileSync(file('profile/Default/Preferences'), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(file('profile'), {
    executablePath: '/usr/bin/chromium',
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: file('config'), XDG_CACHE_HOME: file('cache') },
    args: offline,
  });
  const close = async (): Promise<void> => {
    await context.close();
    rmSync(home, { recursive: true, force: true });
  };
  return { context, close };
}

function exported(
  home: string,
  { certificate, key }: { readonly certificate: string; readonly key: string },
): { p12: string; password: string } {
  const [pem, p12, password] = [join(home, 'client.pem'), join(home, 'client.p12'), 'x'];
  writeFileSync(pem, certificate + key, { mode: 0o600 });
  run(
    'openssl',
    'pkcs12',
    '-export',
    '-in',
    pem,
    '-out',
    p12,
    '-passout',
    `pass:${password}`,
    '-name',
    'client',
  );
  return { p12, password };
}

const run = (command: string, ...args: string[]): void => void execFileSync(command, args, { stdio: 'pipe' });
