import type { Certificate } from '../../x509/certificate.ts';
import { countsFrom, newer, type RevocationList } from './crl-list.ts';
import { isNamedAs, issuerOf, subjectOf } from './crl-name.ts';
import { hasSigned } from '../signatures.ts';
import { type CertificateProblem, isProblem } from '../problem.ts';
import type { OcspAsked, OcspClient } from '../ocsp/ocsp-client.ts';
import { withOcsp } from '../ocsp/ocsp-judgement.ts';
import type { RevocationPolicy } from './revocation-options.ts';

/** When a verdict holds (ms). */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Lists that were fetched, and who may be asked: of a listener, beside the lists that it was given. */
export interface RevocationSources {
  readonly fetched: readonly RevocationList[];
  /** Whether the certificate names a list that is fetched; notes that it is wanted where its issuer is known. */
  readonly wants: (certificate: Certificate, issuer: Certificate | undefined) => boolean;
  readonly ocsp: OcspClient | undefined;
}

const always: Validity = { notBefore: -Infinity, notAfter: Infinity };
const maxDepth = 8;

/**
 * The CRLs of one listener, and what they say of a verified path. A list counts for the certificates of the issuer
 * whose name it bears and whose key has signed it; of several the newest that is out. An issuer that bears the name of a
 * list is one that has a list: where it is not signed by its key, the status is unknown.
 */
export class RevocationLists {
  readonly lists: readonly RevocationList[];
  readonly policy: RevocationPolicy;
  readonly #anchors: readonly Certificate[];
  readonly #sources: RevocationSources | undefined;
  readonly #byIssuer = new Map<string, RevocationList[]>();
  readonly #above = new WeakMap<Certificate, Certificate | undefined>();

  constructor(
    lists: readonly RevocationList[],
    anchors: readonly Certificate[],
    policy: RevocationPolicy,
    sources?: RevocationSources,
  ) {
    this.lists = lists;
    this.policy = policy;
    this.#anchors = anchors;
    this.#sources = sources;
    const given = new Set(lists.map(({ sha256 }) => sha256));
    for (const list of [...lists, ...(sources?.fetched.filter(({ sha256 }) => !given.has(sha256)) ?? [])]) {
      const others = this.#byIssuer.get(list.issuer);
      if (others === undefined) this.#byIssuer.set(list.issuer, [list]);
      else others.push(list);
    }
  }

  /** The same lists and policy, with what a listener fetches and asks. */
  with(sources: RevocationSources): RevocationLists {
    return new RevocationLists(this.lists, this.#anchors, this.policy, sources);
  }

  /** Those that were given, and those that were fetched. */
  get known(): readonly RevocationList[] {
    return [...this.#byIssuer.values()].flat();
  }

  /** Changes whenever a responder takes back what a verdict may have been based on. */
  get version(): number {
    return this.#sources?.ocsp?.version ?? 0;
  }

  /** Whether there is a responder to be asked. */
  get asks(): boolean {
    return this.#sources?.ocsp !== undefined;
  }

  /** Asks responders about a verified path where it is time to; undefined: there is none to ask. */
  ask(path: readonly Certificate[], at: number): OcspAsked | undefined {
    const ocsp = this.#sources?.ocsp;
    if (ocsp === undefined) return undefined;
    let until = Infinity;
    const waiting: Array<Promise<void>> = [];
    for (const [certificate, issuer] of this.#links(path)) {
      const asked = issuer === undefined ? undefined : ocsp.ask(certificate, issuer, at);
      until = Math.min(until, asked?.until ?? Infinity);
      if (asked?.waiting !== undefined) waiting.push(asked.waiting);
      if (this.policy.check === 'leaf') break;
    }
    return { until, waiting: waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined) };
  }

  /**
   * When the path of a verified client holds, or why it does not (`CLIENT_CERTIFICATE_REVOKED`,
   * `REVOCATION_STATUS_UNKNOWN`). `path` is leaf first; `at` in ms. A path that ends below the listener's root, as at
   * a route's own anchor, is followed further by the listener's anchors.
   */
  check(path: readonly Certificate[], at: number): Validity | CertificateProblem {
    let validity = always;
    for (const [certificate, issuer] of this.#links(path)) {
      const byLists = this.#status(certificate, issuer, at);
      const outcome =
        this.policy.ocsp === undefined
          ? byLists
          : withOcsp(byLists, this.#sources?.ocsp, [certificate, issuer], at);
      if (isProblem(outcome)) return outcome;
      validity = both(validity, outcome);
      if (this.policy.check === 'leaf') break;
    }
    return validity;
  }

  /**
   * The same where the intermediates were verified by OpenSSL and are not known here (Node 24.21). With
   * `check: 'chain'` it refuses, even with `unknown: 'allow'`, wherever a list may revoke one of them: any but those of
   * anchors that issue no intermediates, and those that are valid and revoke nobody.
   */
  checkHidden(path: readonly Certificate[], at: number): Validity | CertificateProblem {
    const outcome = this.check(path, at);
    if (isProblem(outcome) || this.policy.check === 'leaf') return outcome;
    const { unknown: policy, fetch, ocsp } = this.policy;
    // Nobody sees which list or responder they name.
    const mayName = ocsp?.mode === 'hard' || (fetch !== undefined && policy !== 'allow');
    if (policy === 'deny' || mayName) return hiddenIssuer;
    let validity = outcome;
    for (const [name, named] of this.#byIssuer) {
      const clear = this.#clearOfHidden(name, named, issuerOf(path.at(-1)!), at);
      if (clear === undefined) return hiddenIssuer;
      validity = both(validity, clear);
    }
    return validity;
  }

  /** When none of these lists, of issuers of one name, revokes an intermediate below; undefined where one may. */
  #clearOfHidden(
    name: string,
    named: readonly RevocationList[],
    hidden: string,
    at: number,
  ): Validity | undefined {
    const namesakes = this.#anchors.filter((anchor) => subjectOf(anchor) === name);
    // Self-issued intermediates do not count for the path length (RFC 5280 6.1.4 l).
    const above = namesakes.filter((anchor) => name === hidden || anchor.basicConstraints?.pathLength !== 0);
    if (namesakes.length > 0 && above.length === 0) return always;
    const forCas = named.filter(({ scope }) => scope.kind !== 'user');
    if (forCas.length === 0 && this.policy.unknown === 'allow') return always;
    if (namesakes.length === 0 || forCas.some(({ scope }) => scope.names !== undefined)) return undefined;
    let validity: Validity | undefined = always;
    for (const anchor of above) {
      const genuine = forCas.filter((list) => list.isSignedBy(anchor));
      const current = inForce(genuine, at);
      const dates = this.#validityOf(current, genuine, at);
      if (dates === undefined || !current.every(({ isEmpty }) => isEmpty)) return undefined;
      validity = both(validity, dates);
    }
    return validity;
  }

  /** Each certificate that a list could speak of, with its issuer where that is known. A root revokes not itself. */
  *#links(path: readonly Certificate[]): Generator<readonly [Certificate, Certificate | undefined]> {
    for (let index = 0; index + 1 < path.length; index++) yield [path[index]!, path[index + 1]];
    let last = path.at(-1)!;
    for (let depth = path.length; !last.isSelfIssued && depth < maxDepth; depth++) {
      const issuer = this.#anchorAbove(last);
      // What a route trusts by itself needs no list of somebody unknown.
      if (issuer === undefined && path.length > 1 && !this.#byIssuer.has(issuerOf(last))) return;
      yield [last, issuer];
      if (issuer === undefined) return;
      last = issuer;
    }
  }

  /** Remembered, as only anchors of ours and of routes stand at the end of a path. */
  #anchorAbove(last: Certificate): Certificate | undefined {
    if (!this.#above.has(last)) {
      const issuer = this.#anchors.find((anchor) => isNamedAs(anchor, last) && hasSigned(anchor, last));
      this.#above.set(last, issuer);
    }
    return this.#above.get(last);
  }

  #status(
    certificate: Certificate,
    issuer: Certificate | undefined,
    at: number,
  ): Validity | CertificateProblem {
    const named = this.#byIssuer.get(issuer === undefined ? issuerOf(certificate) : subjectOf(issuer)) ?? [];
    const isFetched = this.#sources?.wants(certificate, issuer) === true;
    const genuine =
      issuer === undefined ? [] : named.filter((list) => list.covers(certificate) && list.isSignedBy(issuer));
    const current = inForce(genuine, at);
    if (current.some((list) => list.revokes(certificate))) return revoked(certificate);
    const validity = this.#validityOf(current, genuine, at);
    if (validity !== undefined) return validity;
    if (current.length > 0) return unknown(certificate, 'the list of its issuer has run out');
    if (isFetched && named.length === 0 && this.policy.unknown !== 'allow')
      return unknown(certificate, 'the list that it names has not been fetched');
    return this.#unknown(certificate, issuer, named, genuine, nextOut(genuine, at));
  }

  /** When `current`, those of `genuine` that count, say what they say; undefined where they have run out. */
  #validityOf(
    current: readonly RevocationList[],
    genuine: readonly RevocationList[],
    at: number,
  ): Validity | undefined {
    const fresh = current.filter(({ nextUpdate }) => at <= nextUpdate);
    if (fresh.length === 0 && (current.length === 0 || this.policy.expired === 'deny')) return undefined;
    return {
      notBefore: Math.max(...current.map(countsFrom)),
      notAfter: Math.min(nextOut(genuine, at), ...fresh.map(({ nextUpdate }) => nextUpdate)),
    };
  }

  #unknown(
    certificate: Certificate,
    issuer: Certificate | undefined,
    named: readonly RevocationList[],
    genuine: readonly RevocationList[],
    until: number,
  ): Validity | CertificateProblem {
    const { unknown: policy } = this.policy;
    // Whoever signed it: to let in somebody whose serial number stands in a list of that name would help nobody.
    if (issuer === undefined && named.some((list) => list.revokes(certificate)))
      return unknown(certificate, 'a list that bears the name of its issuer revokes it');
    if (policy === 'allow' || (policy === 'by issuer' && named.length === 0))
      return { notBefore: -Infinity, notAfter: until };
    if (named.length === 0) return unknown(certificate, 'there is no list of its issuer');
    if (genuine.length > 0) return unknown(certificate, 'the list of its issuer is not out yet');
    return unknown(certificate, 'no list that bears the name of its issuer is signed by it and speaks of it');
  }
}

const inForce = (genuine: readonly RevocationList[], at: number): RevocationList[] =>
  newestOf(genuine.filter((list) => countsFrom(list) <= at));

/** The last moment before another list comes out. */
const nextOut = (genuine: readonly RevocationList[], at: number): number =>
  Math.min(...genuine.map((list) => (countsFrom(list) > at ? countsFrom(list) - 1 : Infinity)));

/** Of each scope the newest list: of lists for different certificates each has its say. */
function newestOf(lists: readonly RevocationList[]): RevocationList[] {
  const newest = new Map<string, RevocationList>();
  for (const list of lists) {
    const other = newest.get(list.scope.key);
    newest.set(list.scope.key, other === undefined ? list : newer(other, list));
  }
  return [...newest.values()];
}

const both = (a: Validity, b: Validity): Validity => ({
  notBefore: Math.max(a.notBefore, b.notBefore),
  notAfter: Math.min(a.notAfter, b.notAfter),
});

const nameOf = ({ subject, serialNumber }: Certificate): string =>
  `'${subject['CN']?.join('+') ?? ''}' (serial number ${serialNumber})`;

const revoked = (certificate: Certificate): CertificateProblem => ({
  code: 'CLIENT_CERTIFICATE_REVOKED',
  reason: `${nameOf(certificate)} is revoked by its issuer`,
  passing: true,
  outcast: certificate,
});

const unknown = (certificate: Certificate, why: string): CertificateProblem => ({
  code: 'REVOCATION_STATUS_UNKNOWN',
  reason: `whether ${nameOf(certificate)} is revoked is not known: ${why}`,
  passing: true,
});

const hiddenIssuer: CertificateProblem = {
  code: 'REVOCATION_STATUS_UNKNOWN',
  reason: 'Node hides the intermediates that the client sent, so that they cannot be checked: add them to ca',
  passing: true,
};
