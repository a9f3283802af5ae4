/** One configuration of Mozilla's guideline, as far as a Node server can follow it. */
export interface GuidelineConfiguration {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** TLS 1.3 suites, IANA names. */
  readonly cipherSuites: readonly string[];
  /** TLS 1.2 ciphers, OpenSSL names. */
  readonly ciphers: readonly string[];
  readonly groups: readonly string[];
  readonly certificateTypes: readonly string[];
  readonly certificateCurves: readonly string[];
  readonly minRsaBits: number | undefined;
  readonly maxCertificateDays: number;
  readonly recommendedCertificateDays: number;
  readonly serverCipherPreference: boolean;
  /** Seconds. */
  readonly hstsMaxAge: number;
}

export interface Guideline {
  readonly version: string;
  readonly modern: GuidelineConfiguration;
  readonly intermediate: GuidelineConfiguration;
}

const common = {
  cipherSuites: ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  groups: ['X25519MLKEM768', 'X25519', 'prime256v1', 'secp384r1'],
  certificateCurves: ['prime256v1', 'secp384r1'],
  recommendedCertificateDays: 90,
  serverCipherPreference: false,
  hstsMaxAge: 63_072_000,
};

/**
 * Mozilla Server Side TLS, guideline 6.0 of 2026-04-06 (ssl-config.mozilla.org/guidelines/6.0.json). A later guideline
 * becomes a file of its own beside this one.
 */
export const mozilla60: Guideline = {
  version: '6.0',
  modern: {
    ...common,
    minVersion: 'TLSv1.3',
    ciphers: [],
    certificateTypes: ['ecdsa'],
    minRsaBits: undefined,
    maxCertificateDays: 90,
  },
  intermediate: {
    ...common,
    minVersion: 'TLSv1.2',
    ciphers: [
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-CHACHA20-POLY1305',
    ],
    certificateTypes: ['ecdsa', 'rsa'],
    minRsaBits: 2048,
    maxCertificateDays: 366,
  },
};
