import type { PolicyViolationCode } from 'portcullis';
import type { Client, Http, Version } from '../clients/client.ts';

/** What the listener has: one certificate of a kind, or one of each. */
export type Key = 'ECDSA' | 'RSA' | 'both';

/** As whom a client comes. */
export type Who = 'nobody' | 'good' | 'other' | 'expired' | 'revoked' | 'impostor';

/**
 * Where to: a listener that asks for client certificates, one that requires them, one that resumes sessions and asks
 * for none, one of a CA that the client does not know, and a lax `https.Server`, at which the same must succeed.
 */
export type Door = 'optional' | 'required' | 'resuming' | 'strange' | 'lax';

/** The headings of docs/interop.md; controls stand for the one that they make believable. */
export type Scenario =
  | 'certificate'
  | 'nobody'
  | 'bad'
  | 'required'
  | 'weak'
  | 'stranger'
  | 'sessions'
  | 'control';

export interface Cell {
  readonly scenario: Scenario;
  readonly version: Version;
  readonly http: Http;
  readonly door: Door;
  readonly key: Key;
  readonly who: Who;
  readonly path: '/admin' | '/facts';
  /** The word for it in its field of the table. */
  readonly entry: string;
  readonly ciphers?: readonly string[];
  /** As whom once more, with the session of the first time. */
  readonly again?: Who;
  /** A name that gets in, a refusal in HTTP, or one of either side in the handshake. */
  readonly expected: 'in' | PolicyViolationCode | 'alert' | 'closed' | 'distrust';
}

const versions = ['TLSv1.2', 'TLSv1.3'] as const;
const keys = ['ECDSA', 'RSA', 'both'] as const;
/** Without forward secrecy: in no profile, and every client still has it. */
const weakCiphers = ['TLS_RSA_WITH_AES_128_GCM_SHA256'];

const required = 'CLIENT_CERTIFICATE_REQUIRED';
const refusals = {
  expired: 'CLIENT_CERTIFICATE_EXPIRED',
  revoked: 'CLIENT_CERTIFICATE_REVOKED',
  impostor: 'CLIENT_CERTIFICATE_UNTRUSTED',
} as const;
const bad = ['expired', 'revoked', 'impostor'] as const;

/** Where it does not say otherwise: nobody asks for the protected route of a listener with an ECDSA key. */
const cellOf = (own: Pick<Cell, 'scenario' | 'version' | 'entry' | 'expected'> & Partial<Cell>): Cell => ({
  http: 'h1',
  key: 'ECDSA',
  door: 'optional',
  who: 'nobody',
  path: '/admin',
  ...own,
});

export const cellsOf = (client: Client): Cell[] => [
  ...versions.flatMap((version) => client.https.flatMap((http) => admissions(version, http))),
  ...versions.flatMap((version) => [...badCertificates(version, client), ...sessions(version, client)]),
  ...versions.map((version) =>
    cellOf({ scenario: 'stranger', version, door: 'strange', entry: 'refuses', expected: 'distrust' }),
  ),
  ...client.old.flatMap((version) => weak(version)),
  ...(client.weak ? weak('TLSv1.2', weakCiphers) : []),
];

const admissions = (version: Version, http: Http): Cell[] =>
  keys.flatMap((key) => {
    const cell = { version, http, key, entry: key } as const;
    return [
      cellOf({ ...cell, scenario: 'certificate', who: 'good', expected: 'in' }),
      cellOf({ ...cell, scenario: 'nobody', expected: required }),
    ];
  });

function badCertificates(version: Version, { withholds = [] }: Client): Cell[] {
  const door = { version, scenario: 'required', door: 'required' } as const;
  const shown = bad.filter((who) => !withholds.some((withheld) => withheld === who));
  return [
    ...shown.map((who) => cellOf({ version, scenario: 'bad', who, entry: who, expected: refusals[who] })),
    cellOf({ ...door, who: 'good', entry: 'good', expected: 'in' }),
    cellOf({ ...door, entry: 'none', expected: 'closed' }),
    ...shown.map((who) =>
      cellOf({ version, scenario: 'required', door: 'required', who, entry: who, expected: 'closed' }),
    ),
    // A listener that asks turns nobody away.
    cellOf({ version, scenario: 'nobody', path: '/facts', entry: 'open route', expected: 'in' }),
  ];
}

function sessions(version: Version, client: Client): Cell[] {
  const cell = { scenario: 'sessions', version } as const;
  const resuming = { door: 'resuming', path: '/facts', again: 'nobody' } as const;
  return [
    ...(client.noTicketsInTls12 && version === 'TLSv1.2'
      ? []
      : [cellOf({ ...cell, ...resuming, entry: 'resumed', expected: 'in' })]),
    cellOf({ ...cell, who: 'good', again: 'good', entry: 'as itself', expected: 'in' }),
    cellOf({ ...cell, again: 'nobody', entry: 'as nobody', expected: required }),
    ...(client.sessions === 'other' ? changes(version) : []),
  ];
}

function changes(version: Version): Cell[] {
  const cell = { scenario: 'sessions', version } as const;
  return [
    cellOf({ ...cell, who: 'good', again: 'nobody', entry: 'then as nobody', expected: required }),
    cellOf({ ...cell, again: 'good', entry: 'then with a certificate', expected: 'in' }),
    cellOf({ ...cell, who: 'good', again: 'other', entry: 'then as somebody else', expected: 'in' }),
  ];
}

/** Refused by us, and taken by the lax server: else it could be the client that has forgotten how. */
function weak(version: Version, ciphers?: readonly string[]): Cell[] {
  const entry = ciphers === undefined ? 'refused' : 'static RSA refused';
  const cell = { version, entry, key: 'RSA', path: '/facts', ...(ciphers && { ciphers }) } as const;
  return [
    cellOf({ ...cell, scenario: 'control', door: 'lax', expected: 'in' }),
    cellOf({ ...cell, scenario: 'weak', expected: 'alert' }),
  ];
}

/** The cell as a sentence, told apart from all others of its client. */
export function titleOf({
  scenario,
  version,
  http,
  key,
  door,
  who,
  again,
  ciphers,
  expected,
  path,
}: Cell): string {
  const at = scenario === 'control' ? 'the lax server' : `${path} of an ${key} listener (${door})`;
  const offering = ciphers === undefined ? '' : ` and ${ciphers.join()}`;
  const once = again === undefined ? '' : `, again as ${again} with that session`;
  return `${who} over ${version}${offering} by ${http} at ${at}${once}: ${expected}`;
}
