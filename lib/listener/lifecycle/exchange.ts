import type { CertificateGroups } from '../../credentials/choice.ts';
import { ConfigError } from '../../errors.ts';
import { checkKeys } from '../../options.ts';
import { withKeptLists, withListsOf } from '../client-auth.ts';
import { type ListenerConfig, type PortcullisOptions, readOptions } from '../options.ts';
import type { Prepared, ReloadedPart, ReloadReport, ReloadTrigger } from './reload.ts';
import { type Live, loadCertificates, prepareServing, type Serving } from '../serving.ts';

/** What `reload()` takes. What a running listener cannot exchange without harm needs a new server. */
export type ReloadChanges = Pick<
  PortcullisOptions,
  'key' | 'cert' | 'pfx' | 'passphrase' | 'certificate' | 'clientAuth'
>;

const exchangeable = ['cert', 'certificate', 'clientAuth', 'key', 'passphrase', 'pfx'];
/** Two ways to give a certificate: who changes to one of them has left the others. */
const ways: readonly (readonly string[])[] = [['key', 'cert'], ['pfx'], ['certificate']];

/**
 * Reads everything anew, the options of the start and what they point to, with `changes` in place of theirs. Rejects
 * with the ConfigError of whatever does not fit, and nothing has changed. Where nobody has called, but a file or a
 * signal, and only the certificates are at fault, the trust is exchanged all the same, with that as the problem.
 */
export async function readAnew(
  live: Live,
  changes: object,
  trigger: ReloadTrigger,
): Promise<Prepared<Serving>> {
  checkKeys(changes, exchangeable, 'changes');
  const { config: before, serving } = live;
  const options = merged(before.given, changes);
  // What was given as octets may have been wiped since, as is good custom with keys.
  const kept = ways.flat().some((name) => name in changes) ? undefined : before.keyPairs;
  const read = await withListsOf(options['clientAuth'], () => readOptions(options, kept));
  checkMode(before, read);
  const config = withKeptLists(before, read, 'clientAuth' in changes);
  try {
    return { next: prepareServing(config, await groupsOf(live, config)) };
  } catch (problem) {
    // Files change each on its own: a vault that is down must not keep a revocation from coming.
    if (trigger === 'call' || serving === undefined) throw problem;
    return { next: prepareServing(config, serving.choice.groups), problem };
  }
}

async function groupsOf(
  { serving, choosesByName }: Live,
  config: ListenerConfig,
): Promise<CertificateGroups> {
  // Without any certificate in the options it is the development certificate that serves.
  const groups = (await loadCertificates(config)) ?? serving?.choice.groups;
  if (groups === undefined) {
    throw new ConfigError(
      'CERTIFICATE_MISSING',
      'cert',
      'there is no certificate',
      'Wait for the development certificate, or give key and cert.',
    );
  }
  if (groups.length > 1 && !choosesByName) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'certificate',
      'a server that was started with one certificate does not choose among several',
      'Start it with the option certificate.',
    );
  }
  return groups;
}

function merged(given: Readonly<Record<string, unknown>>, changes: object): Record<string, unknown> {
  const kept: Record<string, unknown> = { ...given };
  const way = ways.find((names) => names.some((name) => name in changes));
  if (way !== undefined) {
    for (const name of ways.flat()) if (!way.includes(name)) delete kept[name];
  }
  // A passphrase belongs to the key that it came with.
  if (way !== undefined && ('pfx' in changes || 'key' in changes || 'certificate' in changes)) {
    delete kept['passphrase'];
  }
  return { ...kept, ...changes };
}

function checkMode({ clientAuth: before }: ListenerConfig, { clientAuth: next }: ListenerConfig): void {
  if (before?.required === next?.required) return;
  throw new ConfigError(
    'OPTION_CONFLICT',
    'clientAuth.mode',
    'whether clients are asked for a certificate cannot change while connections are open',
    'Make a new server.',
  );
}

/** In what two of them differ, by the certificates and lists themselves: files that say what they said are no change. */
export function differences(before: Serving, next: Serving): ReloadedPart[] {
  const parts: ReloadedPart[] = [];
  if (certificatesOf(before) !== certificatesOf(next)) parts.push('certificate');
  if (trustOf(before) !== trustOf(next)) parts.push('trust');
  return parts;
}

/** Trust that is the same stays the same object: by another one every open connection would be judged anew. */
export function withKeptTrust(before: Serving, next: Serving): Serving {
  const { clientAuth } = before.config;
  return clientAuth === undefined || differences(before, next).includes('trust')
    ? next
    : Object.freeze({ ...next, config: Object.freeze({ ...next.config, clientAuth }) });
}

const certificatesOf = ({ choice }: Serving): string =>
  choice.groups
    .map((pairs) =>
      pairs.flatMap(({ leaf, issuers }) => [leaf, ...issuers].map(({ sha256 }) => sha256)).join(),
    )
    .join(';');

const trustOf = ({ config: { clientAuth } }: Serving): string | undefined => clientAuth?.trust.fingerprint;

/** The part of a report on what serves. */
export const servedCertificates = ({ choice }: Serving): ReloadReport['certificates'] =>
  choice.groups.flatMap((pairs) =>
    pairs.map(({ leaf }) =>
      Object.freeze({
        names: Object.freeze([...leaf.subjectAltNames.dns, ...leaf.subjectAltNames.ip]),
        fingerprint256: leaf.fingerprint256,
        notAfter: new Date(leaf.notAfter),
      }),
    ),
  );
