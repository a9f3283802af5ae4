import { ConfigError } from '../errors.ts';
import { describe } from '../options.ts';
import { explicitTag, implicitTag } from '../x509/der.ts';
import { oids } from '../x509/extensions.ts';
import { parseUrl } from '../url.ts';
import type { RawExtension } from './certificate.ts';
import { der, objectIdentifier, sequence } from './der.ts';
import { nonEmptyList } from './lists.ts';

/** Where more is said about a certificate, and under which policies it was issued. Each speaks of this certificate. */
export interface StatusOptions {
  /** URLs at which the issuer's CRL lies (RFC 5280 4.2.1.13), all of one list. Default: none. */
  readonly crlDistributionPoints?: readonly string[];
  /** URLs of the issuer's OCSP responder (RFC 5280 4.2.2.1). Default: none. */
  readonly ocsp?: readonly string[];
  /** URLs of the issuer's certificate (RFC 5280 4.2.2.1). Default: none. */
  readonly caIssuers?: readonly string[];
  /** OIDs of policies, without qualifiers (RFC 5280 4.2.1.4). Default: none. */
  readonly certificatePolicies?: readonly string[];
}

export const statusKeys = ['crlDistributionPoints', 'ocsp', 'caIssuers', 'certificatePolicies'] as const;

/** As many as are ever read here. */
const maxItems = 8;
const accessMethods = { ocsp: '1.3.6.1.5.5.7.48.1', caIssuers: '1.3.6.1.5.5.7.48.2' } as const;

/** The extensions of these options; a ConfigError `OPTION_INVALID` for a URL or OID that is none. */
export function readStatusOptions(options: StatusOptions): readonly RawExtension[] {
  const points = readUrls(options.crlDistributionPoints, 'crlDistributionPoints');
  const access = (['ocsp', 'caIssuers'] as const).flatMap((key) =>
    readUrls(options[key], key).map((url) => sequence(objectIdentifier(accessMethods[key]), url)),
  );
  const policies = readItems(options.certificatePolicies, 'certificatePolicies', readPolicy);
  return [
    // The names of one point are places of one list.
    ...noncritical(
      oids.crlDistributionPoints,
      points.length === 0 ? [] : [sequence(der(explicitTag(0), der(explicitTag(0), ...points)))],
    ),
    ...noncritical(oids.authorityInfoAccess, access),
    ...noncritical(oids.certificatePolicies, policies),
  ];
}

const noncritical = (oid: string, items: readonly Buffer[]): RawExtension[] =>
  items.length === 0 ? [] : [{ oid, critical: false, value: sequence(...items) }];

function readItems(
  list: readonly string[] | undefined,
  path: string,
  read: (item: unknown, path: string) => Buffer,
): Buffer[] {
  if (list === undefined) return [];
  const items = nonEmptyList(list, path);
  if (new Set(items).size < items.length)
    throw new ConfigError('OPTION_CONFLICT', path, 'one of them comes twice', 'Leave one of them out.');
  if (items.length > maxItems)
    throw new ConfigError('OPTION_INVALID', path, `${items.length} of them`, `Give at most ${maxItems}.`);
  return items.map((item, index) => read(item, `${path}[${index}]`));
}

/** GeneralNames of the type URI. */
const readUrls = (list: readonly string[] | undefined, path: string): Buffer[] =>
  readItems(list, path, readUrl);

/** It is sent to strangers, in clear: no password, and no characters that a log or a terminal would take for others. */
function readUrl(value: unknown, path: string): Buffer {
  const text = typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : '';
  const url = parseUrl(text);
  const valid =
    url !== undefined &&
    /^https?:\/\//i.test(text) &&
    !/["<>\\^`{|}]/.test(text) &&
    url.username === '' &&
    url.password === '' &&
    url.hash === '';
  if (valid) return der(implicitTag(6), Buffer.from(text, 'latin1'));
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `${text === '' || url?.password ? 'it' : describe(text)} is no http or https URL without user and fragment`,
    "Give one as 'http://pki.example.org/ca.crl', in ASCII.",
  );
}

function readPolicy(value: unknown, path: string): Buffer {
  const text = typeof value === 'string' && value.length <= 100 ? value : '';
  // X.660: three roots, of which two have 40 arcs below them.
  if (/^(?:[01]\.[1-3]?\d|2\.(?:0|[1-9]\d*))(?:\.(?:0|[1-9]\d*))*$/.test(text))
    return sequence(objectIdentifier(text));
  throw new ConfigError(
    'OPTION_INVALID',
    path,
    `${describe(value)} is no OID`,
    "Give one in digits and dots, as '1.3.6.1.4.1.99999.1'.",
  );
}
