import {
  createCipheriv,
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  pbkdf2Sync,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { derivePkcs12, readPassphrase } from '../../lib/credentials/pfx/pfx-key-derivation.ts';
import { readPfx } from '../../lib/credentials/pfx/pfx.ts';
import { ConfigError } from '../../lib/errors.ts';
import { der, objectIdentifier, octetString, sequence, unsignedInteger } from '../../lib/pki/der.ts';
import { createAuthority } from '../../lib/pki/index.ts';
import { explicitTag, implicitTag, readChildren, readElement, tags } from '../../lib/x509/der.ts';
import { readPem } from '../../lib/x509/pem.ts';

/*
 * A writer of PKCS#12. Where it uses the derivation under test, Node's own reader is asked about the file as well.
 */

type Encode = (element: Buffer) => Buffer;
interface Encryption {
  readonly algorithm: Buffer;
  readonly data: Buffer;
}
type Encrypt = (plain: Buffer, passphrase: string) => Encryption;

const asDer: Encode = (element) => element;
const empty = Buffer.alloc(0);
const nul = der(0x05);
const salt = randomBytes(8);
const passphrase = 'correct horse';

const sha1 = '1.3.14.3.2.26';
const sha256 = '2.16.840.1.101.3.4.2.1';
const hmacSha1 = '1.2.840.113549.2.7';
const hmacSha256 = '1.2.840.113549.2.9';
const data = '1.2.840.113549.1.7.1';
const bagType = '1.2.840.113549.1.12.10.1';

const algorithm = (oid: string, parameters: Buffer): Buffer => sequence(objectIdentifier(oid), parameters);
const contentInfo = (type: string, content: Buffer): Buffer =>
  sequence(objectIdentifier(type), der(explicitTag(0), content));
const safeBag = (type: number, value: Buffer, ...attributes: Buffer[]): Buffer =>
  sequence(objectIdentifier(`${bagType}.${type}`), der(explicitTag(0), value), ...attributes);
const certificateBag = (certificate: Buffer): Buffer =>
  safeBag(
    3,
    sequence(objectIdentifier('1.2.840.113549.1.9.22.1'), der(explicitTag(0), octetString(certificate))),
  );
const keyBag = (key: Buffer, encrypt: Encrypt | undefined, secret = passphrase): Buffer => {
  if (encrypt === undefined) return safeBag(1, key);
  const encryption = encrypt(key, secret);
  return safeBag(2, sequence(encryption.algorithm, octetString(encryption.data)));
};

function encipher(cipher: string, key: Buffer, iv: Buffer, plain: Buffer): Buffer {
  const writer = createCipheriv(cipher, key, iv);
  return Buffer.concat([writer.update(plain), writer.final()]);
}

interface Pbes2Options {
  readonly cipher?: readonly [oid: string, name: string, keyLength: number, ivLength: number];
  /** undefined leaves it out: SHA-1. */
  readonly prf?: readonly [oid: string | undefined, digest: string];
  readonly iterations?: number;
  readonly kdf?: string;
}

const pbes2 =
  ({
    cipher: [oid, name, keyLength, ivLength] = ['2.16.840.1.101.3.4.1.42', 'aes-256-cbc', 32, 16],
    prf: [prf, digest] = [hmacSha256, 'sha256'],
    iterations = 2048,
    kdf = '1.2.840.113549.1.5.12',
  }: Pbes2Options = {}): Encrypt =>
  (plain, secret) => {
    const iv = randomBytes(ivLength);
    const derivation = sequence(
      octetString(salt),
      unsignedInteger(iterations),
      prf === undefined ? empty : algorithm(prf, nul),
    );
    const key = pbkdf2Sync(secret, salt, Math.min(iterations, 2048), keyLength, digest);
    return {
      algorithm: algorithm(
        '1.2.840.113549.1.5.13',
        sequence(algorithm(kdf, derivation), algorithm(oid, octetString(iv))),
      ),
      data: encipher(name, key, iv, plain),
    };
  };

const pkcs12Encryption =
  (oid: string, cipher: string, keyLength: number): Encrypt =>
  (plain, secret) => {
    const derivation = { digest: 'sha1', salt, iterations: 100 };
    const from = readPassphrase(secret)[0];
    return {
      algorithm: algorithm(oid, sequence(octetString(salt), unsignedInteger(100))),
      data: encipher(
        cipher,
        derivePkcs12(from, { ...derivation, purpose: 'key', length: keyLength }),
        derivePkcs12(from, { ...derivation, purpose: 'iv', length: 8 }),
        plain,
      ),
    };
  };

const garbage: Encrypt = (_plain, secret) => pbes2()(Buffer.from('garbage'), secret);

const tripleDes = pkcs12Encryption('1.2.840.113549.1.12.1.3', 'des-ede3-cbc', 24);

interface Mac {
  readonly oid: string;
  readonly digest: string;
  readonly length: number;
  readonly iterations: number;
  /** Which of the two empty passphrases. */
  readonly form?: 0 | 1;
}
const defaultMac: Mac = { oid: sha256, digest: 'sha256', length: 32, iterations: 2048 };
const legacyMac: Mac = { oid: sha1, digest: 'sha1', length: 20, iterations: 1 };

function macData(
  content: Buffer,
  secret: string,
  { oid, digest, length, iterations, form = 0 }: Mac,
): Buffer {
  const from = readPassphrase(secret)[form]!;
  const key = derivePkcs12(from, { digest, purpose: 'mac', salt, iterations, length });
  const mac = createHmac(digest, key).update(content).digest();
  // RFC 7292 4: one iteration is the default, which DER leaves out.
  const count = iterations === 1 ? empty : unsignedInteger(iterations);
  return sequence(sequence(algorithm(oid, nul), octetString(mac)), octetString(salt), count);
}

/** A MacData that asks for another number of iterations. */
const macWithCount =
  (count: Buffer) =>
  (content: Buffer, secret: string): Buffer => {
    const fields = readChildren(readElement(macData(content, secret, defaultMac)));
    return sequence(...fields.slice(0, 2).map(({ raw }) => raw), count);
  };

function pbmac1(content: Buffer, secret: string, length?: number): Buffer {
  const key = pbkdf2Sync(secret, salt, 1000, length ?? 32, 'sha512');
  const derivation = sequence(
    octetString(salt),
    unsignedInteger(1000),
    length === undefined ? empty : unsignedInteger(length),
    algorithm('1.2.840.113549.2.11', nul),
  );
  const parameters = sequence(algorithm('1.2.840.113549.1.5.12', derivation), algorithm(hmacSha256, nul));
  const mac = createHmac('sha256', key).update(content).digest();
  return sequence(
    sequence(algorithm('1.2.840.113549.1.5.14', parameters), octetString(mac)),
    octetString(Buffer.from('NOT USED')),
    unsignedInteger(1),
  );
}

interface PfxOptions {
  readonly secret?: string;
  readonly encode?: Encode;
  /** Encrypts the certificates, and the key. undefined: neither. */
  readonly encrypt?: Encrypt | undefined;
  readonly mac?: Mac | ((content: Buffer, secret: string) => Buffer) | undefined;
  readonly keys?: readonly Buffer[];
  readonly certificates?: readonly Buffer[];
  readonly otherBags?: readonly Buffer[];
}

const safeContents = (bags: readonly Buffer[]): Buffer => sequence(...bags);
const plainContents = (bags: readonly Buffer[], encode: Encode): Buffer =>
  contentInfo(data, octetString(encode(safeContents(bags))));

function encryptedContents(plain: Buffer, encrypt: Encrypt, secret: string): Buffer {
  const encryption = encrypt(plain, secret);
  const info = sequence(objectIdentifier(data), encryption.algorithm, der(implicitTag(0), encryption.data));
  return contentInfo('1.2.840.113549.1.7.6', sequence(unsignedInteger(0), info));
}

function writePfx(options: PfxOptions = {}): Buffer {
  const {
    secret = passphrase,
    encode = asDer,
    keys = [leafKey],
    certificates = [leaf],
    otherBags = [],
  } = options;
  const encrypt = 'encrypt' in options ? options.encrypt : pbes2();
  const mac = 'mac' in options ? options.mac : defaultMac;
  const certificateBags = certificates.map(certificateBag);
  const content = encode(
    sequence(
      encrypt === undefined
        ? plainContents(certificateBags, encode)
        : encryptedContents(encode(safeContents(certificateBags)), encrypt, secret),
      plainContents([...otherBags, ...keys.map((key) => keyBag(key, encrypt, secret))], encode),
    ),
  );
  return encode(
    sequence(unsignedInteger(3), contentInfo(data, octetString(content)), macOf(mac, content, secret)),
  );
}

function macOf(mac: PfxOptions['mac'], content: Buffer, secret: string): Buffer {
  if (mac === undefined) return empty;
  return typeof mac === 'function' ? mac(content, secret) : macData(content, secret, mac);
}

const indefinite = (tag: number, ...parts: Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(tag, 0x80), ...parts, Buffer.of(0, 0)]);

/** Indefinite lengths everywhere, OCTET STRINGs in two parts (X.690 8.1.3.6 and 8.7.3). */
function asBer(input: Buffer): Buffer {
  const { tag, content } = readElement(input);
  const halves = [content.subarray(0, content.length >> 1), content.subarray(content.length >> 1)];
  if (tag === tags.octetString) return indefinite(0x24, ...halves.map(octetString));
  if (tag === implicitTag(0)) return indefinite(explicitTag(0), ...halves.map(octetString));
  if ((tag & 0x20) === 0) return input;
  return indefinite(tag, ...readChildren(readElement(input)).map(({ raw }) => asBer(raw)));
}

/** Definite lengths of more octets than they need. */
function asLongForm(input: Buffer): Buffer {
  const { tag, content } = readElement(input);
  const inner =
    (tag & 0x20) === 0
      ? content
      : Buffer.concat(readChildren(readElement(input)).map(({ raw }) => asLongForm(raw)));
  const header = Buffer.of(tag, 0x84, 0, 0, 0, 0);
  header.writeUInt32BE(inner.length, 2);
  return Buffer.concat([header, inner]);
}

const derOf = (pem: string): Buffer => readPem(pem)![0]!.der;

let leafKey: Buffer;
let leaf: Buffer;
let intermediate: Buffer;
let root: Buffer;

beforeAll(async () => {
  const authority = await createAuthority();
  const issuing = await authority.issueIntermediate();
  const issued = await issuing.issueServerCertificate({ names: ['localhost'] });
  [leafKey, leaf] = [derOf(issued.key), derOf(issued.certificate)];
  [intermediate, root] = [derOf(issuing.certificate), derOf(authority.certificate)];
});

/** The certificate that we find; that it is the key's has been checked then. */
const leafOf = (pfx: Buffer, secret = passphrase): Buffer => readPfx(pfx, secret, 'pfx').certificates[0].raw;

const rawCertificates = (pfx: Buffer): Buffer[] =>
  readPfx(pfx, passphrase, 'pfx').certificates.map(({ raw }) => raw);

/** `leafOf`, where OpenSSL reads the file as well. */
function leafOfBoth(pfx: Buffer, secret = passphrase): Buffer {
  createSecureContext({ pfx, passphrase: secret });
  return leafOf(pfx, secret);
}

function refusal(pfx: Buffer, secret = passphrase): ConfigError {
  try {
    readPfx(pfx, secret, 'pfx[1]');
  } catch (error) {
    if (error instanceof ConfigError && error.code === 'PFX_INVALID' && error.path === 'pfx[1]') return error;
    throw error;
  }
  throw new Error('it was read');
}

describe('what is encrypted', () => {
  test.each([
    ['AES-128', ['2.16.840.1.101.3.4.1.2', 'aes-128-cbc', 16, 16]],
    ['AES-192', ['2.16.840.1.101.3.4.1.22', 'aes-192-cbc', 24, 16]],
    ['AES-256', ['2.16.840.1.101.3.4.1.42', 'aes-256-cbc', 32, 16]],
    ['triple DES', ['1.2.840.113549.3.7', 'des-ede3-cbc', 24, 8]],
  ] as const)('is read with PBES2 and %s', (_name, cipher) => {
    expect(leafOfBoth(writePfx({ encrypt: pbes2({ cipher }) }))).toEqual(leaf);
  });

  test.each([
    ['the default, HMAC-SHA-1', [undefined, 'sha1']],
    ['HMAC-SHA-1', [hmacSha1, 'sha1']],
    ['HMAC-SHA-256', [hmacSha256, 'sha256']],
    ['HMAC-SHA-384', ['1.2.840.113549.2.10', 'sha384']],
    ['HMAC-SHA-512', ['1.2.840.113549.2.11', 'sha512']],
  ] as const)('is read with PBKDF2 and %s', (_name, prf) => {
    expect(leafOfBoth(writePfx({ encrypt: pbes2({ prf }) }))).toEqual(leaf);
  });

  test('is read with triple DES and a SHA-1 MAC, as older exporters write it', () => {
    expect(leafOfBoth(writePfx({ encrypt: tripleDes, mac: legacyMac }))).toEqual(leaf);
  });

  test('is read with triple DES of two keys', () => {
    expect(
      leafOfBoth(writePfx({ encrypt: pkcs12Encryption('1.2.840.113549.1.12.1.4', 'des-ede-cbc', 16) })),
    ).toEqual(leaf);
  });

  test.each([
    ['40-bit RC2', '1.2.840.113549.1.12.1.6'],
    ['128-bit RC2', '1.2.840.113549.1.12.1.5'],
    ['40-bit RC4', '1.2.840.113549.1.12.1.2'],
    ['128-bit RC4', '1.2.840.113549.1.12.1.1'],
  ])('is refused with %s, and the remedy converts it', (name, oid) => {
    const error = refusal(writePfx({ encrypt: pkcs12Encryption(oid, 'des-ede3-cbc', 24) }));
    expect(error.message).toContain(name);
    expect(error.remedy).toContain('openssl pkcs12 -export');
  });

  test('is refused where it decrypts to something else', () => {
    expect(refusal(writePfx({ encrypt: garbage })).message).toContain('does not open it, or it is damaged');
  });

  test('is refused with another derivation than PBKDF2', () => {
    const scrypt = '1.3.6.1.4.1.11591.4.11';
    expect(refusal(writePfx({ encrypt: pbes2({ kdf: scrypt }) })).message).toContain(scrypt);
  });

  test('is refused with another cipher', () => {
    const camellia = ['1.2.392.200011.61.1.1.1.4', 'aes-256-cbc', 32, 16] as const;
    expect(refusal(writePfx({ encrypt: pbes2({ cipher: camellia }) })).message).toContain(camellia[0]);
  });

  test('is refused with an initialization vector of another length', () => {
    const cipher = ['2.16.840.1.101.3.4.1.42', 'des-ede3-cbc', 24, 8] as const;
    expect(refusal(writePfx({ encrypt: pbes2({ cipher }) })).message).toContain('damaged');
  });

  test('may be nothing, under a MAC', () => {
    expect(leafOfBoth(writePfx({ encrypt: undefined }))).toEqual(leaf);
  });
});

describe('the MAC', () => {
  test.each([
    ['SHA-1', sha1, 'sha1', 20],
    ['SHA-224', '2.16.840.1.101.3.4.2.4', 'sha224', 28],
    ['SHA-256', sha256, 'sha256', 32],
    ['SHA-384', '2.16.840.1.101.3.4.2.2', 'sha384', 48],
    ['SHA-512', '2.16.840.1.101.3.4.2.3', 'sha512', 64],
    ['SHA-512/256', '2.16.840.1.101.3.4.2.6', 'sha512-256', 32],
  ])('is verified with %s', (_name, oid, digest, length) => {
    const pfx = writePfx({ mac: { oid, digest, length, iterations: 1000 } });
    expect(leafOfBoth(pfx)).toEqual(leaf);
    pfx[pfx.length - 20]! ^= 1;
    expect(refusal(pfx).remedy).toContain('passphrase');
  });

  test('is verified with PBMAC1', () => {
    const pfx = writePfx({ mac: (content, secret) => pbmac1(content, secret, 32) });
    expect(leafOf(pfx)).toEqual(leaf);
    expect(refusal(pfx, 'another').message).toContain('does not open');
  });

  // RFC 9579 5.
  test('is refused as PBMAC1 without a key length', () => {
    expect(refusal(writePfx({ mac: (content, secret) => pbmac1(content, secret) })).message).toContain(
      'damaged',
    );
  });

  test('is refused with MD5', () => {
    const md5: Mac = { oid: '1.2.840.113549.2.5', digest: 'md5', length: 16, iterations: 1 };
    expect(refusal(writePfx({ mac: md5 })).message).toContain('1.2.840.113549.2.5');
  });

  test('shows a change of what nothing else protects', () => {
    const pfx = writePfx({ encrypt: undefined });
    const changed = Buffer.from(pfx);
    changed[changed.indexOf(leaf) + 40]! ^= 1;
    expect(refusal(changed).message).toContain('damaged');
  });

  test('is verified before the content is read', () => {
    const pfx = writePfx({ encrypt: undefined, certificates: [Buffer.from('no certificate')] });
    expect(refusal(pfx, 'another').message).toContain('the passphrase does not open it');
    expect(refusal(pfx).message).toContain('a certificate in it is damaged');
  });

  test('may be missing where no passphrase is given', () => {
    const pfx = writePfx({ secret: '', encrypt: undefined, mac: undefined });
    expect(leafOf(pfx, '')).toEqual(leaf);
    createSecureContext({ pfx });
  });

  test('must not be missing where a passphrase is given', () => {
    expect(refusal(writePfx({ mac: undefined })).message).toContain('no MAC');
    expect(refusal(writePfx({ encrypt: undefined, mac: undefined })).remedy).toContain(
      'give no `passphrase`',
    );
  });

  test('missing, a passphrase that is asked for shows in the decryption', () => {
    const pfx = writePfx({ mac: undefined });
    expect(refusal(pfx, '').remedy).toBe('Give its `passphrase`.');
  });
});

describe('the passphrase', () => {
  test.each(['pässwörd', '密码', 'ключ€😀', ' '])('may be %j', (secret) => {
    expect(leafOfBoth(writePfx({ secret }), secret)).toEqual(leaf);
    expect(leafOfBoth(writePfx({ secret, encrypt: tripleDes, mac: legacyMac }), secret)).toEqual(leaf);
  });

  test.each([0, 1] as const)('may be empty, in either encoding (%i)', (form) => {
    const pfx = writePfx({ secret: '', mac: { ...defaultMac, form } });
    expect(leafOfBoth(pfx, '')).toEqual(leaf);
    expect(readPfx(pfx, undefined, 'pfx').certificates[0].raw).toEqual(leaf);
  });

  test('is named as wrong, not shown', () => {
    const error = refusal(writePfx(), 'battery staple');
    expect(error.message).toContain('the passphrase does not open it');
    expect(error.remedy).toBe('Give the right `passphrase`.');
    expect(JSON.stringify([error.message, error.stack, error.cause])).not.toMatch(/battery|horse/);
  });

  test('is asked for where there is none', () => {
    expect(refusal(writePfx(), '').remedy).toBe('Give its `passphrase`.');
    expect(() => readPfx(writePfx(), undefined, 'pfx')).toThrow('without a passphrase');
  });

  test('may differ for the content, which is then refused', () => {
    const pfx = writePfx({ mac: (content) => macData(content, 'another', defaultMac) });
    expect(refusal(pfx, 'another').message).toMatch(/the passphrase does not open it|key cannot be read/);
  });
});

describe('the bags', () => {
  test('give the leaf first, then the others in their order', () => {
    expect(rawCertificates(writePfx({ certificates: [leaf, intermediate, root] }))).toEqual([
      leaf,
      intermediate,
      root,
    ]);
    expect(rawCertificates(writePfx({ certificates: [root, intermediate, leaf] }))).toEqual([
      leaf,
      root,
      intermediate,
    ]);
  });

  test('give a certificate once that stands there twice', () => {
    expect(rawCertificates(writePfx({ certificates: [leaf, intermediate, leaf] }))).toEqual([
      leaf,
      intermediate,
    ]);
  });

  test('may be nested', () => {
    const nested = safeBag(6, sequence(safeBag(6, sequence(keyBag(leafKey, pbes2()), certificateBag(leaf)))));
    expect(leafOfBoth(writePfx({ keys: [], certificates: [], otherBags: [nested] }))).toEqual(leaf);
  });

  test('may be of kinds that nobody needs', () => {
    const secret = safeBag(5, sequence(objectIdentifier('1.2.3'), der(explicitTag(0), octetString(salt))));
    const sdsi = safeBag(
      3,
      sequence(objectIdentifier('1.2.840.113549.1.9.22.2'), der(explicitTag(0), der(tags.ia5String, salt))),
    );
    expect(leafOf(writePfx({ otherBags: [secret, sdsi] }))).toEqual(leaf);
  });

  test('may have attributes', () => {
    const friendlyName = sequence(
      objectIdentifier('1.2.840.113549.1.9.20'),
      der(tags.set, der(tags.bmpString, Buffer.from('name', 'utf16le').swap16())),
    );
    const bag = safeBag(1, leafKey, der(tags.set, friendlyName));
    expect(leafOfBoth(writePfx({ keys: [], otherBags: [bag] }))).toEqual(leaf);
  });

  test('must hold a key', () => {
    expect(refusal(writePfx({ keys: [] })).message).toContain('no private key');
  });

  test('must not hold several keys', () => {
    expect(refusal(writePfx({ keys: [leafKey, leafKey] })).message).toContain('2 private keys');
  });

  test('must hold a key that Node reads', () => {
    expect(refusal(writePfx({ keys: [sequence(unsignedInteger(0))] })).message).toContain(
      'private key cannot be read',
    );
  });

  test('must hold a certificate', () => {
    expect(refusal(writePfx({ certificates: [] })).message).toContain('no certificate');
  });

  test('must hold the certificate of the key', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = privateKey.export({ format: 'der', type: 'pkcs8' });
    expect(refusal(writePfx({ keys: [other] })).message).toContain(
      'none of its certificates belongs to its key',
    );
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const otherType = rsa.export({ format: 'der', type: 'pkcs8' });
    expect(refusal(writePfx({ keys: [otherType] })).message).toContain('none of its certificates');
  });
});

describe('BER', () => {
  test('of indefinite lengths, with OCTET STRINGs in parts, is read', () => {
    const certificates = [leaf, intermediate];
    expect(leafOfBoth(writePfx({ encode: asBer, certificates }))).toEqual(leaf);
    expect(leafOfBoth(writePfx({ encode: asBer, encrypt: tripleDes, mac: legacyMac }))).toEqual(leaf);
    expect(leafOfBoth(writePfx({ encode: asBer, encrypt: undefined }))).toEqual(leaf);
  });

  test('with lengths longer than they need to be is read', () => {
    expect(leafOf(writePfx({ encode: asLongForm }))).toEqual(leaf);
  });

  test('leaves the certificate as it was signed', () => {
    const [certificate] = readPfx(writePfx({ encode: asBer }), passphrase, 'pfx').certificates;
    expect(certificate.x509.verify(new X509Certificate(intermediate).publicKey)).toBe(true);
  });

  test('is refused without an end', () => {
    expect(refusal(Buffer.of(0x30, 0x80, 0x02, 0x01, 0x03)).message).toContain('damaged');
  });

  test('is refused where a part of an OCTET STRING is something else', () => {
    expect(refusal(Buffer.of(0x24, 0x80, 0x02, 0x01, 0x03, 0, 0)).message).toContain('damaged');
  });

  test.each([
    ['a primitive element of indefinite length', [0x04, 0x80, 0, 0]],
    ['a tag of several octets', [0x3f, 0x81, 0x01, 0]],
    ['a length beyond the end', [0x30, 0x84, 0xff, 0xff, 0xff, 0xff]],
    ['a length of eight octets', [0x30, 0x88, 0, 0, 0, 0, 0, 0, 0, 0]],
  ])('is refused with %s', (_name, octets) => {
    expect(refusal(Buffer.from(octets)).message).toContain('damaged');
  });
});

describe('the file', () => {
  test('may have octets after its end, as OpenSSL has it', () => {
    expect(leafOfBoth(Buffer.concat([writePfx(), Buffer.from('\n')]))).toEqual(leaf);
  });

  test.each([
    ['empty', empty],
    ['text', Buffer.from('-----BEGIN CERTIFICATE-----\n')],
    ['a file name', Buffer.from('server.p12')],
  ])('is refused where it is %s', (_name, pfx) => {
    const error = refusal(pfx);
    expect(error.message).toContain('no PKCS#12 file');
    expect(error.remedy).toContain('readFileSync');
  });

  test('is refused where it was read as text', () => {
    expect(refusal(Buffer.from(writePfx().toString('utf8'))).remedy).toContain('without an encoding');
  });

  test('is refused wherever it is cut', () => {
    const pfx = writePfx();
    for (let length = 0; length < pfx.length; length += 13) {
      expect(refusal(pfx.subarray(0, length)).message).toContain('damaged');
    }
  });

  test('is refused in another version', () => {
    const content = contentInfo(data, octetString(sequence()));
    expect(refusal(sequence(unsignedInteger(4), content)).message).toContain('damaged');
  });

  test('is refused with a signature in place of a MAC', () => {
    const signed = contentInfo('1.2.840.113549.1.7.2', sequence());
    expect(refusal(sequence(unsignedInteger(3), signed)).message).toContain('a signature instead of a MAC');
  });

  test('is refused beyond 1 MiB', () => {
    expect(refusal(Buffer.alloc(2 ** 20 + 1)).message).toContain('larger than 1 MiB');
  });

  test('is refused where it nests too deeply, in either form', () => {
    expect(refusal(Buffer.alloc(2 ** 20, Buffer.of(0x30, 0x80))).message).toContain('damaged');
    let bag = safeBag(6, sequence());
    for (let depth = 0; depth < 20; depth++) bag = safeBag(6, sequence(bag));
    expect(refusal(writePfx({ otherBags: [bag] })).message).toContain('damaged');
  });

  test('is refused where one derivation costs too much', () => {
    expect(refusal(writePfx({ encrypt: pbes2({ iterations: 10_000_001 }) })).message).toContain(
      '10 million iterations',
    );
    expect(refusal(writePfx({ mac: macWithCount(unsignedInteger(2 ** 40)) })).message).toContain(
      '10 million iterations',
    );
  });

  test('is refused where its derivations together cost too much', () => {
    const costly = keyBag(leafKey, pbes2({ iterations: 9_999_999 }));
    const pfx = writePfx({ encrypt: pbes2(), keys: [], otherBags: [costly] });
    expect(refusal(pfx).message).toContain('10 million iterations');
  });

  test('is refused with a negative number of iterations', () => {
    expect(refusal(writePfx({ mac: macWithCount(der(tags.integer, Buffer.of(0xff))) })).message).toContain(
      'damaged',
    );
  });
});

test('the key is a private key that signs', () => {
  const { key } = readPfx(writePfx(), passphrase, 'pfx');
  expect(key.type).toBe('private');
  expect(key.equals(createPrivateKey({ key: leafKey, format: 'der', type: 'pkcs8' }))).toBe(true);
});
