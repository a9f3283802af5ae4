import type { Nmap } from './nmap.ts';

const suites = ['AES_128_GCM', 'AES_256_GCM', 'CHACHA20_POLY1305'] as const;
const hashOf = (suite: string): string => (suite === 'AES_256_GCM' ? '_SHA384' : '_SHA256');

/** What nmap has to say of each server of this package: no more, and no less. */
export const expectedOfNmap: Readonly<Record<string, Nmap>> = {
  'node-20': server({ tls12: ['ECDSA', 'RSA'], group: 'ecdh_x25519', key: 'ec 256' }),
  'node-20-client-auth': server({ tls12: ['ECDSA', 'RSA'], group: 'ecdh_x25519', key: 'ec 256' }),
  'node-24': server({ tls12: ['ECDSA', 'RSA'], group: 'secp256r1', key: 'ec 256' }),
  'modern-ecdsa': server({ tls12: [], group: 'secp256r1', key: 'ec 256' }),
  'rsa-required': server({ tls12: ['RSA'], group: 'ecdh_x25519', key: 'rsa 2048' }),
  http2: server({ tls12: ['ECDSA', 'RSA'], group: 'secp256r1', key: 'ec 256' }),
  'modern-http2-required': server({ tls12: [], group: 'secp256r1', key: 'ec 256' }),
};

interface Kind {
  /** The certificates that TLS 1.2 can be spoken with. */
  readonly tls12: ReadonlyArray<'ECDSA' | 'RSA'>;
  /** What OpenSSL takes of nmap's offer over TLS 1.3: 3.0 the first that nmap names, 3.5 the first of its own. */
  readonly group: string;
  readonly key: string;
}

function server({ tls12, group, key }: Kind): Nmap {
  const [keyType, bits] = key.split(' ');
  return {
    // TLS_AKE is nmap's word for a TLS 1.3 suite. A is its best mark. No suite but AEAD with an ephemeral key.
    'ssl-enum-ciphers': [
      ...(tls12.length > 0 ? ['TLSv1.2: cipher preference: client', 'TLSv1.2: compressors: NULL'] : []),
      ...tls12.flatMap((signature) =>
        suites.map(
          (suite) => `TLSv1.2: ciphers: TLS_ECDHE_${signature}_WITH_${suite}${hashOf(suite)} (secp256r1) - A`,
        ),
      ),
      'TLSv1.3: cipher preference: client',
      ...suites.map((suite) => `TLSv1.3: ciphers: TLS_AKE_WITH_${suite}${hashOf(suite)} (${group}) - A`),
      'least strength: A',
    ],
    'ssl-cert': [
      'Issuer: commonName=Scan root/organizationName=Portcullis scan',
      `Public Key bits: ${bits}`,
      `Public Key type: ${keyType}`,
      'Signature Algorithm: ecdsa-with-SHA256',
      'Subject Alternative Name: DNS:scan.example.org',
      'Subject: commonName=scan.example.org',
    ],
    // The clock is not told: the random of the ServerHello is random.
    'ssl-date': ['TLS randomness does not represent time'],
    'ssl-ccs-injection': ['SSL/TLS MITM vulnerability (CCS Injection): NOT VULNERABLE'],
    'ssl-dh-params': [
      'Anonymous Diffie-Hellman Key Exchange MitM Vulnerability: NOT VULNERABLE',
      'Diffie-Hellman Key Exchange Incorrectly Generated Group Para: NOT VULNERABLE',
      'Diffie-Hellman Key Exchange Insufficient Group Strength: NOT VULNERABLE',
      'Transport Layer Security (TLS) Protocol DHE_EXPORT Ciphers D: NOT VULNERABLE',
    ],
    'ssl-heartbleed': ['The Heartbleed Bug is a serious vulnerability in the popular: NOT VULNERABLE'],
    'ssl-poodle': ['SSL POODLE information leak: NOT VULNERABLE'],
    'tls-ticketbleed': ['Ticketbleed is a serious issue in products manufactured by F: NOT VULNERABLE'],
    // Silent, as they have nothing to tell: sslv2, sslv2-drown, ssl-cert-intaddr, ssl-known-key, tls-nextprotoneg.
    // tls-alpn too: its hello names no group, and there is no key exchange without one here.
  };
}

/** What nmap has to find in the controls, among other things, by script: each of its scripts is able to. */
export const controlsOfNmap: Readonly<Record<string, Nmap>> = {
  // Node's own server: static RSA, CBC.
  default: {
    'ssl-enum-ciphers': [
      'TLSv1.2: ciphers: TLS_RSA_WITH_AES_128_GCM_SHA256 (rsa 2048) - A',
      'TLSv1.2: ciphers: TLS_RSA_WITH_AES_256_CBC_SHA (rsa 2048) - A',
      'TLSv1.2: ciphers: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA (ecdh_x25519) - A',
      'TLSv1.2: cipher preference: server',
    ],
    'tls-alpn': ['http/1.1'],
  },
  weak: {
    'ssl-enum-ciphers': [
      'SSLv3: warnings: CBC-mode cipher in SSLv3 (CVE-2014-3566)',
      ...['TLSv1.0', 'TLSv1.1', 'TLSv1.2'].flatMap((version) => [
        `${version}: ciphers: TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA (dh 512) - F`,
        `${version}: ciphers: TLS_RSA_EXPORT_WITH_RC4_40_MD5 (rsa 1024) - F`,
        `${version}: ciphers: TLS_RSA_WITH_3DES_EDE_CBC_SHA (rsa 1024) - F`,
        `${version}: ciphers: TLS_RSA_WITH_AES_128_CBC_SHA (rsa 1024) - F`,
        `${version}: ciphers: TLS_RSA_WITH_NULL_SHA (rsa 1024) - F`,
        `${version}: ciphers: TLS_ECDHE_RSA_WITH_RC4_128_SHA (secp256r1) - F`,
        `${version}: warnings: 64-bit block cipher 3DES vulnerable to SWEET32 attack`,
        `${version}: warnings: Anonymous key exchange, score capped at F`,
        `${version}: warnings: Export key exchange`,
        `${version}: warnings: Insecure certificate signature (SHA1), score capped at F`,
      ]),
      'least strength: F',
    ],
    'ssl-cert': ['Public Key bits: 1024', 'Signature Algorithm: sha1WithRSAEncryption'],
    'ssl-cert-intaddr': ['X509v3 Subject Alternative Name: 10.0.0.1'],
    'ssl-ccs-injection': ['SSL/TLS MITM vulnerability (CCS Injection): VULNERABLE'],
    'ssl-date': ['TLS randomness does not represent time'],
    'ssl-dh-params': [
      'Anonymous Diffie-Hellman Key Exchange MitM Vulnerability: VULNERABLE',
      'Diffie-Hellman Key Exchange Insufficient Group Strength: VULNERABLE',
      'Transport Layer Security (TLS) Protocol DHE_EXPORT Ciphers D: VULNERABLE',
    ],
    'ssl-heartbleed': ['The Heartbleed Bug is a serious vulnerability in the popular: VULNERABLE'],
    'ssl-known-key': ['Found in a key that everybody has'],
    'ssl-poodle': ['SSL POODLE information leak: VULNERABLE'],
    sslv2: ['SSLv2 supported', 'ciphers: SSL2_RC4_128_EXPORT40_WITH_MD5'],
    'sslv2-drown': [
      'vulns: CVE-2015-3197: state: VULNERABLE',
      'vulns: CVE-2016-0703: state: VULNERABLE',
      'vulns: CVE-2016-0800: state: VULNERABLE',
    ],
    'tls-nextprotoneg': ['http/1.1'],
    'tls-ticketbleed': [
      'Ticketbleed is a serious issue in products manufactured by F: VULNERABLE (Exploitable)',
    ],
  },
};
