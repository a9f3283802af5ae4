import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions } from 'portcullis';
import { type Authority, createAuthority } from 'portcullis/pki';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { readClientAuth, withListsOf } from '../../lib/listener/client-auth.ts';
import { readPem } from '../../lib/x509/pem.ts';
import { type Refusal, thrown, wanted } from '../listener/refusal.ts';
import { oddAuthority } from '../support/odd-certificates.ts';
import {
  certificateIssuer,
  crlExtension,
  deltaIndicator,
  distribution,
  oddCrl,
  type OddCrl,
  pemOf,
} from '../support/odd-crls.ts';

let pki: TestPki;
let root: Authority;
let other: Authority;
let der: Buffer;
let folder: string;

beforeAll(async () => {
  pki = await createTestPki();
  root = pki.authority;
  other = await createAuthority();
  der = readPem(pki.crl)![0]!.der;
  folder = mkdtempSync(join(tmpdir(), 'crl-'));
  for (const name of ['none', 'lists']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'root.pem'), pki.crl);
  writeFileSync(join(folder, 'lists', 'root.crl'), der);
  writeFileSync(join(folder, 'lists', 'README'), 'what is no list is left alone');
});
afterAll(() => rmSync(folder, { recursive: true }));

const withCrl = (crl: unknown, revocation?: unknown): object => ({
  clientAuth: { mode: 'optional', ca: pki.ca, crl, ...(revocation !== undefined && { revocation }) },
});
const odd = (options: OddCrl): object => withCrl(oddCrl(root, options));
const entry = (...extensions: Buffer[]): object => odd({ entries: [{ serial: '05', extensions }] });

const path = 'clientAuth.crl';
const forms = /PEM, as DER, or as \{ file \} or \{ directory \}/;
const unknownExtension = (): Buffer => crlExtension('1.2.3.4', Buffer.of(5, 0), true);

describe('as clientAuth.crl, createServer refuses', () => {
  it.each<Refusal>([
    ['null', () => withCrl(null), 'CRL_MISSING', path, forms],
    ['an empty list', () => withCrl([]), 'CRL_MISSING', path, /nobody is revoked/],
    ['an empty text', () => withCrl(''), 'CRL_MISSING', path, forms],
    [
      'an empty buffer beside a list',
      () => withCrl([der, Buffer.alloc(0)]),
      'CRL_MISSING',
      `${path}[1]`,
      forms,
    ],
    ['an empty directory', () => withCrl({ directory: join(folder, 'none') }), 'CRL_MISSING', path, forms],
    [
      'a file that is not there',
      () => withCrl({ file: join(folder, 'no') }),
      'CRL_INVALID',
      `${path}.file`,
      /exists/,
    ],
    ['garbage', () => withCrl('garbage'), 'CRL_INVALID', path, forms],
    ['a certificate', () => withCrl(pki.ca), 'CRL_INVALID', path, /Only CRLs/],
    ['a certificate in DER', () => withCrl(readPem(pki.ca)![0]!.der), 'CRL_INVALID', path, forms],
    ['a list that was cut off', () => withCrl(der.subarray(0, -1)), 'CRL_INVALID', path, forms],
    ['a list with something after it', () => withCrl(Buffer.concat([der, der])), 'CRL_INVALID', path, forms],
    [
      'a damaged list in a bundle',
      () => withCrl(pki.crl + pki.crl.slice(0, -30)),
      'CRL_INVALID',
      path,
      forms,
    ],
    [
      'a list with the name of its CA and another key',
      () => odd({ key: other.key }),
      'CRL_INVALID',
      path,
      /Fetch/,
    ],
    ['a list signed over SHA-1', () => odd({ hash: 'sha1' }), 'CRL_INVALID', path, /Fetch/],
    [
      'a list of a CA that may not sign any',
      () => {
        const certSignOnly = oddAuthority({
          extensions: { keyUsage: crlExtension('2.5.29.15', Buffer.of(3, 2, 2, 4), true) },
        });
        const { certificate, keys } = certSignOnly;
        const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
        const crl = oddCrl({ certificate, key } as Authority);
        return { clientAuth: { mode: 'optional', ca: certificate, crl } };
      },
      'CRL_INVALID',
      path,
      /Fetch/,
    ],
    [
      'two different algorithms',
      () => odd({ outerAlgorithm: Buffer.of(0x30, 0) }),
      'CRL_INVALID',
      path,
      forms,
    ],
    ['an unknown version', () => odd({ version: 2 }), 'CRL_INVALID', path, forms],
    [
      'extensions in version 1',
      () => odd({ version: null, extensions: [deltaIndicator] }),
      'CRL_INVALID',
      path,
      forms,
    ],
    ['an unknown field', () => odd({ trailing: Buffer.of(5, 0) }), 'CRL_INVALID', path, forms],
    ['a list that never runs out', () => odd({ nextUpdate: null }), 'CRL_INVALID', path, /with a date/],
    ['one that ran out before it began', () => odd({ nextUpdate: new Date(0) }), 'CRL_INVALID', path, forms],
    ['a delta', () => odd({ extensions: [deltaIndicator] }), 'CRL_INVALID', path, /complete/],
    ['an indirect one', () => odd({ extensions: [distribution.indirect] }), 'CRL_INVALID', path, /own list/],
    ['an indirect entry', () => entry(certificateIssuer), 'CRL_INVALID', path, /own list/],
    [
      'one for some reasons',
      () => odd({ extensions: [distribution.someReasons] }),
      'CRL_INVALID',
      path,
      /every reason/,
    ],
    [
      'one of attribute certificates',
      () => odd({ extensions: [distribution.attribute] }),
      'CRL_INVALID',
      path,
      /public-key/,
    ],
    ['one for nobody', () => odd({ extensions: [distribution.contradictory] }), 'CRL_INVALID', path, /Ask/],
    [
      'one of a relative name',
      () => odd({ extensions: [distribution.relative] }),
      'CRL_INVALID',
      path,
      /full name/,
    ],
    [
      'an unknown critical extension',
      () => odd({ extensions: [unknownExtension()] }),
      'CRL_INVALID',
      path,
      /without/,
    ],
    ['an entry with one', () => entry(unknownExtension()), 'CRL_INVALID', path, /without/],
    [
      'a reason that is none',
      () => entry(crlExtension('2.5.29.21', Buffer.of(5, 0))),
      'CRL_INVALID',
      path,
      forms,
    ],
    ['revocation without a list', () => withCrl(undefined, {}), 'CRL_MISSING', path, /leave revocation out/],
    [
      'a misspelt key',
      () => withCrl(der, { chek: 'leaf' }),
      'OPTION_UNKNOWN',
      'clientAuth.revocation.chek',
      /check/,
    ],
    [
      'a bad check',
      () => withCrl(der, { check: 'all' }),
      'OPTION_INVALID',
      'clientAuth.revocation.check',
      /leaf/,
    ],
    [
      'a bad unknown',
      () => withCrl(der, { unknown: true }),
      'OPTION_INVALID',
      'clientAuth.revocation.unknown',
      /allow/,
    ],
    [
      'a bad expired',
      () => withCrl(der, { expired: 'alow' }),
      'OPTION_INVALID',
      'clientAuth.revocation.expired',
      /allow/,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });

  it('and takes an unknown extension that is not critical', () => {
    const extensions = [crlExtension('1.2.3.4', Buffer.of(5, 0))];
    const crl = oddCrl(root, {
      extensions,
      entries: [
        { serial: '05', extensions },
        { serial: '06', extensions: [] },
      ],
    });
    expect(createServer({ ...pki.server, ...withCrl(crl) } as PortcullisOptions)).toBeDefined();
  });
});

describe('clientAuth.crl is read', () => {
  it.each<[string, () => unknown, number]>([
    ['from PEM', () => pki.crl, 1],
    ['from PEM in a buffer', () => Buffer.from(pki.crl), 1],
    ['from DER', () => der, 1],
    ['from DER in a Uint8Array', () => new Uint8Array(der), 1],
    ['from a bundle, every list of it', () => pki.crl + pemOf(oddCrl(other)) + pemOf(oddCrl(root)), 3],
    ['from a list, each once', () => [der, pki.crl, oddCrl(other)], 2],
    ['from a file', () => ({ file: join(folder, 'root.pem') }), 1],
    ['from a directory', () => ({ directory: join(folder, 'lists') }), 1],
  ])('%s', (_what, crl, count) => {
    const { trust } = readClientAuth({ mode: 'optional', ca: pki.ca, crl: crl() })!;
    expect(trust.revocation?.lists).toHaveLength(count);
  });

  it('little by little for a reload, and then is at hand', async () => {
    const option = { mode: 'optional', ca: pki.ca, crl: [pki.crl, oddCrl(other)] };
    const listsOf = (): readonly unknown[] => readClientAuth(option)!.trust.revocation!.lists;
    const [first, second] = await withListsOf(option, () => [listsOf(), listsOf()]);
    expect(first).toHaveLength(2);
    expect(first.every((list, index) => list === second[index])).toBe(true);
    expect(listsOf()[0] === first[0]).toBe(false);
    await expect(withListsOf({ ...option, crl: [] }, listsOf)).rejects.toMatchObject({ code: 'CRL_MISSING' });
    expect(await withListsOf(undefined, () => 'none')).toBe('none');
  });

  it('as it was, whatever becomes of the buffer that was given', () => {
    const given = Buffer.from(der);
    const { trust } = readClientAuth({ mode: 'optional', ca: pki.ca, crl: given })!;
    const same = readClientAuth({ mode: 'optional', ca: pki.ca, crl: pki.crl })!.trust;
    given.fill(0);
    expect(trust.fingerprint).toBe(same.fingerprint);
    expect(trust.revocation?.lists[0]?.isSignedBy(trust.anchors[0]!)).toBe(true);
  });
});
