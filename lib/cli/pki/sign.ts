import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { type ClientOptions, issueClient } from './client.ts';
import { issueServer } from './server.ts';

export interface SignOptions extends Omit<ClientOptions, 'cn' | 'csr' | 'encryptKey' | 'keyType'> {
  readonly for: 'server' | 'client';
}

/** `pki sign`: what `pki server --csr` and `pki client --csr` do. */
export async function sign(
  request: string,
  names: readonly string[],
  { for: purpose, ...options }: SignOptions,
  io: Io,
): Promise<void> {
  const all: ClientOptions = { ...options, csr: request };
  if (purpose === 'client') {
    if (names.length > 1)
      throw usage(
        'a client has one common name',
        'Give others with --email, --dns, --ip, --uri or --spiffe.',
      );
    await issueClient(names[0], all, io);
    return;
  }
  const { email, dns, ip, uri, spiffe } = options;
  if ((email ?? dns ?? ip ?? uri ?? spiffe) !== undefined)
    throw usage(
      "--email, --dns, --ip, --uri and --spiffe are a client's",
      "Give a server's names after the request.",
    );
  await issueServer(names, all, io);
}
