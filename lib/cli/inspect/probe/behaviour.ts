import { alerts, extensions } from '../wire/numbers.ts';
import { readableSuites } from '../wire/key-schedule.ts';
import { type Answer, chosenSuite, legacyGroups, type Prober, type Question } from './prober.ts';
import type { VersionSurvey } from './suites.ts';

/** How a server behaves beside its versions and suites. `null`: it cannot be told, or does not apply. */
export interface Behaviour {
  /** RFC 3749, and so CRIME. */
  readonly compression: boolean | null;
  /** RFC 5746. */
  readonly secureRenegotiation: boolean | null;
  /** RFC 7627. */
  readonly extendedMasterSecret: boolean | null;
  /** RFC 7507: refuses a client that was made to try an older version. */
  readonly fallbackScsv: boolean | null;
  /** RFC 6520: answers the extension. Whether Heartbleed is mended is not tried. */
  readonly heartbeat: boolean | null;
  readonly alpn: {
    readonly h2: boolean | null;
    readonly 'http/1.1': boolean | null;
    /** Refuses a client with which it has no protocol in common (RFC 7301 3.2). */
    readonly strict: boolean | null;
  };
  /** What a client gets that names a server nobody knows. */
  readonly unknownName: 'refused' | 'served' | null;
}

const unknownProtocol = 'portcullis-inspect';
/** RFC 6761 6.4: never a host. */
const unknownName = 'portcullis-inspect.invalid';

/** `surveys`: of the versions that are accepted, the highest first. */
export async function surveyBehaviour(prober: Prober, surveys: readonly VersionSurvey[]): Promise<Behaviour> {
  const legacy = surveys.find(({ version }) => version !== 'TLSv1.3');
  const found = legacy === undefined ? {} : await surveyLegacy(prober, legacy, surveys);
  const ask = await asker(prober, legacy, surveys);
  const [h2, http1, strict, unknown] = await Promise.all([
    speaks(ask, 'h2'),
    speaks(ask, 'http/1.1'),
    isStrict(ask),
    unknownNameOf(ask),
  ]);
  return {
    compression: null,
    secureRenegotiation: null,
    extendedMasterSecret: null,
    fallbackScsv: null,
    heartbeat: null,
    ...found,
    alpn: { h2, 'http/1.1': http1, strict },
    unknownName: unknown,
  };
}

/** All that the server accepts with a version before TLS 1.3. */
const questionFor = ({ version, suites }: VersionSurvey): Question => ({
  version,
  suites: suites.map(({ suite }) => suite.number),
  groups: legacyGroups,
});

type Ask = (more: Partial<Question>) => Promise<Answer | undefined>;

/**
 * Asks by the highest version whose answer can be read to its end: what is refused then is refused for what is asked,
 * not for a group or suite that this side cannot use.
 */
async function asker(
  prober: Prober,
  legacy: VersionSurvey | undefined,
  surveys: readonly VersionSurvey[],
): Promise<Ask> {
  const asks: Array<(more: Partial<Question>) => Promise<Answer>> = [];
  if (surveys[0]?.version === 'TLSv1.3')
    asks.push((more) => prober.read13({ suites: readableSuites, ...more }));
  if (legacy !== undefined && legacy.version !== 'SSLv3')
    asks.push((more) => prober.ask({ ...questionFor(legacy), ...more }));
  for (const ask of asks) {
    // oxlint-disable-next-line no-await-in-loop -- the next one only where this one is refused
    const { hello, alert, ending } = await ask({});
    if (hello !== undefined && alert === undefined && ending.kind === 'said') return ask;
  }
  return () => Promise.resolve(undefined);
}

async function surveyLegacy(
  prober: Prober,
  legacy: VersionSurvey,
  surveys: readonly VersionSurvey[],
): Promise<Partial<Behaviour>> {
  const question = questionFor(legacy);
  const [plain, compressed, fallbackScsv] = await Promise.all([
    prober.ask(question),
    prober.ask({ ...question, compression: [1, 64] }),
    fallbackOf(prober, surveys),
  ]);
  const { hello } = plain;
  if (hello === undefined || chosenSuite(plain, question) === undefined) return { fallbackScsv };
  const isSslv3 = legacy.version === 'SSLv3';
  return {
    compression: compressed.hello === undefined ? null : compressed.hello.compression !== 0,
    secureRenegotiation: hello.extensions.has(extensions.renegotiationInfo),
    extendedMasterSecret: isSslv3 ? null : hello.extensions.has(extensions.extendedMasterSecret),
    heartbeat: isSslv3 ? null : hello.extensions.has(extensions.heartbeat),
    fallbackScsv,
  };
}

/** Only where there is a version to fall from and one to fall to. */
async function fallbackOf(prober: Prober, surveys: readonly VersionSurvey[]): Promise<boolean | null> {
  const lower = surveys[1];
  if (lower === undefined) return null;
  const { alert, hello } = await prober.ask({ ...questionFor(lower), fallback: true });
  if (alert?.description === alerts.inappropriateFallback) return true;
  return hello === undefined ? null : false;
}

async function speaks(ask: Ask, protocol: string): Promise<boolean | null> {
  const answer = await ask({ alpn: [protocol] });
  if (answer === undefined) return null;
  if (answer.hello === undefined)
    return answer.alert?.description === alerts.noApplicationProtocol ? false : null;
  return answer.alpn === protocol;
}

async function isStrict(ask: Ask): Promise<boolean | null> {
  const answer = await ask({ alpn: [unknownProtocol] });
  if (answer?.alert?.description === alerts.noApplicationProtocol) return true;
  return answer?.hello === undefined ? null : false;
}

async function unknownNameOf(ask: Ask): Promise<Behaviour['unknownName']> {
  const answer = await ask({ serverName: unknownName });
  if (answer === undefined || answer.ending.kind === 'silent' || answer.ending.kind === 'unreachable')
    return null;
  return answer.hello === undefined || answer.alert !== undefined ? 'refused' : 'served';
}
