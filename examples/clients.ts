import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { developmentFiles } from 'portcullis';
import { createAuthority, type IssuedCertificate } from 'portcullis/pki';

/** Who is there to try the examples with. */
const names = ['ops', 'payments', 'payments-backup', 'payments-unpinned', 'unknown-ca', 'localhost'] as const;
export type Name = (typeof names)[number];

/** Certificates to try the examples with, kept in a folder beside the development authority. */
export interface ExampleClients {
  readonly directory: string;
  /** The CA of all of them but `unknown-ca`. Its key is thrown away, as a new set has a new CA. */
  readonly ca: string;
  readonly caFile: string;
  /** Certificate and private key in one PEM, 0600. `localhost` is a server's, for a plain `https.Server`. */
  readonly files: Readonly<Record<Name, string>>;
  readonly pems: Readonly<Record<Name, string>>;
  /** Of the keys of `payments` and `payments-backup`. */
  readonly pins: readonly string[];
}

const minimumLeft = 7 * 86_400_000;

/** The set that is kept, while all of it is good for a week at least, or else a new one. */
export async function exampleClients(): Promise<ExampleClients> {
  const now = Date.now();
  const directory = join(dirname(developmentFiles().authority), 'example-clients');
  const kept = read(directory, now);
  if (kept !== undefined) return kept;
  const contents = await makeAll();
  mkdirSync(dirname(directory), { recursive: true, mode: 0o700 });
  const fresh = mkdtempSync(`${directory}.`);
  try {
    for (const [name, content] of Object.entries(contents)) {
      writeFileSync(join(fresh, `${name}.pem`), content, { mode: name === 'authority' ? 0o644 : 0o600 });
    }
    return read(directory, now) ?? replace(directory, fresh, now);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

async function makeAll(): Promise<Record<Name | 'authority', string>> {
  const authority = await createAuthority({ subject: { O: 'Portcullis example', CN: 'Example clients' } });
  const stranger = await createAuthority({ subject: { O: 'Elsewhere', CN: 'Unknown authority' } });
  const ops = { subject: { O: 'Example', CN: 'ops' }, names: { email: ['ops@example.org'] } };
  const payments = { subject: { O: 'Example', CN: 'payments' }, names: { email: ['payments@example.org'] } };
  return {
    authority: authority.certificate,
    ops: both(await authority.issueClientCertificate(ops)),
    payments: both(await authority.issueClientCertificate(payments)),
    'payments-backup': both(await authority.issueClientCertificate(payments)),
    'payments-unpinned': both(await authority.issueClientCertificate(payments)),
    'unknown-ca': both(await stranger.issueClientCertificate(ops)),
    localhost: both(await authority.issueServerCertificate({ names: ['localhost', '127.0.0.1', '::1'] })),
  };
}

const both = ({ key, chain }: IssuedCertificate): string => `${chain}${key}`;

/** Puts a whole set in place at once. Where another process came first, its set is the one. */
function replace(directory: string, fresh: string, now: number): ExampleClients {
  try {
    rmSync(directory, { recursive: true, force: true });
    renameSync(fresh, directory);
  } catch (error) {
    const other = read(directory, now);
    if (other !== undefined) return other;
    throw error;
  }
  return read(directory, now)!;
}

function read(directory: string, now: number): ExampleClients | undefined {
  try {
    const each = <T>(of: (name: Name) => T): Record<Name, T> =>
      Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, T>;
    const files = each((name) => join(directory, `${name}.pem`));
    const pems = each((name) => readFileSync(files[name], 'utf8'));
    const caFile = join(directory, 'authority.pem');
    const ca = readFileSync(caFile, 'utf8');
    const authority = new X509Certificate(ca);
    const good = names.every((name) => {
      const certificate = new X509Certificate(pems[name]);
      return (
        certificate.checkPrivateKey(createPrivateKey(pems[name])) &&
        certificate.verify(authority.publicKey) === (name !== 'unknown-ca') &&
        now >= Date.parse(certificate.validFrom) &&
        now + minimumLeft <= Date.parse(certificate.validTo)
      );
    });
    const pins = [pinOf(pems.payments), pinOf(pems['payments-backup'])];
    return good ? { directory, ca, caFile, files, pems, pins } : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7469: SHA-256 of the SubjectPublicKeyInfo. */
function pinOf(pem: string): string {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
}
