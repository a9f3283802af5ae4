import { createHash } from 'node:crypto';
import { BoundedMap } from '../../bounded-map.ts';
import type { Certificate } from '../../x509/certificate.ts';
import {
  type DerElement,
  DerError,
  expectTag,
  explicitTag,
  readBitString,
  readChildren,
  readElement,
  readSmallInteger,
  readTime,
  tags,
} from '../../x509/der.ts';
import { type Extension, readAuthorityKeyId, readExtensions } from '../../x509/extensions.ts';
import { indexEntries } from './crl-entries.ts';
import { CrlError } from './crl-error.ts';
import { comparableName, serialOf } from './crl-name.ts';
import { type CrlScope, covers, readScope, wholeScope } from './crl-scope.ts';
import type { SerialIndex } from './crl-serials.ts';
import { isSignedBy, type Signed } from '../ocsp/ocsp-signature.ts';

const oids = {
  authorityKeyIdentifier: '2.5.29.35',
  crlNumber: '2.5.29.20',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
} as const;
const understood: ReadonlySet<string> = new Set(Object.values(oids));

interface Fields {
  readonly sha256: string;
  /** Of the issuer, as `comparableName` writes it. */
  readonly issuer: string;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly number: bigint | undefined;
  readonly authorityKeyId: string | undefined;
  readonly scope: CrlScope;
  readonly serials: SerialIndex;
  readonly signed: Signed;
}

/** Keys that a list was asked for; a CA has one, and another while it changes it. */
const rememberedKeys = 8;

/**
 * A complete CRL (RFC 5280 5). Times are milliseconds since 1970. That it was read says nothing of who signed it: ask
 * `isSignedBy` first, with a certificate that is trusted already.
 */
export class RevocationList {
  /** Of the DER, lower-case hexadecimal. */
  readonly sha256: string;
  readonly issuer: string;
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  readonly number: bigint | undefined;
  readonly authorityKeyId: string | undefined;
  readonly scope: CrlScope;
  readonly #serials: SerialIndex;
  readonly #signed: Signed;
  readonly #signers = new BoundedMap<string, boolean>(rememberedKeys);
  #signer: Certificate | undefined;

  constructor(fields: Fields) {
    this.sha256 = fields.sha256;
    this.issuer = fields.issuer;
    this.thisUpdate = fields.thisUpdate;
    this.nextUpdate = fields.nextUpdate;
    this.number = fields.number;
    this.authorityKeyId = fields.authorityKeyId;
    this.scope = fields.scope;
    this.#serials = fields.serials;
    this.#signed = fields.signed;
  }

  /** The issuer that was found to have signed it: a trusted one. Undefined while nobody has asked. */
  get signer(): Certificate | undefined {
    return this.#signer;
  }

  /** Whether it revokes nobody at all. */
  get isEmpty(): boolean {
    return this.#serials.isEmpty;
  }

  /** Whether it revokes the certificate, if its issuer is the list's. */
  revokes(certificate: Certificate): boolean {
    return this.#serials.has(serialOf(certificate));
  }

  covers(certificate: Certificate): boolean {
    return covers(this.scope, certificate);
  }

  /**
   * Whether the key of `issuer` has signed it, and may (RFC 5280 4.2.1.3: cRLSign). The caller trusts it,
   * and has compared the names.
   */
  isSignedBy(issuer: Certificate): boolean {
    if (issuer.keyUsage !== undefined && !issuer.keyUsage.has('cRLSign')) return false;
    const { pin } = issuer;
    let signed = this.#signers.get(pin);
    if (signed === undefined) {
      signed = signedBy(this.#signed, issuer);
      this.#signers.set(pin, signed);
    }
    if (signed) this.#signer ??= issuer;
    return signed;
  }
}

/** A key that OpenSSL cannot use has signed nothing. */
function signedBy(signed: Signed, issuer: Certificate): boolean {
  try {
    return isSignedBy(signed, issuer.x509.publicKey);
  } catch {
    return false;
  }
}

/**
 * Reads a list; yields from time to time. Throws a DerError where it is damaged, and a CrlError where it must not be
 * used: a delta or indirect one, one for some reasons only, one with a critical extension that is not known, one that
 * never runs out.
 *
 * 100,000 entries, Node 24, by bench/revocation.ts: 38 ms the first time (23 ms later; 27 ms from PEM), 6 MiB kept,
 * 0.04 µs for a look-up, 2 µs for the judgement of a path, 4 ms once for the signature. Read little by little it holds the
 * loop for 12 ms at a time, from PEM too.
 */
export function* readList(der: Buffer): Generator<void, RevocationList> {
  const [body, outerAlgorithm, signature, ...more] = readChildren(readElement(der, tags.sequence));
  const data = expectTag(body, tags.sequence).raw;
  const fields = readChildren(expectTag(body, tags.sequence));
  const take = (...wanted: number[]): DerElement | undefined =>
    wanted.includes(fields[0]?.tag ?? -1) ? fields.shift() : undefined;
  const version = take(tags.integer);
  if (version !== undefined && readSmallInteger(version) !== 1) throw new DerError('an unknown version');
  const algorithm = expectTag(fields.shift(), tags.sequence);
  // RFC 5280 5.1.1.2: the algorithm stands twice and must be the same, or the signed one could be exchanged.
  if (!algorithm.raw.equals(expectTag(outerAlgorithm, tags.sequence).raw))
    throw new DerError('the two signature algorithms differ');
  const issuer = comparableName(expectTag(fields.shift(), tags.sequence).raw);
  const thisUpdate = readTime(fields.shift());
  const next = take(tags.utcTime, tags.generalizedTime);
  const entries = take(tags.sequence);
  const wrapped = take(explicitTag(0));
  if (fields.length > 0 || more.length > 0) throw new DerError('an unknown field');
  if (wrapped !== undefined && version === undefined) throw new DerError('extensions in version 1');
  const extensions = readListExtensions(wrapped);
  if (next === undefined)
    throw new CrlError('it has no nextUpdate, so that it never runs out', 'Ask its CA for one with a date.');
  const nextUpdate = readTime(next);
  if (nextUpdate < thisUpdate) throw new DerError('nextUpdate before thisUpdate');
  const signed = { data, algorithm, signature: readBitString(signature) };
  yield;
  const serials = yield* indexEntries(entries);
  const sha256 = createHash('sha256').update(der).digest('hex');
  return new RevocationList({ sha256, issuer, thisUpdate, nextUpdate, serials, signed, ...extensions });
}

function readListExtensions(
  wrapped: DerElement | undefined,
): Pick<Fields, 'number' | 'authorityKeyId' | 'scope'> {
  const extensions: ReadonlyMap<string, Extension> =
    wrapped === undefined ? new Map() : readExtensions(wrapped);
  if (extensions.has(oids.deltaCrlIndicator))
    throw new CrlError('it is a delta CRL, which says only what has changed', 'Give the complete list.');
  for (const [oid, { critical }] of extensions) {
    if (critical && !understood.has(oid)) throw CrlError.unknownExtension(oid);
  }
  const number = extensions.get(oids.crlNumber);
  const point = extensions.get(oids.issuingDistributionPoint);
  return {
    number: number && readNumber(number.value),
    authorityKeyId: readAuthorityKeyId(extensions.get(oids.authorityKeyIdentifier)?.value),
    scope: point === undefined ? wholeScope : readScope(point.value),
  };
}

/** RFC 5280 5.2.3: not negative, 20 octets at most; a sign octet may come before them. */
function readNumber(value: Buffer): bigint {
  const { content } = readElement(value, tags.integer);
  if (content.length === 0 || content.length > 21 || content[0]! >= 0x80)
    throw new DerError('bad CRL number');
  return BigInt(`0x${content.toString('hex')}`);
}

/** Of two lists of one issuer and scope the one that counts: by number where both have one (RFC 5280 5.2.3). */
export function newer(a: RevocationList, b: RevocationList): RevocationList {
  if (a.number !== undefined && b.number !== undefined && a.number !== b.number)
    return a.number > b.number ? a : b;
  return a.thisUpdate >= b.thisUpdate ? a : b;
}

/**
 * How far our clock, or that of a CA, may be wrong (ms), as with OCSP: a list that is dated a little ahead counts, or
 * every client would be cut off from the moment it is fetched until our clock has reached it.
 */
const clockSkew = 5 * 60_000;

/** From when on a list counts (ms since 1970). */
export const countsFrom = ({ thisUpdate }: RevocationList): number => thisUpdate - clockSkew;

/** The CA of a list, for people: in one line, whatever stands in its name. */
export function issuerLabel({ issuer, signer }: RevocationList): string {
  const name = signer?.subject['CN']?.join('+') ?? (JSON.parse(issuer) as string[][]).flat().join(', ');
  return `'${name.replace(/[^\x20-\x7e]/g, '?')}'`;
}
