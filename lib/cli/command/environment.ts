/** The variables that the command line heeds, for the man page and the reference. */
export const environment: readonly (readonly [name: string, meaning: string])[] = [
  ['NO_COLOR, FORCE_COLOR, TERM', 'Whether the output has colours; by default at a terminal only.'],
  ['NODE_ENV', "With 'production' serve makes no development certificate."],
  ['PORTCULLIS_HOME', "Where the development certificate is kept, in place of the user's data folder."],
  ['PORTCULLIS_PKI', 'The folder of the private authority, in place of pki in the working directory.'],
  ['PORTCULLIS_PASSPHRASE', "pki: the passphrase of the authority's key, in place of a prompt."],
  [
    'PORTCULLIS_KEY_PASSPHRASE',
    'pki: the passphrase of the key of a client or server, in place of a prompt.',
  ],
  [
    'PORTCULLIS_P12_PASSWORD',
    'pki export: the password of the PKCS#12 file, in place of one that is made up.',
  ],
  ['PORTCULLIS_DEBUG', "With '1' an error shows its stack."],
];
