import type { Version } from '../wire/numbers.ts';
import { type Suite, suiteOf, suitesBefore13, suitesOf13 } from '../wire/suites.ts';
import { type Answer, chosenSuite, eliminate, legacyGroups, type Prober, type Question } from './prober.ts';

export type RecordVersion = Exclude<Version, 'SSLv2'>;

/** A suite that was accepted, and what the server's key exchange said with it. */
export interface AcceptedSuite {
  readonly suite: Suite;
  readonly group: number | undefined;
  readonly dhBits: number | undefined;
}

export interface VersionSurvey {
  readonly version: RecordVersion;
  readonly suites: readonly AcceptedSuite[];
  readonly order: 'server' | 'client' | undefined;
  /** The last answer that chose a suite. */
  readonly answer: Answer | undefined;
}

/** Old load balancers stumble over more than 128 suites in one hello. */
const chunkSize = 90;
const protocolVersionAlert = 70;

/** What a TLS 1.2 hello of this survey offers: without the FFDHE groups (RFC 7919), which would hide a weak prime. */
export const questionOf = (prober: Prober, version: RecordVersion, suites: readonly number[]): Question =>
  version === 'TLSv1.3'
    ? { version, suites, keyShares: prober.keyShares.shares }
    : { version, suites, groups: legacyGroups };

/** Every suite that the server accepts with `version`, each asked for until nothing else is chosen. */
export async function surveyVersion(
  prober: Prober,
  version: RecordVersion,
  see: (answer: Answer) => void,
): Promise<VersionSurvey> {
  const accepted: AcceptedSuite[] = [];
  let last: Answer | undefined;
  let refusedOutright = false;
  const choose = async (left: readonly number[]): Promise<number | undefined> => {
    const question = questionOf(prober, version, left);
    const answer = await prober.ask(question);
    const chosen = chosenSuite(answer, question);
    if (chosen === undefined) {
      refusedOutright ||= answer.alert?.description === protocolVersionAlert;
      return undefined;
    }
    see(answer);
    last = answer;
    const { group, dhBits } = answer.keyExchange ?? {};
    accepted.push({ suite: suiteOf(chosen), group, dhBits });
    return chosen;
  };
  for (const chunk of chunks(
    (version === 'TLSv1.3' ? suitesOf13 : suitesBefore13).map(({ number }) => number),
  )) {
    // oxlint-disable-next-line no-await-in-loop -- a server that refuses the version is not asked again
    await eliminate(chunk, choose);
    if (refusedOutright && accepted.length === 0) break;
  }
  const order = await orderOf(prober, version, accepted);
  const suites = order === 'server' ? await inServersOrder(prober, version, accepted) : accepted;
  return { version, suites, order, answer: last };
}

/** Asked for all at once, as they were found in several hellos. Whatever is not chosen again stands at the end. */
async function inServersOrder(
  prober: Prober,
  version: RecordVersion,
  accepted: readonly AcceptedSuite[],
): Promise<AcceptedSuite[]> {
  const order = await eliminate(
    accepted.map(({ suite }) => suite.number),
    async (left) => {
      const question = questionOf(prober, version, left);
      return left.length === 1 ? left[0] : chosenSuite(await prober.ask(question), question);
    },
  );
  const rank = ({ suite }: AcceptedSuite): number =>
    (order.indexOf(suite.number) + order.length + 1) % (order.length + 1);
  return accepted.toSorted((one, other) => rank(one) - rank(other));
}

/** Whose preference decides: asked by the same suites in both directions. */
async function orderOf(
  prober: Prober,
  version: RecordVersion,
  accepted: readonly AcceptedSuite[],
): Promise<VersionSurvey['order']> {
  if (accepted.length < 2) return undefined;
  const suites = accepted.map(({ suite }) => suite.number);
  const ask = async (list: readonly number[]): Promise<number | undefined> => {
    const question = questionOf(prober, version, list);
    return chosenSuite(await prober.ask(question), question);
  };
  const [one, other] = await Promise.all([ask(suites), ask(suites.toReversed())]);
  if (one === undefined || other === undefined) return undefined;
  return one === other ? 'server' : 'client';
}

function chunks(list: readonly number[]): number[][] {
  const count = Math.ceil(list.length / chunkSize);
  return Array.from({ length: count }, (_, index) => list.slice(index * chunkSize, (index + 1) * chunkSize));
}
