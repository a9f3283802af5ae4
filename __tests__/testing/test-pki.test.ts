import { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  createTestPki,
  type TestClient,
  type TestClients,
  type TestPki,
  type TestPkiOptions,
} from 'portcullis/testing';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import { readFetchedList } from '../../lib/trust/revocation/crl-slowly.ts';
import { type Handshake, handshake } from '../support/handshake.ts';

let pki: TestPki;
let other: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
  other = await createTestPki({ keyType: 'ed25519', serverNames: ['api.example.org'] });
});

const connectAs = (client: TestClient, crl?: string): Promise<Handshake> =>
  handshake(
    { ...pki.server, ca: pki.ca, ...(crl !== undefined && { crl }) },
    { ...client, servername: 'localhost' },
  );

describe('a test PKI', () => {
  it.each<[keyof TestClients, string | null]>([
    ['good', null],
    ['spiffe', null],
    ['expired', 'CERT_HAS_EXPIRED'],
    ['notYetValid', 'CERT_NOT_YET_VALID'],
    ['revoked', 'CERT_REVOKED'],
    ['wrongPurpose', 'INVALID_PURPOSE'],
    ['unknownCa', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('has a client %s, whom OpenSSL judges %s', async (name, authorizationError) => {
    const client = pki.clients[name];
    const outcome = await connectAs(client, name === 'revoked' ? pki.crl : undefined);
    expect(outcome).toMatchObject({ authorized: authorizationError === null, authorizationError });
    expect(outcome.clientCertificate).toEqual(new X509Certificate(client.certificate).raw);
  });

  it('has nothing wrong with the revoked client but the CRL', async () => {
    expect(await connectAs(pki.clients.revoked)).toMatchObject({ authorized: true });
  });

  it('has no two clients with one key or one serial number', () => {
    const clients: readonly TestClient[] = Object.values(pki.clients);
    expect(clients).toHaveLength(8);
    expect(new Set(clients.map(({ key }) => key)).size).toBe(8);
    expect(new Set(clients.map(({ serialNumber }) => serialNumber)).size).toBe(8);
  });

  it('tells its clients apart by name', () => {
    const good = readOneCertificate(pki.clients.good.certificate, 'good');
    expect(good.subject).toEqual({ O: ['Example'], CN: ['good'] });
    expect(good.subjectAltNames.email).toEqual(['good@example.org']);
    const spiffe = readOneCertificate(pki.clients.spiffe.certificate, 'spiffe');
    expect(spiffe.subject).toEqual({});
    expect(spiffe.subjectAltNames.uri).toEqual(['spiffe://example.org/workload']);
  });

  it('has a server that is this host, by name and by address', () => {
    const { x509, subjectAltNames } = readOneCertificate(pki.server.certificate, 'server');
    expect(subjectAltNames).toMatchObject({ dns: ['localhost', '*.localhost'], ip: ['127.0.0.1', '::1'] });
    expect(x509.checkHost('localhost')).toBe('localhost');
    expect([x509.checkIP('127.0.0.1'), x509.checkIP('::1')]).toEqual(['127.0.0.1', '::1']);
  });

  it('gives to the options of a server or a client what belongs there, and nothing else', () => {
    expect(Object.keys({ ...pki.server })).toEqual(['key', 'cert']);
    expect(Object.keys({ ...pki.clients.good })).toEqual(['key', 'cert', 'ca']);
    const { certificate, chain, cert, serialNumber, ca } = pki.server;
    expect([chain, cert]).toEqual([certificate, certificate]);
    expect(new X509Certificate(certificate).serialNumber).toBe(serialNumber);
    expect(ca).toBe(pki.ca);
  });

  it('lets every client trust the server, and nobody else’s', async () => {
    expect(new Set(Object.values(pki.clients).map(({ ca }: TestClient) => ca))).toEqual(new Set([pki.ca]));
    await expect(
      handshake({ ...other.server }, { ...pki.clients.good, servername: 'api.example.org' }),
    ).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  it('issues more clients and servers', async () => {
    const [client, server, named] = await Promise.all([
      pki.issueClient({ subject: 'alice' }),
      pki.issueServer(),
      pki.issueServer({ names: ['api.example.org'] }),
    ]);
    expect(await connectAs(client, pki.crl)).toMatchObject({ authorized: true });
    const { ca } = client;
    expect((await handshake({ ...server }, { ca, servername: 'localhost' })).protocol).toBe('TLSv1.3');
    expect((await handshake({ ...named }, { ca, servername: 'api.example.org' })).protocol).toBe('TLSv1.3');
    await expect(handshake({ ...named }, { ca, servername: 'localhost' })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('revokes more clients, each list with all of them and a greater number', async () => {
    const { good, spiffe, revoked } = pki.clients;
    const crls = [pki.crl, await pki.revoke(good), await pki.revoke(spiffe, good)];
    const lists = await Promise.all(crls.map((crl) => readFetchedList(Buffer.from(crl))));
    const certificates = [revoked, good, spiffe].map(({ certificate }) =>
      readOneCertificate(certificate, 'client'),
    );
    expect(lists.map((list) => certificates.map((certificate) => list.revokes(certificate)))).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
    const numbers = lists.map(({ number }) => number!);
    expect(numbers).toEqual([numbers[0], numbers[0]! + 1n, numbers[0]! + 2n]);
    const more = await Promise.all([pki.issueClient({ subject: 'x' }), pki.issueClient({ subject: 'y' })]);
    const last = await Promise.all(more.map((client) => pki.revoke(client)));
    const both = await Promise.all(last.map((crl) => readFetchedList(Buffer.from(crl))));
    const news = more.map(({ certificate }) => readOneCertificate(certificate, 'client'));
    // Asked for at once, none forgets whom the other has revoked.
    expect(both.map((list) => news.map((certificate) => list.revokes(certificate)))).toEqual([
      [true, false],
      [true, true],
    ]);
    expect(both.map(({ number }) => number)).toEqual([numbers[0]! + 3n, numbers[0]! + 4n]);
    await expect(pki.revoke({} as TestClient)).rejects.toMatchObject({ path: 'revoke[0]' });
  });

  it.each(['good', 'spiffe'] as const)(
    'has an impostor of %s, equal in all names and of no avail',
    async (name) => {
      const feigned = await pki.impostor(name);
      const [theirs, real] = [feigned, pki.clients[name]].map(
        ({ certificate }) => new X509Certificate(certificate),
      );
      for (const field of ['subject', 'subjectAltName', 'issuer'] as const)
        expect(theirs![field]).toBe(real![field]);
      expect(await connectAs(feigned)).toMatchObject({
        authorized: false,
        authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      });
    },
  );

  it('has no impostor of somebody unknown', async () => {
    await expect(pki.impostor('goood' as 'good')).rejects.toMatchObject({ remedy: "Did you mean 'good'?" });
  });

  it('can have other keys and names for its server', () => {
    const { x509, subjectAltNames } = readOneCertificate(other.server.certificate, 'server');
    expect(x509.publicKey.asymmetricKeyType).toBe('ed25519');
    expect(new X509Certificate(other.ca).publicKey.asymmetricKeyType).toBe('ed25519');
    expect(subjectAltNames.dns).toEqual(['api.example.org']);
  });

  it('cannot be changed by one test for the next one', () => {
    expect(Object.isFrozen(pki)).toBe(true);
    expect(Object.isFrozen(pki.server)).toBe(true);
    expect(Object.isFrozen(pki.clients)).toBe(true);
    expect(Object.values(pki.clients).every(Object.isFrozen)).toBe(true);
  });

  it('does not print the key of its authority', () => {
    expect(inspect(pki.authority, { showHidden: true, depth: 9 })).not.toContain('PRIVATE KEY');
  });

  it.each<[unknown, string]>([
    [{ keytype: 'ed25519' }, 'keytype'],
    [{ keyType: 'rsa-512' }, 'keyType'],
    [{ serverNames: [] }, 'serverNames'],
    [{ serverNames: ['localhost', 'a b'] }, 'serverNames[1]'],
  ])('refuses %j', async (options, path) => {
    await expect(createTestPki(options as TestPkiOptions)).rejects.toMatchObject({
      name: 'ConfigError',
      path,
    });
  });
});
