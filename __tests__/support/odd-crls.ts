import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import type { Authority } from 'portcullis/pki';
import {
  bitString,
  der,
  objectIdentifier,
  octetString,
  positiveInteger,
  sequence,
  time,
  unsignedInteger,
} from '../../lib/pki/der.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { explicitTag, implicitTag, tags } from '../../lib/x509/der.ts';

export interface OddEntry {
  /** Hexadecimal. */
  readonly serial: string;
  /** RFC 5280 5.3.1, as a number. */
  readonly reason?: number;
  /** Whole extensions in DER, in place of the reason. */
  readonly extensions?: readonly Buffer[];
}

/** A CRL of any kind, signed by a P-256 key. Names and times are as they should be unless told otherwise. */
export interface OddCrl {
  readonly entries?: readonly OddEntry[];
  readonly extensions?: readonly Buffer[];
  readonly thisUpdate?: Date;
  /** null: none. */
  readonly nextUpdate?: Date | null;
  /** Another key than the issuer's, in PEM. */
  readonly key?: string;
  /** Name in DER. */
  readonly issuerName?: Buffer;
  /** null: none, which is version 1. */
  readonly version?: number | null;
  readonly hash?: 'sha1' | 'sha256';
  /** The AlgorithmIdentifier outside of what is signed. */
  readonly outerAlgorithm?: Buffer;
  /** After the extensions. */
  readonly trailing?: Buffer;
}

const hashOids = { sha1: '1.2.840.10045.4.1', sha256: '1.2.840.10045.4.3.2' };
const day = 86_400_000;

/** In DER. */
export function oddCrl(issuer: Authority, options: OddCrl = {}): Buffer {
  const { entries = [], extensions = [], hash = 'sha256', version = 1 } = options;
  const algorithm = sequence(objectIdentifier(hashOids[hash]));
  const { nextUpdate = new Date(Date.now() + day) } = options;
  const list = sequence(
    ...(version === null ? [] : [unsignedInteger(version)]),
    algorithm,
    options.issuerName ?? new Certificate(new X509Certificate(issuer.certificate).raw).subjectRaw,
    time(options.thisUpdate ?? new Date(Date.now() - day)),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(entries.length === 0 ? [] : [sequence(...entries.map(encodeEntry))]),
    ...(extensions.length === 0 ? [] : [der(explicitTag(0), sequence(...extensions))]),
    ...(options.trailing === undefined ? [] : [options.trailing]),
  );
  const signature = sign(hash, list, createPrivateKey(options.key ?? issuer.key));
  return sequence(list, options.outerAlgorithm ?? algorithm, bitString(signature));
}

export const pemOf = (crl: Buffer): string =>
  `-----BEGIN X509 CRL-----\n${crl.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`;

function encodeEntry({ serial, reason, extensions }: OddEntry): Buffer {
  const all =
    extensions ?? (reason === undefined ? [] : [crlExtension('2.5.29.21', der(0x0a, Buffer.of(reason)))]);
  return sequence(
    positiveInteger(Buffer.from(serial, 'hex')),
    time(new Date()),
    ...(all.length === 0 ? [] : [sequence(...all)]),
  );
}

export const crlExtension = (oid: string, value: Buffer, critical = false): Buffer =>
  sequence(
    objectIdentifier(oid),
    ...(critical ? [der(tags.boolean, Buffer.of(0xff))] : []),
    octetString(value),
  );

const yes = (n: number): Buffer => der(implicitTag(n), Buffer.of(0xff));

/** `[0] fullName` with one URI. */
const point = (uri: string): Buffer =>
  der(explicitTag(0), der(explicitTag(0), der(implicitTag(6), Buffer.from(uri, 'latin1'))));

type DistributionName =
  | 'user'
  | 'ca'
  | 'someReasons'
  | 'indirect'
  | 'attribute'
  | 'contradictory'
  | 'relative';

/** IssuingDistributionPoint (RFC 5280 5.2.5). */
export const distribution: Readonly<Record<DistributionName, Buffer>> & {
  readonly at: (uri: string) => Buffer;
} = {
  user: crlExtension('2.5.29.28', sequence(yes(1)), true),
  ca: crlExtension('2.5.29.28', sequence(yes(2)), true),
  someReasons: crlExtension('2.5.29.28', sequence(der(implicitTag(3), Buffer.of(1, 0x40))), true),
  indirect: crlExtension('2.5.29.28', sequence(yes(4)), true),
  attribute: crlExtension('2.5.29.28', sequence(yes(5)), true),
  contradictory: crlExtension('2.5.29.28', sequence(yes(1), yes(2)), true),
  relative: crlExtension('2.5.29.28', sequence(der(explicitTag(0), der(explicitTag(1)))), true),
  at: (uri: string): Buffer => crlExtension('2.5.29.28', sequence(point(uri)), true),
};

export const deltaIndicator: Buffer = crlExtension('2.5.29.27', unsignedInteger(1), true);
export const crlNumber = (number: number): Buffer => crlExtension('2.5.29.20', unsignedInteger(number));
export const certificateIssuer: Buffer = crlExtension('2.5.29.29', sequence(), true);
