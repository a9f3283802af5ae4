/** A private key in PEM, encrypted with the passphrase, or as it is where there is none. */
export async function encryptedKey(key: string, passphrase: string | undefined): Promise<string> {
  if (passphrase === undefined) return key;
  const { encryptKey } = await import('../../pki/index.ts');
  return encryptKey(key, passphrase);
}

export const isEncrypted = (key: string): boolean => key.includes('ENCRYPTED');
