import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, requireClientCertificate } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { recordDecisions } from 'portcullis/testing';
import { verifyPath } from '../../lib/trust/path.ts';
import { isProblem } from '../../lib/trust/problem.ts';
import { readCertificate } from '../../lib/x509/certificate.ts';
import { closeEverything, listen, open, speaking } from '../support/attacks.ts';
import { oddConstraints } from '../support/paths/odd-constraints.ts';
import { oddExtensions } from '../support/paths/odd-extension-paths.ts';
import { oddFields } from '../support/paths/odd-fields.ts';
import { oddKeys } from '../support/paths/odd-key-paths.ts';
import { oddPolicies } from '../support/paths/odd-policies.ts';
import { usualPaths } from '../support/paths/usual-paths.ts';
import { run } from './support/program.ts';
import { setUpStand, type Stand } from './support/stand.ts';

let stand: Stand;
let folder: string;
let usual: string;
let server: { readonly key: string; readonly cert: string };

beforeAll(async () => {
  stand = setUpStand();
  folder = dirname(stand.write('folder', ''));
  const { stdout } = await run('openssl', ['version', '-d']);
  usual = join(/"(.+)"/.exec(stdout)![1]!, 'openssl.cnf');
  const { key, chain } = await (await createAuthority()).issueServerCertificate({ names: ['localhost'] });
  server = { key, cert: chain };
});
afterEach(closeEverything);
afterAll(() => stand.close());

const file = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(file(name), 'utf8');

async function openssl(...args: string[]): Promise<void> {
  const { status, stderr } = await run('openssl', args);
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A root by `openssl req -x509`, and a client by `openssl x509 -req`, each with these lines of extensions. */
async function issue(name: string, ofRoot: string | undefined, ofClient: string | undefined): Promise<void> {
  const [root, client] = [`${name}-root`, `${name}-client`];
  const lines = `[req]\ndistinguished_name=dn\nx509_extensions=x\n[dn]\n[x]\n${ofRoot}\n`;
  const config = ['-config', ofRoot === undefined ? usual : stand.write(`${root}.cnf`, lines)];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    ...config,
    '-days',
    '30',
    '-subj',
    `/O=Example/CN=${root}`,
    '-keyout',
    file(`${root}.key`),
    '-out',
    file(`${root}.pem`),
  );
  await openssl(
    'req',
    '-new',
    ...newKey,
    ...config,
    '-subj',
    `/O=Example/CN=${client}`,
    '-keyout',
    file(`${client}.key`),
    '-out',
    file(`${client}.csr`),
  );
  const extensions =
    ofClient === undefined ? [] : ['-extfile', stand.write(`${client}.ext`, `${ofClient}\n`)];
  await openssl(
    'x509',
    '-req',
    '-in',
    file(`${client}.csr`),
    '-CA',
    file(`${root}.pem`),
    '-CAkey',
    file(`${root}.key`),
    '-CAcreateserial',
    '-days',
    '30',
    ...extensions,
    '-out',
    file(`${client}.pem`),
  );
}

/** What a listener and a route of its own answer to the client. */
async function answers(name: string): Promise<readonly unknown[]> {
  const ca = read(`${name}-root.pem`);
  const app = express()
    .get('/listener', requireClientCertificate(), (_incoming, response) => void response.end())
    .get('/route', requireClientCertificate({ ca }), (_incoming, response) => void response.end());
  const port = await listen(
    createServer({ ...server, clientAuth: { mode: 'optional', ca }, logger: false }, app),
  );
  const statuses: unknown[] = [];
  const events = await recordDecisions(async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = { key: read(`${name}-client.key`), cert: read(`${name}-client.pem`) };
      const wire = await open(port, { ...speaking(version), ...client, rejectUnauthorized: false });
      for (const path of ['/listener', '/route']) statuses.push((await wire.ask(path)).status);
      wire.close();
    }
  });
  return [
    ...statuses,
    ...new Set(events.flatMap((event) => (event.outcome === 'refuse' ? [event.detail] : []))),
  ];
}

const identified = 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid';
const ca = 'basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash';
const easyRsa = 'authorityKeyIdentifier=keyid:always,issuer:always';
const good: ReadonlyArray<readonly [string, string | undefined, string]> = [
  ['plain', undefined, 'authorityKeyIdentifier=keyid'],
  [
    'usual',
    undefined,
    `basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=clientAuth\n${identified}`,
  ],
  [
    'easy-rsa',
    `${ca}\n${easyRsa}\nkeyUsage=critical,cRLSign,digitalSignature,keyCertSign`,
    `basicConstraints=CA:FALSE\nsubjectKeyIdentifier=hash\n${easyRsa}\nextendedKeyUsage=clientAuth\nkeyUsage=digitalSignature`,
  ],
  [
    'mkcert',
    `${ca}\nkeyUsage=critical,keyCertSign`,
    'keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth,clientAuth\nauthorityKeyIdentifier=keyid\nsubjectAltName=email:a@example.org',
  ],
  [
    'path-length',
    `basicConstraints=critical,CA:TRUE,pathlen:0\nsubjectKeyIdentifier=hash\nkeyUsage=critical,keyCertSign,cRLSign`,
    `extendedKeyUsage=clientAuth\n${identified}\nsubjectAltName=URI:spiffe://example.org/a`,
  ],
  [
    'cloud',
    `${ca}\nkeyUsage=critical,digitalSignature,keyCertSign,cRLSign`,
    `basicConstraints=CA:FALSE\n${identified}\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\ncrlDistributionPoints=URI:http://crl.example.org/a.crl\nauthorityInfoAccess=OCSP;URI:http://ocsp.example.org,caIssuers;URI:http://example.org/ca.cer\ncertificatePolicies=1.2.3.4`,
  ],
  [
    'directory',
    `${ca}\nkeyUsage=cRLSign,keyCertSign\n1.3.6.1.4.1.311.21.1=DER:020100`,
    `keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=clientAuth,emailProtection,1.3.6.1.4.1.311.10.3.4\n${identified}\nsubjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:a@example.org\n1.3.6.1.4.1.311.21.7=DER:3000`,
  ],
  [
    'constrained',
    `${ca}\nkeyUsage=critical,keyCertSign\nnameConstraints=critical,permitted;DNS:example.org,permitted;email:example.org,permitted;URI:example.org,excluded;IP:0.0.0.0/0.0.0.0`,
    `extendedKeyUsage=clientAuth\n${identified}\nsubjectAltName=DNS:a.example.org,email:a@example.org,URI:spiffe://example.org/a`,
  ],
];

describe('clients of private CAs as openssl makes them', () => {
  it.each(good)('%s come in', async (name, ofRoot, ofClient) => {
    await issue(name, ofRoot, ofClient);
    expect(await answers(name)).toEqual([200, 200, 200, 200]);
  });

  it.each([
    ['without extensions', undefined, undefined, 'old-version'],
    [
      'without key identifiers',
      undefined,
      'extendedKeyUsage=clientAuth\nauthorityKeyIdentifier=none',
      'missing-key-identifier',
    ],
    [
      'outside',
      `${ca}\nnameConstraints=critical,permitted;DNS:example.org`,
      `${identified}\nsubjectAltName=DNS:a.example.com`,
      'name-constraints',
    ],
    ['that are CAs', undefined, `${identified}\nbasicConstraints=critical,CA:TRUE`, 'purpose'],
  ])('%s do not', async (name, ofRoot, ofClient, check) => {
    await issue(name, ofRoot, ofClient);
    const [, , , , ...details] = await answers(name);
    expect(details.join()).toContain(check);
  });
});

describe('OpenSSL', () => {
  const stricter: ReadonlySet<string> = new Set([
    // RFC 5280 4.2.1.3 wants a CA's key usage; the roots of `openssl req -x509` have none.
    'root: no key usage',
    // A client without any name is one that no rule names, and the RFC's section 4.1.2.6 demands a name of CAs only.
    'leaf: no name at all',
    // Before 3.5 it does not know ML-DSA.
    'leaf: an ML-DSA key',
  ]);
  const strictest = '-x509_strict -policy_check -policy 2.5.29.32.0 -purpose sslclient -auth_level 2'.split(
    ' ',
  );
  const corpus = [
    ...oddFields,
    ...oddExtensions,
    ...oddKeys,
    ...oddConstraints,
    ...oddPolicies,
    ...usualPaths,
  ];

  it('refuses nothing that is let in here, at its strictest', async () => {
    const accepted = corpus.filter(
      ({ path: { leaf, hints = [], anchors } }) =>
        !isProblem(
          verifyPath({
            leaf: leaf.der,
            hints: hints.map(({ der }) => der),
            anchors: anchors.flatMap(({ der }) => readCertificate(der) ?? []),
            at: Date.now(),
          }),
        ),
    );
    expect(accepted.length).toBeGreaterThan(75);
    const refused: string[] = [];
    for (const [index, { name, path }] of accepted.entries()) {
      const { leaf, hints = [], anchors } = path;
      const anchorFile = stand.write(
        `anchors-${index}.pem`,
        anchors.map(({ certificate }) => certificate).join(''),
      );
      const leafFile = stand.write(`leaf-${index}.pem`, leaf.certificate);
      const between = hints.map(({ certificate }) => certificate).join('');
      const untrusted = hints.length === 0 ? [] : ['-untrusted', stand.write(`hints-${index}.pem`, between)];
      const { status, stderr } = await run('openssl', [
        'verify',
        ...strictest,
        '-CAfile',
        anchorFile,
        ...untrusted,
        leafFile,
      ]);
      if (status !== 0 && !stricter.has(name)) refused.push(`${name}: ${stderr}`);
    }
    expect(refused).toEqual([]);
  });
});
