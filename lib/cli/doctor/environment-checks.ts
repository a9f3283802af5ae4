import { type Check, note, ok, wrong } from './check.ts';
import type { Machine } from './machine.ts';
import { nodeOptions } from './node-options.ts';

/** What in the environment, or among Node's own options, weakens TLS or changes whom it trusts. */
export function environmentChecks(machine: Machine): Check[] {
  const { environment } = machine;
  const options = nodeOptions(machine);
  const given = (pattern: RegExp): string | undefined => options.find((option) => pattern.test(option));
  const found = [
    rejectUnauthorized(environment),
    oldVersion(given(/^--tls-min-v1\.[01]\b/)),
    withoutTls13(given(/^--tls-max-v1\.2\b/), given(/^--tls-max-v1\.3\b/)),
    keyLog(environment['SSLKEYLOGFILE'], given(/^--tls-keylog\b/)),
    insecureParser(given(/^--insecure-http-parser\b/)),
    opensslConfiguration(
      environment['OPENSSL_CONF'],
      given(/^--openssl-(?:config|shared-config|legacy-provider)\b/),
    ),
    defaultCiphers(given(/^--tls-cipher-list\b/)),
    extraAuthorities(environment, given(/^--use-(?:openssl|system)-ca\b/)),
    inspector(given(/^--inspect(?:-brk(?:-node)?|-wait)?(?:=|$)/)),
  ].flatMap((check) => check ?? []);
  return found.length > 0 ? found : [ok('environment', 'ENVIRONMENT', 'nothing in it changes TLS')];
}

function rejectUnauthorized(environment: Machine['environment']): Check | undefined {
  return environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0'
    ? wrong(
        'environment',
        'NODE_TLS_REJECT_UNAUTHORIZED',
        'NODE_TLS_REJECT_UNAUTHORIZED=0: this process verifies no server that it connects to',
        'Unset it, and give the CA instead: NODE_EXTRA_CA_CERTS, or the option ca.',
      )
    : undefined;
}

const oldVersion = (option: string | undefined): Check | undefined =>
  option === undefined
    ? undefined
    : wrong(
        'environment',
        'TLS_MIN_VERSION',
        `${option}: connections of this process may use TLS below 1.2 (createServer does not)`,
        'Leave it out of NODE_OPTIONS.',
      );

/** Of both options Node takes the greater. */
const withoutTls13 = (option: string | undefined, greater: string | undefined): Check | undefined =>
  option === undefined || greater !== undefined
    ? undefined
    : note(
        'environment',
        'TLS_MAX_VERSION',
        `${option}: connections of this process speak no TLS 1.3 (createServer sets its own versions)`,
        'Leave it out of NODE_OPTIONS.',
      );

function keyLog(file: string | undefined, option: string | undefined): Check | undefined {
  if (option !== undefined) {
    return wrong(
      'environment',
      'TLS_KEYLOG',
      'the keys of every session are written to a file (--tls-keylog)',
      'Leave it out where the traffic is anybody else’s.',
    );
  }
  if (!file) return undefined;
  const remedy = 'Unset it where the traffic is anybody else’s.';
  return note(
    'environment',
    'SSLKEYLOGFILE',
    'SSLKEYLOGFILE is set: curl and browsers write session keys',
    remedy,
  );
}

const insecureParser = (option: string | undefined): Check | undefined =>
  option === undefined
    ? undefined
    : wrong(
        'environment',
        'INSECURE_HTTP_PARSER',
        `${option}: malformed requests are accepted, as request smuggling needs it`,
        'Leave it out of NODE_OPTIONS.',
      );

function opensslConfiguration(file: string | undefined, option: string | undefined): Check | undefined {
  const given = option ?? (file ? 'OPENSSL_CONF' : undefined);
  return given === undefined
    ? undefined
    : note(
        'environment',
        'OPENSSL_CONFIGURATION',
        `${given}: OpenSSL's defaults are changed for this process (createServer sets its own versions, ciphers and groups)`,
      );
}

const defaultCiphers = (option: string | undefined): Check | undefined =>
  option === undefined
    ? undefined
    : note(
        'environment',
        'TLS_CIPHER_LIST',
        `${option}: connections of this process offer other ciphers than Node's own (createServer sets its own)`,
      );

function extraAuthorities(
  environment: Machine['environment'],
  option: string | undefined,
): Check | undefined {
  const given = [
    ...(environment['NODE_EXTRA_CA_CERTS'] ? ['NODE_EXTRA_CA_CERTS'] : []),
    ...(environment['NODE_USE_SYSTEM_CA'] === '1' ? ['NODE_USE_SYSTEM_CA=1'] : []),
    ...(option === undefined ? [] : [option]),
  ];
  return given.length === 0
    ? undefined
    : note(
        'environment',
        'EXTRA_AUTHORITIES',
        `${given.join(' and ')}: connections from here trust more CAs (createServer trusts clients by clientAuth.ca alone)`,
      );
}

const inspector = (option: string | undefined): Check | undefined =>
  option === undefined
    ? undefined
    : note('environment', 'INSPECTOR', `${option}: who reaches the debugger reads every key of the process`);
