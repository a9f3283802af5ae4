import { createHash, type X509Certificate } from 'node:crypto';
import type { TlsState } from 'portcullis';
import type { Answer } from '../clients/client.ts';
import type { Seen } from './listeners.ts';

/** Where client and listener tell different things of one connection; what the client does not tell is no difference. */
export function differencesOf(
  answer: Answer,
  { tls, keyingMaterial }: Seen,
  shown: readonly X509Certificate[],
): string[] {
  const ours: Partial<Answer> = {
    protocol: tls.protocol,
    alpn: tls.alpn ?? '',
    resumed: tls.resumed,
    keyingMaterial,
    ...(tls.group !== undefined && { group: tls.group.toLowerCase() }),
  };
  const names = Object.keys(ours) as Array<keyof Answer>;
  return [
    ...names
      .filter((name) => answer[name] !== undefined && answer[name] !== ours[name])
      .map((name) => `${name}: ${String(answer[name])} there, ${String(ours[name])} here`),
    ...(namesCipher(answer.cipher, tls.cipher)
      ? []
      : [`cipher: ${answer.cipher} there, ${tls.cipher.name} here`]),
    ...certificateDifferences(answer, suitable(shown, tls.cipher)),
  ];
}

const bare = (text: string): string => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');

/** GnuTLS, NSS and Chromium tell only a part of a cipher's name, in their own spelling: AES-256-GCM. */
const namesCipher = (cipher = '', { name, standardName }: TlsState['cipher']): boolean =>
  /\w{3}/.test(cipher) && [name, standardName].some((whole) => bare(whole).includes(bare(cipher)));

/** Of TLS 1.2 the cipher's name tells which of two certificates it was. */
const suitable = (
  shown: readonly X509Certificate[],
  { name }: TlsState['cipher'],
): readonly X509Certificate[] =>
  name.startsWith('ECDHE-')
    ? shown.filter(({ publicKey }) =>
        name.includes(publicKey.asymmetricKeyType === 'ec' ? '-ECDSA-' : '-RSA-'),
      )
    : shown;

const hashOf = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

function certificateDifferences(
  { serverFingerprint, serverKeyHash }: Answer,
  shown: readonly X509Certificate[],
): string[] {
  const fingerprints = shown.map(({ raw }) => hashOf(raw));
  const keys = shown.map(({ publicKey }) => hashOf(publicKey.export({ type: 'spki', format: 'der' })));
  return [
    ...(shown.length === 0 ? ['no certificate of ours is for this cipher'] : []),
    ...(serverFingerprint === undefined || fingerprints.includes(serverFingerprint)
      ? []
      : ['another certificate']),
    ...(serverKeyHash === undefined || keys.includes(serverKeyHash) ? [] : ['another key']),
  ];
}
