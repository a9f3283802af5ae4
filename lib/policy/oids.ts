import type { ClientCertificate } from '../connection/index.ts';
import { describe } from '../options.ts';
import { oids } from '../x509/extensions.ts';
import { certificateOf, isEnd } from './chain.ts';
import type { Match } from './match.ts';
import { matchRule } from './pure-rule.ts';
import type { Rule } from './rule.ts';
import { readValue, ruleError } from './rule-error.ts';
import { quoteAll } from './wording.ts';

const example = "Give an object identifier, '1.3.6.1.4.1.311.20.2.2'.";

/** Names of purposes that people write in the place of their OIDs. */
const purposes: Readonly<Record<string, string>> = {
  clientauth: oids.clientAuth,
  serverauth: oids.serverAuth,
  codesigning: '1.3.6.1.5.5.7.3.3',
  emailprotection: '1.3.6.1.5.5.7.3.4',
};

function readOid(values: readonly unknown[], path: string): string {
  const text = readValue(values, path, example);
  const [first, second = ''] = text.split('.');
  // X.660: below 0 and 1 there are 40 arcs.
  const isOid =
    /^[012](?:\.(?:0|[1-9][0-9]{0,38})){1,62}$/.test(text) && (first === '2' || Number(second) < 40);
  if (isOid) return text;
  const word = text.toLowerCase();
  throw ruleError(
    path,
    `${describe(text)} is no object identifier`,
    Object.hasOwn(purposes, word) ? `Did you mean '${purposes[word]}'?` : example,
  );
}

/**
 * Clients whose certificate names this purpose (RFC 5280 4.2.1.12) by its OID. A certificate without the extension, or
 * with anyExtendedKeyUsage, may be used for anything, but does not name it: neither this rule nor its `not()` lets it
 * in. A ConfigError `RULE_INVALID` where it is no OID, or that of any.
 */
export function extendedKeyUsage(...oid: readonly [oid: string]): Rule {
  const wanted = readOid(oid, 'extendedKeyUsage');
  if (wanted === oids.anyExtendedKeyUsage)
    throw ruleError('extendedKeyUsage', 'anyExtendedKeyUsage names no purpose', example);
  return matchRule({
    name: `extendedKeyUsage('${wanted}')`,
    match: ({ extendedKeyUsage: seen }) =>
      seen.includes(wanted)
        ? 'yes'
        : seen.length === 0 || seen.includes(oids.anyExtendedKeyUsage)
          ? 'unclear'
          : 'no',
    expected: `the extended key usage ${wanted}`,
    seen: ({ extendedKeyUsage: seen }) => quoteAll(seen),
  });
}

const anyPolicy = '2.5.29.32.0';
const policyMappings = '2.5.29.33';
const inhibitAnyPolicy = '2.5.29.54';

/**
 * Clients that were certified under this policy: their certificate names its OID, and every intermediate above it up
 * to the root names it or anyPolicy (RFC 5280 6.1.3 d to f). A path with policy
 * mappings is not let in. A ConfigError `RULE_INVALID` where it is no OID, or that of any.
 */
export function certificatePolicy(...oid: readonly [oid: string]): Rule {
  const wanted = readOid(oid, 'certificatePolicy');
  if (wanted === anyPolicy) throw ruleError('certificatePolicy', 'anyPolicy names no policy', example);
  return matchRule({
    name: `certificatePolicy('${wanted}')`,
    match: (certificate) => matchPolicy(wanted, certificate),
    expected: `the certificate policy ${wanted} along the path`,
    seen: (certificate) =>
      [certificate, ...certificate.chain].map((each) => quoteAll(each.certificatePolicies)).join(' under '),
  });
}

function matchPolicy(wanted: string, certificate: ClientCertificate): Match {
  const { certificatePolicies: own, chain } = certificate;
  if (!own.includes(wanted)) return own.includes(anyPolicy) ? 'unclear' : 'no';
  const last = chain.at(-1);
  // What a trust anchor says of policies does not count (6.1.1); an intermediate that ends the path may be none.
  const intermediates = last !== undefined && isEnd(last) ? chain.slice(0, -1) : chain;
  const has = (extension: string): boolean =>
    chain.some((each) => certificateOf(each).extensions.has(extension));
  if (has(policyMappings)) return 'unclear';
  const isAnyAllowed = !has(inhibitAnyPolicy);
  const allowed = intermediates.every(
    ({ certificatePolicies: named }) => named.includes(wanted) || (isAnyAllowed && named.includes(anyPolicy)),
  );
  return allowed ? 'yes' : 'unclear';
}
