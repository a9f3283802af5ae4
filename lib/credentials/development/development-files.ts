import { randomBytes, X509Certificate } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Certificate } from '../../x509/certificate.ts';
import { type KeyPair, readKeyPairs } from '../key-pair.ts';

/** Where the development authority and its certificate lie. */
export interface DevelopmentFiles {
  /** The authority's certificate alone: what a client has to trust. */
  readonly authority: string;
  /** The authority's key and certificate, 0600. In one file, so that both change at once. */
  readonly authorityKey: string;
  /** The certificate for localhost and its key, 0600. */
  readonly localhost: string;
}

/** The folder `development` in `PORTCULLIS_HOME`, or in the platform's folder for a user's data. */
export function developmentFiles(environment: NodeJS.ProcessEnv = process.env): DevelopmentFiles {
  const directory = join(dataDirectory(environment), 'development');
  return {
    authority: join(directory, 'authority.pem'),
    authorityKey: join(directory, 'authority.key'),
    localhost: join(directory, 'localhost.pem'),
  };
}

function dataDirectory(environment: NodeJS.ProcessEnv): string {
  if (environment['PORTCULLIS_HOME']) return environment['PORTCULLIS_HOME'];
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'portcullis');
  if (process.platform === 'win32')
    return join(environment['LOCALAPPDATA'] || join(homedir(), 'AppData', 'Local'), 'portcullis');
  return join(environment['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'portcullis');
}

/** The certificate and key in `file`, if they are whole and valid from now until `margin` ms hence. */
export function readKept(file: string, now: number, margin: number): KeyPair | undefined {
  try {
    const pem = readFileSync(file, 'utf8');
    const [pair] = readKeyPairs({ key: pem, cert: pem });
    return pair !== undefined && now >= pair.leaf.notBefore && now + margin <= pair.leaf.notAfter
      ? pair
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the certificate in `file` is there and has issued `leaf`. */
export function hasIssued(file: string, { x509 }: Certificate): boolean {
  try {
    return x509.verify(new X509Certificate(readFileSync(file)).publicKey);
  } catch {
    return false;
  }
}

/** Writes `file` whole or not at all. */
export function replaceFile(file: string, content: string, mode: number): void {
  withFreshFile(file, content, mode, (fresh) => renameSync(fresh, file));
}

/** Writes `file` unless another process has written it by now; false then. */
export function createFile(file: string, content: string, mode: number): boolean {
  return withFreshFile(file, content, mode, (fresh) => {
    try {
      linkSync(fresh, file);
      return true;
    } catch (error) {
      if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST')
        return false;
      throw error;
    }
  });
}

function withFreshFile<T>(file: string, content: string, mode: number, use: (fresh: string) => T): T {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(fresh, content, { mode, flag: 'wx' });
    return use(fresh);
  } finally {
    rmSync(fresh, { force: true });
  }
}
