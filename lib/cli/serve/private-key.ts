import { createPrivateKey } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename, extname } from 'node:path';

/** Files of keys by their names, whatever is in them; copies of them as well (`server.p12.bak`, `tls.key~`). */
const keyName = /\.(?:key|p12|pfx|ppk|jks|keystore|kdbx)(?:[.~]|$)|^id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$/i;
const endings = (text: string): ReadonlySet<string> => new Set(text.split(' '));
/** Never looked into. */
const media = endings(
  '.png .jpg .jpeg .gif .webp .avif .ico .woff .woff2 .ttf .otf .mp3 .mp4 .webm .pdf .wasm',
);
/** They may show a key as an example: only one that they begin with is one. */
const pages = endings('.html .htm .css .js .mjs .map .svg .md');
/** How much of a file is looked at. */
const looked = 64 * 1024;
/** PEM of a private key of any kind (RFC 7468 10 and 11, RFC 5915, OpenSSH, OpenPGP), and its kin of SSH2. */
const pem = /-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY/;
const putty = /^PuTTY-User-Key-File-\d/;
/** JWK (RFC 7517 4.1; RFC 7518 6.2.2, 6.3.2, 6.4.1): a private key, or a symmetric one. */
const jwk = [/^[[{]/, /"kty"\s*:/, /"[dk]"\s*:\s*"/];

/** Whether a file is one of private keys: by its name, or by what its first 64 KiB say. */
export async function holdsPrivateKey(file: string): Promise<boolean> {
  const ending = extname(file).toLowerCase();
  if (keyName.test(basename(file))) return true;
  if (media.has(ending)) return false;
  const beginning = await beginningOf(file);
  const text = textOf(beginning);
  return (
    (pages.has(ending) ? text.search(pem) === 0 : pem.test(text)) ||
    putty.test(text) ||
    jwk.every((sign) => sign.test(text)) ||
    isDerKey(beginning)
  );
}

async function beginningOf(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(looked), 0, looked, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Without the zeros of UTF-16, byte order mark and leading space; what is looked for is ASCII. */
const textOf = (octets: Buffer): string =>
  octets
    .toString('latin1')
    .replaceAll('\0', '')
    .replace(/^(?:\u00ef\u00bb\u00bf|\u00ff\u00fe|\u00fe\u00ff)?\s*/, '');

/** Two ways to encrypt a key, as object identifiers begin: PBES (RFC 8018 A) and that of PKCS#12 (RFC 7292 C). */
const encryptions = ['2a864886f70d0105', '2a864886f70d010c01'].map((hex) => Buffer.from(hex, 'hex'));
/** INTEGER 3, SEQUENCE: how a PFX goes on (RFC 7292 4). */
const pfx = Buffer.from([0x02, 0x01, 0x03, 0x30]);

/** A SEQUENCE that is a PFX, an encrypted key (RFC 5958 3), or a key as it is. */
function isDerKey(octets: Buffer): boolean {
  if (octets[0] !== 0x30) return false;
  const head = octets.subarray(0, 24);
  return (
    head.subarray(0, 12).includes(pfx) ||
    encryptions.some((one) => head.includes(one)) ||
    isPlainDerKey(octets)
  );
}

const isPlainDerKey = (key: Buffer): boolean =>
  (['pkcs8', 'sec1', 'pkcs1'] as const).some((type) => {
    try {
      createPrivateKey({ key, format: 'der', type });
      return true;
    } catch {
      return false;
    }
  });
