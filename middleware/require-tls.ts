import type { RequestHandler } from 'express';
import { groupNames } from '../lib/connection/index.ts';
import { knownCipher } from '../lib/connection/ciphers.ts';
import { ConfigError } from '../lib/errors.ts';
import { checkArguments, checkKeys, closest, describe, flag, oneOf } from '../lib/options.ts';
import { allow, type Decision, refuse } from '../lib/policy/decision.ts';
import { guard, type Seen } from './guard.ts';

/** What a connection has to be at least. What is left out is not asked for. */
export interface RequireTlsOptions {
  /** The least version. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** Ephemeral keys only. */
  readonly forwardSecrecy?: boolean | undefined;
  /** A (hybrid) post-quantum group only. */
  readonly postQuantum?: boolean | undefined;
  /** Names of OpenSSL ('ECDHE-RSA-AES128-GCM-SHA256') or IANA ('TLS_AES_128_GCM_SHA256'). */
  readonly ciphers?: readonly string[] | undefined;
  /** IANA names ('X25519MLKEM768', 'x25519', 'secp256r1'), letter case aside. */
  readonly groups?: readonly string[] | undefined;
  /** Publishes the refusal and lets the request pass. */
  readonly reportOnly?: boolean | undefined;
}

/**
 * Lets requests pass that came over TLS, and over TLS as good as a route wants it, where the listener allows more.
 * It looks at the socket, never at a header. A group that is not known satisfies nothing.
 * Refuses with 403: `TLS_REQUIRED`, `TLS_VERSION_REFUSED`, `FORWARD_SECRECY_REQUIRED`, `POST_QUANTUM_REQUIRED`,
 * `CIPHER_REFUSED`, `GROUP_REFUSED`.
 */
export function requireTls(options: RequireTlsOptions = {}): RequestHandler {
  checkArguments(arguments, 1, 'requireTls');
  checkKeys(
    options,
    ['minVersion', 'forwardSecrecy', 'postQuantum', 'ciphers', 'groups', 'reportOnly'],
    'requireTls',
  );
  const minVersion =
    options.minVersion === undefined
      ? undefined
      : oneOf(options.minVersion, ['TLSv1.2', 'TLSv1.3'], 'requireTls.minVersion');
  const forwardSecrecy = flag(options.forwardSecrecy, 'requireTls.forwardSecrecy', false);
  const postQuantum = flag(options.postQuantum, 'requireTls.postQuantum', false);
  const ciphers = readNames(options.ciphers, 'requireTls.ciphers', knownCipher);
  const groups = readNames(options.groups, 'requireTls.groups', knownGroup);

  const decide = ({ state }: Seen): Decision => {
    // 'TLSv1' < 'TLSv1.1' < 'TLSv1.2' < 'TLSv1.3', and whatever else Node may name some day comes out too low.
    if (minVersion !== undefined && !(state.protocol >= minVersion && state.protocol.startsWith('TLSv'))) {
      return refuse(
        'TLS_VERSION_REFUSED',
        `expected ${minVersion} or later, the connection speaks ${state.protocol}`,
      );
    }
    if (forwardSecrecy && !state.forwardSecrecy)
      return refuse('FORWARD_SECRECY_REQUIRED', `${state.cipher.name} has none`);
    if (postQuantum && !state.postQuantum)
      return refuse('POST_QUANTUM_REQUIRED', `the group is ${state.group ?? 'unknown'}`);
    if (ciphers !== undefined && !ciphers.has(state.cipher.name) && !ciphers.has(state.cipher.standardName)) {
      return refuse(
        'CIPHER_REFUSED',
        `expected one of ${[...ciphers].join(', ')}, the connection uses ${state.cipher.standardName}`,
      );
    }
    if (groups !== undefined && (state.group === undefined || !groups.has(state.group))) {
      return refuse(
        'GROUP_REFUSED',
        `expected one of ${[...groups].join(', ')}, the group is ${state.group ?? 'unknown'}`,
      );
    }
    return allow;
  };
  const reportOnly = flag(options.reportOnly, 'requireTls.reportOnly', false);
  return guard({ name: 'requireTls', reportOnly, failure: 'TLS_REQUIRED', decide });
}

const knownGroup = (name: string): string | undefined =>
  groupNames.find((known) => known.toLowerCase() === name.toLowerCase());

function readNames(
  value: unknown,
  path: string,
  find: (name: string) => string | undefined,
): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0) {
    throw new ConfigError(
      'OPTION_INVALID',
      path,
      `expected a list of names, got ${describe(value)}`,
      'An empty list would let nobody pass.',
    );
  }
  // Not map(), which skips the holes of an array.
  const names = Array.from(value, (item: unknown, index) => {
    const found = typeof item === 'string' ? find(item) : undefined;
    if (found !== undefined) return found;
    const guess = typeof item === 'string' && path.endsWith('groups') ? closest(item, groupNames) : undefined;
    throw new ConfigError(
      'OPTION_INVALID',
      `${path}[${index}]`,
      `${describe(item)} is not known`,
      guess === undefined ? 'Correct it, or leave it out.' : `Did you mean '${guess}'?`,
    );
  });
  return new Set(names);
}
