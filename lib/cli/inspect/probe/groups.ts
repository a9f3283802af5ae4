import { supportsGroup } from '../../../connection/runtime.ts';
import { groupNameOf } from '../wire/numbers.ts';
import { suitesOf13 } from '../wire/suites.ts';
import {
  type Answer,
  allGroups,
  allSchemes,
  chosenSuite,
  eliminate,
  legacyGroups,
  type Prober,
} from './prober.ts';
import type { VersionSurvey } from './suites.ts';

type See = (answer: Answer) => void;

/**
 * Groups that the server accepts with TLS 1.3. The hellos carry no key share, so that it names its choice in a
 * HelloRetryRequest: even one for which this OpenSSL could make no share, as for ML-KEM on Node 20.
 */
export async function groupsOf13(prober: Prober, suites: readonly number[]): Promise<number[]> {
  const version = 'TLSv1.3';
  const found = await eliminate(allGroups, async (groups) => {
    const { hello } = await prober.ask({ version, suites, groups, keyShares: [] });
    return hello?.version === version ? hello.keyShare?.group : undefined;
  });
  if (found.length > 0) return found;
  const { shares } = prober.keyShares;
  return eliminate(
    shares.map(({ group }) => group),
    async (groups) => {
      const keyShares = shares.filter(({ group }) => groups.includes(group));
      const { hello } = await prober.ask({ version, suites, groups, keyShares });
      return hello?.version === version ? hello.keyShare?.group : undefined;
    },
  );
}

/** The group that the server chooses of all, where this runtime has it not; null otherwise. */
export async function missingGroup(prober: Prober): Promise<string | null> {
  const version = 'TLSv1.3';
  const suites = suitesOf13.map(({ number }) => number);
  const { hello } = await prober.ask({ version, suites, groups: allGroups, keyShares: [] });
  const group = hello?.version === version ? hello.keyShare?.group : undefined;
  const name = group === undefined ? undefined : groupNameOf(group);
  return name === undefined || supportsGroup(name) ? null : name;
}

/** Named curves that the server accepts for ECDHE before TLS 1.3. */
export async function groupsBefore13(
  prober: Prober,
  { version, suites }: VersionSurvey,
  certificateGroup: number | undefined,
): Promise<number[]> {
  const ecdhe = suites.filter(({ suite }) => suite.keyExchange === 'ecdhe').map(({ suite }) => suite.number);
  if (ecdhe.length === 0) return [];
  const choose = async (groups: readonly number[]): Promise<number | undefined> => {
    const question = { version, suites: ecdhe, groups };
    const answer = await prober.ask(question);
    return chosenSuite(answer, question) === undefined ? undefined : answer.keyExchange?.group;
  };
  const found = await eliminate(legacyGroups, choose);
  if (certificateGroup === undefined || !found.includes(certificateGroup)) return found;
  // An ECDSA certificate wants its own curve in the list (RFC 8422 5.1): without it the rest seems refused.
  const rest = legacyGroups.filter((group) => !found.includes(group));
  const more = await eliminate(rest, async (groups) => {
    const chosen = await choose([...groups, certificateGroup]);
    return chosen === certificateGroup ? undefined : chosen;
  });
  return [...found, ...more];
}

/** Schemes by which the server signs the key exchange of TLS 1.2. */
export async function schemesOf12(prober: Prober, { version, suites }: VersionSurvey): Promise<number[]> {
  const signed = suites
    .filter(({ suite }) => ['ecdhe', 'dhe'].includes(suite.keyExchange) && !suite.anonymous && !suite.psk)
    .map(({ suite }) => suite.number);
  if (version !== 'TLSv1.2' || signed.length === 0) return [];
  return eliminate(allSchemes, async (signatureSchemes) => {
    const question = { version, suites: signed, signatureSchemes, groups: legacyGroups };
    const answer = await prober.ask(question);
    return chosenSuite(answer, question) === undefined ? undefined : answer.keyExchange?.scheme;
  });
}

/** Schemes of CertificateVerify in TLS 1.3. */
export const schemesOf13 = (prober: Prober, suites: readonly number[], see: See): Promise<number[]> =>
  eliminate(allSchemes, async (signatureSchemes) => {
    const answer = await prober.read13({ suites, signatureSchemes });
    see(answer);
    return answer.scheme;
  });
