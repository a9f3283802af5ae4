import { generateKeyPairSync } from 'node:crypto';
import { type Authority, createAuthority } from '../lib/pki/index.ts';
import { readCertificate } from '../lib/x509/certificate.ts';
import { readPem } from '../lib/x509/pem.ts';

/** No localhost, for which fewer headers are sent. */
export const host = 'bench.test';
/** Of a key that nobody has: the backup. */
const unusedPin = `sha256/${Buffer.alloc(32).toString('base64')}`;

/** What a server needs, in PEM; as a message to the child process. */
export interface Credentials {
  readonly key: string;
  readonly cert: string;
  /** The clients' root. */
  readonly ca: string;
  /** All clients' key, and a backup. */
  readonly pins: readonly string[];
}

/** What the clients need, in PEM. */
export interface Clients {
  /** The server's name. */
  readonly host: string;
  /** The server's root. */
  readonly ca: string;
  readonly key: string;
  /** Of the same key: each is another client. */
  readonly certificates: readonly string[];
}

export interface Cast {
  /** Of the server and all clients: it can issue more, and CRLs. */
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly clients: Clients;
}

export type ServerKey = 'ecdsa-p256' | 'rsa-2048';

export interface CastOptions {
  /** How many; 1 by default. */
  readonly clients?: number;
  readonly serverKey?: ServerKey;
}

/**
 * Gives a server and `clients` clients of ECDSA P-256 certificates, which share a key: one pin lets them all in. What
 * was made before is given again, the clients in the same order.
 */
export function castMaker(): (options?: CastOptions) => Promise<Cast> {
  const casts = new Map<ServerKey, Promise<CastSoFar>>();
  return async ({ clients = 1, serverKey = 'ecdsa-p256' } = {}) => {
    if (!casts.has(serverKey)) casts.set(serverKey, startCast(serverKey));
    const cast = await casts.get(serverKey)!;
    while (cast.certificates.length < clients) cast.certificates.push(await cast.issue());
    const { authority, credentials, key, certificates } = cast;
    return {
      authority,
      credentials,
      clients: { host, ca: authority.root, key, certificates: certificates.slice(0, clients) },
    };
  };
}

interface CastSoFar {
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly key: string;
  readonly certificates: string[];
  issue(): Promise<string>;
}

async function startCast(serverKey: ServerKey): Promise<CastSoFar> {
  const authority = await createAuthority();
  const { key, chain } = await authority.issueServerCertificate({ names: [host], keyType: serverKey });
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const certificates: string[] = [];
  const issue = async (): Promise<string> => {
    const subject = { O: 'Example', CN: `client ${certificates.length}` };
    return (await authority.issueClientCertificate({ publicKey, subject })).certificate;
  };
  certificates.push(await issue());
  const { pin } = readCertificate(readPem(certificates[0]!)![0]!.der)!;
  return {
    authority,
    credentials: { key, cert: chain, ca: authority.root, pins: [pin, unusedPin] },
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificates,
    issue,
  };
}
