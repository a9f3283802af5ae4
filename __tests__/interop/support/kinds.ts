import type { PolicyViolationCode } from 'portcullis';
import { hidesVerifiedChain } from '../../support/attacks-node.ts';
import type { Credentials } from '../../support/attacks-raw-client.ts';
import {
  algorithmOf,
  impostorOf,
  oddAuthority,
  oddCertificate,
  type OddCertificate,
} from '../../support/odd-certificates.ts';
import { extension, purposes } from '../../support/odd-extensions.ts';
import { sharedKeys } from '../../support/odd-keys.ts';
import { attribute, commonName, generalName, name } from '../../support/odd-names.ts';

type Verdict = 'in' | PolicyViolationCode;

export interface Kind {
  readonly sends: Credentials | undefined;
  /** What the root of the listener, or of the plain server, makes of it. */
  readonly listener: Verdict;
  /** What the same root makes of it where only a route trusts it. */
  readonly route: Verdict;
  /** The same where the listener trusts it, too. */
  readonly narrowed: Verdict;
}

const hourMs = 3_600_000;
const hoursFromNow = (hours: number): Date => new Date(Date.now() + hours * hourMs);

/** Whom every way of trusting trusts. */
export const root: OddCertificate = oddAuthority({
  subject: commonName('Root'),
  notBefore: hoursFromNow(-100),
});
const stranger = oddAuthority({ subject: commonName('Stranger') });
const impostor = impostorOf(root);
const intermediate = oddAuthority({ issuer: root });
const lower = oddAuthority({ issuer: intermediate, subject: commonName('Lower') });

const signed = oddCertificate({ issuer: root });
const caConstraints = extension.basicConstraints({ ca: true });

const send = (leaf: OddCertificate, ...issuers: OddCertificate[]): Credentials => ({
  key: leaf.key,
  cert: [leaf, ...issuers].map(({ certificate }) => certificate).join(''),
});

const kind = (sends: Credentials | undefined, listener: Verdict, route: Verdict = listener): Kind => ({
  sends,
  listener,
  route,
  narrowed: route,
});
/** A good client by intermediates that it sends. */
const by = (sends: Credentials): Kind => ({
  ...kind(sends, 'in'),
  narrowed: hidesVerifiedChain ? 'CLIENT_CERTIFICATE_UNTRUSTED' : 'in',
});
const client = (overrides: Parameters<typeof oddCertificate>[0]): Credentials =>
  send(oddCertificate({ issuer: root, ...overrides }));
const below = (issuer: OddCertificate, ...more: OddCertificate[]): Credentials =>
  send(oddCertificate({ issuer }), issuer, ...more);

const constrained = (permitted: string): OddCertificate =>
  oddAuthority({
    issuer: root,
    extensions: { nameConstraints: extension.nameConstraints({ permitted: [generalName.dns(permitted)] }) },
  });
const namedBelow = (issuer: OddCertificate): Credentials =>
  send(
    oddCertificate({
      issuer,
      extensions: { subjectAltName: extension.subjectAltName([generalName.dns('client.example.org')]) },
    }),
    issuer,
  );

export const good: Readonly<Record<string, Kind>> = {
  'an ECDSA key on P-256': kind(send(signed), 'in'),
  'an ECDSA key on P-384': kind(client({ keys: sharedKeys('ec-p384'), hash: 'sha384' }), 'in'),
  'an RSA key': kind(client({ keys: sharedKeys('rsa-2048') }), 'in'),
  'an RSA-PSS key': kind(client({ keys: sharedKeys('rsa-pss-2048') }), 'in'),
  'an Ed25519 key': kind(client({ keys: sharedKeys('ed25519') }), 'in'),
  'no extended key usage': kind(client({ extensions: { extendedKeyUsage: null } }), 'in'),
  'no key usage': kind(client({ extensions: { keyUsage: null } }), 'in'),
  'no basic constraints': kind(client({ extensions: { basicConstraints: null } }), 'in'),
  'no extension but its purpose and the identifier of its issuer': kind(
    client({ extensions: { basicConstraints: null, keyUsage: null, subjectKeyId: null } }),
    'in',
  ),
  'several purposes': kind(
    client({
      extensions: {
        extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth, purposes.clientAuth]),
      },
    }),
    'in',
  ),
  'an unknown extension that is not critical': kind(
    client({ moreExtensions: [extension.raw('1.2.3.4', Buffer.of(5, 0))] }),
    'in',
  ),
  'an empty subject': kind(client({ subject: name() }), 'in'),
  'two common names': kind(client({ subject: name(attribute('CN', 'a'), attribute('CN', 'b')) }), 'in'),
  'a signature of RSA': by(below(oddAuthority({ issuer: root, keys: sharedKeys('rsa-2048') }))),
  'a signature of Ed25519': by(below(oddAuthority({ issuer: root, keys: sharedKeys('ed25519') }))),
  'an intermediate': by(below(intermediate)),
  'two intermediates': by(below(lower, intermediate)),
  'intermediates in the wrong order, and the root': by(below(lower, root, intermediate)),
  'an intermediate for client authentication': by(
    below(
      oddAuthority({
        issuer: root,
        extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.clientAuth]) },
      }),
    ),
  ),
  'a name that its intermediate may issue': by(namedBelow(constrained('example.org'))),
  'a serial number below zero': kind(client({ serialNumber: Buffer.of(0x80, 1) }), 'in'),
};

/** Over TLS 1.2 OpenSSL takes client keys only on curves that are among the groups of the key exchange, too. */
export const ofP521: Kind = kind(client({ keys: sharedKeys('ec-p521') }), 'in');

export const bad: Readonly<Record<string, Kind>> = {
  'no certificate': kind(undefined, 'CLIENT_CERTIFICATE_REQUIRED'),
  'an expired one': kind(
    client({ notBefore: hoursFromNow(-48), notAfter: hoursFromNow(-24) }),
    'CLIENT_CERTIFICATE_EXPIRED',
  ),
  'one that is not valid yet': kind(
    client({ notBefore: hoursFromNow(24), notAfter: hoursFromNow(48) }),
    'CLIENT_CERTIFICATE_NOT_YET_VALID',
  ),
  'one for servers': kind(
    client({ extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]) } }),
    'CLIENT_CERTIFICATE_PURPOSE',
  ),
  'one for any purpose': kind(
    client({ extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.any]) } }),
    'CLIENT_CERTIFICATE_PURPOSE',
  ),
  'one for mail': kind(
    client({ extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.emailProtection]) } }),
    'CLIENT_CERTIFICATE_PURPOSE',
  ),
  'one to encipher keys with': kind(
    client({ extensions: { keyUsage: extension.keyUsage(['keyEncipherment']) } }),
    'CLIENT_CERTIFICATE_PURPOSE',
  ),
  // OpenSSL lets it in, though its key may not sign a handshake.
  'one to agree on keys with': kind(
    client({ extensions: { keyUsage: extension.keyUsage(['keyAgreement']) } }),
    'CLIENT_CERTIFICATE_PURPOSE',
  ),
  'one that may sign certificates': kind(
    client({ extensions: { keyUsage: extension.keyUsage(['digitalSignature', 'keyCertSign']) } }),
    'CLIENT_CERTIFICATE_PURPOSE',
  ),
  'one of a CA': kind(
    client({ extensions: { basicConstraints: caConstraints } }),
    'CLIENT_CERTIFICATE_PURPOSE',
  ),
  'the intermediate’s own': kind(send(intermediate), 'CLIENT_CERTIFICATE_PURPOSE'),
  'the root’s own': kind(send(root), 'CLIENT_CERTIFICATE_PURPOSE'),
  'one with an unknown critical extension': kind(
    client({ moreExtensions: [extension.raw('1.2.3.4', Buffer.of(5, 0), true)] }),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one with the same extension twice': kind(
    client({ moreExtensions: [extension.extendedKeyUsage([purposes.clientAuth])] }),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one of version 1': kind(client({ version: 1 }), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one signed with SHA-1': kind(client({ hash: 'sha1' }), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one of RSA-1024': kind(client({ keys: sharedKeys('rsa-1024') }), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one whose signature is damaged': kind(client({ damaged: true }), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one with two signature algorithms': kind(
    client({ innerAlgorithm: algorithmOf(root.keys.privateKey, 'sha384') }),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one of an unknown CA': kind(client({ issuer: stranger }), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one of an unknown CA, with that CA': kind(below(stranger), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one of a CA of the same name': kind(client({ issuer: impostor }), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one of a CA of the same name, with that CA': kind(below(impostor), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one that it signed itself': kind(send(oddCertificate()), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one that it signed itself in the root’s name': kind(
    send(oddCertificate({ subject: root.subject })),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one whose intermediate it does not send': kind(
    client({ issuer: intermediate }),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one of an expired intermediate': kind(
    below(oddAuthority({ issuer: root, notBefore: hoursFromNow(-48), notAfter: hoursFromNow(-24) })),
    'CLIENT_CERTIFICATE_EXPIRED',
  ),
  'one of an intermediate that is not valid yet': kind(
    below(oddAuthority({ issuer: root, notBefore: hoursFromNow(24), notAfter: hoursFromNow(48) })),
    'CLIENT_CERTIFICATE_NOT_YET_VALID',
  ),
  'one that another client signed': kind(below(signed), 'CLIENT_CERTIFICATE_UNTRUSTED'),
  'one of an intermediate without basic constraints': kind(
    below(oddAuthority({ issuer: root, extensions: { basicConstraints: null } })),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one of an intermediate that may not sign certificates': kind(
    below(oddAuthority({ issuer: root, extensions: { keyUsage: extension.keyUsage(['cRLSign']) } })),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one of an intermediate of version 1': kind(
    below(oddAuthority({ issuer: root, version: 1 })),
    'CLIENT_CERTIFICATE_PURPOSE',
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one of an intermediate for servers': kind(
    below(
      oddAuthority({
        issuer: root,
        extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]) },
      }),
    ),
    'CLIENT_CERTIFICATE_PURPOSE',
  ),
  'one of an intermediate with an unknown critical extension': kind(
    below(oddAuthority({ issuer: root, moreExtensions: [extension.raw('1.2.3.4', Buffer.of(5, 0), true)] })),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one of an intermediate signed with SHA-1': kind(
    below(oddAuthority({ issuer: root, hash: 'sha1' })),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one of an intermediate of RSA-1024': kind(
    below(oddAuthority({ issuer: root, keys: sharedKeys('rsa-1024') })),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'one below the path length': kind(
    (() => {
      const top = oddAuthority({
        issuer: root,
        subject: commonName('Top'),
        extensions: { basicConstraints: extension.basicConstraints({ ca: true, pathLength: 0 }) },
      });
      return below(oddAuthority({ issuer: top }), top);
    })(),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'a name that its intermediate may not issue': kind(
    namedBelow(constrained('example.com')),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'no key identifier of its issuer': kind(
    client({ extensions: { authorityKeyId: null } }),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
  'an authority key identifier of another key': kind(
    client({ extensions: { authorityKeyId: extension.authorityKeyId(stranger.keyId) } }),
    'CLIENT_CERTIFICATE_UNTRUSTED',
  ),
};
