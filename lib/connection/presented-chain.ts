import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

const maxCertificates = 10;

/**
 * The issuers that OpenSSL knows for this connection's client, in DER and without the leaf: what the client sent, and
 * what the listener's `ca` adds. Links by name only. Node 24.21 tells nothing of what the client sent where
 * OpenSSL has verified it by that, and 20 and 22 forget it once `getPeerX509Certificate()` was called.
 */
export const readPresentedIssuers = (socket: TLSSocket): Buffer[] =>
  issuersOf(socket.getPeerCertificate(true));

/** The issuers that hang on what `getPeerCertificate(true)` gives, in DER. */
export function issuersOf(certificate: Partial<DetailedPeerCertificate>): Buffer[] {
  const issuers: Buffer[] = [];
  let current: Partial<DetailedPeerCertificate> | undefined = certificate;
  while (issuers.length < maxCertificates) {
    const issuer: Partial<DetailedPeerCertificate> | undefined = current?.issuerCertificate;
    if (issuer?.raw === undefined || issuer === current) break;
    issuers.push(issuer.raw);
    current = issuer;
  }
  return issuers;
}

/**
 * What the client sent beside these, in its order: OpenSSL links each to the first that fits by name, and drops the
 * rest, be it the renewed one. To be asked after `readPresentedIssuers`, which 20, 22 and 24 answer no more from then
 * on, and only once: it uses itself up.
 */
export function readSentBeside(socket: TLSSocket, presented: readonly Buffer[]): Buffer[] {
  const beside: Buffer[] = [];
  let sent = socket.getPeerX509Certificate()?.issuerCertificate;
  for (let count = 0; sent !== undefined && count < maxCertificates; count++) {
    const { raw } = sent;
    if (![...presented, ...beside].some((known) => known.equals(raw))) beside.push(raw);
    sent = sent.issuerCertificate;
  }
  return beside;
}
