import { constants } from 'node:crypto';
import type { KeyPair } from '../../credentials/key-pair.ts';
import { audit, type AuditReport } from '../../profiles/audit.ts';
import type { AuditedAuthority, AuditedCertificate, AuditInput } from '../../profiles/audit-input.ts';
import { weaknessOfKey, weaknessOfSignature } from '../../trust/algorithms.ts';
import { isMustStaple, ocspRespondersOf } from '../../trust/ocsp/ocsp-extensions.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { namesOf } from './expiry.ts';
import type { ListenerConfig } from '../options.ts';
import { supportsGroup } from '../../connection/runtime.ts';
import type { StaplingState } from '../stapling/stapling-entry.ts';

/** What of a listener an audit asks for. */
export interface Audited {
  readonly config: ListenerConfig;
  /** Those that serve; undefined where there are none yet. */
  readonly pairs: readonly KeyPair[] | undefined;
  /** Undefined where stapling is off. */
  readonly stapling: readonly StaplingState[] | undefined;
  /** Whether the processes of a cluster, or of a fleet, resume each other's sessions; true where there is only one. */
  readonly ticketsShared: boolean;
  readonly upgradeListeners: number;
  /** Whether this process has made a `forUpgrade`. */
  readonly upgradesGuarded: boolean;
  /** Those that no `forUpgrade` has looked at. */
  readonly unguardedUpgrades: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Audits a listener as it serves now. */
export const auditListener = (audited: Audited): AuditReport => audit(inputOf(audited));

function inputOf({ config, pairs, stapling, ticketsShared, now, ...upgrades }: Audited): AuditInput {
  const { given, https, profile, sources, keyPairs, refuseUnknownName } = config;
  const development = sources === undefined && keyPairs.length === 0;
  const states = stapling && new Map(stapling.map((state) => [state.sha256, state]));
  return {
    now,
    profile,
    certificates: pairs?.map((pair) => auditedCertificate(pair, development, states)),
    dangerous: Object.fromEntries([
      ...Object.entries(given).filter(([name, value]) => isDangerous(name, value)),
      ...relaxationsOf(config),
    ]),
    node: process.versions.node,
    openssl: process.versions.openssl,
    postQuantum: {
      available: supportsGroup('X25519MLKEM768'),
      offered: /MLKEM/.test(https.ecdhCurve ?? ''),
    },
    tickets: {
      on: ((https.secureOptions ?? 0) & constants.SSL_OP_NO_TICKET) === 0,
      shared: ticketsShared,
    },
    clientAuth: auditedClientAuth(config),
    refusesUnknownNames: refuseUnknownName,
    ownSniCallback: given['SNICallback'] !== undefined,
    ...upgrades,
  };
}

/** Checks of clients' paths that are let go. */
const relaxationsOf = ({ clientAuth }: Audited['config']): ReadonlyArray<[string, unknown]> =>
  clientAuth === undefined || clientAuth.trust.store.allowed.size === 0
    ? []
    : [['clientAuth.dangerouslyAllow', [...clientAuth.trust.store.allowed]]];

const isDangerous = (name: string, value: unknown): boolean =>
  name.startsWith('dangerously') && value !== undefined && value !== false;

function auditedCertificate(
  { leaf, issuers, path }: KeyPair,
  development: boolean,
  states: ReadonlyMap<string, StaplingState> | undefined,
): AuditedCertificate {
  const state = states?.get(leaf.sha256);
  const stapling = states && {
    unstaplable: state?.unstaplable,
    status: state?.status,
    problem: state?.problem?.reason,
  };
  return {
    path,
    names: [...leaf.subjectAltNames.dns, ...leaf.subjectAltNames.ip],
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    keyType: leaf.publicKey.type,
    keyBits: leaf.publicKey.bits,
    keyCurve: leaf.publicKey.curve,
    weakSignature: [leaf, ...issuers].flatMap(weaknessOfIssue)[0],
    selfSigned: leaf.isSelfIssued,
    development,
    issuers: issuers.length,
    namesResponder: ocspRespondersOf(leaf).length > 0,
    mustStaple: isMustStaple(leaf),
    stapling,
  };
}

/** Nobody relies on what a root says of itself. */
const weaknessOfIssue = (certificate: Certificate): readonly string[] =>
  certificate.isSelfIssued ? [] : [weaknessOfSignature(certificate)].flatMap((weakness) => weakness ?? []);

function auditedClientAuth({ clientAuth, given }: ListenerConfig): AuditInput['clientAuth'] {
  if (clientAuth === undefined) return undefined;
  const known = given['clientAuth'] as { crl?: unknown; denyList?: unknown; revocation?: unknown };
  return {
    authorities: clientAuth.authorities.map((anchor): AuditedAuthority => ({
      name: namesOf(anchor)[0] ?? anchor.fingerprint256,
      notBefore: anchor.notBefore,
      notAfter: anchor.notAfter,
      weakness: weaknessOfKey(anchor.publicKey),
    })),
    // Without `crl`, `revocation` fetches lists or asks responders.
    revocation: [known.crl, known.denyList, known.revocation].some((one) => one !== undefined),
  };
}
