import type { Client } from '../clients/client.ts';
import type { Cell } from './cells.ts';

/** What a client says that no HTTP answer came of. */
export type Ending = Extract<Cell['expected'], 'alert' | 'closed' | 'distrust'>;

/**
 * `alert`: the other side has sent one, for the version or the ciphers. `closed`: it has sent one, a reset, or an end,
 * each after a connection was made. `distrust`: the client does not know who issued the server's certificate.
 */
const words: Readonly<Record<string, Readonly<Partial<Record<Ending, RegExp>>>>> = {
  Chromium: {
    closed:
      /ERR_(?:EMPTY_RESPONSE|CONNECTION_RESET|CONNECTION_CLOSED|SOCKET_NOT_CONNECTED|BAD_SSL_CLIENT_AUTH_CERT)$/,
    distrust: /ERR_CERT_AUTHORITY_INVALID$/,
  },
  curl: {
    alert: /\(IN\), TLS alert, (?:protocol version|handshake failure)/,
    closed:
      /\(IN\), TLS alert, (?!close notify)|^curl: \((?:52|55|56)\)|^curl: \(35\).*(?:reset by peer|SYSCALL|unexpected eof)/m,
    distrust: /^curl: \(60\) SSL certificate problem: unable to get local issuer certificate/m,
  },
  GnuTLS: {
    alert: /Received alert \[(?:40|70)\]/,
    closed:
      /Received alert \[(?!0\])\d+\]|Peer has closed the GnuTLS connection|Error in the pu(?:ll|sh) function|non-properly terminated/,
    distrust: /The certificate is NOT trusted\. The certificate issuer is unknown\./,
  },
  Go: {
    alert: /remote error: tls: (?:protocol version not supported|handshake failure)$/,
    closed: /: EOF$|remote error: tls: .*$|connection reset by peer$|broken pipe$/,
    distrust: /x509: certificate signed by unknown authority/,
  },
  Java: {
    alert: /Received fatal alert: (?:protocol_version|handshake_failure)/,
    closed:
      /Received fatal alert: \w+|EOF reached|header parser received no bytes|Connection reset|Broken pipe|terminated the handshake/,
    distrust: /PKIX path building failed/,
  },
  NSS: {
    // Its name for handshake_failure is another one.
    alert: /SSL_ERROR_(?:PROTOCOL_VERSION_ALERT|HANDSHAKE_FAILURE_ALERT|NO_CYPHER_OVERLAP)/,
    closed: /SSL_ERROR_\w+_ALERT|PR_END_OF_FILE_ERROR|PR_CONNECT_RESET_ERROR|Read from server 0 bytes/,
    distrust: /SEC_ERROR_UNKNOWN_ISSUER/,
  },
  OpenSSL: {
    alert: /SSL alert number (?:40|70)/,
    closed: /SSL alert number \d+|unexpected eof while reading|(?:read|write):errno=(?:0|32|104)/,
    distrust: /verify error:num=20:unable to get local issuer certificate/,
  },
  Python: {
    alert: /_ALERT_(?:PROTOCOL_VERSION|HANDSHAKE_FAILURE)/,
    closed:
      /_ALERT_[A-Z_]+|UNEXPECTED_EOF|SSLEOFError|ConnectionResetError|BrokenPipeError|RemoteDisconnected/,
    distrust: /CERTIFICATE_VERIFY_FAILED\] .*unable to get local issuer certificate/,
  },
};

/** A client of which nobody knows how it says so proves nothing. */
export function wordsOf({ name }: Client, ending: Ending): RegExp {
  const pattern = words[name]?.[ending];
  if (pattern === undefined) throw new Error(`nobody has written down how ${name} tells: ${ending}`);
  return pattern;
}
