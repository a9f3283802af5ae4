import { CliFailure, exitCodes } from '../failure.ts';
import type { Listing } from './list.ts';

/** Says what ends, and by which command it goes on. `due` is what of `all` ends within so many days, or has. */
export function expiry(days: number, all: Listing, due: Listing, now: number): CliFailure {
  const ends = [...due.authorities, ...due.certificates].map(({ notAfter }) => Date.parse(notAfter));
  const ended = ends.filter((end) => end < now).length;
  const ending = ends.length - ended;
  return new CliFailure(
    [
      ...(ending > 0
        ? [`${ending} ${ending === 1 ? 'certificate ends' : 'certificates end'} within ${days} days`]
        : []),
      ...(ended > 0 ? [`${ended} ${ended === 1 ? 'certificate has' : 'certificates have'} ended`] : []),
      ...(due.crl.lapsed ? ['the CRL has run out'] : []),
      ...(due.rootCrl?.lapsed === true ? ["the root's CRL has run out"] : []),
    ].join(', and '),
    hints(all, due).join('; '),
    exitCodes.no,
  );
}

/** The root first: nothing below outlives it. */
function hints(all: Listing, { authorities, certificates, crl, rootCrl }: Listing): readonly string[] {
  const renewals: Readonly<Record<'root' | 'intermediate', string>> = {
    root: all.authorities.length > 1 ? '--authority --root --root-key FILE' : '--authority',
    intermediate: '--authority --root-key FILE',
  };
  return [
    ...(crl.lapsed ? ['Write the next CRL: portcullis pki crl'] : []),
    ...(rootCrl?.lapsed === true ? ["Write the root's next CRL: portcullis pki crl --root"] : []),
    ...authorities.map(({ role }) => `Renew the ${role}: portcullis pki renew ${renewals[role]}`),
    ...(certificates.length > 0 ? ['Renew: portcullis pki renew NAME, or revoke what is not needed'] : []),
  ];
}
