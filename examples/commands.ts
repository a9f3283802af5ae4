import { developmentFiles } from 'portcullis';
import type { ExampleClients, Name } from './clients.ts';

/** What to type to try the example app. */
export function commands(url: string, clients: ExampleClients): string {
  const { authority } = developmentFiles();
  const file = (name: Name): string => quote(clients.files[name]);
  const curl = (path: string, name?: Name): string =>
    `  curl --cacert ${quote(authority)} ${name === undefined ? '' : `--cert ${file(name)} `}${url}${path}`;
  return `
Portcullis example app: ${url}
Ctrl-C ends it.

What the server knows of you:
${curl('/')}

Let in, by a good client certificate:
${curl('/admin', 'ops')}
${curl('/payments', 'payments')}

Refused, each with the reason: without a certificate; from an unknown CA, though by the same name; from the right CA,
but with another key than the pinned ones:
${curl('/admin')}
${curl('/admin', 'unknown-ca')}
${curl('/payments', 'payments-unpinned')}

The handshake:
  openssl s_client -connect ${new URL(url).host} -servername localhost -CAfile ${quote(authority)} -cert ${file('ops')} -key ${file('ops')} -brief </dev/null

In a browser: import the authority that vouches for this server, and a client certificate made by the second line:
  ${authority}
  openssl pkcs12 -export -in ${file('ops')} -out ops.p12

The client certificates, with their keys, and the CA that the server believes:
  ${clients.directory}
`;
}

/** For a POSIX shell; a folder of macOS has a space in its name. */
const quote = (path: string): string =>
  /^[\w./:@%+,-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
