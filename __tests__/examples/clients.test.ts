import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { exampleClients } from '../../examples/clients.ts';

const day = 86_400_000;
let home: string;
const before = process.env['PORTCULLIS_HOME'];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'portcullis-clients-'));
  process.env['PORTCULLIS_HOME'] = home;
});

afterEach(() => {
  jest.restoreAllMocks();
  if (before === undefined) delete process.env['PORTCULLIS_HOME'];
  else process.env['PORTCULLIS_HOME'] = before;
  rmSync(home, { recursive: true, force: true });
});

test('the set is kept while it is good for a week, and made anew then', async () => {
  const first = await exampleClients();
  const end = Date.parse(new X509Certificate(first.pems.ops).validTo);
  const clock = jest.spyOn(Date, 'now').mockReturnValue(end - 7 * day);
  expect(await exampleClients()).toEqual(first);
  clock.mockReturnValue(end - 7 * day + 1000);
  const second = await exampleClients();
  expect(second.pems.ops).not.toBe(first.pems.ops);
  expect(second.pins).not.toEqual(first.pins);
  expect(await exampleClients()).toEqual(second);
  clock.mockRestore();
  // For today's clock the new set is not valid yet.
  expect(await exampleClients()).not.toEqual(second);
});

test.each([
  ['a file is gone', (file: string) => rmSync(file)],
  ['a file is cut off', (file: string) => truncateSync(file, 400)],
  ['a key belongs to another certificate', swapKey],
  ['a certificate is of another set', (file: string) => copy('unknown-ca', file)],
])('a set in which %s is made anew', async (_what, damage) => {
  const first = await exampleClients();
  damage(first.files.payments);
  const second = await exampleClients();
  expect(second.ca).not.toBe(first.ca);
  expect(new X509Certificate(second.pems.payments).verify(new X509Certificate(second.ca).publicKey)).toBe(
    true,
  );
});

test('two that start at once end up with the same set, and leave nothing else behind', async () => {
  const [one, other] = await Promise.all([exampleClients(), exampleClients()]);
  expect(other).toEqual(one);
  expect(readdirSync(join(home, 'development'))).toEqual(['example-clients']);
});

test('an impostor has the name of a good client, and not its issuer', async () => {
  const { ca, pems } = await exampleClients();
  const [good, impostor] = [new X509Certificate(pems.ops), new X509Certificate(pems['unknown-ca'])];
  expect(impostor.subject).toBe(good.subject);
  expect(impostor.subjectAltName).toBe('email:ops@example.org');
  expect(good.verify(new X509Certificate(ca).publicKey)).toBe(true);
  expect(impostor.verify(new X509Certificate(ca).publicKey)).toBe(false);
});

function swapKey(file: string): void {
  const [certificate] = readFileSync(file, 'utf8').split('-----BEGIN PRIVATE KEY-----');
  const [, key] = readFileSync(sibling(file, 'ops'), 'utf8').split('-----BEGIN PRIVATE KEY-----');
  writeFileSync(file, `${certificate}-----BEGIN PRIVATE KEY-----${key}`);
}

function copy(name: string, file: string): void {
  writeFileSync(file, readFileSync(sibling(file, name)));
}

const sibling = (file: string, name: string): string => join(file, '..', `${name}.pem`);
