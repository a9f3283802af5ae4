import { isIP } from 'node:net';
import { ConfigError } from '../errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type DerElement, explicitTag, implicitTag, readChildren, readElement } from '../x509/der.ts';
import { oids } from '../x509/extensions.ts';
import { addressOctets, type AltName } from './names.ts';

/**
 * Refuses a name that the name constraints of an authority above it rule out (RFC 5280 4.2.1.10): every verifier
 * would refuse the certificate.
 */
export function requirePermitted(
  names: readonly AltName[],
  authorities: readonly Certificate[],
  path: string,
): void {
  for (const authority of authorities) {
    const { permitted, excluded } = constraintsOf(authority);
    for (const name of names) {
      const sameType = permitted.filter(({ tag }) => tag === tagOf(name));
      const allowed = sameType.length === 0 || sameType.some((base) => isWithin(name, base));
      if (allowed && !excluded.some((base) => tagOf(name) === base.tag && isWithin(name, base))) continue;
      throw new ConfigError(
        'OPTION_CONFLICT',
        path,
        `the name constraints of an authority above rule out '${name.value}'`,
        'Leave the name out, or issue below another authority.',
      );
    }
  }
}

interface Constraints {
  readonly permitted: readonly DerElement[];
  readonly excluded: readonly DerElement[];
}

function constraintsOf({ extensions }: Certificate): Constraints {
  const extension = extensions.get(oids.nameConstraints);
  const trees = extension === undefined ? [] : readChildren(readElement(extension.value));
  const bases = (n: number): DerElement[] =>
    trees
      .filter(({ tag }) => tag === explicitTag(n))
      .flatMap(readChildren)
      .flatMap((subtree) => readChildren(subtree).slice(0, 1));
  return { permitted: bases(0), excluded: bases(1) };
}

/** Numbers of GeneralName (RFC 5280 4.2.1.6). */
const tagsOf: Readonly<Record<AltName['type'], number>> = { email: 1, dns: 2, uri: 6, ip: 7 };
const tagOf = ({ type }: AltName): number => implicitTag(tagsOf[type]);

function isWithin({ type, value }: AltName, { content }: DerElement): boolean {
  if (type === 'ip') return isInRange(addressOctets(value), content);
  const base = content.toString('latin1');
  if (type === 'dns') return isBelow(value, base.toLowerCase());
  return type === 'email' ? isMailOf(value, base) : isHostOf(hostOfUri(value), base);
}

/** One mailbox, whose part before the @ is compared as it stands (RFC 5280 7.5), or all of a host, or of those below. */
function isMailOf(address: string, base: string): boolean {
  const [local, host = ''] = address.split('@');
  const [name, at] = base.split('@');
  return at === undefined ? isHostOf(host, base) : local === name && isHostOf(host, at);
}

/** A URI without a host's name is within nothing: a verifier cannot judge it, and refuses (RFC 5280 4.2.1.10). */
function hostOfUri(uri: string): string {
  const host = /^[^:]+:\/\/(?:[^/?#@]*@)?([^/?#:@]*)/.exec(uri)?.[1] ?? '';
  return isIP(host) === 0 ? host : '';
}

/** A host, or with a dot in front the hosts below it. */
function isHostOf(host: string, base: string): boolean {
  const [name, above] = [host.toLowerCase(), base.toLowerCase()];
  return name !== '' && (above.startsWith('.') ? name.endsWith(above) : name === above);
}

/** A base with a leading dot, as OpenSSL allows it, stands for what is below it only. */
const isBelow = (name: string, base: string): boolean =>
  base === '' || name === base || name.endsWith(base.startsWith('.') ? base : `.${base}`);

const isInRange = (address: readonly number[], range: Buffer): boolean =>
  range.length === 2 * address.length &&
  address.every((octet, index) => ((octet ^ range[index]!) & range[address.length + index]!) === 0);
