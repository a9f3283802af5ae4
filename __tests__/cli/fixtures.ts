import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, createRequest, exportPkcs12 } from '../../lib/pki/index.ts';
import { oddCertificate } from '../support/odd-certificates.ts';
import { commonName } from '../support/odd-names.ts';

/** A folder as a user has it: certificates, keys, an app. */
export interface UserFolder {
  readonly path: string;
  /** PEM of the CA that has issued `server.pem` and `client.pem`. */
  readonly ca: string;
  readonly client: { readonly key: string; readonly cert: string };
  readonly remove: () => void;
}

/** The passphrase of `server.p12`. */
const passphrase = 'open sesame';

/** Strange, and legal: an escape sequence, a line end, an override of the reading order. */
const strangeName = 'a\u001b[31mred\nsha256/forged\u202egpj';

export async function makeUserFolder(): Promise<UserFolder> {
  const authority = await createAuthority({ subject: { CN: 'Our clients' } });
  const [server, client, request] = await Promise.all([
    authority.issueServerCertificate({ names: ['localhost', '127.0.0.1'] }),
    authority.issueClientCertificate({ subject: { CN: 'alice' } }),
    createRequest({ subject: { CN: 'backup.example.org' }, names: ['backup.example.org'] }),
  ]);
  const path = mkdtempSync(join(tmpdir(), 'portcullis-cli-'));
  const publicKey = createPublicKey(server.key).export({ type: 'spki', format: 'pem' });
  const pair = { key: server.key, cert: server.chain };
  const files: Readonly<Record<string, string | Buffer>> = {
    'server.pem': server.chain,
    'server.key': server.key,
    'server.pub': publicKey,
    'encrypted.key': createPrivateKey(server.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase,
    }),
    'clients-ca.pem': authority.root,
    'client.pem': client.chain,
    'client.key': client.key,
    'strange.pem': oddCertificate({ subject: commonName(strangeName) }).certificate,
    'backup.csr': request.request,
    'server.p12': await exportPkcs12({ key: server.key, chain: server.chain, passphrase, iterations: 2048 }),
    'passphrase.txt': `${passphrase}\n`,
    'empty.txt': '',
    'words.txt': 'nothing of the kind\n',
    'half.pem': server.chain.slice(0, 200),
    'app.mjs': 'export default (request, response) => void response.end("hello from the app");\n',
    'nothing.mjs': 'export const colour = "red";\n',
    'factory.mjs': 'export default () => "an app";\n',
    'thrower.mjs': 'throw new Error("the database is away");\n',
    'rejects.mjs': 'export default Promise.reject(new Error("the vault is sealed"));\n',
    'needs.mjs': "import 'no-such-package-here';\n",
    'options.json': JSON.stringify({ ...pair, dangerouslySecurityLevel: 1 }),
    'server.mjs': `import { createServer } from '${import.meta.resolve('../../lib/listener/create-server.ts')}';
export const server = createServer(${JSON.stringify(pair)});\n`,
    'promised.mjs': `export default Promise.resolve(${JSON.stringify(pair)});\n`,
    'broken.json': '{ "key": "-----BEGIN PRIVATE KEY',
    'misspelt.mjs': 'export const options = { minversion: "TLSv1.3" };\n',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  symlinkSync('loop.pem', join(path, 'loop.pem'));
  mkdirSync(join(path, 'site'));
  writeFileSync(join(path, 'site', 'index.html'), '<h1>home</h1>');
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  return { path, ca: authority.root, client: { key: client.key, cert: client.chain }, remove };
}
