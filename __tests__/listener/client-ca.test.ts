import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ClientAuthOptions, createServer } from 'portcullis';
import type { Authority } from 'portcullis/pki';
import { createTestPki, request, type TestClient, type TestPki } from 'portcullis/testing';
import { plainPfx } from '../credentials/plain-pfx.ts';
import { closeAll } from './harness.ts';
import { type Refusal, thrown, wanted } from './refusal.ts';

let pki: TestPki;
let intermediate: Authority;
let der: Buffer;
let folder: string;

beforeAll(async () => {
  pki = await createTestPki();
  intermediate = await pki.authority.issueIntermediate({ subject: { CN: 'Departmental CA' } });
  der = new X509Certificate(pki.ca).raw;
  folder = mkdtempSync(join(tmpdir(), 'client-ca-'));
  for (const name of ['none', 'good', 'leaf']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'root.pem'), pki.ca);
  writeFileSync(join(folder, 'empty.pem'), '');
  writeFileSync(join(folder, 'garbage.pem'), 'garbage');
  writeFileSync(join(folder, 'good', 'root.crt'), der);
  writeFileSync(join(folder, 'good', 'README'), 'what is no certificate is left alone');
  writeFileSync(join(folder, 'leaf', 'server.pem'), pki.server.certificate);
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(closeAll);

const withCa = (ca: unknown): object => ({ clientAuth: { mode: 'optional', ca } });

describe('as clientAuth.ca, createServer refuses', () => {
  const path = 'clientAuth.ca';
  const none = /no fallback to the system's roots/;
  const forms = /PEM, as DER, or as \{ file \} or \{ directory \}/;
  it.each<Refusal>([
    ['nothing', () => withCa(undefined), 'CLIENT_CA_MISSING', path, none],
    ['null', () => withCa(null), 'CLIENT_CA_MISSING', path, none],
    ['an empty list', () => withCa([]), 'CLIENT_CA_MISSING', path, none],
    ['a list with a hole', () => withCa(Array.from({ length: 1 })), 'CLIENT_CA_MISSING', `${path}[0]`, none],
    [
      'a hole beside a CA',
      () => withCa(Object.assign([pki.ca], { length: 2 })),
      'CLIENT_CA_MISSING',
      `${path}[1]`,
      none,
    ],
    ['null beside a CA', () => withCa([pki.ca, null]), 'CLIENT_CA_MISSING', `${path}[1]`, none],
    ['an empty text', () => withCa(''), 'CLIENT_CA_MISSING', path, forms],
    ['white space', () => withCa(' \n'), 'CLIENT_CA_MISSING', path, forms],
    ['an empty text beside a CA', () => withCa([pki.ca, '']), 'CLIENT_CA_MISSING', `${path}[1]`, forms],
    ['an empty buffer', () => withCa(Buffer.alloc(0)), 'CLIENT_CA_MISSING', path, forms],
    ['garbage as text', () => withCa('garbage'), 'CLIENT_CA_INVALID', path, forms],
    [
      'the name of a file as text',
      () => withCa(join(folder, 'root.pem')),
      'CLIENT_CA_INVALID',
      path,
      /never taken as a file's name/,
    ],
    ['garbage as octets', () => withCa(Buffer.from('garbage')), 'CLIENT_CA_INVALID', path, forms],
    ['garbage that begins as DER', () => withCa(Buffer.from('0garbage')), 'CLIENT_CA_INVALID', path, forms],
    ['DER that was cut off', () => withCa(der.subarray(0, -1)), 'CLIENT_CA_INVALID', path, forms],
    [
      'DER with something after it',
      () => withCa(Buffer.concat([der, der])),
      'CLIENT_CA_INVALID',
      path,
      forms,
    ],
    ['DER read as text', () => withCa(der.toString('latin1')), 'CLIENT_CA_INVALID', path, forms],
    ['a PEM block that does not end', () => withCa(pki.ca.slice(0, -20)), 'CLIENT_CA_INVALID', path, forms],
    [
      'a damaged PEM block after a good one',
      () => withCa(pki.ca + pki.ca.slice(0, -20)),
      'CLIENT_CA_INVALID',
      path,
      forms,
    ],
    [
      'a PEM block that is no base64',
      () => withCa(pki.ca.replace('MII', '!!!')),
      'CLIENT_CA_INVALID',
      path,
      forms,
    ],
    [
      'a PEM block whose certificate is damaged',
      () => withCa(pki.ca.replace('MII', 'MIA')),
      'CLIENT_CA_INVALID',
      path,
      forms,
    ],
    ['a private key', () => withCa(pki.server.key), 'CLIENT_CA_INVALID', path, /Only certificates/],
    [
      'a private key behind the CA',
      () => withCa(pki.ca + pki.authority.key),
      'CLIENT_CA_INVALID',
      path,
      /Only certificates/,
    ],
    ['a CRL', () => withCa(pki.crl), 'CLIENT_CA_INVALID', path, /Only certificates/],
    [
      "a client's own certificate",
      () => withCa(pki.clients.good.certificate),
      'CLIENT_CA_INVALID',
      path,
      /requirePin/,
    ],
    [
      "a server's certificate in a bundle",
      () => withCa(pki.ca + pki.server.certificate),
      'CLIENT_CA_INVALID',
      path,
      /requirePin/,
    ],
    [
      'an intermediate without its root',
      () => withCa(intermediate.certificate),
      'CLIENT_CA_INVALID',
      path,
      /Add its root/,
    ],
    ['a number', () => withCa(1), 'OPTION_INVALID', path, /file, directory/],
    ['true', () => withCa(true), 'OPTION_INVALID', path, /file, directory/],
    ['an object with another key', () => withCa({ path: folder }), 'OPTION_UNKNOWN', `${path}.path`, /file/],
    ['an object without a key', () => withCa({}), 'CLIENT_CA_INVALID', path, forms],
    [
      'a file and a directory at once',
      () => withCa({ file: 'a', directory: 'b' }),
      'CLIENT_CA_INVALID',
      path,
      forms,
    ],
    [
      'a descriptor as file, as 0 waits for a terminal',
      () => withCa({ file: 0 }),
      'CLIENT_CA_INVALID',
      `${path}.file`,
      /path as text/,
    ],
    [
      'undefined as file',
      () => withCa({ file: undefined }),
      'CLIENT_CA_INVALID',
      `${path}.file`,
      /path as text/,
    ],
    [
      'an empty text as directory',
      () => withCa({ directory: '' }),
      'CLIENT_CA_INVALID',
      `${path}.directory`,
      /path as text/,
    ],
    [
      'a file that is not there',
      () => withCa({ file: join(folder, 'no.pem') }),
      'CLIENT_CA_INVALID',
      `${path}.file`,
      /exists/,
    ],
    [
      'a file that is a directory',
      () => withCa({ file: folder }),
      'CLIENT_CA_INVALID',
      `${path}.file`,
      /may read it/,
    ],
    [
      'an empty file',
      () => withCa({ file: join(folder, 'empty.pem') }),
      'CLIENT_CA_MISSING',
      `${path}.file`,
      forms,
    ],
    [
      'a file of garbage',
      () => withCa([pki.ca, { file: join(folder, 'garbage.pem') }]),
      'CLIENT_CA_INVALID',
      `${path}[1].file`,
      forms,
    ],
    [
      'a directory that is not there',
      () => withCa({ directory: join(folder, 'no') }),
      'CLIENT_CA_INVALID',
      `${path}.directory`,
      /exists/,
    ],
    [
      'an empty directory',
      () => withCa({ directory: join(folder, 'none') }),
      'CLIENT_CA_MISSING',
      path,
      none,
    ],
    [
      'a directory with what is no CA',
      () => withCa({ directory: join(folder, 'leaf') }),
      'CLIENT_CA_INVALID',
      `${path}.directory`,
      /requirePin/,
    ],
    [
      'a PFX that holds a CA, which Node would trust',
      () => ({ ...withCa(pki.ca), pfx: plainPfx(pki.server.key, pki.server.certificate, pki.ca) }),
      'PFX_CONTAINS_CA',
      'pfx',
      /key and cert instead/,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });
});

const status = async (ca: unknown, client: TestClient): Promise<number> => {
  const server = createServer(
    {
      key: pki.server.key,
      cert: pki.server.cert,
      clientAuth: { mode: 'required', ca } as ClientAuthOptions,
    },
    (_request, response) => response.end(),
  );
  return (await request(server).as(client).get('/')).status;
};

describe('with clientAuth.ca', () => {
  it.each<[string, () => unknown]>([
    ['in PEM', () => pki.ca],
    ['in PEM with comments around it', () => `# Our CA\n${pki.ca}# end\n`],
    ['in PEM with CRLF', () => pki.ca.replaceAll('\n', '\r\n')],
    ['in PEM as a buffer', () => Buffer.from(pki.ca)],
    ['in DER', () => der],
    ['in DER as Uint8Array', () => new Uint8Array(der)],
    ['in a list', () => [der]],
    ['twice', () => [pki.ca, pki.ca + pki.ca]],
    ['in a file', () => ({ file: join(folder, 'root.pem') })],
    ['in a directory', () => ({ directory: join(folder, 'good') })],
    ['with an intermediate beside it', () => intermediate.certificate + pki.ca],
  ])('%s, a client of the CA gets in and a stranger does not', async (_what, ca) => {
    await expect(status(ca(), pki.clients.good)).resolves.toBe(200);
    await expect(status(ca(), pki.clients.unknownCa)).rejects.toMatchObject({ code: expect.any(String) });
  });

  it('and a PFX without CA, a server serves', async () => {
    const server = createServer(
      { pfx: plainPfx(pki.server.key, pki.server.certificate), clientAuth: { mode: 'required', ca: pki.ca } },
      (_request, response) => response.end(),
    );
    expect((await request(server).as(pki.clients.good).get('/')).status).toBe(200);
  });
});
