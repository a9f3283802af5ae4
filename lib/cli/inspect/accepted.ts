import type { Accepted, AcceptedCipher } from './inspection.ts';
import type { Survey } from './probe/survey.ts';
import { groupNameOf, schemeName, type Version } from './wire/numbers.ts';

/** A survey in the form of an inspection: names for numbers. */
export function acceptedOf(survey: Survey, clientRenegotiation: boolean | null): Accepted {
  const { sslv2, versions, groups, schemes, behaviour } = survey;
  const has = (wanted: Version): boolean => versions.some(({ version }) => version === wanted);
  return {
    complete: survey.complete,
    versions: {
      SSLv2: sslv2 !== undefined,
      SSLv3: has('SSLv3'),
      'TLSv1.0': has('TLSv1.0'),
      'TLSv1.1': has('TLSv1.1'),
      'TLSv1.2': has('TLSv1.2'),
      'TLSv1.3': has('TLSv1.3'),
    },
    ciphers: [
      ...versions.flatMap(({ version, suites }) =>
        suites.map(({ suite, group, dhBits }): AcceptedCipher => ({
          version,
          name: suite.name,
          group: group === undefined ? null : groupNameOf(group),
          dhBits: dhBits ?? null,
        })),
      ),
      ...(sslv2 ?? []).map((name) => ({ version: 'SSLv2', name, group: null, dhBits: null })),
    ],
    cipherOrder: Object.fromEntries(
      versions.flatMap(({ version, order }) => (order === undefined ? [] : [[version, order]])),
    ),
    groups: { 'TLSv1.2': groups.before13.map(groupNameOf), 'TLSv1.3': groups.of13.map(groupNameOf) },
    signatureSchemes: { 'TLSv1.2': schemes.of12.map(schemeName), 'TLSv1.3': schemes.of13.map(schemeName) },
    clientRenegotiation,
    ...behaviour,
    connections: survey.connections,
  };
}
