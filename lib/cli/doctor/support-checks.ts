import { mozilla60 } from '../../profiles/mozilla-6.0.ts';
import { supportsCipher, supportsGroup, supportsSignatureAlgorithm } from '../../connection/runtime.ts';
import { type Check, note, ok } from './check.ts';

/** What the OpenSSL of this Node can do, asked of itself; but for the versions, which each has that Portcullis runs on. */
export function supportChecks(): Check[] {
  const { cipherSuites, ciphers, groups } = mozilla60.intermediate;
  return [
    ok('support', 'VERSIONS', 'TLS 1.2 and TLS 1.3, as in every Node that Portcullis runs on'),
    listed('CIPHERS', 'ciphers of the profiles', [...cipherSuites, ...ciphers], supportsCipher),
    listed(
      'GROUPS',
      'groups of the profiles',
      groups.filter((name) => !name.includes('MLKEM')),
      supportsGroup,
    ),
    postQuantum('POST_QUANTUM_KEY_EXCHANGE', 'post-quantum key exchange', hybrids.filter(supportsGroup)),
    postQuantum(
      'POST_QUANTUM_SIGNATURES',
      'post-quantum signatures',
      mlDsa.filter((name) => supportsSignatureAlgorithm(name)),
    ),
  ];
}

const hybrids = ['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024'];
const mlDsa = ['mldsa44', 'mldsa65', 'mldsa87'];

function listed(
  code: string,
  what: string,
  names: readonly string[],
  supports: (name: string) => boolean,
): Check {
  const missing = names.filter((name) => !supports(name));
  const there = names.filter((name) => !missing.includes(name)).join(', ');
  return missing.length === 0
    ? ok('support', code, `${what}: ${there}`)
    : note('support', code, `${what}: ${there || 'none'}; not ${missing.join(', ')}`);
}

const postQuantum = (code: string, what: string, names: readonly string[]): Check =>
  names.length > 0
    ? ok('support', code, `${what}: ${names.join(', ')}`)
    : note('support', code, `no ${what}`, 'Use Node 22 or later, whose OpenSSL 3.5 has ML-KEM and ML-DSA.');
