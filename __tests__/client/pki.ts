import { randomBytes } from 'node:crypto';
import { Certificate } from '../../lib/x509/certificate.ts';
import {
  oddAuthority,
  oddCertificate,
  type OddCertificate,
  type Overrides,
} from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { sharedKeys } from '../support/odd-keys.ts';
import { commonName, generalName } from '../support/odd-names.ts';

const day = 86_400_000;
export const ago = (days: number): Date => new Date(Date.now() - days * day);
export const ahead = (days: number): Date => ago(-days);

const long = { notBefore: ago(400), notAfter: ahead(400) };

/** The root of the servers that are in order. */
export const root: OddCertificate = oddAuthority({ ...long, subject: commonName('Servers') });
export const intermediate: OddCertificate = oddAuthority({
  ...long,
  issuer: root,
  subject: commonName('Issuing'),
});
/** Somebody else's, which is in order, too. */
export const otherRoot: OddCertificate = oddAuthority({ ...long, subject: commonName('Elsewhere') });

/** The key of every server here, unless it is told otherwise: RSA, for the servers that can do nothing else. */
const serverKeys: Overrides['keys'] = sharedKeys('ec-p256');

export const dns = (...names: string[]): Buffer => extension.subjectAltName(names.map(generalName.dns));

const localNames = extension.subjectAltName([
  generalName.dns('localhost'),
  generalName.ip('127.0.0.1'),
  generalName.ip(Buffer.from('00000000000000000000000000000001', 'hex')),
]);

/** A server's certificate for localhost, 127.0.0.1 and ::1 that is in order but for the overrides. */
export function serverCertificate(overrides: Overrides = {}): OddCertificate {
  return oddCertificate({
    issuer: root,
    subject: commonName('server'),
    keys: serverKeys!,
    ...overrides,
    extensions: {
      extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]),
      subjectAltName: localNames,
      ...overrides.extensions,
    },
  });
}

/** One of a client, whom the servers ask for it. */
export const clientCertificate: OddCertificate = oddCertificate({
  issuer: root,
  subject: commonName('a client that wants to stay unknown'),
});

export const pinOf = ({ der }: OddCertificate): string => new Certificate(der).pin;
export const strangePin = (): string => `sha256/${randomBytes(32).toString('base64')}`;
export const serialOf = ({ der }: OddCertificate): string => new Certificate(der).serialNumber;
