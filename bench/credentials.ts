import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createAuthority } from '../lib/pki/index.ts';
import { readCertificate } from '../lib/x509/certificate.ts';
import { readPem } from '../lib/x509/pem.ts';
import type { Credentials } from './contenders.ts';
import type { Clients } from './load.ts';

/** No localhost, for which fewer headers are sent. */
const host = 'bench.test';
/** Of a key that nobody has: the backup. */
const unusedPin = `sha256/${Buffer.alloc(32).toString('base64')}`;

export interface Cast {
  readonly credentials: Credentials;
  readonly clients: Clients;
}

/** Serial numbers that nobody here has. */
const strangers = (): Array<{ serialNumber: string; reason: 'keyCompromise' }> =>
  Array.from({ length: 100_000 }, () => ({
    serialNumber: `40${randomBytes(15).toString('hex')}`,
    reason: 'keyCompromise',
  }));

/** One server and `count` clients of ECDSA P-256 certificates, which share a key: one pin lets them all in. */
export async function makeCast(count: number): Promise<Cast> {
  const authority = await createAuthority();
  const { key, chain } = await authority.issueServerCertificate({ names: [host] });
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const certificates: string[] = [];
  while (certificates.length < count) {
    const subject = { O: 'Example', CN: `client ${certificates.length}` };
    const issued = await authority.issueClientCertificate({ publicKey, subject });
    certificates.push(issued.certificate);
  }
  const { pin } = readCertificate(readPem(certificates[0]!)![0]!.der)!;
  return {
    credentials: {
      key,
      cert: chain,
      ca: authority.root,
      pins: [pin, unusedPin],
      crl: await authority.crl({ revoked: strangers() }),
    },
    clients: {
      host,
      ca: authority.root,
      key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      certificates,
    },
  };
}
