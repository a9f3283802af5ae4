import { checkKeys } from '../options.ts';
import {
  type CertificateInputs,
  readAnchors,
  requireRoots,
  requireSoundAnchors,
  serverAnchors,
} from '../trust/anchors.ts';
import { type Relaxations, readRelaxations } from '../trust/profile/path-check.ts';
import { forServers } from '../trust/purpose.ts';
import type { RevocationListInputs } from '../trust/revocation/crl-input.ts';
import { type RevocationOptions, readRevocation } from '../trust/revocation/revocation-options.ts';
import { ClientTrust, TrustStore } from '../trust/trust-store.ts';
import { formOfRoots, publicRoots } from './public-roots.ts';

type Given = Readonly<Record<string, unknown>>;

/**
 * Whom a client believes, by `ca`, `crl`, `revocation` and `dangerouslyAllow`. ConfigErrors: `CA_MISSING` (also for
 * `ca: undefined`: a misspelt variable is no wish for the public roots), `CA_INVALID`, `CRL_…`, `OPTION_…`.
 */
export function readTrust(given: Given): ClientTrust {
  const allowed = readRelaxations(given['dangerouslyAllow'], 'dangerouslyAllow');
  const store = 'ca' in given ? ownStore(given['ca'], allowed) : publicStore(allowed);
  const { crl, revocation } = given as {
    crl?: RevocationListInputs | undefined;
    revocation?: RevocationOptions | undefined;
  };
  // A client fetches nothing: what `revocation` says beside it is the listener's.
  if (revocation !== undefined) checkKeys(revocation, ['check', 'unknown', 'expired'], 'revocation');
  return new ClientTrust(store, readRevocation({ crl, revocation }, store.anchors, ''));
}

function ownStore(ca: unknown, allowed: Relaxations): TrustStore {
  const authorities = readAnchors(ca as CertificateInputs | undefined, 'ca', serverAnchors);
  requireRoots(authorities, 'ca', serverAnchors);
  requireSoundAnchors(authorities, 'ca', allowed, '', serverAnchors);
  return new TrustStore(authorities, allowed, forServers);
}

const publicStore = (allowed: Relaxations): TrustStore =>
  new TrustStore(publicRoots(), allowed, forServers, formOfRoots);
