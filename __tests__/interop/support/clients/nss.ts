import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportPkcs12 } from '../browser.ts';
import { must, run } from '../program.ts';
import {
  type Answer,
  type Ask,
  type Client,
  eachAlone,
  exporterLabel,
  type Identity,
  readAnswer,
  requestText,
  type Result,
  type Version,
} from './client.ts';

const versions: Readonly<Record<Version, string>> = {
  TLSv1: 'tls1.0',
  'TLSv1.1': 'tls1.1',
  'TLSv1.2': 'tls1.2',
  'TLSv1.3': 'tls1.3',
};
/** What tstclnt calls them: SSL 3.3 and 3.4. */
const numbers: Readonly<Record<string, string>> = {
  '3.1': 'TLSv1',
  '3.2': 'TLSv1.1',
  '3.3': 'TLSv1.2',
  '3.4': 'TLSv1.3',
};

const codes: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_GCM_SHA256: ':009C',
};

/** Files of PEM as NSS wants them: one database for each identity, with the CA. */
class Databases {
  readonly #folder = mkdtempSync(join(tmpdir(), 'portcullis-nss-'));
  readonly #made = new Map<string, Promise<string>>();
  #requests = 0;

  of({ ca, identity }: Ask): Promise<string> {
    const name = `${ca} ${identity?.cert}`;
    const known = this.#made.get(name) ?? this.#make(String(this.#made.size), ca, identity);
    this.#made.set(name, known);
    return known;
  }

  async #make(name: string, ca: string, identity: Identity | undefined): Promise<string> {
    const folder = join(this.#folder, name);
    const database = `sql:${folder}`;
    mkdirSync(folder);
    await must('certutil', '-N', '-d', database, '--empty-password');
    await must('certutil', '-A', '-d', database, '-n', 'ca', '-t', 'C,,', '-i', ca);
    if (identity !== undefined) {
      const file = join(folder, 'client.p12');
      await exportPkcs12(identity, 'client', file, 'x');
      await must('pk12util', '-i', file, '-d', database, '-W', 'x');
    }
    return database;
  }

  /** A file, as the second of two connections finds no more in standard input. */
  request(ask: Ask): string {
    const file = join(this.#folder, `request-${(this.#requests += 1)}`);
    writeFileSync(file, requestText(ask));
    return file;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

async function answerTo(question: Ask, databases: Databases): Promise<Result> {
  const { port, serverName, version, identity, ciphers, again } = question;
  const args = [
    '-h',
    '127.0.0.1',
    '-a',
    serverName,
    '-p',
    String(port),
    '-d',
    await databases.of(question),
    '-V',
    `${versions[version]}:${versions[version]}`,
    '-A',
    databases.request(question),
    '-v',
    '-C',
    '-x',
    `${exporterLabel}:32`,
    ...(identity === undefined ? [] : ['-n', 'client']),
    // With tickets, two connections.
    ...(again === undefined ? [] : ['-u', '-L', '2']),
    ...(ciphers === undefined ? [] : ['-c', ciphers.map((name) => codes[name]).join('')]),
  ];
  const { stdout, stderr } = await run('tstclnt', args);
  const answer = readAnswer(stdout);
  return answer === undefined ? { refused: stderr } : { answer: { ...answer, ...facts(stdout, stderr) } };
}

/** Of the last connection. */
function facts(stdout: string, stderr: string): Omit<Answer, 'status' | 'body'> {
  const said = stdout + stderr;
  const last = (pattern: RegExp): string | undefined => [...said.matchAll(pattern)].at(-1)?.[1];
  const protocol = numbers[last(/SSL version ([\d.]+) using/g) ?? ''];
  if (protocol === undefined) throw new Error(`no version in: ${said}`);
  const keyingMaterial = last(/Keying Material:\n((?:\s+[0-9a-f:]+){2})/g);
  const fingerprint = /Fingerprint \(SHA-256\):\s+([0-9A-F:]+)/.exec(said)?.[1];
  return {
    protocol,
    // '128-bit AES-GCM'.
    cipher: last(/using (\d+-bit \S+) /g)!.replace(/(\d+)-bit AES/, 'AES-$1'),
    resumed: Number(last(/^(\d+) stateless resumes/gm)) > 0,
    ...(keyingMaterial !== undefined && {
      keyingMaterial: keyingMaterial.replaceAll(/[^0-9a-f]/g, '').toUpperCase(),
    }),
    ...(fingerprint !== undefined && { serverFingerprint: fingerprint.replaceAll(':', '').toLowerCase() }),
  };
}

/** Its client offers no ALPN. */
export const nss: Client = {
  name: 'NSS',
  https: ['h1'],
  old: ['TLSv1', 'TLSv1.1'],
  weak: true,
  sessions: 'same',
  ask: async (asks) => {
    const databases = new Databases();
    try {
      return await eachAlone((one) => answerTo(one, databases))(asks);
    } finally {
      databases.close();
    }
  },
};
