import type { KeyObject } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import { checkKeys, oneOf, wholeNumber } from '../../options.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { sequence, unsignedInteger } from '../der.ts';
import { readPrivateKey } from '../keys.ts';
import { readPassphrase } from '../passphrase.ts';
import { readCertificates } from '../pem.ts';
import { attributesOf, certificateBag, dataContent, encryptedContent, shroudedKeyBag } from './bags.ts';
import { nameOf, readFriendlyName } from './friendly-name.ts';
import { compatibleProtection, modernProtection, type Protection } from './protection.ts';

/** How a PKCS#12 file is protected: see `encryption` of `Pkcs12Options`. */
export type Pkcs12Encryption = 'compatible' | 'modern';

/** What goes into a PKCS#12 file. */
export interface Pkcs12Options {
  /** The private key in PEM. */
  readonly key: string;
  /** What `key` is encrypted with, if it is. */
  readonly keyPassphrase?: string;
  /** The certificate and its intermediates in PEM, as `chain` of what was issued. This or `certificate`. */
  readonly chain?: string;
  /** The certificate alone in PEM. */
  readonly certificate?: string;
  /** What the file is protected with: mandatory, not empty. Whoever has the file can try passphrases for years. */
  readonly passphrase: string;
  /** What importers show; default: the common name, or the first alternative name, of the certificate. */
  readonly friendlyName?: string;
  /**
   * `'compatible'` (the default): triple DES and SHA-1, which every importer takes: macOS, iOS, Android, Windows, NSS
   * (Firefox, Chromium on Linux), Java, OpenSSL. `'modern'`: AES-256 and SHA-256, which OpenSSL, NSS, Java since 8u301
   * and newer Windows take, and which macOS, iOS and Android often call a wrong password.
   */
  readonly encryption?: Pkcs12Encryption;
  /** Rounds of each derivation, from 2048 to 300,000; default: 50,000 if compatible, 200,000 if modern. */
  readonly iterations?: number;
}

const keys = [
  'key',
  'keyPassphrase',
  'chain',
  'certificate',
  'passphrase',
  'friendlyName',
  'encryption',
  'iterations',
];

const protections = { compatible: compatibleProtection, modern: modernProtection } as const;
/** .NET gives up beyond 300,000 of one derivation, and beyond 600,000 of all three in its older versions. */
const defaultIterations = { compatible: 50_000, modern: 200_000 } as const;
const maxIterations = 300_000;

/**
 * A private key and its certificates in one encrypted file (PKCS#12, RFC 7292), as browsers, operating systems and Java
 * import it: `.p12` or `.pfx`. The file is as good as its passphrase: give it on another way than the file.
 *
 * ```ts
 * const { key, chain } = await authority.issueClientCertificate({ subject: 'alice' });
 * writeFileSync('alice.p12', await exportPkcs12({ key, chain, passphrase }), { mode: 0o600 });
 * ```
 *
 * ConfigErrors: `OPTION_UNKNOWN`, `OPTION_INVALID`, `OPTION_CONFLICT`, `KEY_INVALID`, `CERTIFICATE_INVALID`,
 * `KEY_MISMATCH` where the first certificate is not the key's.
 */
export async function exportPkcs12(options: Pkcs12Options): Promise<Buffer> {
  checkKeys(options, keys, 'options');
  const encryption = oneOf(options.encryption ?? 'compatible', ['compatible', 'modern'], 'encryption');
  const passphrase = readPassphrase(options.passphrase, 'passphrase');
  const friendlyName = readFriendlyName(options.friendlyName);
  const rounds = options.iterations ?? defaultIterations[encryption];
  const iterations = wholeNumber(rounds, 'iterations', 'rounds', 2048, maxIterations);
  const key = readPrivateKey(options.key, options.keyPassphrase, 'key');
  const certificates = readChain(options, key);
  return write(key, certificates, friendlyName, protections[encryption](passphrase, iterations));
}

type Chain = readonly [leaf: Certificate, ...issuers: Certificate[]];

async function write(
  key: KeyObject,
  [leaf, ...issuers]: Chain,
  friendlyName: string | undefined,
  protection: Protection,
): Promise<Buffer> {
  const attributes = attributesOf(leaf, friendlyName ?? nameOf(leaf));
  const bags = [certificateBag(leaf, attributes), ...issuers.map((issuer) => certificateBag(issuer))];
  const certificates = await protection.encrypt(sequence(...bags));
  const shrouded = await protection.encrypt(key.export({ type: 'pkcs8', format: 'der' }));
  const safe = sequence(
    encryptedContent(certificates),
    dataContent(sequence(shroudedKeyBag(shrouded, attributes))),
  );
  return sequence(unsignedInteger(3), dataContent(safe), await protection.authenticate(safe));
}

function readChain({ chain, certificate }: Pkcs12Options, key: KeyObject): Chain {
  if ((chain === undefined) === (certificate === undefined)) {
    throw new ConfigError(
      chain === undefined ? 'OPTION_INVALID' : 'OPTION_CONFLICT',
      'chain',
      `${chain === undefined ? 'neither' : 'both'} of chain and certificate`,
      'Give one of them.',
    );
  }
  const path = chain === undefined ? 'certificate' : 'chain';
  const all = readCertificates(chain ?? certificate, path);
  const [leaf, ...issuers] = new Map(all.map((one) => [one.sha256, one])).values();
  if (!leaf!.x509.checkPrivateKey(key)) {
    throw new ConfigError(
      'KEY_MISMATCH',
      'key',
      'it is not the key of the first certificate',
      'Give the two that belong together, the certificate before its issuers.',
    );
  }
  if (chain === undefined && issuers.length > 0)
    throw new ConfigError('CERTIFICATE_INVALID', path, `${all.length} certificates`, 'Give them as `chain`.');
  return [leaf!, ...issuers];
}
