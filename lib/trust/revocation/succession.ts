import { ConfigError } from '../../errors.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { hasSigned } from '../signatures.ts';
import { ClientTrust } from '../trust-store.ts';
import { countsFrom, issuerLabel, newer, type RevocationList } from './crl-list.ts';
import { isNamedAs, subjectOf } from './crl-name.ts';
import { RevocationLists } from './revocation.ts';

/** How one trust follows another. */
export interface SuccessionRequest {
  /** What serves. */
  readonly before: ClientTrust;
  /** What was read anew. */
  readonly next: ClientTrust;
  /** The operator gave the new lists by hand, and may leave an issuer without any. */
  readonly byHand: boolean;
  /** Of the option, for errors. */
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface Succession {
  readonly trust: ClientTrust;
  /** For the operator; each says something of one issuer. */
  readonly warnings: readonly string[];
}

/**
 * The trust that follows on another one, so that what lies in a file or directory cannot take revocation back:
 * - An older list never takes the place of a newer one of the same issuer, key and scope: the newer one goes on serving,
 *   as does one whose successor is not out yet, or whose scope no new list covers.
 * - An issuer that had a list, is still trusted and has none any more is a ConfigError `CRL_MISSING`. `byHand` such an
 *   issuer loses its lists, with a warning.
 * - Where it is not known whether the issuer is trusted, its list goes on serving, with a warning: an intermediate whose
 *   certificate only clients send, and none has; a CA that was taken out, and that a route may believe; the former key of
 *   a CA that signs with another one now.
 */
export function succeed(request: SuccessionRequest): Succession {
  const { before, next, at } = request;
  if (before.revocation === undefined) return { trust: next, warnings: [] };
  const serving = new Map(before.revocation.lists.map((list) => [list.sha256, list]));
  const given = (next.revocation?.lists ?? []).map((list) => {
    const same = serving.get(list.sha256);
    serving.delete(list.sha256);
    // The one that serves may know who has signed it: a client has sent its issuer.
    return same?.signer === undefined ? list : same;
  });
  const lists = new Set([...given, ...serving.values()]);
  const warnings = new Set<string>();
  for (const list of serving.values()) {
    const others = given.filter((other) => isOfSameIssuer(list, other));
    const stays = others.length > 0 || staysAlone(list, given, request, warnings);
    // Of those that are left, so that two that were made at once do not push each other out.
    if (!stays || [...lists].some((other) => takesPlaceOf(list, other, at))) lists.delete(list);
    else if (others.some((other) => isOlder(other, list)))
      warnings.add(`the list of ${issuerLabel(list)} is older than the one that serves, which stays`);
  }
  const kept = [...serving.values()].filter((list) => lists.has(list));
  // What comes too late is no change.
  for (const list of given) if (kept.some((other) => takesPlaceOf(list, other, at))) lists.delete(list);
  if (lists.size === 0) return { trust: next, warnings: [...warnings] };
  const { policy } = next.revocation ?? before.revocation;
  const revocation = new RevocationLists([...lists], next.anchors, policy);
  return { trust: new ClientTrust(next.store, revocation, next.denyList), warnings: [...warnings] };
}

/** Whether a list stays of whose issuer, by name and key, none was given. */
function staysAlone(
  list: RevocationList,
  given: readonly RevocationList[],
  { next, byHand, path }: SuccessionRequest,
  warnings: Set<string>,
): boolean {
  const label = issuerLabel(list);
  const isTrusted = list.signer !== undefined && trusts(next.anchors, list.signer);
  if (byHand) {
    if (isTrusted || list.signer === undefined)
      warnings.add(`there is no list of ${label} any more, so that none revokes what it has issued`);
    return false;
  }
  // A CA that has changed its key signs with the new one only, and what that revokes must come through.
  if (isTrusted && !given.some(({ issuer }) => issuer === list.issuer)) {
    throw new ConfigError(
      'CRL_MISSING',
      path,
      `there is no list of ${label} any more, which is trusted and had one`,
      'Put its list back; to do without, call reload({ clientAuth }).',
    );
  }
  warnings.add(`there is no list of ${label} any more: the last one stays until reload({ clientAuth })`);
  return true;
}

/** Whether `issuer` is an anchor, by name and key, or stands right below one. */
const trusts = (anchors: readonly Certificate[], issuer: Certificate): boolean =>
  anchors.some(
    (anchor) =>
      (anchor.pin === issuer.pin && subjectOf(anchor) === subjectOf(issuer)) ||
      (isNamedAs(anchor, issuer) && hasSigned(anchor, issuer)),
  );

/** By name and key; where nobody has seen the key, by its identifier. */
function isOfSameIssuer(list: RevocationList, other: RevocationList): boolean {
  if (list.issuer !== other.issuer) return false;
  if (list.signer !== undefined) return other.isSignedBy(list.signer);
  return (
    list.authorityKeyId === undefined ||
    other.authorityKeyId === undefined ||
    list.authorityKeyId === other.authorityKeyId
  );
}

/** Whether `other` is out, and says all that `list` does, and later. */
function takesPlaceOf(list: RevocationList, other: RevocationList, at: number): boolean {
  if (other === list || countsFrom(other) > at || !isOfSameIssuer(list, other)) return false;
  // Numbers of different scopes are counted apart (RFC 5280 5.2.3).
  if (list.scope.key === other.scope.key) return newer(other, list) === other;
  return other.scope.key === 'all' && other.thisUpdate >= list.thisUpdate;
}

const isOlder = (other: RevocationList, list: RevocationList): boolean =>
  other.scope.key === list.scope.key && newer(other, list) === list;

/** Those whose lists are there and who are no anchors by name: intermediates, or nobody. */
export function strangers({ anchors, revocation }: ClientTrust): readonly string[] {
  const names = new Set(anchors.map(subjectOf));
  const lists = revocation?.lists.filter(({ issuer }) => !names.has(issuer)) ?? [];
  return [...new Set(lists.map(issuerLabel))];
}
