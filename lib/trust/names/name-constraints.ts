import type { Certificate } from '../../x509/certificate.ts';
import {
  type DerElement,
  DerError,
  explicitTag,
  expectTag,
  readChildren,
  readElement,
  tags,
} from '../../x509/der.ts';
import { oids } from '../../x509/extensions.ts';
import { type NameType, readGeneralName } from './general-name.ts';
import {
  addressSubtree,
  directorySubtree,
  dnsSubtree,
  emailSubtree,
  type Subtree,
  uriSubtree,
} from './name-bases.ts';

/** NameConstraints (RFC 5280 4.2.1.10). A type without a subtree that can be judged has `undefined` for it. */
export interface NameConstraints {
  readonly permitted: readonly Base[];
  readonly excluded: readonly Base[];
  /** Has a dNSName with a dot in front. */
  readonly hasLeadingDot: boolean;
}

export interface Base {
  readonly type: NameType;
  readonly subtree: Subtree | undefined;
}

const readers: Readonly<Partial<Record<NameType, (base: Buffer) => Subtree | undefined>>> = {
  dNSName: dnsSubtree,
  directoryName: directorySubtree,
  iPAddress: addressSubtree,
  rfc822Name: emailSubtree,
  uniformResourceIdentifier: uriSubtree,
};

const known = new WeakMap<Certificate, NameConstraints>();

/** The constraints of a CA; undefined where it has none. Throws a DerError where they are malformed. */
export function nameConstraintsOf(certificate: Certificate): NameConstraints | undefined {
  const extension = certificate.extensions.get(oids.nameConstraints);
  if (extension === undefined) return undefined;
  let constraints = known.get(certificate);
  if (constraints === undefined) {
    constraints = readNameConstraints(extension.value);
    known.set(certificate, constraints);
  }
  return constraints;
}

function readNameConstraints(value: Buffer): NameConstraints {
  const parts = readChildren(readElement(value, tags.sequence));
  const permitted = parts[0]?.tag === explicitTag(0) ? parts.shift() : undefined;
  const excluded = parts[0]?.tag === explicitTag(1) ? parts.shift() : undefined;
  if (parts.length > 0) throw new DerError('a part that has no place there');
  if (permitted === undefined && excluded === undefined) throw new DerError('nothing in it');
  const bases = [...readSubtrees(permitted), ...readSubtrees(excluded)];
  const count = permitted === undefined ? 0 : readChildren(permitted).length;
  return {
    permitted: bases.slice(0, count),
    excluded: bases.slice(count),
    hasLeadingDot: bases.some(({ hasLeadingDot }) => hasLeadingDot),
  };
}

function readSubtrees(element: DerElement | undefined): Array<Base & { readonly hasLeadingDot: boolean }> {
  if (element === undefined) return [];
  const subtrees = readChildren(element);
  if (subtrees.length === 0) throw new DerError('an empty list of subtrees');
  return subtrees.map(readSubtree);
}

function readSubtree(element: DerElement): Base & { readonly hasLeadingDot: boolean } {
  const [base, ...bounds] = readChildren(expectTag(element, tags.sequence));
  // RFC 5280 has no use for them, and whoever does not process them has to refuse.
  if (bounds.length > 0) throw new DerError('a subtree with a minimum or maximum');
  const { type, content } = readGeneralName(expectTag(base, undefined));
  const subtree = readers[type]?.(content);
  if (subtree === undefined && readers[type] !== undefined) throw new DerError(`a malformed ${type}`);
  return { type, subtree, hasLeadingDot: type === 'dNSName' && content[0] === 0x2e };
}
