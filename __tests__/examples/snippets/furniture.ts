import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestPki } from 'portcullis/testing';
import { run } from '../../interop/support/program.ts';

/** The files that every page finds in its folder, all of one CA. */
export async function makeFurniture(): Promise<Furniture> {
  const pki = await createTestPki();
  const names = [
    'localhost',
    'example.org',
    '*.example.org',
    'app.internal',
    'orders.internal',
    '127.0.0.1',
    '::1',
  ];
  const [server, shop, client] = await Promise.all([
    pki.issueServer({ names }),
    pki.issueServer({ names: ['shop.example.com'] }),
    pki.issueClient({
      subject: { CN: 'alice' },
      names: { email: ['alice@example.org'], uri: ['spiffe://example.org/workload'] },
    }),
  ]);
  const roots = [
    'ca',
    'clients-ca',
    'server-ca',
    'app-ca',
    'proxies-ca',
    'partners-ca',
    'devices-ca',
    'my-ca',
  ];
  return Object.freeze({
    ...Object.fromEntries(roots.map((name) => [`${name}.pem`, pki.ca])),
    'server.key': server.key,
    'server.pem': server.cert,
    'key.pem': server.key,
    'cert.pem': server.cert,
    'client.key': client.key,
    'client.pem': client.cert,
    'clients.crl': pki.crl,
    'crl/clients.crl': pki.crl,
    'crl/ca.crl': pki.crl,
    'shop.pfx': await pfxOf(shop),
    'client.p12': await pfxOf(client),
  });
}

/** By openssl, with the passphrase `secret`. */
async function pfxOf({ key, cert }: { key: string; cert: string }): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'furniture-'));
  try {
    writeFileSync(join(folder, 'both.pem'), key + cert);
    const args = ['pkcs12', '-export', '-in', 'both.pem', '-passout', 'pass:secret', '-out', 'it.p12'];
    const { status, stderr } = await run('openssl', args, { cwd: folder });
    if (status !== 0) throw new Error(stderr);
    return readFileSync(join(folder, 'it.p12'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export type Furniture = Readonly<Record<string, string | Buffer>>;

/** What one page needs besides: files, others under a second name, variables, other words in the place of some. */
export interface Settings {
  readonly files?: Readonly<Record<string, string>>;
  readonly copies?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** What else listens: by the documented port, the real one, or the path of a Unix socket. */
  readonly ports?: Readonly<Record<string, number | string>>;
  readonly instead?: Readonly<Record<string, string>>;
}
