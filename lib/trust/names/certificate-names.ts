import { isIPv4 } from 'node:net';
import type { Certificate } from '../../x509/certificate.ts';
import { oids } from '../../x509/extensions.ts';
import { type GeneralName, readGeneralNames } from './general-name.ts';
import { isHost } from './name-forms.ts';

/** SmtpUTF8Mailbox (RFC 9598 3). */
export const smtpUtf8Mailbox = '1.3.6.1.5.5.7.8.9';

const emptyName = 2;

/**
 * The names of a certificate that constraints apply to (RFC 5280 4.2.1.10): its alternative names, its subject, and
 * the e-mail addresses in that. A leaf's common names count as host and address where it has no such alternative
 * name, as OpenSSL has it: somebody may still read them so.
 */
export function namesOf(certificate: Certificate, isLeaf: boolean): readonly GeneralName[] {
  const { subject, subjectRaw, extensions } = certificate;
  const extension = extensions.get(oids.subjectAltName);
  const names = extension === undefined ? [] : [...readGeneralNames(extension.value)];
  const has = (type: GeneralName['type']): boolean => names.some((name) => name.type === type);
  const commonNames = isLeaf ? (subject['CN'] ?? []) : [];
  const hosts = has('dNSName') ? [] : commonNames.filter(looksLikeHost);
  const addresses = has('iPAddress') ? [] : commonNames.filter(isIPv4);
  if (subjectRaw.length > emptyName) names.push({ type: 'directoryName', content: subjectRaw });
  for (const email of subject['emailAddress'] ?? [])
    names.push({ type: 'rfc822Name', content: Buffer.from(email, 'utf8') });
  for (const host of hosts) names.push({ type: 'dNSName', content: Buffer.from(host, 'latin1') });
  for (const address of addresses)
    names.push({ type: 'iPAddress', content: Buffer.from(address.split('.').map(Number)) });
  return names;
}

/** Also what a reader may take for a host by cutting it short, or as a wildcard: it is compared as it stands. */
const looksLikeHost = (name: string): boolean =>
  name.includes('\0') || (name.includes('.') && isHost(name.replace(/^\*\./, '').replace(/\.$/, '')));
