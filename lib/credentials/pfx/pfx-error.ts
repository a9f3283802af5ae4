/** Why a PFX cannot be used; `readPfx` adds which option it stands in. It never carries a passphrase or key. */
export class PfxError extends Error {
  override readonly name = 'PfxError';
  readonly remedy: string;

  constructor(problem: string, remedy: string) {
    super(problem);
    this.remedy = remedy;
  }
}

/** Something that OpenSSL 3 reads only with its legacy provider, or not at all. */
export const unsupported = (what: string): PfxError =>
  new PfxError(
    `it uses ${what}, which is not supported`,
    'Convert it: `openssl pkcs12 -legacy -in old.pfx -noenc -out all.pem`, then `openssl pkcs12 -export -in all.pem -out new.pfx`, and delete all.pem.',
  );

/** The integrity check or a decryption failed. */
export const notOpened = (passphrase: string): PfxError =>
  passphrase === ''
    ? new PfxError('it does not open without a passphrase, or it is damaged', 'Give its `passphrase`.')
    : new PfxError('the passphrase does not open it, or it is damaged', 'Give the right `passphrase`.');
