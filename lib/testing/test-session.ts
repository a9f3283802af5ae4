const sessions = new WeakMap<object, Buffer>();

/** A TLS session that a client has kept, to be resumed. What it holds is secret, and is not in its properties. */
export interface TestSession {
  /** The SNI under which it was made. */
  readonly serverName: string | undefined;
  /** The version of TLS: `TLSv1.2` or `TLSv1.3`. */
  readonly protocol: string;
}

export function makeTestSession(session: Buffer, facts: TestSession): TestSession {
  const { serverName, protocol } = facts;
  const made = Object.freeze({ serverName, protocol });
  sessions.set(made, session);
  return made;
}

export const isTestSession = (value: unknown): value is TestSession =>
  typeof value === 'object' && value !== null && sessions.has(value);

/** OpenSSL's octets of it. */
export const sessionOf = (session: TestSession): Buffer => sessions.get(session)!;
