import type { CertificateChoice } from '../../credentials/choice.ts';
import type { KeyPair } from '../../credentials/key-pair.ts';
import { dnsNames } from '../../credentials/server-names.ts';
import { ConfigError } from '../../errors.ts';

/**
 * Whether the certificate of an SNI context replaces all of the server's: since Node 24.20 and 26.7. Before that each
 * only takes the place of the one with the same key type, and a client that prefers another type is shown the default's.
 */
export function replacesCertificates(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major === 24 && minor >= 20) || (major === 26 && minor >= 7) || major > 26;
}

const remedy =
  'put first the entry whose kind all the others have, or use Node 24.20, 26.7 or newer: before, OpenSSL mixes the ' +
  "certificates of a name with the default's.";

/**
 * Where they do not replace: refuses a name that would be served with certificates of the default entry, as it has none
 * of that key type, or with its issuers, as it has none of its own. ConfigError `OPTION_CONFLICT`.
 */
export function checkServable(choice: CertificateChoice): void {
  for (const list of choice.lists) {
    if (list === choice.default) continue;
    for (const other of choice.default) {
      const own = list.find((pair) => slotOf(pair) === slotOf(other));
      if (own === undefined) throw missingType(list, other);
      if (sentIssuers(other) > 0 && sentIssuers(own) === 0) throw missingIssuers(own);
    }
  }
}

/** OpenSSL keeps one certificate in each: RSA-PSS beside RSA, and all curves of ECDSA in one. */
const slotOf = ({ leaf }: KeyPair): string => leaf.publicKey.type;
/** Roots are never sent. */
const sentIssuers = ({ issuers }: KeyPair): number =>
  issuers.filter(({ isSelfIssued }) => !isSelfIssued).length;

function missingType(list: readonly KeyPair[], other: KeyPair): ConfigError {
  const [first] = list;
  const type = slotOf(other).toUpperCase();
  return new ConfigError(
    'OPTION_CONFLICT',
    first?.path ?? 'certificate',
    `${nameOf(first)} has no certificate with a key of the type ${type}, and would be served the default's on this Node`,
    `Give it one, ${remedy}`,
  );
}

function missingIssuers(pair: KeyPair): ConfigError {
  return new ConfigError(
    'OPTION_CONFLICT',
    pair.path,
    `${nameOf(pair)} has a certificate without intermediates, and would be served with the default's on this Node`,
    `Give it its intermediates, ${remedy}`,
  );
}

const nameOf = (pair: KeyPair | undefined): string => (pair && dnsNames(pair.leaf)[0]) ?? 'the name';
