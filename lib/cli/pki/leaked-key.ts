import type { Certificate } from '../../x509/certificate.ts';
import { CliFailure } from '../failure.ts';
import { type AuthorityRecord, certificateOf } from './record.ts';

/** Whoever has a leaked key gets no certificate for it, by renewal or by a request: revoking it would have been in vain. */
export function requireSoundKey({ certificates }: AuthorityRecord, { pin }: Pick<Certificate, 'pin'>): void {
  const leaked = certificates.find(
    (entry) => entry.revoked?.reason === 'keyCompromise' && certificateOf(entry).pin === pin,
  );
  if (leaked === undefined) return;
  throw new CliFailure(
    `its key has leaked: ${leaked.serialNumber} was revoked for keyCompromise`,
    'Make a new key: renew with --new-key, or ask by a request of another key.',
  );
}
