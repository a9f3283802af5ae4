/** What testssl.sh looks for, and must have found to be good, on every server: beside expected.json, which has faults. */
export const mustBeGood = [
  'SSLv2',
  'SSLv3',
  'TLS1_2',
  'TLS1_3',
  'cipherlist_NULL',
  'cipherlist_aNULL',
  'cipherlist_EXPORT',
  'cipherlist_LOW',
  'FS',
  'heartbleed',
  'CCS',
  'ticketbleed',
  'ROBOT',
  'secure_renego',
  'secure_client_renego',
  'CRIME_TLS',
  'BREACH',
  'POODLE_SSL',
  'fallback_SCSV',
  'SWEET32',
  'FREAK',
  'DROWN',
  'LOGJAM',
  'LOGJAM-common_primes',
  'BEAST',
  'LUCKY13',
  'RC4',
] as const;

/** What it takes for no fault, and the profiles for one. */
export const mustBeMissing = [
  'TLS1',
  'TLS1_1',
  'cipherlist_3DES_IDEA',
  'cipherlist_OBSOLETED',
  'cipherlist_STRONG_NOFS',
] as const;

interface Control {
  /** testssl.sh's options: the other checks take long there, where half of what is said is made up. */
  readonly checks: readonly string[];
  /** What it has to take for a medium fault or a worse one. */
  readonly found: readonly string[];
}

export const controlsOfTestssl: Readonly<Record<string, Control>> = {
  weak: {
    checks: ['--heartbleed', '--poodle', '--freak', '--drown', '--rc4'],
    found: ['heartbleed', 'POODLE_SSL', 'FREAK', 'DROWN', 'RC4'],
  },
};
