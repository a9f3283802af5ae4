import type { KeyPair } from '../../credentials/key-pair.ts';
import { ConfigError } from '../../errors.ts';
import { weaknessOfKey, weaknessOfSignature } from '../../trust/algorithms.ts';
import { oids } from '../../x509/extensions.ts';
import type { ListenerConfig } from '../options.ts';

/** Refuses server certificates that OpenSSL would not serve, and a PFX whose CA could be taken for a trust anchor. */
export function checkServerCertificates(
  { given, clientAuth }: Pick<ListenerConfig, 'given' | 'clientAuth'>,
  pairs: readonly KeyPair[],
): void {
  for (const pair of pairs) {
    if (given['dangerouslySecurityLevel'] === undefined) checkStrength(pair);
    checkPurpose(pair);
    if (clientAuth !== undefined && /\.?pfx/.test(pair.path)) checkIssuers(pair);
  }
}

function checkStrength({ leaf, path }: KeyPair): void {
  const weakness =
    weaknessOfKey(leaf.publicKey) ?? (leaf.isSelfIssued ? undefined : weaknessOfSignature(leaf));
  if (weakness === undefined) return;
  throw new ConfigError(
    'CERTIFICATE_INVALID',
    path,
    `the server certificate has ${weakness}`,
    'Issue it with an ECDSA P-256 key, or RSA of 2048 bits or more, and SHA-256.',
  );
}

/** RFC 5280 4.2.1.12: with the extension a certificate is good for what it names, and no client would take this one. */
function checkPurpose({ leaf, path }: KeyPair): void {
  const { extendedKeyUsage } = leaf;
  if (extendedKeyUsage === undefined || extendedKeyUsage.includes(oids.serverAuth)) return;
  if (extendedKeyUsage.includes(oids.anyExtendedKeyUsage)) return;
  throw new ConfigError(
    'CERTIFICATE_INVALID',
    path,
    'its extended key usage lacks serverAuth',
    'Give a certificate that was issued for a server.',
  );
}

/** Node makes every CA inside a PFX a trust anchor for clients; here it is none, and nobody should believe it is one. */
function checkIssuers({ issuers, path }: KeyPair): void {
  if (!issuers.some(({ isCa }) => isCa)) return;
  throw new ConfigError(
    'PFX_CONTAINS_CA',
    path,
    'it holds a CA certificate, which Node would trust to issue clients',
    'Give key and cert instead, or export the PFX without its CA.',
  );
}
