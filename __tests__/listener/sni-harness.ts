import { createSecureContext, createServer, type Server, type TlsOptions } from 'node:tls';
import { CertificateChoice } from '../../lib/credentials/choice.ts';
import type { KeyPair } from '../../lib/credentials/key-pair.ts';
import { credentialOptions } from '../../lib/listener/options.ts';
import { SniContexts, sniCallback } from '../../lib/listener/certificates/sni-contexts.ts';
import { replacesCertificates } from '../../lib/listener/certificates/sni-limits.ts';
import { serverPair } from '../credentials/server-pairs.ts';

/** Whether this Node shows a name's certificates only, whatever the default's are. */
export const replaces: boolean = replacesCertificates(process.versions.node);

/** A plain TLS server with one certificate for each group's name and key types. */
export function sniServer(
  groups: ReadonlyArray<readonly KeyPair[]>,
  { refuseUnknown = false, ...options }: TlsOptions & { refuseUnknown?: boolean } = {},
): Server {
  const choice = new CertificateChoice(groups);
  const contexts = new SniContexts(choice, (pairs) =>
    createSecureContext({ ...options, ...credentialOptions(pairs) }),
  );
  const server = createServer({
    ...options,
    ...credentialOptions(choice.default),
    SNICallback: sniCallback(() => contexts, refuseUnknown),
  });
  return server.on('secureConnection', (socket) => socket.on('error', () => {}).end('served'));
}

/** Of groups that have no other settings. */
export const contextsOf = (...groups: ReadonlyArray<readonly KeyPair[]>): SniContexts =>
  new SniContexts(new CertificateChoice(groups), (pairs) => createSecureContext(credentialOptions(pairs)));

const types = { ec: 'ec-p256', rsa: 'rsa-2048' } as const;

/** One pair of each type for a name. */
export const pairsFor = (name: string, ...wanted: ReadonlyArray<keyof typeof types>): readonly KeyPair[] =>
  wanted.map((type) => serverPair([name], types[type]));
