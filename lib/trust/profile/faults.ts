import type { Certificate } from '../../x509/certificate.ts';
import { faultsOfConstraints } from '../names/constrained-path.ts';
import { faultsOfExtensions } from './extensions.ts';
import { faultsOfFields } from './fields.ts';
import { faultsOfKey } from './keys.ts';
import { faultsOfKeyIdentifiers, faultsOfOwnIdentifier } from './key-identifiers.ts';
import type { Fault } from './path-check.ts';

/** CAs stand in many paths. */
const known = new WeakMap<Certificate, readonly Fault[]>();

/**
 * What a certificate breaks of RFC 5280's profile by itself, whoever shows it and whenever; how it is signed aside.
 * Throws a DerError where it cannot be judged.
 */
export function faultsOf(certificate: Certificate): readonly Fault[] {
  if (!certificate.isCa) return [...allFaultsOf(certificate)];
  let faults = known.get(certificate);
  if (faults === undefined) {
    faults = [...allFaultsOf(certificate)];
    known.set(certificate, faults);
  }
  return faults;
}

function* allFaultsOf(certificate: Certificate): Generator<Fault> {
  yield* faultsOfKey(certificate);
  yield* faultsOfFields(certificate);
  yield* faultsOfExtensions(certificate);
  yield* faultsOfKeyIdentifiers(certificate);
  yield* faultsOfOwnIdentifier(certificate);
  yield* faultsOfConstraints(certificate);
}
