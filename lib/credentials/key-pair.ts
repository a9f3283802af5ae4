import { createPrivateKey, type KeyObject } from 'node:crypto';
import { types as nodeTypes } from 'node:util';
import { ConfigError } from '../errors.ts';
import { describeSecret } from '../options.ts';
import { Certificate } from '../x509/certificate.ts';
import { readPem } from '../x509/pem.ts';
import { readPfx } from './pfx/pfx.ts';

/** A server certificate with its issuers, and the key that belongs to it. */
export interface KeyPair {
  readonly key: KeyObject;
  readonly leaf: Certificate;
  /** The certificates that came with the leaf, each after one that it may have issued. */
  readonly issuers: readonly Certificate[];
  /** The option that it was read from: `cert[1]`, `pfx`. */
  readonly path: string;
}

/** The options of `node:https` that carry certificates, as its users write them. */
export interface KeyOptions {
  readonly key?: unknown;
  readonly cert?: unknown;
  readonly pfx?: unknown;
  readonly passphrase?: unknown;
}

/**
 * Reads `key`, `cert`, `pfx` and `passphrase`, singly or as arrays, and matches each certificate to its key.
 * Node accepts a certificate without its key, or with another's, and then fails every handshake: here it is a
 * ConfigError (`KEY_MISMATCH`, `KEY_INVALID`, `CERTIFICATE_INVALID`, `PFX_INVALID`). Empty without any of them.
 */
export function readKeyPairs(options: KeyOptions): readonly KeyPair[] {
  const passphrase = readPassphrase(options.passphrase, 'passphrase');
  const pairs = [...readPairs(options, passphrase), ...readPfxPairs(options.pfx, passphrase)];
  const given = (['cert', 'key', 'pfx'] as const).find((name) => options[name] !== undefined);
  if (given !== undefined && pairs.length === 0) {
    throw new ConfigError(
      'CERTIFICATE_MISSING',
      given,
      `got ${describeSecret(options[given])}`,
      'Give a certificate with its key, or leave it out.',
    );
  }
  const types = new Set<string>();
  for (const pair of pairs) {
    const type = keyTypeOf(pair);
    if (types.has(type)) {
      throw new ConfigError(
        'OPTION_CONFLICT',
        'cert',
        `two certificates with keys of the type ${type}`,
        'OpenSSL serves one of each type: give one RSA and one ECDSA.',
      );
    }
    types.add(type);
  }
  return pairs;
}

/** One certificate of each type is served side by side: `RSA` (RSA-PSS too), `ec`, `ed25519`, … */
export const keyTypeOf = ({ leaf }: Pick<KeyPair, 'leaf'>): string =>
  leaf.publicKey.type.startsWith('rsa') ? 'RSA' : leaf.publicKey.type;

function readPairs(options: KeyOptions, passphrase: string | undefined): KeyPair[] {
  const certificates = list(options.cert).map((item, index) =>
    readChain(item, at('cert', options.cert, index)),
  );
  const keys = list(options.key).map((item, index) =>
    readKey(item, passphrase, at('key', options.key, index)),
  );
  if (certificates.length === 0 && keys.length > 0) {
    throw new ConfigError(
      'CERTIFICATE_MISSING',
      'cert',
      'a key without a certificate',
      'Give the certificate that belongs to the key.',
    );
  }
  const used = new Set<KeyObject>();
  const pairs = certificates.map(([leaf, ...issuers], index): KeyPair => {
    const path = at('cert', options.cert, index);
    const key = keys.find((candidate) => leaf.x509.checkPrivateKey(candidate));
    if (key === undefined) {
      throw new ConfigError(
        'KEY_MISMATCH',
        path,
        'no key belongs to it',
        'Give its key in `key`; in a chain the server certificate stands first.',
      );
    }
    used.add(key);
    requireOrder(leaf, issuers, path);
    return { key, leaf, issuers, path };
  });
  const spare = keys.findIndex((key) => !used.has(key));
  if (spare !== -1) {
    throw new ConfigError(
      'KEY_MISMATCH',
      at('key', options.key, spare),
      'it belongs to no certificate in `cert`',
      'Give its certificate, or leave it out.',
    );
  }
  return pairs;
}

function readPfxPairs(pfx: unknown, passphrase: string | undefined): KeyPair[] {
  return list(pfx).map((item, index) => {
    const path = at('pfx', pfx, index);
    const { value, ownPassphrase } = withPassphrase(item, 'buf', path);
    const { key, certificates } = readPfx(
      octets(value, path, 'PFX_INVALID'),
      ownPassphrase ?? passphrase,
      path,
    );
    const [leaf, ...issuers] = certificates;
    if (leaf === undefined)
      throw new ConfigError(
        'PFX_INVALID',
        path,
        'it holds no certificate',
        'Export it with its certificate.',
      );
    return { key, leaf, issuers: inOrder(leaf, issuers), path };
  });
}

/** RFC 5246 7.4.2: each certificate certifies one before it. Strict clients of TLS 1.2 refuse another order. */
function requireOrder(leaf: Certificate, issuers: readonly Certificate[], path: string): void {
  const stranger = issuers.findIndex(
    (issuer, index) => !isIssuerOfAny(issuer, [leaf, ...issuers.slice(0, index)]),
  );
  if (stranger === -1) return;
  throw new ConfigError(
    'CERTIFICATE_INVALID',
    path,
    `its certificate ${stranger + 2} is the issuer of none before it`,
    "Put the server certificate first, then its issuer, then that one's issuer, and leave others out.",
  );
}

/** The certificates of a PFX, whose order means nothing, as TLS sends them; those that belong to no path come last. */
function inOrder(leaf: Certificate, others: readonly Certificate[]): Certificate[] {
  const path = [leaf];
  const left = new Set(others);
  for (;;) {
    const next = [...left].find((other) => isIssuerOfAny(other, path));
    if (next === undefined) return [...path.slice(1), ...left];
    left.delete(next);
    path.push(next);
  }
}

const isIssuerOfAny = (issuer: Certificate, issued: readonly Certificate[]): boolean =>
  issued.some(({ issuerRaw }) => issuerRaw.equals(issuer.subjectRaw));

function problemOfKey(pem: Buffer, secret: string | undefined): readonly [problem: string, remedy: string] {
  if (!/ENCRYPTED/.test(pem.toString('latin1')))
    return [
      'it is no private key in PEM',
      'Give the key as PEM (PKCS#8, PKCS#1 or SEC 1), not as a file name.',
    ];
  return secret === undefined
    ? ['it is encrypted, and there is no passphrase', 'Give its `passphrase`.']
    : ['it is encrypted, and the passphrase does not open it', 'Give the right `passphrase`.'];
}

function readKey(item: unknown, passphrase: string | undefined, path: string): KeyObject {
  const { value, ownPassphrase } = withPassphrase(item, 'pem', path);
  if (nodeTypes.isKeyObject(value) && value.type === 'private') return value;
  const pem = octets(value, path, 'KEY_INVALID');
  const secret = ownPassphrase ?? passphrase;
  try {
    return createPrivateKey(secret === undefined ? { key: pem } : { key: pem, passphrase: secret });
  } catch (error) {
    const [problem, remedy] = problemOfKey(pem, secret);
    throw new ConfigError('KEY_INVALID', path, problem, remedy, error);
  }
}

function readChain(item: unknown, path: string): [Certificate, ...Certificate[]] {
  const input = octets(item, path, 'CERTIFICATE_INVALID');
  const ders =
    input[0] === 0x30
      ? [input]
      : readPem(input.toString('latin1'))?.flatMap(({ label, der }) =>
          label.endsWith('CERTIFICATE') ? [der] : [],
        );
  const [leaf, ...issuers] = (ders ?? []).map((der) => {
    try {
      const certificate = new Certificate(der);
      // OpenSSL has to take it as well, and says so only when it is asked.
      void certificate.x509.publicKey;
      return certificate;
    } catch (error) {
      throw new ConfigError(
        'CERTIFICATE_INVALID',
        path,
        'a certificate in it is damaged, or has a key that this Node does not know',
        'Give it as PEM or DER, the server certificate first.',
        error,
      );
    }
  });
  if (leaf === undefined) {
    throw new ConfigError(
      'CERTIFICATE_INVALID',
      path,
      input.includes('PRIVATE KEY')
        ? 'it holds a private key and no certificate'
        : 'it holds no certificate, or a damaged one',
      'Give it as PEM or DER, not as a file name.',
    );
  }
  return [leaf, ...issuers];
}

function octets(
  value: unknown,
  path: string,
  code: 'CERTIFICATE_INVALID' | 'KEY_INVALID' | 'PFX_INVALID',
): Buffer {
  if (typeof value === 'string' && value !== '') return Buffer.from(value);
  if (ArrayBuffer.isView(value) && value.byteLength > 0)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw new ConfigError(code, path, `got ${describeSecret(value)}`, 'Give a string or a buffer.');
}

/** Node's `{ pem, passphrase }` and `{ buf, passphrase }`. */
function withPassphrase(
  item: unknown,
  key: 'pem' | 'buf',
  path: string,
): { value: unknown; ownPassphrase: string | undefined } {
  if (typeof item !== 'object' || item === null || !(key in item))
    return { value: item, ownPassphrase: undefined };
  const { [key]: value, passphrase } = item as Record<string, unknown>;
  return { value, ownPassphrase: readPassphrase(passphrase, `${path}.passphrase`) };
}

function readPassphrase(value: unknown, path: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new ConfigError('OPTION_INVALID', path, 'the passphrase is no string', 'Give a string.');
}

const list = (value: unknown): readonly unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? Array.from(value) : [value];
const at = (name: string, value: unknown, index: number): string =>
  Array.isArray(value) ? `${name}[${index}]` : name;
