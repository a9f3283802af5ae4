import { ConfigError } from '../../errors.ts';
import { checkKeys, oneOf } from '../../options.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { readRevocationLists, type RevocationListInputs } from './crl-input.ts';
import type { RevocationList } from './crl-list.ts';
import { subjectOf } from './crl-name.ts';
import { readFetch, type RevocationFetchConfig, type RevocationFetchOptions } from './fetch-options.ts';
import { RevocationLists } from './revocation.ts';
import { readOcsp, type RevocationOcspConfig, type RevocationOcspOptions } from '../ocsp/ocsp-options.ts';

/** What counts as not revoked. */
export interface RevocationOptions {
  /** The client's own certificate, or every one of its path but the root; default `'chain'`. */
  readonly check?: 'leaf' | 'chain' | undefined;
  /**
   * A certificate of whose revocation nothing can be known. Default: `'deny'` for issuers that have a list in `crl`
   * (by their name) or one that is fetched, `'allow'` for the others. Where Node hides an intermediate that the client sent (24.21), and a list
   * may revoke it, it is denied whatever stands here, unless only the leaf is checked.
   */
  readonly unknown?: 'allow' | 'deny' | undefined;
  /** A list whose `nextUpdate` has passed; default `'deny'`. */
  readonly expired?: 'allow' | 'deny' | undefined;
  /** Lists from the distribution points that certificates name; off by default. */
  readonly fetch?: RevocationFetchOptions | undefined;
  /** The word of OCSP responders; off by default. */
  readonly ocsp?: RevocationOcspOptions | undefined;
}

/** Checked options. */
export interface RevocationPolicy {
  readonly check: 'leaf' | 'chain';
  readonly unknown: 'allow' | 'deny' | 'by issuer';
  readonly expired: 'allow' | 'deny';
  readonly fetch?: RevocationFetchConfig | undefined;
  readonly ocsp?: RevocationOcspConfig | undefined;
}

/**
 * Reads `clientAuth.crl` and `clientAuth.revocation`; undefined where there are none. ConfigErrors: `CRL_MISSING`,
 * `CRL_INVALID` (also where a list bears the name of one of `anchors` and the signature of somebody else), `OPTION_…`.
 */
export function readRevocation(
  given: {
    readonly crl?: RevocationListInputs | undefined;
    readonly revocation?: RevocationOptions | undefined;
  },
  anchors: readonly Certificate[],
  path: string,
): RevocationLists | undefined {
  const at = (option: string): string => (path === '' ? option : `${path}.${option}`);
  const policy = readPolicy(given.revocation, at('revocation'));
  // `crl: undefined` is absent, as everywhere; null and empty ones are what Node would silently ignore.
  if (given.crl === undefined) {
    if (given.revocation === undefined) return undefined;
    if (policy.fetch !== undefined || policy.ocsp !== undefined)
      return new RevocationLists([], anchors, policy);
    throw new ConfigError(
      'CRL_MISSING',
      at('crl'),
      'revocation is set and there is no list to ask',
      'Give crl, revocation.fetch or revocation.ocsp, or leave revocation out.',
    );
  }
  const lists = readRevocationLists(given.crl, at('crl'));
  for (const list of lists) checkSignature(list, anchors, at('crl'));
  return new RevocationLists(lists, anchors, policy);
}

function readPolicy(option: unknown, path: string): RevocationPolicy {
  if (option === undefined) return { check: 'chain', unknown: 'by issuer', expired: 'deny' };
  checkKeys(option, ['check', 'unknown', 'expired', 'fetch', 'ocsp'], path);
  const { check, unknown, expired, fetch, ocsp } = option as RevocationOptions;
  return {
    check: oneOf(check ?? 'chain', ['leaf', 'chain'], `${path}.check`),
    unknown: unknown === undefined ? 'by issuer' : oneOf(unknown, ['allow', 'deny'], `${path}.unknown`),
    expired: oneOf(expired ?? 'deny', ['allow', 'deny'], `${path}.expired`),
    fetch: readFetch(fetch, `${path}.fetch`),
    ocsp: readOcsp(ocsp, `${path}.ocsp`),
  };
}

/**
 * A list of an intermediate that only clients send is checked when its certificate is known. One that bears the name of
 * anchors must be signed by one of them, whatever authority key identifier it names: one that nobody has signed would
 * else take the place of the genuine one, and cut everybody off. While a CA changes its key, there are two.
 */
function checkSignature(list: RevocationList, anchors: readonly Certificate[], path: string): void {
  const namesakes = anchors.filter((anchor) => subjectOf(anchor) === list.issuer);
  if (namesakes.length === 0 || namesakes.some((anchor) => list.isSignedBy(anchor))) return;
  const [{ subject, fingerprint256, keyUsage } = namesakes[0]!] = namesakes;
  const name = subject['CN']?.join('+') ?? fingerprint256;
  throw new ConfigError(
    'CRL_INVALID',
    path,
    keyUsage !== undefined && !keyUsage.has('cRLSign')
      ? `the list of '${name}' does not count, as its key usage lacks cRLSign`
      : `the list of '${name}' is not signed by its key, or with a weak algorithm`,
    'Fetch it again from its CA.',
  );
}
