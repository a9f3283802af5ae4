/**
 * What a CRL of 100,000 entries costs: to load, to keep, to ask. Times in ms and µs of one core, least of some runs.
 *
 *   npm run build && node --expose-gc dist/bench/revocation.js
 */
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createAuthority } from '../lib/pki/index.ts';
import { readRevocationLists, withRevocationLists } from '../lib/trust/revocation/crl-input.ts';
import { RevocationLists } from '../lib/trust/revocation/revocation.ts';
import { Certificate } from '../lib/x509/certificate.ts';
import { readPem } from '../lib/x509/pem.ts';

const entries = 100_000;
const lookUps = 1_000_000;
const read = (pem: string): Certificate => new Certificate(readPem(pem)![0]!.der);

const authority = await createAuthority();
const client = await authority.issueClientCertificate({ subject: 'client' });
const revoked = Array.from({ length: entries }, () => {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  return { serialNumber: serial.toString('hex'), reason: 'keyCompromise' as const };
});
const pem = Buffer.from(await authority.crl({ revoked }));
revoked.length = 0;
const { der } = readPem(pem.toString())![0]!;
const path = [read(client.certificate), read(authority.certificate)];

function least(rounds: number, run: () => void): number {
  let best = Infinity;
  for (let index = 0; index < rounds; index++) {
    const began = performance.now();
    run();
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

const print = (what: string, value: number, unit: string): void =>
  console.log(`${what.padEnd(34)} ${value.toFixed(value < 10 ? 2 : 0)} ${unit}`);

const first = performance.now();
readRevocationLists(der, 'crl');
print('first load from DER', performance.now() - first, 'ms');
print(
  'load from DER',
  least(5, () => void readRevocationLists(der, 'crl')),
  'ms',
);
print(
  'load from PEM',
  least(5, () => void readRevocationLists(pem, 'crl')),
  'ms',
);

for (const [what, input] of [
  ['DER', der],
  ['PEM', pem],
] as const) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  // Until the loop has turned once, nothing is measured.
  await new Promise((resolve) => void setTimeout(resolve, 20));
  delay.enable();
  await new Promise((resolve) => void setTimeout(resolve, 20));
  await withRevocationLists(input, 'crl', () => undefined);
  await new Promise((resolve) => void setTimeout(resolve, 20));
  delay.disable();
  print(`longest turn of the loop, from ${what}`, delay.max / 1e6, 'ms');
}

const used = (): number => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
};
const before = used();
const lists = readRevocationLists(der, 'crl');
print('kept', used() - before, 'MiB');

const revocation = new RevocationLists(lists, [path[1]!], {
  check: 'chain',
  unknown: 'by issuer',
  expired: 'deny',
});
const signature = performance.now();
revocation.check(path, Date.now());
print('first question, with the signature', performance.now() - signature, 'ms');
const [list] = lists;
print('look-up', (least(3, () => repeat(() => list!.revokes(path[0]!))) * 1000) / lookUps, 'µs');
const now = Date.now();
print(
  'judgement of a path',
  (least(3, () => repeat(() => revocation.check(path, now))) * 1000) / lookUps,
  'µs',
);

function repeat(run: () => unknown): void {
  for (let index = 0; index < lookUps; index++) run();
}
