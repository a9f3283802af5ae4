import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture } from './capture.ts';
import { serverName } from './certificates.ts';
import type { Target } from './targets.ts';

/** All of nmap's scripts that look at TLS. */
export const scripts = [
  'ssl-ccs-injection',
  'ssl-cert',
  'ssl-cert-intaddr',
  'ssl-date',
  'ssl-dh-params',
  'ssl-enum-ciphers',
  'ssl-heartbleed',
  'ssl-known-key',
  'ssl-poodle',
  'sslv2',
  'sslv2-drown',
  'tls-alpn',
  'tls-nextprotoneg',
  'tls-ticketbleed',
] as const;

/** What each script says, a line for each finding; a script that says nothing has none. */
export type Nmap = Readonly<Record<string, readonly string[]>>;

/** nmap's word on one server. As root, for tls-ticketbleed reads a ticket off the wire. */
export async function nmap({ name, port }: Target, directory: string): Promise<Nmap> {
  const report = join(directory, `nmap-${name}.xml`);
  const said = await capture('nmap', [
    '-Pn',
    '-n',
    '-p',
    String(port),
    '-oX',
    report,
    '--script',
    // A plus sign: whatever nmap takes the port for.
    scripts.map((script) => `+${script}`).join(','),
    '--script-args',
    // showall: what is not vulnerable is told, so that a check that did not take place is missed.
    `vulns.showall,tls.servername=${serverName},ssl-known-key.fingerprintfile=${knownKeys(directory)}`,
    '127.0.0.1',
  ]);
  const xml = readFileSync(report, 'utf8');
  if (!xml.includes('exit="success"')) throw new Error(`nmap has failed: ${said}`);
  return Object.fromEntries(
    [...xml.matchAll(/<script id="([^"]*)" output="([^"]*)"/g)].map(([, id, output]) => [
      id!,
      findings(plain(output!)).toSorted(),
    ]),
  );
}

/** A list of certificates whose key everybody has; the control's is on it. */
function knownKeys(directory: string): string {
  const file = join(directory, 'known-keys.txt');
  const { fingerprint } = new X509Certificate(readFileSync(join(directory, 'weak.pem')));
  writeFileSync(file, `[a key that everybody has]\n${fingerprint.replaceAll(':', '')}\n`);
  return file;
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

const plain = (output: string): string =>
  output
    .replaceAll(/&#(x?)([\da-f]+);/gi, (_whole, hex: string, code: string) =>
      String.fromCodePoint(Number.parseInt(code, hex === '' ? 10 : 16)),
    )
    .replaceAll(/&(lt|gt|quot|apos|amp);/g, (_whole, entity: string) => entities[entity]!);

/** What differs from run to run: dates, fingerprints; and what nmap teaches about a vulnerability. */
const passing = /^(?:Not valid|MD5:|SHA-1:|vulns: (?!\S+ state:))/;
const print = / \(SHA-1: [\da-f]{40}\)$/;

/** The verdicts, where a script gives verdicts; else every line, with the headings that it stands under. */
function findings(output: string): string[] {
  const verdicts = [...output.matchAll(/^ *(\S.*)\n *State: (.*)$/gm)];
  if (verdicts.length > 0)
    return verdicts.map(([, title, state]) => `${title!.slice(0, 60).trim()}: ${state}`);
  const headings: Array<{ readonly depth: number; readonly text: string }> = [];
  return output.split('\n').flatMap((line) => {
    const text = line.trim();
    const depth = line.length - line.trimStart().length;
    while ((headings.at(-1)?.depth ?? -1) >= depth) headings.pop();
    if (text === '') return [];
    if (!text.endsWith(':')) {
      const finding = [...headings.map((heading) => heading.text), text].join(' ').replace(print, '');
      return passing.test(finding) ? [] : [finding];
    }
    headings.push({ depth, text });
    return [];
  });
}
