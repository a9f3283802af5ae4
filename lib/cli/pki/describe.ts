import type { CertificateRequest } from '../../pki/index.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { oids } from '../../x509/extensions.ts';
import type { PublicKeyInfo } from '../../x509/public-key.ts';
import { readCrl } from './read-crl.ts';
import { nameTexts } from './request-file.ts';
import { subjectText } from './subject.ts';

/** What is told of one thing, to a person and to a program. */
export interface Description {
  readonly title: string;
  readonly lines: ReadonlyArray<readonly [label: string, text: string]>;
  readonly json: Readonly<Record<string, unknown>>;
  /** A certificate's own. */
  readonly pem?: string;
}

const purposes: Readonly<Record<string, string>> = {
  [oids.serverAuth]: 'server',
  [oids.clientAuth]: 'client',
};

const keyText = ({ type, bits, curve }: PublicKeyInfo): string =>
  [type, curve ?? bits].filter((part) => part !== undefined).join(' ');

const date = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

export function describeCertificate(certificate: Certificate): Description {
  const { subject, issuer, subjectAltNames, serialNumber, notBefore, notAfter, publicKey } = certificate;
  const { isCa, extendedKeyUsage, pin, fingerprint256 } = certificate;
  const uses = extendedKeyUsage?.map((oid) => purposes[oid] ?? oid) ?? [];
  return {
    title: isCa ? 'Authority' : 'Certificate',
    lines: [
      ['subject', subjectText(subject) || '(empty)'],
      ['names', nameTexts(subjectAltNames).join(' ') || '(none)'],
      ['issuer', subjectText(issuer) || '(empty)'],
      ['serial', serialNumber],
      ['from', date(notBefore)],
      ['until', date(notAfter)],
      ['for', isCa ? 'issuing' : uses.join(', ') || 'anything'],
      ['key', keyText(publicKey)],
      ['pin', pin],
      ['SHA-256', fingerprint256],
    ],
    json: {
      kind: 'certificate',
      subject,
      names: subjectAltNames,
      issuer,
      serialNumber,
      notBefore: new Date(notBefore).toISOString(),
      notAfter: new Date(notAfter).toISOString(),
      authority: isCa,
      extendedKeyUsage: extendedKeyUsage ?? [],
      publicKey,
      pin,
      fingerprint256,
    },
    pem: certificate.pem,
  };
}

export function describeRequest(request: CertificateRequest): Description {
  const { subject, names, keyInfo, pin, requestedExtensions } = request;
  return {
    title: 'Request',
    lines: [
      ['subject', subjectText(subject) || '(empty)'],
      ['names', nameTexts(names).join(' ') || '(none)'],
      ['key', keyText(keyInfo)],
      ['pin', pin],
    ],
    json: { kind: 'request', subject, names, publicKey: keyInfo, pin, requestedExtensions },
  };
}

/** Whoever signed it. */
export function describeCrl(der: Buffer): Description {
  const { issuer, number, thisUpdate, nextUpdate, revoked } = readCrl(der);
  return {
    title: 'CRL',
    lines: [
      ['issuer', subjectText(issuer)],
      ['number', number?.toString() ?? '(none)'],
      ['from', date(thisUpdate)],
      ['until', nextUpdate === undefined ? '(open)' : date(nextUpdate)],
      ...(revoked.length === 0 ? ([['revoked', 'nothing']] as const) : []),
      ...revoked.map(
        ({ serialNumber, at, reason }) =>
          [
            'revoked',
            `${serialNumber}, ${at.slice(0, 10)}${reason === undefined ? '' : ` (${reason})`}`,
          ] as const,
      ),
    ],
    json: {
      kind: 'crl',
      issuer,
      number: number?.toString() ?? null,
      thisUpdate: new Date(thisUpdate).toISOString(),
      nextUpdate: nextUpdate === undefined ? null : new Date(nextUpdate).toISOString(),
      revoked,
    },
  };
}
