import { createPrivateKey } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigError } from 'portcullis';
import type { KeyPair } from '../../lib/credentials/key-pair.ts';
import { loadKeyPairs, type NamedSource, readCertificateSources } from '../../lib/credentials/source.ts';
import type { OddCertificate } from '../support/odd-certificates.ts';
import { newKeys } from '../support/odd-keys.ts';
import { newFolder, removeFolders, serverCertificate } from './server-pairs.ts';

let one: OddCertificate;
let other: OddCertificate;
let folder: string;
let keyFile: string;
let certFile: string;

beforeAll(() => {
  one = serverCertificate(['one.test']);
  other = serverCertificate(['other.test'], 'ec-p256', { keys: newKeys('ec-p256') });
});
beforeEach(() => {
  folder = newFolder();
  keyFile = write('tls.key', one.key);
  certFile = write('tls.crt', one.certificate);
});
afterEach(removeFolders);

function write(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const source = (entry: unknown): NamedSource => readCertificateSources([{ load: () => ({}) }, entry])![1]!;
const load = (entry: unknown): readonly KeyPair[] => loadKeyPairs(source(entry)) as readonly KeyPair[];
const subjects = (pairs: readonly KeyPair[]): string[] =>
  pairs.flatMap(({ leaf }) => leaf.subjectAltNames.dns);

/** Code and path, the words of the problem too if they are asked for. */
function refusal(attempt: () => unknown): { code: string; path: string; message: string; remedy: string } {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('a bad state of the files is refused when it is loaded, and good again afterwards:', () => {
  it.each<[string, () => void, string, string]>([
    [
      'a certificate that came before its key',
      () => write('tls.crt', other.certificate),
      'KEY_MISMATCH',
      'certFile',
    ],
    ['a key that came before its certificate', () => write('tls.key', other.key), 'KEY_MISMATCH', 'certFile'],
    ['half a certificate', () => truncateSync(certFile, 200), 'CERTIFICATE_INVALID', 'certFile'],
    ['half a key', () => truncateSync(keyFile, 100), 'KEY_INVALID', 'keyFile'],
    ['an empty certificate', () => truncateSync(certFile), 'CERTIFICATE_INVALID', 'certFile'],
    ['an empty key', () => truncateSync(keyFile), 'KEY_INVALID', 'keyFile'],
    ['no key', () => rmSync(keyFile), 'KEY_INVALID', 'keyFile'],
    ['no certificate', () => rmSync(certFile), 'CERTIFICATE_INVALID', 'certFile'],
    ['a link to nowhere', () => (rmSync(keyFile), symlinkSync('nowhere', keyFile)), 'KEY_INVALID', 'keyFile'],
    ['a directory', () => (rmSync(certFile), mkdirSync(certFile)), 'CERTIFICATE_INVALID', 'certFile'],
    ['a device', () => (rmSync(keyFile), symlinkSync('/dev/zero', keyFile)), 'KEY_INVALID', 'keyFile'],
    ['a file without end', () => truncateSync(certFile, 2 ** 21), 'CERTIFICATE_INVALID', 'certFile'],
    [
      'the key in place of the certificate',
      () => write('tls.crt', one.key),
      'CERTIFICATE_INVALID',
      'certFile',
    ],
  ])('%s', (_what, spoil, code, part) => {
    const named = source({ keyFile, certFile });
    spoil();
    const { path, remedy, ...rest } = refusal(() => loadKeyPairs(named));
    expect({ code: rest.code, path }).toEqual({ code, path: `certificate[1].${part}` });
    expect(remedy).not.toMatch(/file name|`(key|cert)`/);
    for (const file of [keyFile, certFile]) rmSync(file, { recursive: true, force: true });
    write('tls.key', one.key);
    write('tls.crt', one.certificate);
    expect(subjects(loadKeyPairs(named) as KeyPair[])).toEqual(['one.test']);
  });

  it('a wrong passphrase', () => {
    const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' } as const;
    write('tls.key', createPrivateKey(one.key).export(cipher));
    expect(refusal(() => load({ keyFile, certFile, passphrase: 'wrong' }))).toMatchObject({
      code: 'KEY_INVALID',
      path: 'certificate[1].keyFile',
      message: expect.not.stringContaining('wrong'),
    });
  });

  it('a PFX that is none', () => {
    const pfxFile = write('tls.pfx', one.key);
    expect(refusal(() => load({ pfxFile }))).toMatchObject({
      code: 'PFX_INVALID',
      path: 'certificate[1].pfxFile',
    });
  });
});

describe('a watched source of files tells', () => {
  /** What it loads when it has told of a change. */
  async function told(change: () => void, when: 'before' | 'after'): Promise<string[]> {
    const named = source({ keyFile, certFile });
    void loadKeyPairs(named);
    let stop: (() => void) | undefined;
    if (when === 'before') change();
    const changed = new Promise<void>((settle) => (stop = named.source.watch!(settle)));
    if (when === 'after') change();
    await changed;
    stop!();
    return subjects(loadKeyPairs(named) as KeyPair[]);
  }
  const renew = (): void => {
    for (const [name, content] of [
      ['tls.key', other.key],
      ['tls.crt', other.certificate],
    ] as const) {
      renameSync(write(`${name}.new`, content), join(folder, name));
    }
  };

  it('what has changed between its last load and now', async () => {
    await expect(told(renew, 'before')).resolves.toEqual(['other.test']);
  });

  it('a change that comes later', async () => {
    await expect(told(renew, 'after')).resolves.toEqual(['other.test']);
  });
});
