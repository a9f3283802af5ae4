import type { ClientCertificate, TlsState } from 'portcullis';
import { type Content, html, type Html } from './html.ts';

type Row = readonly [label: string, value: Content];

/** What was negotiated. */
export const connectionFacts = (tls: TlsState): Html =>
  facts([
    ['Protocol', tls.protocol],
    ['Cipher', tls.cipher.standardName],
    ['Key exchange', tls.group ?? 'unknown'],
    ['Forward secrecy', yesNo(tls.forwardSecrecy)],
    ['Post-quantum', yesNo(tls.postQuantum)],
    ['ALPN', tls.alpn ?? 'none'],
    ['Server name (SNI)', tls.serverName ?? 'none'],
    ['Resumed session', yesNo(tls.resumed)],
    ...(tls.authenticatedAt === undefined
      ? []
      : [['Client verified at', time(tls.authenticatedAt)] as const]),
  ]);

/** Who the client has proven to be. */
export function clientFacts({ clientCertificate, clientCertificateError }: TlsState): Html {
  if (clientCertificate !== undefined) return certificateFacts(clientCertificate);
  if (clientCertificateError === undefined)
    return html`<p>Your client has shown none. The terminal that runs this server says how to bring one.</p>`;
  const { code, reason } = clientCertificateError;
  return html`<p>Your client has shown one, and it does not count: ${reason} <code>${code}</code></p>`;
}

function certificateFacts(certificate: ClientCertificate): Html {
  const { subjectAltNames: names, publicKey } = certificate;
  return facts([
    ['Subject', name(certificate.subject)],
    ['Issuer', name(certificate.issuer)],
    ['Mail addresses', lines(names.email)],
    ['DNS names', lines(names.dns)],
    ['URIs', lines(names.uri)],
    ['IP addresses', lines(names.ip)],
    ['SPIFFE ID', certificate.spiffeId],
    ['Valid from', time(certificate.notBefore)],
    ['Valid until', time(certificate.notAfter)],
    ['Serial number', certificate.serialNumber],
    ['Public key', `${publicKey.type} ${publicKey.curve ?? publicKey.bits ?? ''}`.trim()],
    ['Extended key usage', lines(certificate.extendedKeyUsage)],
    ['Pin', certificate.pin],
    ['Fingerprint (SHA-256)', certificate.fingerprint256],
    ['Trust anchor', name(certificate.chain.at(-1)?.subject ?? {})],
  ]);
}

/** Rows without a value are left out. */
const facts = (rows: readonly Row[]): Html =>
  html`<dl>
    ${rows
      .filter(([, value]) => value !== undefined && value !== '')
      .map(
        ([label, value]) =>
          html`<div>
            <dt>${label}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
  </dl>`;

const name = (attributes: ClientCertificate['subject']): Content =>
  lines(Object.entries(attributes).flatMap(([type, values]) => values.map((value) => `${type}=${value}`))) ??
  '(empty)';

/** One below the other, as a comma may be part of a name. */
const lines = (values: readonly string[]): Content =>
  values.length === 0 ? undefined : values.map((value) => html`<span class="line">${value}</span>`);

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');

function time(date: Date): Html {
  const iso = date.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}
