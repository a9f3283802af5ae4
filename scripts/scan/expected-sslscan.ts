const signatureNames = {
  ecdsa: ['ecdsa_secp256r1_sha256'],
  rsa: ['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512'],
} as const;

const signature13 = (name: string): string =>
  `connection-signature-algorithm sslversion=TLSv1.3 name=${name}`;

/** What sslscan has to say of each server of this package: no more, and no less. */
export const expectedOfSslscan: Readonly<Record<string, readonly string[]>> = {
  'node-20': server({ tls12: ['ECDSA', 'RSA'], signatures: ['ecdsa', 'rsa'] }),
  'node-20-client-auth': server({ tls12: ['ECDSA', 'RSA'], signatures: ['ecdsa', 'rsa'] }),
  'node-24': server({ tls12: ['ECDSA', 'RSA'], signatures: ['ecdsa', 'rsa'] }),
  'modern-ecdsa': server({ signatures: ['ecdsa'] }),
  // sslscan has no certificate of its own to show, so that no handshake of TLS 1.2 comes to its end; over TLS 1.3 the
  // client's end comes before the server's.
  'rsa-required': server({ tls12: [], signatures: ['rsa'] }),
  http2: server({ tls12: ['ECDSA', 'RSA'], signatures: ['ecdsa', 'rsa'] }),
  'modern-http2-required': server({ signatures: ['ecdsa', 'rsa'] }),
};

interface Kind {
  /** The certificates with which it finds ciphers of TLS 1.2; undefined where the version is not spoken. */
  readonly tls12?: ReadonlyArray<'ECDSA' | 'RSA'>;
  readonly signatures: ReadonlyArray<'ecdsa' | 'rsa'>;
}

function server({ tls12, signatures }: Kind): string[] {
  const versions = tls12 === undefined ? ['TLSv1.3'] : ['TLSv1.2', 'TLSv1.3'];
  return [
    'protocol type=ssl version=2 enabled=0',
    'protocol type=ssl version=3 enabled=0',
    'protocol type=tls version=1.0 enabled=0',
    'protocol type=tls version=1.1 enabled=0',
    `protocol type=tls version=1.2 enabled=${tls12 === undefined ? 0 : 1}`,
    'protocol type=tls version=1.3 enabled=1',
    'renegotiation supported=0 secure=0',
    ...(tls12 ?? []).flatMap((signature) =>
      ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map(
        (suite) => `cipher sslversion=TLSv1.2 cipher=ECDHE-${signature}-${suite} strength=strong curve=25519`,
      ),
    ),
    // "Acceptable" is all that sslscan 2.0 says of any suite of TLS 1.3.
    ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'].map(
      (suite) => `cipher sslversion=TLSv1.3 cipher=${suite} strength=acceptable curve=25519`,
    ),
    ...versions.map((version) => `heartbleed sslversion=${version} vulnerable=0`),
    ...versions.flatMap((version) =>
      ['secp256r1 (NIST P-256)', 'secp384r1 (NIST P-384)', 'x25519'].map(
        (group) => `group sslversion=${version} name=${group}`,
      ),
    ),
    // It asks for these over TLS 1.3 alone. An ECDSA signature is of the key's own curve (RFC 8446 4.2.3).
    ...signatures.flatMap((type) => signatureNames[type]).map(signature13),
  ].toSorted();
}

/** What sslscan has to find in the controls, among other things. */
export const controlsOfSslscan: Readonly<Record<string, readonly string[]>> = {
  // Node's own server: static RSA, CBC, more groups, SHA-224.
  default: [
    'cipher sslversion=TLSv1.2 cipher=AES128-GCM-SHA256 strength=acceptable',
    'cipher sslversion=TLSv1.2 cipher=AES256-SHA strength=acceptable',
    'cipher sslversion=TLSv1.2 cipher=ECDHE-RSA-AES128-SHA strength=acceptable curve=25519',
    'group sslversion=TLSv1.3 name=ffdhe2048',
    'connection-signature-algorithm sslversion=TLSv1.2 name=rsa_pkcs1_sha224',
  ],
  weak: [
    'protocol type=ssl version=2 enabled=1',
    'protocol type=ssl version=3 enabled=1',
    'protocol type=tls version=1.0 enabled=1',
    'protocol type=tls version=1.1 enabled=1',
    'renegotiation supported=1 secure=1',
    ...['TLSv1.0', 'TLSv1.1'].flatMap((version) => [
      `heartbleed sslversion=${version} vulnerable=1`,
      `cipher sslversion=${version} cipher=TLS_RSA_EXPORT_WITH_RC4_40_MD5 strength=weak`,
      `cipher sslversion=${version} cipher=TLS_RSA_WITH_3DES_EDE_CBC_SHA strength=medium`,
      `cipher sslversion=${version} cipher=TLS_RSA_WITH_RC4_128_SHA strength=medium`,
      `cipher sslversion=${version} cipher=ADH-AES128-SHA strength=anonymous`,
      `cipher sslversion=${version} cipher=NULL-SHA strength=null`,
    ]),
    'heartbleed sslversion=TLSv1.2 vulnerable=1',
  ],
};
