import { getCiphers } from 'node:tls';

/** IANA's form of a TLS 1.2 cipher: what OpenSSL calls ECDHE-RSA-AES128-GCM-SHA256. */
const standardForm = /^TLS_[A-Z0-9]+(?:_[A-Z0-9]+)*$/;

/** `name` in the case in which a connection reports it, if this OpenSSL has the cipher; IANA's names by their form. */
export function knownCipher(name: string): string | undefined {
  const upper = name.toUpperCase();
  return standardForm.test(upper) || getCiphers().includes(name.toLowerCase()) ? upper : undefined;
}
