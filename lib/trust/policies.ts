import type { Certificate } from '../x509/certificate.ts';
import {
  DerError,
  implicitTag,
  readChildren,
  readElement,
  readOid,
  readSmallInteger,
  tags,
} from '../x509/der.ts';
import { oids } from '../x509/extensions.ts';
import { messageOf } from '../errors.ts';
import { type Fault, fault } from './profile/path-check.ts';

const anyPolicy = '2.5.29.32.0';
const section = 'RFC 5280 6.1';
const maxPolicies = 128;

/** What a CA asks of the policies below it. */
interface PolicyRules {
  readonly policies: readonly string[] | undefined;
  /** By the issuer's policy, those of the subject that stand for it. */
  readonly mappings: ReadonlyMap<string, readonly string[]>;
  readonly requireExplicit: number;
  readonly inhibitMapping: number;
  readonly inhibitAny: number;
}

/** The policies that are valid at one depth, each with those that may stand for it below (RFC 9618). */
type Valid = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Whether the policies of a path (leaf first, anchor last) are in order where a CA of it demands some: RFC 5280 6.1
 * for any initial policy, with RFC 9618's graph in place of the tree that grows without bound. The last certificate
 * gives the initial constraints (RFC 5937).
 */
export function faultOfPolicies(path: readonly Certificate[]): Fault | undefined {
  // Without constraints no policy is asked for, whatever certificates say.
  if (!path.some(hasConstraints)) return undefined;
  try {
    return isInOrder(path)
      ? undefined
      : fault('policy', section, 'lacks a policy that a CA above it demands');
  } catch (error) {
    return fault('policy', section, `has policies that cannot be judged: ${messageOf(error)}`);
  }
}

/** Whether a CA demands a policy of those below it, of whom some may not be known. */
export const asksForPolicies = ({ extensions }: Certificate): boolean =>
  extensions.has(oids.policyConstraints);

const hasConstraints = ({ extensions }: Certificate): boolean =>
  extensions.has(oids.policyConstraints) || extensions.has(oids.policyMappings);

function isInOrder(path: readonly Certificate[]): boolean {
  const anchor = readRules(path.at(-1)!);
  const steps = path.length - 1;
  let explicit = Math.min(steps + 1, anchor.requireExplicit);
  let mapping = Math.min(steps + 1, anchor.inhibitMapping);
  let any = Math.min(steps + 1, anchor.inhibitAny);
  let valid: Valid = new Map([[anyPolicy, new Set([anyPolicy])]]);
  for (let at = steps - 1; at >= 0; at--) {
    const certificate = path[at]!;
    const rules = readRules(certificate);
    const isLeaf = at === 0;
    const isAnyAllowed = any > 0 || (!isLeaf && certificate.isSelfIssued);
    valid = narrowed(valid, rules.policies, isAnyAllowed);
    if (explicit === 0 && valid.size === 0) return false;
    if (isLeaf) {
      explicit = rules.requireExplicit === 0 ? 0 : Math.max(0, explicit - 1);
      break;
    }
    valid = mapped(valid, rules.mappings, mapping > 0);
    const step = certificate.isSelfIssued ? 0 : 1;
    explicit = Math.min(Math.max(0, explicit - step), rules.requireExplicit);
    mapping = Math.min(Math.max(0, mapping - step), rules.inhibitMapping);
    any = Math.min(Math.max(0, any - step), rules.inhibitAny);
  }
  return explicit > 0 || valid.size > 0;
}

/** RFC 5280 6.1.3 d and e. */
function narrowed(valid: Valid, policies: readonly string[] | undefined, isAnyAllowed: boolean): Valid {
  if (policies === undefined) return new Map();
  const expected = new Set<string>();
  for (const set of valid.values()) for (const policy of set) expected.add(policy);
  const next = new Map<string, ReadonlySet<string>>();
  for (const policy of policies) {
    if (policy !== anyPolicy && (expected.has(policy) || valid.has(anyPolicy)))
      next.set(policy, new Set([policy]));
  }
  if (policies.includes(anyPolicy) && isAnyAllowed)
    for (const policy of expected) if (!next.has(policy)) next.set(policy, new Set([policy]));
  return next;
}

/** RFC 5280 6.1.4 b. */
function mapped(valid: Valid, mappings: PolicyRules['mappings'], isAllowed: boolean): Valid {
  const next = new Map(valid);
  for (const [policy, subjects] of mappings) {
    if (!isAllowed) next.delete(policy);
    else if (valid.has(policy) || valid.has(anyPolicy)) next.set(policy, new Set(subjects));
  }
  return next;
}

function readRules(certificate: Certificate): PolicyRules {
  const value = (oid: string): Buffer | undefined => certificate.extensions.get(oid)?.value;
  const [requireExplicit, inhibitMapping] = readConstraints(value(oids.policyConstraints));
  const inhibitAny = value(oids.inhibitAnyPolicy);
  const { certificatePolicies } = certificate;
  if (certificatePolicies.length > maxPolicies) throw new DerError('too many of them');
  return {
    policies: value(oids.certificatePolicies) === undefined ? undefined : certificatePolicies,
    mappings: readMappings(value(oids.policyMappings)),
    requireExplicit,
    inhibitMapping,
    inhibitAny:
      inhibitAny === undefined
        ? Infinity
        : skipCount(readSmallInteger(readElement(inhibitAny, tags.integer))),
  };
}

/** PolicyConstraints (RFC 5280 4.2.1.11): how many certificates later each begins to count. */
function readConstraints(value: Buffer | undefined): readonly [number, number] {
  if (value === undefined) return [Infinity, Infinity];
  const parts = readChildren(readElement(value, tags.sequence));
  const count = (n: number): number => {
    if (parts[0]?.tag !== implicitTag(n)) return Infinity;
    const { content, raw } = parts.shift()!;
    return skipCount(readSmallInteger({ tag: tags.integer, content, raw }));
  };
  const both = [count(0), count(1)] as const;
  if (parts.length > 0 || (both[0] === Infinity && both[1] === Infinity))
    throw new DerError('malformed constraints');
  return both;
}

function skipCount(count: number): number {
  if (count < 0) throw new DerError('a negative count');
  return count;
}

/** PolicyMappings (RFC 5280 4.2.1.5). */
function readMappings(value: Buffer | undefined): PolicyRules['mappings'] {
  const mappings = new Map<string, string[]>();
  const pairs = value === undefined ? [] : readChildren(readElement(value, tags.sequence));
  if (pairs.length > maxPolicies) throw new DerError('too many mappings');
  for (const pair of pairs) {
    const [issuer, subject, ...others] = readChildren(pair).map(readOid);
    if (issuer === undefined || subject === undefined || others.length > 0)
      throw new DerError('a malformed mapping');
    if (issuer === anyPolicy || subject === anyPolicy) throw new DerError('a mapping of any policy');
    const subjects = mappings.get(issuer);
    if (subjects === undefined) mappings.set(issuer, [subject]);
    else subjects.push(subject);
  }
  if (value !== undefined && pairs.length === 0) throw new DerError('no mapping in it');
  return mappings;
}
