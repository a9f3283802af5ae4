import { implicitTag, tags } from '../x509/der.ts';
import { der, objectIdentifier, sequence } from './der.ts';
import type { NameAttribute } from './distinguished-name.ts';
import { addressOctets, type AltName } from './names.ts';

const stringTags: Readonly<Record<NameAttribute['type'], number>> = {
  ia5String: tags.ia5String,
  printableString: tags.printableString,
  utf8String: tags.utf8String,
};

/** A Name (RFC 5280 4.1.2.4), each attribute an RDN of its own. */
export const encodeName = (attributes: readonly NameAttribute[]): Buffer =>
  sequence(
    ...attributes.map(({ oid, type, value }) =>
      der(tags.set, sequence(objectIdentifier(oid), der(stringTags[type], Buffer.from(value, 'utf8')))),
    ),
  );

/** GeneralNames (RFC 5280 4.2.1.6). */
export const encodeAltNames = (names: readonly AltName[]): Buffer => sequence(...names.map(encodeAltName));

const tagNumbers = { email: 1, dns: 2, uri: 6, ip: 7 } as const;

const encodeAltName = ({ type, value }: AltName): Buffer =>
  der(
    implicitTag(tagNumbers[type]),
    type === 'ip' ? Buffer.from(addressOctets(value)) : Buffer.from(value, 'latin1'),
  );
