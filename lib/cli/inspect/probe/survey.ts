import { readableSuites } from '../wire/key-schedule.ts';
import { type Behaviour, surveyBehaviour } from './behaviour.ts';
import { groupsBefore13, groupsOf13, schemesOf12, schemesOf13 } from './groups.ts';
import type { Answer, Prober } from './prober.ts';
import { questionOf, type RecordVersion, surveyVersion, type VersionSurvey } from './suites.ts';

/** All that hellos can find out. */
export interface Survey {
  /** False where the server has stopped answering, or answered now and then: what is missing then is not a no. */
  readonly complete: boolean;
  /** Undefined: SSLv2 is refused. */
  readonly sslv2: readonly string[] | undefined;
  /** Those that are accepted, the highest first. */
  readonly versions: readonly VersionSurvey[];
  readonly groups: { readonly before13: readonly number[]; readonly of13: readonly number[] };
  readonly schemes: { readonly of12: readonly number[]; readonly of13: readonly number[] };
  readonly behaviour: Behaviour;
  readonly connections: number;
}

const asked: readonly RecordVersion[] = ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1.0', 'SSLv3'];

/**
 * Asks for everything. `see` gets every answer that chose something; `knock` asks again what the server has answered at
 * first, and tells whether it still does.
 */
export async function survey(
  prober: Prober,
  certificateGroup: () => number | undefined,
  see: (answer: Answer) => void,
  knock: () => Promise<boolean>,
): Promise<Survey> {
  const surveys = await Promise.all(asked.map((version) => surveyVersion(prober, version, see)));
  const versions = surveys.filter(({ suites }) => suites.length > 0);
  const sslv2 = await prober.askSslv2();
  const legacy = versions.find(({ version }) => version !== 'TLSv1.3');
  const suitesOf13 = versions.find(({ version }) => version === 'TLSv1.3')?.suites ?? [];
  const numbersOf13 = suitesOf13.map(({ suite }) => suite.number);
  const readable = numbersOf13.filter((suite) => readableSuites.includes(suite));
  const [before13, of13, of12, verify13, behaviour] = await Promise.all([
    legacy === undefined ? [] : groupsBefore13(prober, legacy, certificateGroup()),
    numbersOf13.length === 0 ? [] : groupsOf13(prober, numbersOf13),
    legacy === undefined ? [] : schemesOf12(prober, legacy),
    readable.length === 0 ? [] : schemesOf13(prober, readable, see),
    surveyBehaviour(prober, versions),
  ]);
  return {
    complete: await isComplete(prober, versions[0], knock),
    sslv2,
    versions,
    groups: { before13, of13 },
    schemes: { of12, of13: verify13 },
    behaviour,
    connections: prober.connections,
  };
}

/** Whether the server still says what it said at first: else it has tired of the questions, and refused silently. */
async function isComplete(
  prober: Prober,
  highest: VersionSurvey | undefined,
  knock: () => Promise<boolean>,
): Promise<boolean> {
  if (prober.gaveUp || !prober.isSteady || !(await knock())) return false;
  if (highest === undefined) return true;
  const suites = highest.suites.map(({ suite }) => suite.number);
  const answer = await prober.ask(questionOf(prober, highest.version, suites));
  return answer.hello?.version === highest.version && prober.isSteady;
}
