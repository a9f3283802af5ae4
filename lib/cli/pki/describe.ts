import type { CertificateRequest } from '../../pki/index.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { explicitTag, readChildren, readElement, readTime, tags } from '../../x509/der.ts';
import { oids, readExtensions } from '../../x509/extensions.ts';
import { readName } from '../../x509/name.ts';
import type { PublicKeyInfo } from '../../x509/public-key.ts';
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

/** The fields of a CRL (RFC 5280 5.1), whoever signed it. */
export function describeCrl(der: Buffer): Description {
  const fields = readChildren(readChildren(readElement(der, tags.sequence))[0]!);
  if (fields[0]?.tag === tags.integer) fields.shift();
  const [, issuerName, thisUpdate, ...optional] = fields;
  const isTime = optional[0]?.tag === tags.utcTime || optional[0]?.tag === tags.generalizedTime;
  const nextUpdate = isTime ? readTime(optional.shift()) : undefined;
  const revoked = optional[0]?.tag === tags.sequence ? readChildren(optional[0]).map(readEntry) : [];
  const extensions = optional.find(({ tag }) => tag === explicitTag(0));
  const number = extensions && readExtensions(extensions).get('2.5.29.20')?.value;
  const issuer = readName(issuerName);
  const numberText = number === undefined ? undefined : unsigned(readElement(number).content).toString();
  return {
    title: 'CRL',
    lines: [
      ['issuer', subjectText(issuer)],
      ['number', numberText ?? '(none)'],
      ['from', date(readTime(thisUpdate))],
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
      number: numberText ?? null,
      thisUpdate: new Date(readTime(thisUpdate)).toISOString(),
      nextUpdate: nextUpdate === undefined ? null : new Date(nextUpdate).toISOString(),
      revoked,
    },
  };
}

/** RFC 5280 5.3.1. */
const reasons = [
  'unspecified',
  'keyCompromise',
  'caCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  undefined,
  'removeFromCRL',
  'privilegeWithdrawn',
  'aaCompromise',
];

interface RevokedEntry {
  readonly serialNumber: string;
  readonly at: string;
  readonly reason: string | undefined;
}

function readEntry(element: Parameters<typeof readChildren>[0]): RevokedEntry {
  const [serial, at, extensions] = readChildren(element);
  const hex = unsigned(serial!.content).toString(16).toUpperCase();
  const reason =
    extensions === undefined
      ? undefined
      : readChildren(extensions)
          .map((extension) => readChildren(extension).at(-1)!)
          .map(({ content }) => readElement(content))
          .find(({ tag }) => tag === 0x0a);
  return {
    serialNumber: hex.length % 2 === 0 ? hex : `0${hex}`,
    at: new Date(readTime(at)).toISOString(),
    reason: reason === undefined ? undefined : (reasons[reason.content[0] ?? -1] ?? 'unknown'),
  };
}

const unsigned = (content: Buffer): bigint => BigInt(`0x${content.toString('hex') || '0'}`);
