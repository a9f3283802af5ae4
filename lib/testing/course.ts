import { isIP } from 'node:net';
import { ConfigError } from '../errors.ts';
import { checkArguments, checkKeys, describe, describeSecret, flag, oneOf } from '../options.ts';
import { isTestSession, type TestSession } from './test-session.ts';

/** As whom a request comes, in PEM. A `TestClient` is one. */
export interface RequestIdentity {
  /** The client's private key, in PEM. */
  readonly key: string;
  /** Its certificate and intermediates, in PEM. */
  readonly cert: string;
  /** Whom to trust; default: as `request` was told. */
  readonly ca?: string;
}

/** Which name the server has to have where another is asked for. */
export interface SniOptions {
  /** The name or address that the server's certificate must have; default: the SNI. */
  readonly expect?: string;
}

/** What is resumed, and whether it has to be. */
export interface ResumptionOptions {
  /** What to resume; default: a session that is taken, by a full handshake of the same client, for each request. */
  readonly session?: TestSession;
  /** False: a server that does a full handshake instead is no error; see `res.tls.resumed`. Default true. */
  readonly required?: boolean;
}

/** How a request reaches the server. Never changed: each call makes another. */
export interface Course {
  readonly ca: string | undefined;
  readonly client: { readonly key: string; readonly cert: string } | undefined;
  readonly protocol: 'h2' | 'http/1.1';
  readonly version: 'TLSv1.2' | 'TLSv1.3' | undefined;
  readonly serverName: string | undefined;
  /** Undefined: the address that is dialled. */
  readonly expectedName: string | undefined;
  readonly localAddress: string | undefined;
  readonly resumption: { readonly session: TestSession | undefined; readonly required: boolean } | undefined;
  readonly keepAlive: boolean;
}

export const firstCourse = (ca: string | undefined): Course => ({
  ca,
  client: undefined,
  protocol: 'http/1.1',
  version: undefined,
  serverName: undefined,
  expectedName: undefined,
  localAddress: undefined,
  resumption: undefined,
  keepAlive: false,
});

type Turn = (course: Course, ...given: readonly unknown[]) => Course;
export type TurnName =
  | 'as'
  | 'anonymous'
  | 'over'
  | 'tls'
  | 'sni'
  | 'from'
  | 'resumed'
  | 'fresh'
  | 'keepAlive';

/** What each call of an agent changes. */
export const turns: Readonly<Record<TurnName, Turn>> = {
  as(course, ...given) {
    checkArguments(given, 1, 'as', 'Give one client.');
    const { key, cert, ca = course.ca } = readIdentity(given[0]);
    return { ...course, ca, client: { key, cert } };
  },

  anonymous(course, ...given) {
    checkArguments(given, 0, 'anonymous');
    return { ...course, client: undefined };
  },

  over(course, ...given) {
    checkArguments(given, 1, 'over', 'Give one protocol.');
    return { ...course, protocol: oneOf(given[0], protocols, 'over') };
  },

  tls(course, ...given) {
    checkArguments(given, 1, 'tls', 'Give one version.');
    return { ...course, version: oneOf(given[0], versions, 'tls') };
  },

  sni(course, ...given) {
    checkArguments(given, 2, 'sni', 'Give a name, and { expect } where the certificate has another one.');
    const [name, options = {}] = given;
    checkKeys(options, ['expect'], 'sni');
    const { expect } = options as SniOptions;
    if (expect !== undefined) readName(expect, 'sni.expect', 'Give a name or an address.');
    if (name === false) return { ...course, serverName: undefined, expectedName: expect };
    const serverName = readName(name, 'sni', "Give a name as 'a.example.org', or false for none.");
    if (isIP(serverName) !== 0) {
      throw new ConfigError(
        'OPTION_INVALID',
        'sni',
        'RFC 6066 3 allows no address there',
        'Give a name, or false for none.',
      );
    }
    return { ...course, serverName, expectedName: expect ?? serverName };
  },

  from(course, ...given) {
    checkArguments(given, 1, 'from', 'Give one address.');
    const [localAddress] = given;
    if (typeof localAddress === 'string' && isIP(localAddress) !== 0) return { ...course, localAddress };
    throw new ConfigError(
      'OPTION_INVALID',
      'from',
      `${describe(localAddress)} is no address`,
      "Give one of this machine, as '127.0.0.2'.",
    );
  },

  resumed(course, ...given) {
    checkArguments(given, 1, 'resumed');
    const [options = {}] = given;
    checkKeys(options, ['session', 'required'], 'resumed');
    const { session, required } = options as ResumptionOptions;
    if ('session' in options && !isTestSession(session)) {
      throw new ConfigError(
        'OPTION_INVALID',
        'resumed.session',
        `got ${describeSecret(session)}`,
        'Give what takeSession() has resolved to.',
      );
    }
    return { ...course, resumption: { session, required: flag(required, 'resumed.required', true) } };
  },

  fresh(course, ...given) {
    checkArguments(given, 0, 'fresh');
    return { ...course, resumption: undefined };
  },

  keepAlive(course, ...given) {
    checkArguments(given, 0, 'keepAlive');
    return { ...course, keepAlive: true };
  },
};

const protocols = ['h2', 'http/1.1'] as const;
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

function readIdentity(client: unknown): RequestIdentity {
  if (typeof client !== 'object' || client === null) {
    throw new ConfigError('OPTION_INVALID', 'as', `got ${describeSecret(client)}`, asRemedy);
  }
  const { key, cert, ca } = client as Partial<RequestIdentity>;
  for (const [name, value] of Object.entries({ key, cert, ca })) {
    if (typeof value === 'string' ? value !== '' : name === 'ca' && value === undefined) continue;
    throw new ConfigError('OPTION_INVALID', `as.${name}`, `got ${describeSecret(value)}`, asRemedy);
  }
  return { key: key!, cert: cert!, ...(ca !== undefined && { ca }) };
}

const asRemedy =
  'Give a client of the test PKI, or { key, cert, ca } in PEM (of an issued one, cert is its chain); anonymous() has none.';

function readName(value: unknown, path: string, remedy: string): string {
  if (typeof value === 'string' && /^[!-~]{1,255}$/.test(value)) return value;
  throw new ConfigError('OPTION_INVALID', path, `${describe(value)} is no name`, remedy);
}
