import { afterAll, describe, expect, it } from '@jest/globals';
import { createServer as createPlainServer } from 'node:https';
import type { SecureVersion } from 'node:tls';
import express, { type Express } from 'express';
import { type ClientAuthOptions, createServer, requireClientCertificate } from 'portcullis';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { enter, tell } from '../support/attacks-gates.ts';
import { oddAuthority } from '../support/odd-certificates.ts';
import { createAuthority } from 'portcullis/pki';
import { bad, good, type Kind, ofP521, root } from './support/kinds.ts';

const authority = await createAuthority();
const { key, chain: cert } = await authority.issueServerCertificate({ names: ['localhost'] });
const ca = root.certificate;
const other = oddAuthority().certificate;

const gate = (options: { ca?: string } = {}): Express =>
  express().get('/', requireClientCertificate(options), enter).use(tell);
const portcullis = (clientAuth: ClientAuthOptions, app: Express): Promise<number> =>
  listen(createServer({ key, cert, clientAuth, logger: false }, app));

/** One server of each kind for all tests: they keep nothing of a client but verified paths. */
const ports = {
  optional: await portcullis({ mode: 'optional', ca }, gate()),
  required: await portcullis({ mode: 'required', ca }, gate()),
  route: await portcullis({ mode: 'optional', ca: other }, gate({ ca })),
  narrowed: await portcullis({ mode: 'optional', ca: [ca, other] }, gate({ ca })),
  plain: await listen(
    createPlainServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false }, gate()),
  ),
  plainRoute: await listen(
    createPlainServer({ key, cert, ca: other, requestCert: true, rejectUnauthorized: false }, gate({ ca })),
  ),
};

afterAll(closeEverything);

type Verdicts = Record<keyof typeof ports, string>;

async function verdictOf(version: SecureVersion, { sends }: Kind, port: number): Promise<string> {
  // The client shall send what is too weak for itself.
  const ciphers = 'DEFAULT:@SECLEVEL=0';
  const wire = await open(port, { ...speaking(version), ...sends, ca: authority.root, ciphers });
  const { status, body } = await wire.ask('/');
  wire.close();
  return status === 200 ? 'in' : body.trim() || String(status);
}

async function everywhere(version: SecureVersion, kind: Kind): Promise<Verdicts> {
  const entries = Object.entries(ports).map(async ([way, port]) => [
    way,
    await verdictOf(version, kind, port),
  ]);
  return Object.fromEntries(await Promise.all(entries)) as Verdicts;
}

const expected = ({ listener, route, narrowed }: Kind): Verdicts => ({
  optional: listener,
  required: listener === 'in' ? 'in' : 'closed',
  route,
  narrowed,
  plain: listener,
  plainRoute: route,
});

describe.each(versions)('over %s', (version) => {
  it.each(Object.entries(good))('lets a client in with %s', async (_name, kind) => {
    expect(await everywhere(version, kind)).toEqual(expected(kind));
  });

  it.each(Object.entries(bad))('refuses a client with %s', async (_name, kind) => {
    const verdicts = await everywhere(version, kind);
    // Over TLS 1.2 a plain server ends a connection whose verification has left something in OpenSSL's error queue.
    if (version === 'TLSv1.2') {
      for (const way of ['plain', 'plainRoute'] as const) {
        if (verdicts[way] === 'closed') verdicts[way] = expected(kind)[way];
      }
    }
    expect(verdicts).toEqual(expected(kind));
  });
});

describe('a client with an ECDSA key on P-521', () => {
  it('gets in over TLS 1.3', async () => {
    expect(await everywhere('TLSv1.3', ofP521)).toEqual(expected(ofP521));
  });

  it('cannot finish a handshake with a PortcullisServer over TLS 1.2, as P-521 is no group of the profile', async () => {
    const refused = { optional: 'closed', required: 'closed', route: 'closed', narrowed: 'closed' };
    expect(await everywhere('TLSv1.2', ofP521)).toEqual({ ...expected(ofP521), ...refused });
  });
});
