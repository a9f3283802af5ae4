import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** RFC 8446 5.1 and 6: a record of the type alert, in the version that all records before the keys have, fatal, 112. */
const unrecognizedName = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

/**
 * Ends a handshake with the alert `unrecognized_name` (RFC 6066 3, RFC 9325 3.7). Node has no call for it and would
 * only close. No key is agreed upon yet when a client has named its server, so the alert goes out in the clear.
 * `done` gets an error whose code is `SERVER_NAME_UNKNOWN`, when the alert is on its way.
 */
export function refuseServerName(socket: TLSSocket, done: (error: Error) => void): void {
  const error = Object.assign(new Error('no certificate has the name that the client asks for'), {
    code: 'SERVER_NAME_UNKNOWN',
  });
  const raw = socketBeneath(socket);
  if (raw?.writable !== true) return done(error);
  raw.write(unrecognizedName);
  // Not by the callback of the write, which never comes from what is no socket of the system.
  setImmediate(done, error);
}

/** In Node 20 to 26; the second is that of a stream which was given to the server as a connection. */
function socketBeneath(socket: TLSSocket): Socket | undefined {
  const { _parent, _handle } = socket as unknown as {
    _parent?: Socket | null;
    _handle?: { _parentWrap?: Socket | null } | null;
  };
  return _parent ?? _handle?._parentWrap ?? undefined;
}
