import type { TLSSocket } from 'node:tls';
import { groupName, postQuantumGroups } from './groups.ts';
import { normalizeName } from './host.ts';
import type { SessionFacts } from './session.ts';
import type { TlsState } from './tls-state.ts';

const channelBindingLabel = 'EXPORTER-Channel-Binding';
const channelBindingLength = 32;
const forwardSecret = /^(?:ECDHE|DHE)-/;

/** What does not change during a connection. */
export type Facts = Omit<TlsState, 'authenticatedAt' | 'clientCertificate' | 'clientCertificateError'>;

/** What a connection negotiated. */
export function readFacts(socket: TLSSocket, session: SessionFacts | undefined): Facts {
  const { name, standardName } = socket.getCipher();
  const protocol = socket.getProtocol() as TlsState['protocol'];
  const group = groupName(session?.group);
  const exportKeyingMaterial: TlsState['exportKeyingMaterial'] = (length, label, context) =>
    context === undefined
      ? // Node's types ask for a context; RFC 5705 4 tells none apart from an empty one.
        (socket.exportKeyingMaterial as (length: number, label: string) => Buffer)(length, label)
      : socket.exportKeyingMaterial(length, label, context);
  return {
    source: 'socket',
    protocol,
    cipher: Object.freeze({ name, standardName }),
    group,
    forwardSecrecy: protocol === 'TLSv1.3' || forwardSecret.test(name),
    postQuantum: group !== undefined && postQuantumGroups.has(group),
    alpn:
      socket.alpnProtocol === 'h2' || socket.alpnProtocol === 'http/1.1' ? socket.alpnProtocol : undefined,
    serverName: readServerName(socket),
    resumed: socket.isSessionReused(),
    exportKeyingMaterial,
    channelBinding: () => {
      if (!isUnique(protocol, session))
        throw new Error('Without the extended master secret a TLS 1.2 connection has no channel binding.');
      return exportKeyingMaterial(channelBindingLength, channelBindingLabel, Buffer.alloc(0));
    },
  };
}

/** Over TLS 1.2 a man in the middle can give two connections one master secret (RFC 9266 4, RFC 7627 1). */
const isUnique = (protocol: TlsState['protocol'], session: SessionFacts | undefined): boolean =>
  protocol === 'TLSv1.3' || session?.extendedMasterSecret === true;

/** Node says false where a TLS 1.2 session was resumed, and OpenSSL keeps no name in the session for it. */
function readServerName(socket: TLSSocket): string | undefined {
  const { servername } = socket as { servername?: string | false | null };
  return servername ? normalizeName(servername) : undefined;
}
