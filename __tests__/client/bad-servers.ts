import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { Authority } from 'portcullis/pki';
import type { CertificateFailure, TlsClientErrorCode, TlsClientOptions } from 'portcullis/client';
import { der, sequence, unsignedInteger } from '../../lib/pki/der.ts';
import { certIdOf } from '../../lib/trust/ocsp/ocsp-request.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import {
  impostorOf,
  oddAuthority,
  oddCertificate,
  type OddCertificate,
  type Overrides,
} from '../support/odd-certificates.ts';
import { oddCrl } from '../support/odd-crls.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { sharedKeys } from '../support/odd-keys.ts';
import { commonName, generalName } from '../support/odd-names.ts';
import { ocspResponse } from '../support/ocsp.ts';
import {
  ago,
  ahead,
  dns,
  intermediate,
  otherRoot,
  pinOf,
  root,
  serialOf,
  serverCertificate,
  strangePin,
} from './pki.ts';

/** A server that must not be spoken to. */
export interface BadServer {
  readonly name: string;
  readonly code: TlsClientErrorCode;
  /** A CertificateFailure, or a HandshakeFailure. */
  readonly reason?: string;
  /** What `seen` has in it. */
  readonly seen?: RegExp;
  /** That it has sent. */
  readonly alert?: string;
  /** Of TLS, or what a server does that speaks none. */
  readonly server: (TlsOptions & { staple?: Buffer }) | ((socket: Socket) => void);
  /** Beside `ca`, and key and certificate of the client. */
  readonly client?: TlsClientOptions;
  /** Where it is not tried with both versions. */
  readonly version?: 'TLSv1.2' | 'TLSv1.3';
}

/** The certificate with what is sent along. */
const shows = (leaf: OddCertificate, ...issuers: readonly OddCertificate[]): TlsOptions => ({
  key: leaf.key,
  cert: [leaf, ...issuers].map(({ certificate }) => certificate).join(''),
  ciphers: 'DEFAULT:@SECLEVEL=0',
});

const good = serverCertificate();

const verification = (
  name: string,
  reason: CertificateFailure,
  server: BadServer['server'],
  more: Partial<BadServer> = {},
): BadServer => ({ name, code: 'CERTIFICATE_VERIFICATION_FAILED', reason, server, ...more });

const named = (name: string, wanted: string, ...names: readonly string[]): BadServer => ({
  name,
  code: 'HOSTNAME_MISMATCH',
  server: shows(serverCertificate({ extensions: { subjectAltName: dns(...names) } })),
  client: { servername: wanted },
});

const crossing = (overrides: Overrides): OddCertificate =>
  oddAuthority({ subject: commonName('Crossed'), keys: sharedKeys('ec-p384'), ...overrides });
/** Of one name and key; OpenSSL would take the first that is valid now, and ends at a root that nobody believes. */
const crossed: readonly [OddCertificate, OddCertificate, OddCertificate] = [
  crossing({ issuer: root, notBefore: ago(9), notAfter: ago(1) }),
  crossing({ issuer: otherRoot }),
  crossing({ issuer: root }),
];
const dates: readonly BadServer[] = [
  verification(
    'has expired',
    'CERTIFICATE_EXPIRED',
    shows(serverCertificate({ notBefore: ago(9), notAfter: ago(1) })),
    {
      seen: /was valid until \d{4}-/,
    },
  ),
  verification(
    'has an intermediate that has expired',
    'CERTIFICATE_EXPIRED',
    shows(serverCertificate({ issuer: crossed[0] }), crossed[0]),
  ),
  verification(
    'sends an expired intermediate, one of a stranger, and then the good one',
    'CERTIFICATE_EXPIRED',
    shows(serverCertificate({ issuer: crossed[2] }), ...crossed),
  ),
  verification(
    'is not valid yet',
    'CERTIFICATE_NOT_YET_VALID',
    shows(serverCertificate({ notBefore: ahead(1), notAfter: ahead(9) })),
  ),
];

const names: readonly BadServer[] = [
  { ...named('is another host', '127.0.0.1', 'other.example'), seen: /DNS:other\.example/ },
  named('has a wildcard below a top-level domain', 'example.org', '*.org'),
  named('has a wildcard for all', 'example.org', '*'),
  named('has a part of a label as a wildcard', 'foo.example.org', 'f*.example.org'),
  named('has a wildcard over two labels', 'a.b.example.org', '*.example.org'),
  named('has a wildcard for the bare domain', 'example.org', '*.example.org'),
  named('has a wildcard in the middle', 'a.b.example.org', 'a.*.example.org'),
  named('has a wildcard twice', 'a.b.example.org', '*.*.example.org'),
  named('has a wildcard over an address', '127.0.0.1', '*.0.0.1'),
  named('has its address as a name', '127.0.0.1', '127.0.0.1'),
  named('has no address where one is asked for', '127.0.0.1', 'localhost'),
  {
    ...named('has a name that goes on after NUL', 'good.example', 'good.example\0.evil.example'),
    seen: /\\u\{0\}/,
  },
  named('has a name with a comma', 'good.example', 'evil.example, DNS:good.example'),
  named('has a name with garbage at its end', 'good.example', 'good.example '),
  named('has a name with a dot at its end', 'good.example', 'good.example.'),
  {
    ...named('writes escape sequences into its name', 'good.example', '\x1b[2J\r\nevil.example'),
    seen: /^[ -~]*evil\.example$/,
  },
  {
    name: 'has a common name alone',
    code: 'HOSTNAME_MISMATCH',
    server: shows(
      serverCertificate({ subject: commonName('127.0.0.1'), extensions: { subjectAltName: null } }),
    ),
    seen: /no name/,
  },
  {
    name: 'is a neighbour: 127.0.0.2',
    code: 'HOSTNAME_MISMATCH',
    server: shows(
      serverCertificate({
        extensions: { subjectAltName: extension.subjectAltName([generalName.ip('127.0.0.2')]) },
      }),
    ),
  },
];

const leafAsIssuer = serverCertificate({ subject: commonName('no CA') });
const constrained = oddAuthority({
  issuer: root,
  subject: commonName('Constrained'),
  extensions: { nameConstraints: extension.nameConstraints({ permitted: [generalName.dns('example.org')] }) },
});
const lowest = oddAuthority({
  issuer: root,
  subject: commonName('Lowest'),
  extensions: { basicConstraints: extension.basicConstraints({ ca: true, pathLength: 0 }) },
});
const belowLowest = oddAuthority({ issuer: lowest, subject: commonName('Too low') });
/** OpenSSL serves no certificate whose key may not sign. */
const signsAll = { keyUsage: extension.keyUsage(['digitalSignature', 'keyCertSign']) };
const impostor = impostorOf(root);

/** Of the name of another CA: a key beside it. */
const namesake = oddAuthority({ subject: commonName('Elsewhere') });
const orphan = oddAuthority({ issuer: otherRoot, subject: commonName('Orphan') });

const paths: readonly BadServer[] = [
  // By OpenSSL's verdict alone, which comes when a client's certificate has left over TLS 1.2.
  verification(
    'stands below an intermediate in `ca` whose root is another',
    'ISSUER_UNKNOWN',
    shows(serverCertificate({ issuer: orphan })),
    {
      version: 'TLSv1.3',
      client: { ca: [root.certificate, namesake.certificate, orphan.certificate] },
      seen: /UNABLE_TO_GET_ISSUER_CERT/,
    },
  ),
  verification(
    'has signed itself',
    'CERTIFICATE_SELF_SIGNED',
    shows(
      oddCertificate({
        subject: commonName('localhost'),
        extensions: {
          extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]),
          subjectAltName: dns('localhost'),
        },
      }),
    ),
  ),
  verification(
    'is a self-signed CA, as openssl req -x509 makes one',
    'CERTIFICATE_SELF_SIGNED',
    shows(oddAuthority({ keys: sharedKeys('ec-p256'), extensions: signsAll })),
  ),
  verification(
    'sends its own root along',
    'ISSUER_UNKNOWN',
    shows(serverCertificate({ issuer: otherRoot }), otherRoot),
  ),
  verification('has an unknown CA', 'ISSUER_UNKNOWN', shows(serverCertificate({ issuer: otherRoot }))),
  verification(
    'sits in between, with a CA of the same name and key identifier',
    'CERTIFICATE_UNTRUSTED',
    shows(serverCertificate({ issuer: impostor }), impostor),
  ),
  verification('sends no intermediate', 'ISSUER_UNKNOWN', shows(serverCertificate({ issuer: intermediate }))),
  verification(
    'has a certificate issued by one that is no CA',
    'ISSUER_UNKNOWN',
    shows(serverCertificate({ issuer: leafAsIssuer }), leafAsIssuer),
  ),
  verification(
    'shows a client’s certificate',
    'CERTIFICATE_PURPOSE',
    shows(
      serverCertificate({
        extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.clientAuth]) },
      }),
    ),
    { seen: /lacks serverAuth/ },
  ),
  verification(
    'shows one for any purpose',
    'CERTIFICATE_PURPOSE',
    shows(
      serverCertificate({ extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.any]) } }),
    ),
  ),
  verification(
    'shows a CA’s certificate',
    'CERTIFICATE_PURPOSE',
    shows(oddAuthority({ issuer: root, extensions: signsAll })),
  ),
  verification(
    'breaks the name constraints of its CA',
    'CERTIFICATE_UNTRUSTED',
    shows(
      serverCertificate({ issuer: constrained, extensions: { subjectAltName: dns('localhost') } }),
      constrained,
    ),
    { seen: /name-constraints/ },
  ),
  verification(
    'breaks the path length of its CA',
    'CERTIFICATE_UNTRUSTED',
    shows(serverCertificate({ issuer: belowLowest }), belowLowest, lowest),
  ),
  verification(
    'has a weak key',
    'CERTIFICATE_UNTRUSTED',
    shows(serverCertificate({ keys: sharedKeys('rsa-1024') })),
    { seen: /1024/ },
  ),
  verification('is signed over SHA-1', 'CERTIFICATE_UNTRUSTED', shows(serverCertificate({ hash: 'sha1' }))),
  verification(
    'has a damaged signature',
    'CERTIFICATE_UNTRUSTED',
    shows(serverCertificate({ damaged: true })),
  ),
  verification(
    'has a certificate of version 1',
    'CERTIFICATE_UNTRUSTED',
    shows(serverCertificate({ version: 1 })),
  ),
  verification(
    'has an unknown critical extension',
    'CERTIFICATE_UNTRUSTED',
    shows(serverCertificate({ moreExtensions: [extension.raw('1.2.3.4', der(0x05), true)] })),
  ),
];

const idOf = (leaf: OddCertificate): ReturnType<typeof certIdOf> =>
  certIdOf(new Certificate(leaf.der), new Certificate(root.der));
const mustStaple = serverCertificate({
  moreExtensions: [extension.raw('1.3.6.1.5.5.7.1.24', sequence(unsignedInteger(5)))],
});
const listOf = (authority: OddCertificate, options: Parameters<typeof oddCrl>[1]): Buffer =>
  oddCrl(authority as unknown as Authority, options);

const revoked: readonly BadServer[] = [
  verification('is revoked by a list', 'CERTIFICATE_REVOKED', shows(good), {
    client: { crl: listOf(root, { entries: [{ serial: serialOf(good) }] }) },
  }),
  verification('has a list that has run out', 'REVOCATION_STATUS_UNKNOWN', shows(good), {
    client: { crl: listOf(root, { thisUpdate: ago(9), nextUpdate: ago(1) }) },
  }),
  verification(
    'has an intermediate without a list where each must have one',
    'REVOCATION_STATUS_UNKNOWN',
    shows(serverCertificate({ issuer: intermediate }), intermediate),
    { client: { crl: listOf(root, {}), revocation: { unknown: 'deny' } } },
  ),
  verification(
    'has an intermediate that is revoked',
    'CERTIFICATE_REVOKED',
    shows(serverCertificate({ issuer: intermediate }), intermediate),
    { client: { crl: listOf(root, { entries: [{ serial: serialOf(intermediate) }] }) } },
  ),
  verification('staples that it is revoked', 'CERTIFICATE_REVOKED', {
    ...shows(good),
    staple: ocspResponse({ id: idOf(good), signer: root, status: 'revoked' }),
  }),
  verification('must staple, and does not', 'REVOCATION_STATUS_UNKNOWN', shows(mustStaple)),
  verification('must staple, and staples another’s response', 'REVOCATION_STATUS_UNKNOWN', {
    ...shows(mustStaple),
    staple: ocspResponse({ id: idOf(good), signer: root }),
  }),
  verification('staples nothing where that is required', 'REVOCATION_STATUS_UNKNOWN', shows(good), {
    client: { stapling: 'require' },
  }),
];

const below = serverCertificate({ issuer: intermediate });
/** In order, and of a key of its own. */
const inBetween = serverCertificate({ issuer: otherRoot, keys: sharedKeys('ec-p384') });
const bothRoots = [root.certificate, otherRoot.certificate];
const pinned: readonly BadServer[] = [
  {
    name: 'has none of the pins',
    code: 'PIN_MISMATCH',
    server: shows(good),
    client: { pins: [strangePin(), strangePin()] },
    seen: /^sha256\/\S{44}$/,
  },
  {
    name: 'has a pinned CA, where the leaf is asked for',
    code: 'PIN_MISMATCH',
    server: shows(below, intermediate),
    client: { pins: [pinOf(intermediate), pinOf(root)] },
  },
  {
    name: 'has no pin in its whole chain',
    code: 'PIN_MISMATCH',
    server: shows(below, intermediate),
    client: { pins: [strangePin(), strangePin()], pinsOn: 'chain' },
    seen: /^(?:sha256\/\S{44} ?){3}$/,
  },
  {
    name: 'has a certificate of another CA that is believed, where one of them is pinned',
    code: 'PIN_MISMATCH',
    server: shows(inBetween, otherRoot),
    client: { ca: bothRoots, pins: [pinOf(root), strangePin()], pinsOn: 'chain' },
  },
  {
    name: 'has a certificate of another CA that is believed, and sends the pinned one along',
    code: 'PIN_MISMATCH',
    server: shows(inBetween, otherRoot, root),
    client: { ca: bothRoots, pins: [pinOf(root), strangePin()], pinsOn: 'chain' },
  },
  {
    name: 'has a certificate of another CA that is believed, where the key is pinned',
    code: 'PIN_MISMATCH',
    server: shows(inBetween, otherRoot),
    client: { ca: bothRoots, pins: [pinOf(good), strangePin()] },
  },
  // What is sent and belongs to no path is no chain.
  {
    name: 'sends along a pinned certificate that is not in its path',
    code: 'PIN_MISMATCH',
    server: shows(good, otherRoot),
    client: { pins: [pinOf(otherRoot), strangePin()], pinsOn: 'chain' },
  },
];

const rsa = serverCertificate({ keys: sharedKeys('rsa-2048') });
const handshake = (
  name: string,
  server: BadServer['server'],
  version: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.2',
  more: Partial<BadServer> = {},
): BadServer => ({ name, code: 'HANDSHAKE_FAILED', server, version, ...more });

const alerts = [
  [40, 'handshake_failure'],
  [112, 'unrecognized_name'],
  [113, 'bad_certificate_status_response'],
] as const;
const protocols: readonly BadServer[] = [
  handshake('speaks TLS 1.1', { ...shows(rsa), minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }),
  handshake('speaks static RSA', {
    ...shows(rsa),
    ciphers: 'AES128-GCM-SHA256:@SECLEVEL=0',
    maxVersion: 'TLSv1.2',
  }),
  handshake('speaks CBC', {
    ...shows(rsa),
    ciphers: 'ECDHE-RSA-AES128-SHA256:@SECLEVEL=0',
    maxVersion: 'TLSv1.2',
  }),
  handshake('is nobody: an anonymous cipher', {
    ciphers: 'AECDH-AES128-SHA:@SECLEVEL=0',
    maxVersion: 'TLSv1.2',
    requestCert: false,
  }),
  handshake('speaks TLS 1.2, where 1.3 is asked for', { ...shows(good), maxVersion: 'TLSv1.2' }, 'TLSv1.2', {
    client: { minVersion: 'TLSv1.3' },
  }),
  handshake(
    'speaks TLS 1.2, where the profile is modern',
    { ...shows(good), maxVersion: 'TLSv1.2' },
    'TLSv1.2',
    {
      client: { profile: 'modern' },
    },
  ),
  // Of OpenSSL's names for these the first alone has "alert" in it.
  ...alerts.map(([number, alert]) =>
    handshake(
      `sends the alert ${alert}`,
      (socket) => void socket.once('data', () => socket.write(Buffer.from([21, 3, 3, 0, 2, 2, number]))),
      'TLSv1.3',
      { alert },
    ),
  ),
  handshake('has other groups only', { ...shows(good), ecdhCurve: 'secp521r1' }, 'TLSv1.3'),
  handshake('answers in plain HTTP', (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
  handshake('says nothing', () => undefined, 'TLSv1.3', {
    client: { handshakeTimeout: 20 },
    reason: 'HANDSHAKE_TIMEOUT',
  }),
];

export const badServers: readonly BadServer[] = [
  ...dates,
  ...names,
  ...paths,
  ...revoked,
  ...pinned,
  ...protocols,
];
