import type { ClientCertificate } from '../connection/index.ts';
import { matchRule } from './pure-rule.ts';
import {
  attributesInWords,
  type DistinguishedNamePattern,
  matchName,
  readAttributes,
  seenInWords,
} from './names/distinguished-name.ts';
import type { Rule } from './rule.ts';
import { takesOne } from './rule-error.ts';

/**
 * Clients whose subject has every attribute that is named here, with that value or, of a list, one of them. Where the
 * certificate has an attribute several times, one of its values has to do. Values are compared exactly: case, spaces
 * and all. Attributes have their short names (`CN`, `O`, `OU`, `C`, `L`, `ST`, `DC`, `UID`, `emailAddress` …) or OIDs.
 *
 * It trusts every CA of the route to give a name to one client only. A ConfigError `RULE_INVALID` where no attribute is
 * named, or one that nobody knows, or a value is no text.
 *
 * ```ts
 * requireClientCertificate(subject({ O: 'Example', OU: ['billing', 'support'] }))
 * ```
 */
export const subject = (...name: readonly [name: DistinguishedNamePattern]): Rule =>
  nameRuleOf('subject', name);

/**
 * Clients whose certificate names such an issuer; as `subject`. It compares the name only: `issuedBy(ca)` compares the
 * key as well, and two CAs may have one name.
 */
export const issuer = (...name: readonly [name: DistinguishedNamePattern]): Rule =>
  nameRuleOf('issuer', name);

function nameRuleOf(field: 'subject' | 'issuer', name: readonly [DistinguishedNamePattern]): Rule {
  takesOne(name, field, 'Combine rules with allOf or anyOf; of several values give a list.');
  const wanted = readAttributes(name[0], field);
  const words = attributesInWords(wanted);
  return matchRule({
    name: `${field}({ ${words} })`,
    match: (certificate: ClientCertificate) => matchName(wanted, certificate[field]),
    expected: `${field} with ${words}`,
    seen: (certificate) => seenInWords(wanted, certificate[field]),
  });
}
