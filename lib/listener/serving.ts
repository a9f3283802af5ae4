import type { ServerOptions } from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';
import { CertificateChoice, type CertificateGroups } from '../credentials/choice.ts';
import type { KeyPair } from '../credentials/key-pair.ts';
import { loadKeyPairs } from '../credentials/source.ts';
import { ConfigError } from '../errors.ts';
import { credentialOptions, type ListenerConfig } from './options.ts';
import { checkServerCertificates } from './certificates/server-certificates.ts';
import { sniCallback, SniContexts } from './certificates/sni-contexts.ts';

/** What serves now; a reload replaces it as a whole. Frozen. */
export interface Serving {
  readonly config: ListenerConfig;
  readonly choice: CertificateChoice;
  readonly sni: SniContexts;
}

/** Where a listener finds what serves at this moment. */
export interface Live {
  config: ListenerConfig;
  /** Undefined until there is a certificate. */
  serving: Serving | undefined;
  /** Whether SNI is asked: this is decided once, as Node takes an `SNICallback` only when a server is made. */
  readonly choosesByName: boolean;
}

export function makeLive(config: ListenerConfig, serving: Serving | undefined): Live {
  return { config, serving, choosesByName: config.sources !== undefined || config.refuseUnknownName };
}

/**
 * The key pairs that the options lead to, read now: a promise only where a source of the user's gives one, and
 * undefined where there are none, so that the development certificate is to be used. ConfigErrors of `loadKeyPairs`.
 */
export function loadCertificates({
  sources,
  keyPairs,
}: ListenerConfig): CertificateGroups | Promise<CertificateGroups> | undefined {
  if (sources === undefined) return keyPairs.length > 0 ? [keyPairs] : undefined;
  const loaded = sources.map((source) => loadKeyPairs(source));
  return loaded.every((pairs): pairs is readonly KeyPair[] => !(pairs instanceof Promise))
    ? loaded
    : Promise.all(loaded.map((pairs) => Promise.resolve(pairs)));
}

/** The `SNICallback` of a listener that chooses its certificate by name; others keep the user's. */
export function callbackOf(live: Live): Pick<ServerOptions, 'SNICallback'> {
  if (!live.choosesByName) return {};
  return { SNICallback: sniCallback(() => live.serving!.sni, live.config.refuseUnknownName) };
}

/** Checks whole what is to serve, up to OpenSSL's own objections; throws a ConfigError, and nothing has changed. */
export function prepareServing(config: ListenerConfig, groups: CertificateGroups): Serving {
  for (const pairs of groups) checkServerCertificates(config, pairs);
  const choice = new CertificateChoice(groups);
  void makeContext(config, choice.default);
  const sni = new SniContexts(choice, (pairs) => makeContext(config, pairs));
  return Object.freeze({ config, choice, sni });
}

/** A context with all settings: what it is not given Node takes from its own defaults. */
function makeContext({ https }: ListenerConfig, pairs: readonly KeyPair[]): SecureContext {
  try {
    return createSecureContext({ ...https, ...credentialOptions(pairs) });
  } catch (error) {
    throw new ConfigError(
      'OPTION_INVALID',
      pairs[0]?.path ?? 'options',
      'OpenSSL does not accept them',
      'See the cause.',
      error,
    );
  }
}
