import { createPrivateKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigError } from 'portcullis';
import type { KeyPair } from '../../lib/credentials/key-pair.ts';
import { loadKeyPairs, type NamedSource, readCertificateSources } from '../../lib/credentials/source.ts';
import type { OddCertificate } from '../support/odd-certificates.ts';
import { newKeys } from '../support/odd-keys.ts';
import { plainPfx } from './plain-pfx.ts';
import { newFolder, removeFolders, serverCertificate } from './server-pairs.ts';

let one: OddCertificate;
let other: OddCertificate;
let rsa: OddCertificate;
let folder: string;
let keyFile: string;
let certFile: string;

beforeAll(() => {
  one = serverCertificate(['one.test']);
  other = serverCertificate(['other.test'], 'ec-p256', { keys: newKeys('ec-p256') });
  rsa = serverCertificate(['one.test'], 'rsa-2048');
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

describe('a certificate is loaded from', () => {
  const encrypted = (): string =>
    createPrivateKey(one.key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct horse' })
      .toString();

  it.each<[string, () => unknown, string]>([
    ['a key and a certificate', () => ({ keyFile, certFile }), 'certificate[1].certFile'],
    [
      'an encrypted key',
      () => ({ keyFile: write('e.key', encrypted()), certFile, passphrase: 'correct horse' }),
      'certificate[1].certFile',
    ],
    [
      'a certificate in DER',
      () => ({ keyFile, certFile: write('tls.der', one.der) }),
      'certificate[1].certFile',
    ],
    [
      'a PFX',
      () => ({ pfxFile: write('tls.pfx', plainPfx(one.key, one.certificate)) }),
      'certificate[1].pfxFile',
    ],
    [
      'a source of one’s own',
      () => ({ load: () => ({ key: one.key, cert: one.certificate }) }),
      'certificate[1].load().cert',
    ],
    [
      'a source that is an object of a class',
      () =>
        new (class {
          readonly #cert = one.certificate;
          load(): unknown {
            return { key: one.key, cert: this.#cert };
          }
        })(),
      'certificate[1].load().cert',
    ],
  ])('%s', (_what, entry, path) => {
    const pairs = load(entry());
    expect(subjects(pairs)).toEqual(['one.test']);
    expect(pairs[0]!.path).toBe(path);
  });

  it('a source that gives RSA and ECDSA', () => {
    const material = { key: [rsa.key, one.key], cert: [one.certificate, rsa.certificate] };
    expect(load({ load: () => material }).map(({ path }) => path)).toEqual([
      'certificate[1].load().cert[0]',
      'certificate[1].load().cert[1]',
    ]);
  });

  it('a source that takes its time, as a promise', async () => {
    const loading = loadKeyPairs(source({ load: async () => ({ key: one.key, cert: one.certificate }) }));
    expect(loading).toBeInstanceOf(Promise);
    expect(subjects(await loading)).toEqual(['one.test']);
  });

  it('its files anew each time, wherever the process has gone', () => {
    const named = source({ keyFile: relative(process.cwd(), keyFile), certFile });
    expect(named.files).toEqual([keyFile, certFile]);
    expect(subjects(loadKeyPairs(named) as KeyPair[])).toEqual(['one.test']);
    write('tls.key', other.key);
    write('tls.crt', other.certificate);
    expect(subjects(loadKeyPairs(named) as KeyPair[])).toEqual(['other.test']);
  });
});

describe('an entry is refused at once', () => {
  it.each<[string, unknown, string, string]>([
    ['without its certificate', { keyFile: 'a' }, 'OPTION_INVALID', 'certificate[1].certFile'],
    ['with a descriptor', { keyFile: 0, certFile: 'a' }, 'OPTION_INVALID', 'certificate[1].keyFile'],
    ['with an empty path', { keyFile: 'a', certFile: '' }, 'OPTION_INVALID', 'certificate[1].certFile'],
    ['with a NUL in a path', { pfxFile: 'a\0b' }, 'OPTION_INVALID', 'certificate[1].pfxFile'],
    ['with a misspelt key', { keyFile: 'a', certfile: 'b' }, 'OPTION_UNKNOWN', 'certificate[1].certfile'],
    [
      'with files of both kinds',
      { pfxFile: 'a', certFile: 'b' },
      'OPTION_UNKNOWN',
      'certificate[1].certFile',
    ],
    [
      'with a passphrase that is none',
      { pfxFile: 'a', passphrase: 1 },
      'OPTION_INVALID',
      'certificate[1].passphrase',
    ],
    ['that is a file name', 'tls.pem', 'OPTION_INVALID', 'certificate[1]'],
    ['that is nothing', null, 'OPTION_INVALID', 'certificate[1]'],
    ['that has no way to load', {}, 'OPTION_INVALID', 'certificate[1]'],
    ['with key and cert', { key: 'a', cert: 'b' }, 'OPTION_UNKNOWN', 'certificate[1].key'],
    ['whose load is no function', { load: 'now' }, 'OPTION_INVALID', 'certificate[1]'],
    [
      'whose watch is no function',
      { load: () => ({}), watch: true },
      'OPTION_INVALID',
      'certificate[1].watch',
    ],
  ])('%s', (_what, entry, code, path) => {
    expect(refusal(() => source(entry))).toMatchObject({ code, path });
  });

  it('if there is none', () => {
    expect(refusal(() => readCertificateSources([]))).toMatchObject({ code: 'CERTIFICATE_MISSING' });
    expect(readCertificateSources(undefined)).toBeUndefined();
  });

  it('by the path of the only one', () => {
    expect(refusal(() => readCertificateSources({ keyFile: 'a' })).path).toBe('certificate.certFile');
  });
});

describe('a source of one’s own is refused where it', () => {
  const broken = new Error('vault sealed');

  it.each<[string, () => unknown, string, string]>([
    [
      'throws',
      () => {
        throw broken;
      },
      'CERTIFICATE_MISSING',
      'certificate[1]',
    ],
    ['rejects', async () => Promise.reject(broken), 'CERTIFICATE_MISSING', 'certificate[1]'],
    ['gives nothing', () => undefined, 'OPTION_INVALID', 'certificate[1].load()'],
    ['gives an empty object', () => ({}), 'CERTIFICATE_MISSING', 'certificate[1]'],
    [
      'gives something else',
      async () => ({ keyFile: 'a' }),
      'OPTION_UNKNOWN',
      'certificate[1].load().keyFile',
    ],
    ['gives a key only', () => ({ key: one.key }), 'CERTIFICATE_MISSING', 'certificate[1].load().cert'],
    [
      'gives two of one type',
      () => ({ key: [one.key, other.key], cert: [one.certificate, other.certificate] }),
      'OPTION_CONFLICT',
      'certificate[1].load().cert',
    ],
  ])('%s', async (_what, give, code, path) => {
    const loading = async (): Promise<unknown> => loadKeyPairs(source({ load: give }));
    await expect(loading()).rejects.toMatchObject({ name: 'ConfigError', code, path });
  });

  it('fails, with what it said as the cause', () => {
    const { message, cause } = refusal(() =>
      load({
        load: () => {
          throw broken;
        },
      }),
    ) as unknown as Error;
    expect(message).toMatch(/vault sealed/);
    expect(cause).toBe(broken);
  });
});
