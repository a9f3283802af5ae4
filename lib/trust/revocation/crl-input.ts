import { createHash } from 'node:crypto';
import { ConfigError } from '../../errors.ts';
import { DerError } from '../../x509/der.ts';
import { CrlError } from './crl-error.ts';
import { readList, type RevocationList } from './crl-list.ts';
import { type FoundDer, type InputKind, inputsOf, readInputs, type TrustInputs } from '../input.ts';
import { readListSlowly } from './crl-slowly.ts';

/** CRLs as text or octets, PEM (one or a bundle) or DER, or where they lie. */
export type RevocationListInputs = TrustInputs;

const remedy = 'Give the lists as PEM, as DER, or as { file } or { directory }.';

const listInput: InputKind = {
  missing: 'CRL_MISSING',
  invalid: 'CRL_INVALID',
  remedy,
  missingRemedy: `Without a list nobody is revoked. ${remedy}`,
  absent: 'there is no list',
  empty: 'no CRL in it',
  labels: new Set(['X509 CRL', 'CRL']),
  only: 'Only CRLs belong here.',
  fileName: /\.(pem|crl|der)$/i,
};

/** What `withRevocationLists` has read already, by the SHA-256 of the DER; empty at any other time. */
const atHand = new Map<string, RevocationList>();

/**
 * Reads CRLs at once. Each that is missing, damaged or must not be used is a ConfigError (`CRL_MISSING`,
 * `CRL_INVALID`). Node takes garbage and an empty list in `crl` without a word, and then revokes nobody.
 */
export function readRevocationLists(
  input: RevocationListInputs | undefined,
  path: string,
): readonly RevocationList[] {
  return distinct(readInputs(input, path, listInput).map((found) => atHandOrRead(found)));
}

function atHandOrRead({ der, path }: FoundDer): RevocationList {
  const known = atHand.size > 0 ? atHand.get(sha256(der)) : undefined;
  if (known !== undefined) return known;
  const steps = readList(der);
  for (;;) {
    const step = attempt(() => steps.next(), path);
    if (step.done === true) return step.value;
  }
}

/**
 * Reads the CRLs in `input` a little at a time, so that whoever is being served does not wait for a list of
 * megabytes, and then calls `use`, within which `readRevocationLists` finds them done. For a listener that serves.
 * ConfigErrors as there, as a rejection.
 */
export async function withRevocationLists<T>(
  input: RevocationListInputs | undefined,
  path: string,
  use: () => T,
): Promise<T> {
  const lists: RevocationList[] = [];
  for (const { der, path: where } of input === undefined ? [] : inputsOf(input, path, listInput)) {
    // oxlint-disable-next-line no-await-in-loop -- one after another is the point
    lists.push(await readListSlowly(der).catch((error: unknown) => refuse(error, where)));
  }
  try {
    for (const list of lists) atHand.set(list.sha256, list);
    return use();
  } finally {
    atHand.clear();
  }
}

function attempt<T>(read: () => T, path: string): T {
  try {
    return read();
  } catch (error) {
    return refuse(error, path);
  }
}

function refuse(error: unknown, path: string): never {
  if (error instanceof CrlError)
    throw new ConfigError('CRL_INVALID', path, error.message, error.remedy, error);
  if (error instanceof DerError)
    throw new ConfigError('CRL_INVALID', path, 'a CRL in it is damaged', remedy, error);
  throw error;
}

const distinct = (lists: readonly RevocationList[]): readonly RevocationList[] => [
  ...new Map(lists.map((list) => [list.sha256, list])).values(),
];

const sha256 = (der: Buffer): string => createHash('sha256').update(der).digest('hex');
