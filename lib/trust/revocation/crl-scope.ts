import type { Certificate } from '../../x509/certificate.ts';
import {
  type DerElement,
  DerError,
  explicitTag,
  implicitTag,
  readChildren,
  readElement,
  tags,
} from '../../x509/der.ts';
import { oids } from '../../x509/extensions.ts';
import { CrlError } from './crl-error.ts';

/** Of which certificates of its issuer a list speaks (RFC 5280 5.2.5). */
export interface CrlScope {
  readonly kind: 'all' | 'user' | 'ca';
  /** The distribution points that it serves, GeneralNames in hexadecimal DER; undefined: it does not say. */
  readonly names: ReadonlySet<string> | undefined;
  /** The same for lists of the same scope: of those the newest counts. */
  readonly key: string;
}

export const wholeScope: CrlScope = { kind: 'all', names: undefined, key: 'all' };

/** Reads IssuingDistributionPoint. */
export function readScope(value: Buffer): CrlScope {
  let kind: CrlScope['kind'] = 'all';
  let names: ReadonlySet<string> | undefined;
  for (const field of readChildren(readElement(value, tags.sequence))) {
    switch (field.tag) {
      case explicitTag(0):
        names = new Set(readPointName(field));
        break;
      case implicitTag(1):
        if (isTrue(field)) kind = both(kind, 'user');
        break;
      case implicitTag(2):
        if (isTrue(field)) kind = both(kind, 'ca');
        break;
      case implicitTag(3):
        throw new CrlError(
          'it lists revocations for some reasons only',
          'Give a list that covers every reason.',
        );
      case implicitTag(4):
        if (isTrue(field)) throw CrlError.indirect();
        break;
      case implicitTag(5):
        if (isTrue(field))
          throw new CrlError(
            'it lists attribute certificates only',
            'Give the list of public-key certificates.',
          );
        break;
      default:
        throw new DerError('an unknown field in IssuingDistributionPoint');
    }
  }
  return { kind, names, key: [kind, ...[...(names ?? [])].toSorted()].join() };
}

/** Whether a list of this scope speaks of the certificate. */
export function covers({ kind, names }: CrlScope, certificate: Certificate): boolean {
  if (kind !== 'all' && certificate.isCa !== (kind === 'ca')) return false;
  return names === undefined || pointNamesOf(certificate).some((name) => names.has(name));
}

function both(before: CrlScope['kind'], now: 'user' | 'ca'): CrlScope['kind'] {
  if (before === 'all') return now;
  throw new CrlError(
    'it is for user certificates only and for CA certificates only at once',
    'Ask its CA for another.',
  );
}

function isTrue({ content }: DerElement): boolean {
  if (content.length !== 1) throw new DerError('bad boolean');
  return content[0] !== 0;
}

/** DistributionPointName: `[0] fullName`, or `[1]` relative to the issuer, which is hardly ever used. */
function readPointName(field: DerElement): string[] {
  const name = readElement(field.content);
  if (name.tag !== explicitTag(0))
    throw new CrlError(
      'its distribution point is named relative to its issuer',
      'Ask its CA for one with a full name.',
    );
  return readChildren(name).map(({ raw }) => raw.toString('hex'));
}

/** The names of the certificate's own distribution points; one that names another CRL issuer is of no use here. */
function pointNamesOf(certificate: Certificate): readonly string[] {
  const extension = certificate.extensions.get(oids.crlDistributionPoints);
  if (extension === undefined) return [];
  try {
    return readChildren(readElement(extension.value, tags.sequence)).flatMap((point) => {
      const fields = readChildren(point);
      const name = fields.find(({ tag }) => tag === explicitTag(0));
      return name === undefined || fields.some(({ tag }) => tag === explicitTag(2))
        ? []
        : readPointName(name);
    });
  } catch {
    return [];
  }
}
