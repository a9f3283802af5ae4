import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, requireClientCertificate } from 'portcullis';
import {
  type AltNamesInput,
  type Authority,
  type AuthorityRenewalInput,
  createAuthority,
  createRequest,
  type IssuedCertificate,
  type KeyType,
  loadAuthority,
  type RenewalOptions,
} from 'portcullis/pki';
import { request } from 'portcullis/testing';
import { der } from '../../lib/pki/der.ts';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import { faultsOf } from '../../lib/trust/profile/faults.ts';
import { distributionPointsOf } from '../../lib/trust/revocation/distribution-points.ts';
import type { Certificate } from '../../lib/x509/certificate.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { handshake } from '../support/handshake.ts';
import { oddAuthority, oddCertificate, type Overrides } from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { commonName, generalName } from '../support/odd-names.ts';

const read = (pem: string): Certificate => readOneCertificate(pem, 'certificate');
const dayMs = 86_400_000;
const start = Math.floor(Date.now() / 1000) * 1000;
const inDays = (days: number): Date => new Date(start + days * dayMs);
const daysOf = (pem: string): number => {
  const { notBefore, notAfter } = read(pem);
  return (notAfter - notBefore) / dayMs;
};

let root: Authority;
let server: IssuedCertificate;
let client: IssuedCertificate;

beforeAll(async () => {
  root = await createAuthority({ notBefore: inDays(-200) });
  [server, client] = await Promise.all([
    root.issueServerCertificate({ names: ['localhost', '127.0.0.1'], keyType: 'ecdsa-p384' }),
    root.issueClientCertificate({
      subject: { O: 'Exämple', OU: ['Ops', 'Night'], CN: 'alice' },
      names: { email: ['alice@example.org'], uri: ['spiffe://example.org/alice'] },
      crlDistributionPoints: ['http://pki.example.org/root.crl'],
      certificatePolicies: ['1.3.6.1.4.1.99999.1'],
      notBefore: inDays(-20),
      notAfter: inDays(10),
    }),
  ]);
});

const connectAs = ({ key, chain }: IssuedCertificate, trusted: string): Promise<{ authorized: boolean }> =>
  handshake(
    { key: server.key, cert: server.chain, ca: trusted },
    { key, cert: chain, ca: root.root, servername: 'localhost' },
  );

describe('a renewed certificate', () => {
  it('has the subject, names, purposes and places of the old one, and a new number, key and time', async () => {
    const renewed = await root.renewCertificate(client.certificate);
    const [before, after] = [read(client.certificate), read(renewed.certificate)];
    expect(after.subjectRaw).toEqual(before.subjectRaw);
    for (const oid of [
      oids.subjectAltName,
      oids.extendedKeyUsage,
      oids.keyUsage,
      oids.crlDistributionPoints,
      oids.certificatePolicies,
    ]) {
      expect(after.extensions.get(oid)).toEqual(before.extensions.get(oid));
    }
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect(after.pin).not.toBe(before.pin);
    expect(daysOf(renewed.certificate)).toBe(30);
    expect(after.notBefore).toBeGreaterThan(before.notBefore + 19 * dayMs);
    expect(await connectAs(renewed, root.root)).toMatchObject({ authorized: true });
  });

  it('of a server serves as the old one did, with a key of the same kind', async () => {
    const { key, chain, certificate } = await root.renewCertificate(server.certificate);
    expect(read(certificate).publicKey).toMatchObject({ curve: 'secp384r1' });
    expect(createPublicKey(key).asymmetricKeyDetails).toEqual({ namedCurve: 'secp384r1' });
    const seen = await handshake({ key, cert: chain }, { ca: root.root, servername: 'localhost' });
    expect(seen.serverCertificate).toEqual(read(certificate).raw);
  });

  it.each<KeyType>(['ecdsa-p521', 'ed25519'])('of %s has another key of that kind', async (keyType) => {
    const { certificate } = await root.issueClientCertificate({ subject: 'device', keyType });
    const renewed = await root.renewCertificate(certificate);
    expect(read(renewed.certificate).publicKey).toEqual(read(certificate).publicKey);
    expect(read(renewed.certificate).pin).not.toBe(read(certificate).pin);
  });

  it('may have another kind of key, and another end', async () => {
    const notAfter = inDays(5);
    const { certificate } = await root.renewCertificate(client.certificate, { keyType: 'ed25519', notAfter });
    expect(read(certificate)).toMatchObject({ publicKey: { type: 'ed25519' }, notAfter: notAfter.getTime() });
  });

  it('keeps the key where it is told so, and gives none back', async () => {
    const renewed = await root.renewCertificate(client.certificate, { keepKey: true });
    expect(Object.keys(renewed).toSorted()).toEqual(['ca', 'certificate', 'chain', 'serialNumber']);
    expect(read(renewed.certificate).pin).toBe(read(client.certificate).pin);
    expect(await connectAs({ ...renewed, key: client.key }, root.root)).toMatchObject({ authorized: true });
  });

  it('takes the key that it is given, encrypted or not', async () => {
    const passphrase = 'open sesame';
    const encrypted = createPrivateKey(client.key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      .toString();
    const options = { key: encrypted, passphrase };
    const renewed = await root.renewCertificate(client.certificate, options);
    expect(renewed.key).toBe(encrypted);
    expect(read(renewed.certificate).pin).toBe(read(client.certificate).pin);
    const other = await root.renewCertificate(client.certificate, { key: server.key });
    expect(await connectAs(other, root.root)).toMatchObject({ authorized: true });
  });

  it('takes the key of a request, and none of the names that it asks for', async () => {
    const { request: pem, key } = await createRequest({ subject: 'admin', names: ['victim.example'] });
    const renewed = await root.renewCertificate(client.certificate, { request: pem });
    expect(read(renewed.certificate).subjectRaw).toEqual(read(client.certificate).subjectRaw);
    expect(read(renewed.certificate).subjectAltNames.dns).toEqual([]);
    expect(await connectAs({ ...renewed, key }, root.root)).toMatchObject({ authorized: true });
  });

  it('lies where it is told to now', async () => {
    const crlDistributionPoints = ['http://new.example.org/root.crl'];
    const { certificate } = await root.renewCertificate(client.certificate, { crlDistributionPoints });
    expect(distributionPointsOf(read(certificate))).toEqual(crlDistributionPoints);
    expect(read(certificate).certificatePolicies).toEqual(['1.3.6.1.4.1.99999.1']);
  });

  it('does not grow from one renewal to the next, nor beyond its issuer', async () => {
    const again = await root.renewCertificate((await root.renewCertificate(client.certificate)).certificate);
    expect(daysOf(again.certificate)).toBe(30);
    const short = await createAuthority({ notAfter: inDays(20) });
    const own = await short.issueClientCertificate({
      subject: 'a',
      notBefore: inDays(-5),
      notAfter: inDays(18),
    });
    const { certificate } = await short.renewCertificate(own.certificate);
    expect(read(certificate).notAfter).toBe(read(short.certificate).notAfter);
  });

  it('has no life that would not be given today, however long the old one was', async () => {
    const made = (oid: string, days: number): Promise<IssuedCertificate> => {
      const old = below({
        extensions: { extendedKeyUsage: extension.extendedKeyUsage([oid]) },
        notAfter: inDays(days),
      });
      return foreign().then((authority) => authority.renewCertificate(old));
    };
    const [clientEnd, serverEnd] = await Promise.all([
      made(purposes.clientAuth, 2000),
      made(purposes.serverAuth, 600),
    ]);
    expect(daysOf(clientEnd.certificate)).toBeCloseTo(825, 3);
    expect(daysOf(serverEnd.certificate)).toBeCloseTo(398, 3);
    await expect(root.renewCertificate(client.certificate, { notAfter: inDays(826) })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      path: 'notAfter',
    });
  });

  it('may have been over before', async () => {
    const old = await root.issueClientCertificate({
      subject: 'a',
      notBefore: inDays(-40),
      notAfter: inDays(-10),
    });
    expect(daysOf((await root.renewCertificate(old.certificate)).certificate)).toBe(30);
  });

  /** An authority and certificates that somebody else has made. */
  const other = oddAuthority({ notAfter: inDays(3000) });
  const foreign = (): Promise<Authority> => loadAuthority({ certificate: other.certificate, key: other.key });
  const below = (overrides: Overrides): string =>
    oddCertificate({
      issuer: other,
      ...overrides,
      extensions: {
        subjectAltName: extension.subjectAltName([generalName.dns('a.example')]),
        ...overrides.extensions,
      },
    }).certificate;

  it.each<[string, () => string, string, string]>([
    ['that is garbage', () => 'garbage', 'CERTIFICATE_INVALID', 'certificate'],
    ['of another authority', () => client.certificate, 'CERTIFICATE_INVALID', 'certificate'],
    [
      'of a namesake',
      () => oddCertificate({ issuer: oddAuthority({ subject: other.subject }) }).certificate,
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    ['that is its own', () => other.certificate, 'CERTIFICATE_INVALID', 'certificate'],
    [
      'for signing code',
      () => below({ extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.codeSigning]) } }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    [
      'for everything',
      () => below({ extensions: { extendedKeyUsage: extension.extendedKeyUsage([purposes.any]) } }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    [
      'without purposes',
      () => below({ extensions: { extendedKeyUsage: null } }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    [
      'of a server without names',
      () =>
        below({
          extensions: {
            subjectAltName: null,
            extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]),
          },
        }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    [
      'with a name of a kind that it does not issue',
      () =>
        below({
          extensions: { subjectAltName: extension.subjectAltName([generalName.registeredId('1.2.3')]) },
        }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    [
      'with a name that it would not issue',
      () => below({ extensions: { subjectAltName: extension.subjectAltName([generalName.dns('*.com')]) } }),
      'OPTION_INVALID',
      'certificate.names.dns[0]',
    ],
    [
      'that restricts in an unknown way',
      () => below({ moreExtensions: [extension.raw('1.2.3.4', der(0x05), true)] }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
  ])('is not made of one %s', async (_what, old, code, path) => {
    const authority = await foreign();
    await expect(authority.renewCertificate(old())).rejects.toMatchObject({
      name: 'ConfigError',
      code,
      path,
    });
  });

  it.each<[string, () => object, string, string]>([
    ['a misspelt option', () => ({ notafter: inDays(1) }), 'OPTION_UNKNOWN', 'notafter'],
    ['two keys', () => ({ key: server.key, keyType: 'ed25519' }), 'OPTION_CONFLICT', 'key'],
    ['a key and a request', () => ({ key: server.key, request: 'x' }), 'OPTION_CONFLICT', 'request'],
    ['a request and the old key', () => ({ request: 'x', keepKey: true }), 'OPTION_CONFLICT', 'keepKey'],
    ['a passphrase without a key', () => ({ passphrase: 'x' }), 'OPTION_CONFLICT', 'passphrase'],
    ['garbage for a request', () => ({ request: 'x' }), 'REQUEST_INVALID', 'request'],
    ['garbage for a key', () => ({ key: 'x' }), 'KEY_INVALID', 'key'],
    ['a text for a flag', () => ({ keepKey: 'yes' }), 'OPTION_INVALID', 'keepKey'],
    ['new names', () => ({ names: ['a.test'] }), 'OPTION_UNKNOWN', 'names'],
  ])('is refused %s', async (_what, options, code, path) => {
    await expect(
      root.renewCertificate(client.certificate, options() as RenewalOptions),
    ).rejects.toMatchObject({ name: 'ConfigError', code, path });
  });
});

describe('a renewed authority', () => {
  it('lets in, as old root and as new, what it has issued before and since', async () => {
    const renewed = await root.renew();
    const [old, fresh] = [read(root.certificate), read(renewed.certificate)];
    expect(fresh.subjectRaw).toEqual(old.subjectRaw);
    expect(fresh.pin).toBe(old.pin);
    expect(fresh.subjectKeyId).toBe(old.subjectKeyId);
    expect(fresh.serialNumber).not.toBe(old.serialNumber);
    expect(fresh.notAfter).toBeGreaterThan(old.notAfter);
    const since = await renewed.issueClientCertificate({ subject: 'since' });
    for (const leaf of [client, since]) {
      for (const ca of [root.root, renewed.root, root.root + renewed.root]) {
        expect(await connectAs(leaf, ca)).toMatchObject({ authorized: true });
        const app = express().get('/', requireClientCertificate(), (_request, response) => {
          response.send('in');
        });
        const listener = createServer(
          { key: server.key, cert: server.chain, clientAuth: { mode: 'optional', ca } },
          app,
        );
        const cert = leaf.chain;
        await request(listener, { ca: root.root }).as({ key: leaf.key, cert }).get('/').expect(200);
      }
    }
  });

  it('keeps its bounds', async () => {
    const nameConstraints = { permitted: { dns: ['example.org'] } };
    const bound = await createAuthority({ nameConstraints, pathLength: 1 });
    const renewed = await bound.renew({ notAfter: inDays(100) });
    const [old, fresh] = [read(bound.certificate), read(renewed.certificate)];
    expect(fresh.extensions.get(oids.nameConstraints)).toEqual(old.extensions.get(oids.nameConstraints));
    expect(fresh.extensions.get(oids.keyUsage)).toEqual(old.extensions.get(oids.keyUsage));
    expect(fresh.basicConstraints).toEqual({ ca: true, pathLength: 1 });
    expect(fresh.notAfter).toBe(inDays(100).getTime());
    await expect(renewed.issueServerCertificate({ names: ['example.com'] })).rejects.toMatchObject({
      code: 'OPTION_CONFLICT',
    });
  });

  it('that is an intermediate is renewed by the one above it, renewed or not', async () => {
    const intermediate = await root.issueIntermediate({
      crlDistributionPoints: ['http://pki.example.org/root.crl'],
      caIssuers: ['http://pki.example.org/root.cer'],
    });
    const leaf = await intermediate.issueClientCertificate({ subject: 'alice' });
    for (const issuer of [root, await root.renew()]) {
      const renewed = await intermediate.renew({ issuer });
      expect(renewed.root).toBe(issuer.root);
      expect(renewed.key).toBe(intermediate.key);
      expect(distributionPointsOf(read(renewed.certificate))).toEqual(['http://pki.example.org/root.crl']);
      expect(new X509Certificate(renewed.certificate).infoAccess).toContain('root.cer');
      const again = { ...leaf, chain: leaf.certificate + renewed.chain };
      expect(await connectAs(again, root.root)).toMatchObject({ authorized: true });
      const { certificate } = await renewed.renewCertificate(leaf.certificate);
      expect(read(certificate).subject).toEqual({ CN: ['alice'] });
    }
  });

  it('goes on in the numbers of its lists', async () => {
    const authority = await createAuthority();
    await authority.crl({ revoked: [], number: 2n ** 60n });
    const renewed = await authority.renew();
    const after = await renewed.crl({ revoked: [] });
    const follow = (number: bigint): Promise<string> => renewed.crl({ revoked: [], after, number });
    await expect(follow(2n ** 60n + 1n)).rejects.toMatchObject({ path: 'number' });
    expect(await follow(2n ** 60n + 2n)).toContain('X509 CRL');
  });

  it('keeps the key identifier and name that others have given it', async () => {
    const odd = oddAuthority({
      subject: commonName('Fremde', 't61'),
      keyId: createHash('sha1').update('x').digest(),
    });
    const { certificate, key } = odd;
    const renewed = await (await loadAuthority({ certificate, key })).renew();
    expect(read(renewed.certificate).subjectRaw).toEqual(odd.subject);
    expect(read(renewed.certificate).subjectKeyId).toBe(read(odd.certificate).subjectKeyId);
  });

  it.each<[string, () => Promise<unknown>, string, string]>([
    ['a root by another one', () => root.renew({ issuer: root }), 'OPTION_CONFLICT', 'issuer'],
    ['a root for 26 years', () => root.renew({ notAfter: inDays(9500) }), 'OPTION_INVALID', 'notAfter'],
    [
      'a root that stands in a list',
      () => root.renew({ ocsp: ['http://a.test/'] }),
      'OPTION_CONFLICT',
      'ocsp',
    ],
    ['an intermediate by nobody', () => below().then((low) => low.renew()), 'OPTION_INVALID', 'issuer'],
    [
      'an intermediate by what is no authority',
      () => below().then((low) => low.renew({ issuer: { ...root } })),
      'OPTION_INVALID',
      'issuer',
    ],
    [
      'an intermediate by a stranger',
      async () => (await below()).renew({ issuer: await createAuthority() }),
      'OPTION_CONFLICT',
      'issuer',
    ],
    [
      'with a misspelt option',
      () => root.renew({ notafter: inDays(1) } as AuthorityRenewalInput),
      'OPTION_UNKNOWN',
      'notafter',
    ],
  ])('is not %s', async (_what, renew, code, path) => {
    await expect(renew()).rejects.toMatchObject({ name: 'ConfigError', code, path });
  });

  const below = (): Promise<Authority> => root.issueIntermediate();
});

describe('what a certificate says of its status', () => {
  it('is read by those who fetch it, and by OpenSSL', async () => {
    const urls = ['http://pki.example.org/a.crl', 'http://b.example.org/a.crl?x=(1)'];
    const { certificate } = await root.issueServerCertificate({
      names: ['localhost'],
      crlDistributionPoints: urls,
      ocsp: ['http://ocsp.example.org/'],
      caIssuers: ['https://pki.example.org/ca.cer'],
      certificatePolicies: ['2.23.140.1.2.1', '1.3.6.1.4.1.99999.1'],
    });
    const issued = read(certificate);
    expect(distributionPointsOf(issued)).toEqual(urls);
    expect(issued.certificatePolicies).toEqual(['2.23.140.1.2.1', '1.3.6.1.4.1.99999.1']);
    expect(issued.x509.infoAccess).toBe(
      'OCSP - URI:http://ocsp.example.org/\nCA Issuers - URI:https://pki.example.org/ca.cer',
    );
    for (const oid of [oids.crlDistributionPoints, oids.authorityInfoAccess, oids.certificatePolicies])
      expect(issued.extensions.get(oid)?.critical).toBe(false);
    const renewed = await root.renewCertificate(certificate);
    const { certificate: newRoot } = await root.renew();
    for (const pem of [certificate, renewed.certificate, newRoot])
      expect([...faultsOf(read(pem))]).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['no list', { crlDistributionPoints: 'http://a.test/' }, 'crlDistributionPoints'],
    ['an empty list', { ocsp: [] }, 'ocsp'],
    ['the same twice', { ocsp: ['http://a.test/', 'http://a.test/'] }, 'ocsp'],
    ['nine of them', { ocsp: Array.from({ length: 9 }, (_, n) => `http://${n}.test/`) }, 'ocsp'],
    ['a number', { ocsp: [7] }, 'ocsp[0]'],
    ['LDAP', { crlDistributionPoints: ['ldap://a.test/cn=x'] }, 'crlDistributionPoints[0]'],
    ['a path', { crlDistributionPoints: ['/a.crl'] }, 'crlDistributionPoints[0]'],
    ['a password', { caIssuers: ['http://me:secret@a.test/'] }, 'caIssuers[0]'],
    ['a fragment', { caIssuers: ['http://a.test/#x'] }, 'caIssuers[0]'],
    ['a line break', { caIssuers: ['http://a.test/\n'] }, 'caIssuers[0]'],
    ['Unicode', { caIssuers: ['http://bücher.test/'] }, 'caIssuers[0]'],
    ['an escape sequence', { caIssuers: ['http://a.test/\u001b[2J'] }, 'caIssuers[0]'],
    ['a policy that is a name', { certificatePolicies: ['gold'] }, 'certificatePolicies[0]'],
    ['a policy of one number', { certificatePolicies: ['1'] }, 'certificatePolicies[0]'],
    ['a policy below no root', { certificatePolicies: ['3.1'] }, 'certificatePolicies[0]'],
  ])('is refused where it is %s', async (_what, options, path) => {
    const error: unknown = await root
      .issueClientCertificate({ subject: 'x', ...options })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ConfigError', path });
    expect(String(error)).not.toContain('secret');
    await expect(root.issueServerCertificate({ names: ['a.test'], ...options })).rejects.toMatchObject({
      path,
    });
    await expect(root.issueIntermediate(options)).rejects.toMatchObject({ path });
  });

  it('means nothing in a root, which says so', async () => {
    await expect(createAuthority({ crlDistributionPoints: ['http://a.test/'] })).rejects.toMatchObject({
      code: 'OPTION_CONFLICT',
      path: 'crlDistributionPoints',
    });
  });
});

describe('name constraints of mail and URIs', () => {
  it('stand in the authority, bound what it issues, and count for OpenSSL', async () => {
    const bound = await createAuthority({
      nameConstraints: {
        permitted: { email: ['a@one.example', 'two.example', '.three.example'], uri: ['td.example'] },
        excluded: { email: ['b.three.example'], uri: ['.td.example'] },
      },
    });
    const issue = (names: AltNamesInput): Promise<IssuedCertificate> =>
      bound.issueClientCertificate({ names });
    const good = await issue({
      email: ['a@one.example', 'x@two.example', 'x@a.three.example'],
      uri: ['spiffe://td.example/a', 'https://td.example:8443/'],
    });
    const listener = { key: server.key, cert: server.chain, ca: bound.root };
    const show = { key: good.key, cert: good.chain, ca: root.root, servername: 'localhost' };
    expect(await handshake(listener, show)).toMatchObject({ authorized: true });
    const refused: AltNamesInput[] = [
      { email: ['b@one.example'] },
      { email: ['A@one.example'] },
      { email: ['x@a.two.example'] },
      { email: ['x@three.example'] },
      { email: ['x@b.three.example'] },
      { uri: ['spiffe://a.td.example/a'] },
      { uri: ['spiffe://other.example/a'] },
      { uri: ['urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'] },
    ];
    for (const names of refused)
      await expect(issue(names)).rejects.toMatchObject({ code: 'OPTION_CONFLICT', path: 'names' });
  });

  it.each<[string, object, string]>([
    ['a mailbox without a host', { email: ['a@'] }, 'nameConstraints.permitted.email[0]'],
    ['a mail host that is none', { email: ['-x.example'] }, 'nameConstraints.permitted.email[0]'],
    ['a URI in place of its host', { uri: ['spiffe://td.example'] }, 'nameConstraints.permitted.uri[0]'],
    ['no type', {}, 'nameConstraints.permitted'],
    ['a type nobody knows', { url: ['a.example'] }, 'nameConstraints.permitted.url'],
  ])('are refused with %s', async (_what, permitted, path) => {
    await expect(createAuthority({ nameConstraints: { permitted } })).rejects.toMatchObject({ path });
  });
});

describe('no authority', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['lasts longer than 25 years', () => createAuthority({ notAfter: inDays(9133) })],
    [
      'lasts longer than ten years below another one',
      async () => longRoot().then((low) => low.issueIntermediate({ notAfter: inDays(3653) })),
    ],
  ])('%s', async (_what, make) => {
    await expect(make()).rejects.toMatchObject({ code: 'OPTION_INVALID', path: 'notAfter' });
  });

  it('issues for all of a top-level domain, but for one that nobody can register', async () => {
    await expect(root.issueServerCertificate({ names: ['*.com'] })).rejects.toMatchObject({
      path: 'names[0]',
    });
    const { certificate } = await root.issueServerCertificate({
      names: ['*.localhost', '*.test', '*.co.uk'],
    });
    expect(read(certificate).subjectAltNames.dns).toEqual(['*.localhost', '*.test', '*.co.uk']);
  });

  const longRoot = (): Promise<Authority> => createAuthority({ notAfter: inDays(9000) });
});
