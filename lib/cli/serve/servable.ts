import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, normalize, relative, sep } from 'node:path';

/** Files of keys by their names, whatever is in them. */
const keyEndings: ReadonlySet<string> = new Set([
  '.key',
  '.p12',
  '.pfx',
  '.jks',
  '.keystore',
  '.ppk',
  '.kdbx',
]);
const keyNames = /^id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$/;
/** Pages and what they are made of: never read in advance. */
const webEndings: ReadonlySet<string> = new Set(
  '.html .htm .css .js .mjs .map .wasm .svg .png .jpg .jpeg .gif .webp .avif .ico .woff .woff2 .ttf .otf .mp3 .mp4 .webm .pdf .md'.split(
    ' ',
  ),
);
/** PEM of a private key, of any kind (RFC 7468 10, 11; RFC 5915; OpenSSH); in JSON as well. */
const privateKey = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY/;
const looked = 64 * 1024;

/**
 * Whether the file that a request names may be shown: by its real place inside `root`, nothing hidden, no private key.
 * True for what is not there, which the file server answers itself.
 */
export async function isServable(root: string, path: string): Promise<boolean> {
  const file = fileOf(root, path);
  if (file === undefined) return true;
  const [folder, ...found] = await Promise.all([root, file, join(file, 'index.html')].map(realOf));
  const closed = await Promise.all(found.map((place) => isClosed(folder, place)));
  return !closed.includes(true);
}

/** Undefined where the path is no good, which the file server refuses itself. */
function fileOf(root: string, path: string): string | undefined {
  try {
    return join(root, normalize(`${sep}${decodeURIComponent(path)}`));
  } catch {
    return undefined;
  }
}

async function realOf(file: string): Promise<string | undefined> {
  try {
    return await realpath(file);
  } catch {
    return undefined;
  }
}

async function isClosed(folder: string | undefined, place: string | undefined): Promise<boolean> {
  if (folder === undefined || place === undefined) return false;
  const inside = relative(folder, place);
  // '..' begins with a dot as well; on Windows another drive has no relative path.
  const hidden = inside.split(sep).some((step) => step.startsWith('.')) || isAbsolute(inside);
  return hidden || holdsPrivateKey(place);
}

/** By its name, or by what its first 64 KiB say. */
async function holdsPrivateKey(file: string): Promise<boolean> {
  const ending = extname(file).toLowerCase();
  const kind = await stat(file);
  if (!kind.isFile()) return false;
  if (keyEndings.has(ending) || keyNames.test(basename(file).toLowerCase())) return true;
  return !webEndings.has(ending) && privateKey.test(await beginningOf(file));
}

async function beginningOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(looked), 0, looked, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The private keys that lie openly in a folder itself, not in those within it; three at most. */
export async function privateKeysIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).slice(0, 1_000);
  const private_ = await Promise.all(
    files.map(async ({ name }) => ({
      name,
      secret: await holdsPrivateKey(join(root, name)).catch(() => false),
    })),
  );
  return private_.flatMap(({ name, secret }) => (secret ? [name] : [])).slice(0, 3);
}
