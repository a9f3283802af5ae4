import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readPfx } from '../../lib/credentials/pfx/pfx.ts';

let directory: string;
const file = (name: string): string => join(directory, name);
const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: 'pipe' });

function selfSigned(name: string): void {
  const output = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`), '-subj', `/CN=${name}`];
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...output);
}

function exportPfx(passphrase: string, ...options: string[]): Buffer {
  const input = ['-inkey', file('server.key'), '-in', file('server.pem')];
  openssl(
    'pkcs12',
    '-export',
    ...input,
    '-passout',
    `pass:${passphrase}`,
    '-out',
    file('out.p12'),
    ...options,
  );
  return readFileSync(file('out.p12'));
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-pfx-'));
  selfSigned('server');
  selfSigned('other');
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

const tripleDes = ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'];

test.each([
  ['by default', 'secret', []],
  ['with triple DES', 'secret', tripleDes],
  ['with an empty passphrase', '', []],
  ['with an empty passphrase and triple DES', '', tripleDes],
  ['with a passphrase beyond ASCII', 'pässwörd€😀', []],
  ['with a passphrase beyond ASCII and triple DES', 'pässwörd€😀', tripleDes],
  ['with a friendly name', 'secret', ['-name', 'the server']],
  ['without encryption', 'secret', ['-certpbe', 'NONE', '-keypbe', 'NONE']],
  ['with a MAC of SHA-512', 'secret', ['-macalg', 'sha512']],
] as const)('what openssl exports %s is read, and read by Node', (_name, passphrase, options) => {
  const pfx = exportPfx(passphrase, ...options);
  expect(readPfx(pfx, passphrase, 'pfx').certificates.map(({ subject }) => subject['CN'])).toEqual([
    ['server'],
  ]);
  createSecureContext({ pfx, passphrase });
});

test('the certificates of -certfile follow the leaf', () => {
  const pfx = exportPfx('secret', '-certfile', file('other.pem'));
  const names = readPfx(pfx, 'secret', 'pfx').certificates.map(({ subject }) => subject['CN']?.[0]);
  expect(names).toEqual(['server', 'other']);
});

test('a file that openssl refuses for its passphrase is refused', () => {
  const pfx = exportPfx('secret');
  expect(() => createSecureContext({ pfx, passphrase: 'another' })).toThrow('mac verify failure');
  expect(() => readPfx(pfx, 'another', 'pfx')).toThrow('the passphrase does not open it');
});
