import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Authority,
  createAuthority,
  createRequest,
  encryptKey,
  type IssuedPublicCertificate,
  type KeyType,
  readRequest,
  type RequestOptions,
  type SignRequestOptions,
} from 'portcullis/pki';
import { der, objectIdentifier, sequence, unsignedInteger } from '../../lib/pki/der.ts';
import { encodePem, readOneCertificate } from '../../lib/pki/pem.ts';
import type { Certificate } from '../../lib/x509/certificate.ts';
import { implicitTag, readChildren, readElement, tags } from '../../lib/x509/der.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { type Handshake, handshake } from '../support/handshake.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { newKeys, sharedKeys } from '../support/odd-keys.ts';
import { attribute, commonName, generalName, name } from '../support/odd-names.ts';
import {
  algorithmOf,
  asksFor,
  type OddRequest,
  oddRequest,
  oddRequestDer,
  pssAlgorithm,
  requestAttribute,
  rsaAlgorithm,
} from '../support/odd-requests.ts';

const read = (pem: string): Certificate => readOneCertificate(pem, 'certificate');
const sha256 = '2.16.840.1.101.3.4.2.1';
const [sha1Rsa, sha256Rsa] = ['1.2.840.113549.1.1.5', '1.2.840.113549.1.1.11'];
const rsaKeys = (): OddRequest => ({ keys: sharedKeys('rsa-2048') });

let root: Authority;
let peer: { key: string; cert: string };

beforeAll(async () => {
  root = await createAuthority();
  const { key, chain } = await root.issueServerCertificate({ names: ['localhost'] });
  peer = { key, cert: chain };
});

/** A handshake of both purposes: the certificate shows what it was issued for. */
function connectAs(
  key: string,
  { chain }: IssuedPublicCertificate,
  as: 'client' | 'server',
): Promise<Handshake> {
  const own = { key, cert: chain };
  const [server, client] = as === 'server' ? [own, peer] : [peer, own];
  return handshake({ ...server, ca: root.root }, { ...client, ca: root.root, servername: 'localhost' });
}

describe('a request', () => {
  it.each<KeyType>(['ecdsa-p256', 'ecdsa-p384', 'ed25519'])(
    'of %s is made, read and signed, for a server and for a client',
    async (keyType) => {
      const { request, key } = await createRequest({ keyType, subject: 'host', names: ['localhost'] });
      const server = await root.signRequest(request, { purpose: 'server', names: ['localhost'] });
      const client = await root.signRequest(request, { purpose: 'client', subject: 'host' });
      const { publicKey, pin } = readRequest(request);
      for (const { certificate } of [server, client]) {
        const { publicKey: certified } = new X509Certificate(certificate);
        expect(certified.export({ type: 'spki', format: 'pem' })).toBe(publicKey);
        expect(read(certificate).pin).toBe(pin);
      }
      expect((await connectAs(key, server, 'server')).serverCertificate).toEqual(
        read(server.certificate).raw,
      );
      expect(await connectAs(key, client, 'client')).toMatchObject({ authorized: true });
    },
  );

  it('says what it asks for: subject, names by type, and everything else by OID', async () => {
    const { request } = await createRequest({
      subject: { C: 'DE', O: 'Exämple', CN: 'a, b' },
      names: {
        dns: ['*.example.org'],
        ip: ['2001:db8::7'],
        email: ['ops@example.org'],
        uri: ['spiffe://example.org/workload'],
      },
    });
    expect(readRequest(request)).toEqual({
      subject: { C: ['DE'], O: ['Exämple'], CN: ['a, b'] },
      names: {
        dns: ['*.example.org'],
        ip: ['2001:db8::7'],
        email: ['ops@example.org'],
        uri: ['spiffe://example.org/workload'],
      },
      publicKey: expect.stringMatching(/^-----BEGIN PUBLIC KEY-----\n/),
      keyInfo: { type: 'ec', bits: 256, curve: 'prime256v1' },
      pin: expect.stringMatching(/^sha256\/[\w+/]{43}=$/),
      requestedExtensions: [oids.subjectAltName],
    });
    expect(Object.isFrozen(readRequest(request))).toBe(true);
  });

  it('may ask for no name at all, as the authority decides', async () => {
    const { request } = await createRequest();
    expect(readRequest(request)).toMatchObject({ subject: {}, requestedExtensions: [] });
    const { certificate } = await root.signRequest(request, { purpose: 'client', subject: 'alice' });
    expect(read(certificate).subject).toEqual({ CN: ['alice'] });
  });

  it('is made with a key that is there already, which comes back as it was given', async () => {
    const { key } = await root.issueClientCertificate({ subject: 'alice' });
    const kept = await createRequest({ key });
    expect(kept.key).toBe(key);
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
    const pin = `sha256/${createHash('sha256').update(spki).digest('base64')}`;
    expect(readRequest(kept.request).pin).toBe(pin);
    const passphrase = 'open sesame';
    const encrypted = createPrivateKey(key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      .toString();
    const opened = await createRequest({ key: encrypted, passphrase });
    expect(opened.key).toBe(encrypted);
    expect(readRequest(opened.request).pin).toBe(pin);
  });

  it('is read as keytool and old Windows label it, without attributes, and with others that mean nothing', () => {
    const challenge = requestAttribute('1.2.840.113549.1.9.7', der(tags.utf8String, Buffer.from('secret')));
    const windows = requestAttribute('1.3.6.1.4.1.311.13.2.3', der(tags.ia5String, Buffer.from('10.0')));
    const request = oddRequest({ attributes: [windows, challenge] }, 'NEW CERTIFICATE REQUEST');
    expect(readRequest(request)).toMatchObject({ subject: { CN: ['odd'] } });
    expect(JSON.stringify(readRequest(request))).not.toContain('secret');
    expect(readRequest(`Certificate Request:\n${oddRequest({ attributes: null })}`)).toMatchObject({
      requestedExtensions: [],
    });
  });

  it('of an RSA key may be signed by PKCS#1 v1.5 and by RSA-PSS, with SHA-2', () => {
    const withHash = (hash: string, oid: string): OddRequest => ({
      ...rsaKeys(),
      hash,
      algorithm: rsaAlgorithm(oid),
    });
    const requests = [
      withHash('sha256', sha256Rsa),
      withHash('sha384', '1.2.840.113549.1.1.12'),
      withHash('sha512', '1.2.840.113549.1.1.13'),
      { ...rsaKeys(), saltLength: 32, algorithm: pssAlgorithm(sha256, 32) },
    ];
    for (const request of requests) expect(readRequest(oddRequest(request)).keyInfo.type).toBe('rsa');
  });
});

describe('a request is refused', () => {
  const asked = extension.subjectAltName([generalName.dns('localhost')]);
  const [ofDsa, weak] = [{ keys: sharedKeys('dsa-1024') }, { keys: sharedKeys('rsa-1024') }];
  const compressed = (): Buffer => {
    const spki = sharedKeys('ec-p256').publicKey.export({ type: 'spki', format: 'der' });
    const [algorithm, point] = readChildren(readElement(spki));
    const octets = point!.content.subarray(2);
    const short = Buffer.concat([Buffer.of(0, 2 + (octets.at(-1)! & 1)), octets.subarray(0, 32)]);
    return sequence(algorithm!.raw, der(tags.bitString, short));
  };
  it.each<[string, () => unknown, string?]>([
    ['as a buffer', () => oddRequestDer()],
    ['as nothing', () => undefined],
    ['as garbage', () => 'garbage'],
    ['as a certificate', () => root.certificate],
    ['as a private key', () => root.key],
    ['twice in one text', () => oddRequest() + oddRequest()],
    ['with damaged base64', () => oddRequest().replace(/\n.{10}/, '\n!')],
    ['cut short', () => encodePem('CERTIFICATE REQUEST', oddRequestDer().subarray(0, -1))],
    ['empty', () => encodePem('CERTIFICATE REQUEST', sequence())],
    ['with octets behind it', () => oddRequest({ trailing: Buffer.of(0x05, 0x00) })],
    ['with a field behind its signature', () => oddRequest({ after: [unsignedInteger(1)] })],
    ['with a field behind its attributes', () => oddRequest({ moreFields: [unsignedInteger(1)] })],
    ['of version 2', () => oddRequest({ version: unsignedInteger(1) })],
    ['of a version in two octets', () => oddRequest({ version: der(tags.integer, Buffer.of(0, 0)) })],
    ['with another field for attributes', () => oddRequest({ attributes: null, moreFields: [sequence()] })],
    ['with a damaged signature', () => oddRequest({ damaged: true })],
    ['signed with another key', () => oddRequest({ signer: newKeys('ec-p256') })],
    ['signed with SHA-1', () => oddRequest({ ...rsaKeys(), hash: 'sha1', algorithm: rsaAlgorithm(sha1Rsa) })],
    [
      'signed by an algorithm that is not its key’s',
      () => oddRequest({ algorithm: rsaAlgorithm(sha256Rsa) }),
    ],
    ['signed by another hash than it says', () => oddRequest({ hash: 'sha384' })],
    ['signed by an unknown algorithm', () => oddRequest({ algorithm: algorithmOf('1.2.3.4') })],
    [
      'with two hashes in its RSA-PSS',
      () =>
        oddRequest({
          ...rsaKeys(),
          saltLength: 32,
          algorithm: pssAlgorithm(sha256, 32, '2.16.840.1.101.3.4.2.2'),
        }),
    ],
    [
      'with RSA-PSS without a salt',
      () => oddRequest({ ...rsaKeys(), saltLength: 0, algorithm: pssAlgorithm(sha256, 0) }),
    ],
    ['with an attribute twice', () => oddRequest({ attributes: [asksFor(asked), asksFor(asked)] })],
    ['with an extension twice', () => oddRequest({ attributes: [asksFor(asked, asked)] })],
    [
      'with two lists of extensions',
      () =>
        oddRequest({
          attributes: [requestAttribute('1.2.840.113549.1.9.14', sequence(asked), sequence(asked))],
        }),
    ],
    ['with an attribute without a value', () => oddRequest({ attributes: [requestAttribute('1.2.3.4')] })],
    [
      'with an attribute that is none',
      () => oddRequest({ attributes: [sequence(objectIdentifier('1.2.3.4'))] }),
    ],
    [
      'with names that are none',
      () => oddRequest({ attributes: [asksFor(extension.raw(oids.subjectAltName, Buffer.of(0x30, 0x05)))] }),
    ],
    [
      'with an address of three octets',
      () =>
        oddRequest({ attributes: [asksFor(extension.subjectAltName([generalName.ip(Buffer.of(1, 2, 3))]))] }),
    ],
    ['with a name that is none', () => oddRequest({ subject: sequence(unsignedInteger(1)) })],
    ['with a key that is none', () => oddRequest({ publicKey: sequence() })],
    [
      'of a DSA key',
      () => oddRequest({ ...ofDsa, algorithm: algorithmOf('2.16.840.1.101.3.4.3.2') }),
      'KEY_INVALID',
    ],
    [
      'of an RSA key of 1024 bits',
      () => oddRequest({ ...weak, algorithm: rsaAlgorithm(sha256Rsa) }),
      'KEY_INVALID',
    ],
    ['of a foreign curve', () => oddRequest({ keys: sharedKeys('ec-secp256k1') }), 'KEY_INVALID'],
    ['of Ed448', () => oddRequest({ keys: sharedKeys('ed448'), hash: null }), 'KEY_INVALID'],
    ['of a compressed point', () => oddRequest({ publicKey: compressed() }), 'KEY_INVALID'],
    ['of more than 64 KiB', () => oddRequest({ subject: commonName('x'.repeat(70_000)) })],
  ])('%s', async (_what, request, code = 'REQUEST_INVALID') => {
    const pem = request() as string;
    expect(() => readRequest(pem)).toThrow(
      expect.objectContaining({ name: 'ConfigError', code, path: 'request' }),
    );
    await expect(root.signRequest(pem, { purpose: 'client', subject: 'x' })).rejects.toMatchObject({ code });
  });

  it.each<[string, object, string, string]>([
    ['a misspelt option', { keytype: 'ed25519' }, 'OPTION_UNKNOWN', 'keytype'],
    ['a bad name', { names: ['a b'] }, 'OPTION_INVALID', 'names[0]'],
    ['a bad subject', { subject: 'a\nb' }, 'OPTION_INVALID', 'subject'],
    ['a key type that is none', { keyType: 'rsa-1024' }, 'OPTION_INVALID', 'keyType'],
    ['garbage for a key', { key: 'garbage' }, 'KEY_INVALID', 'key'],
    ['a passphrase without a key', { passphrase: 'x' }, 'OPTION_CONFLICT', 'passphrase'],
  ])('to be made with %s', async (_what, options, code, path) => {
    await expect(createRequest(options as RequestOptions)).rejects.toMatchObject({ code, path });
  });

  it('to be made with a key and a key type, or a weak key', async () => {
    const key = sharedKeys('rsa-1024').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await expect(createRequest({ key })).rejects.toMatchObject({ code: 'KEY_INVALID', path: 'key' });
    await expect(createRequest({ key, keyType: 'ed25519' })).rejects.toMatchObject({ path: 'keyType' });
  });
});

describe('an authority that signs a request', () => {
  const bold = (): string =>
    oddRequest({
      subject: name(attribute('O', 'Example'), attribute('CN', 'admin')),
      attributes: [
        asksFor(
          extension.basicConstraints({ ca: true, pathLength: 9 }),
          extension.keyUsage(['keyCertSign', 'cRLSign']),
          extension.extendedKeyUsage([purposes.any, purposes.codeSigning]),
          extension.subjectAltName([
            generalName.dns('victim.example'),
            generalName.email('root@example.org'),
          ]),
        ),
      ],
    });

  it('grants nothing that it asks for: no CA, no purposes, and no names', async () => {
    const { certificate } = await root.signRequest(bold(), { purpose: 'client', subject: 'guest' });
    const issued = read(certificate);
    expect(issued.subject).toEqual({ CN: ['guest'] });
    expect(issued.subjectAltNames).toMatchObject({ dns: [], email: [] });
    expect(issued.isCa).toBe(false);
    expect(issued.keyUsage).toEqual(new Set(['digitalSignature']));
    expect(issued.extendedKeyUsage).toEqual([oids.clientAuth]);
  });

  it('grants its names where it is told so, and still nothing else', async () => {
    const options = { purpose: 'client', namesFromRequest: true } as const;
    const issued = read((await root.signRequest(bold(), options)).certificate);
    expect(issued.subject).toEqual({ O: ['Example'], CN: ['admin'] });
    expect(issued.subjectAltNames).toMatchObject({ dns: ['victim.example'], email: ['root@example.org'] });
    expect(issued.isCa).toBe(false);
    expect(issued.extendedKeyUsage).toEqual([oids.clientAuth]);
    const named = await root.signRequest(bold(), { ...options, subject: { CN: 'guest' } });
    expect(read(named.certificate).subject).toEqual({ CN: ['guest'] });
  });

  it('grants a server its names, addresses and dates', async () => {
    const { request } = await createRequest({ names: ['api.example.org', '10.0.0.1'] });
    const notAfter = new Date(Date.now() + 86_400_000);
    const { certificate } = await root.signRequest(request, {
      purpose: 'server',
      namesFromRequest: true,
      notAfter,
      crlDistributionPoints: ['http://pki.example.org/root.crl'],
    });
    const issued = read(certificate);
    expect(issued.subjectAltNames).toMatchObject({ dns: ['api.example.org'], ip: ['10.0.0.1'] });
    expect(issued.subject).toEqual({});
    expect(issued.extensions.get(oids.subjectAltName)?.critical).toBe(true);
    expect(issued.notAfter).toBe(Math.floor(notAfter.getTime() / 1000) * 1000);
    expect(issued.extensions.has(oids.crlDistributionPoints)).toBe(true);
  });

  it('gives it the chain, and no key', async () => {
    const below = await root.issueIntermediate();
    const { request } = await createRequest();
    const issued = await below.signRequest(request, { purpose: 'client', subject: 'alice' });
    expect(issued).toEqual({
      certificate: expect.any(String),
      chain: issued.certificate + below.certificate,
      ca: root.root,
      serialNumber: read(issued.certificate).serialNumber,
    });
  });

  it.each<[string, () => string, object, string, string]>([
    ['without a purpose', bold, { subject: 'x' }, 'OPTION_INVALID', 'purpose'],
    ['for another purpose', bold, { purpose: 'codeSigning', subject: 'x' }, 'OPTION_INVALID', 'purpose'],
    ['for a server without names', bold, { purpose: 'server' }, 'OPTION_INVALID', 'names'],
    ['for a client without a name', bold, { purpose: 'client' }, 'OPTION_INVALID', 'subject'],
    ['with a key type', bold, { purpose: 'client', keyType: 'ed25519' }, 'OPTION_UNKNOWN', 'keyType'],
    ['to be a CA', bold, { purpose: 'client', ca: true }, 'OPTION_UNKNOWN', 'ca'],
    [
      'with names of both',
      bold,
      { purpose: 'server', names: ['a.test'], namesFromRequest: true },
      'OPTION_CONFLICT',
      'names',
    ],
    [
      'for names that are no server’s',
      bold,
      { purpose: 'server', namesFromRequest: true },
      'REQUEST_INVALID',
      'request',
    ],
    [
      'for a server by its common name alone',
      () => oddRequest({ subject: commonName('localhost') }),
      { purpose: 'server', namesFromRequest: true },
      'REQUEST_INVALID',
      'request',
    ],
    [
      'for names of a kind that it does not issue',
      () =>
        oddRequest({ attributes: [asksFor(extension.subjectAltName([generalName.registeredId('1.2.3')]))] }),
      { purpose: 'client', namesFromRequest: true },
      'REQUEST_INVALID',
      'request',
    ],
    [
      'for a subject with a line break, which a terminal would show as two',
      () => oddRequest({ subject: commonName('alice\nadmin') }),
      { purpose: 'client', namesFromRequest: true },
      'OPTION_INVALID',
      'request.subject',
    ],
    [
      'for a subject with an escape sequence',
      () => oddRequest({ subject: commonName('\u001b[2Jadmin') }),
      { purpose: 'client', namesFromRequest: true },
      'OPTION_INVALID',
      'request.subject',
    ],
    [
      'for a subject with an unknown attribute',
      () => oddRequest({ subject: name(attribute('1.2.3.4', 'x')) }),
      { purpose: 'client', namesFromRequest: true },
      'REQUEST_INVALID',
      'request',
    ],
    [
      'for a subject that is no text',
      () => oddRequest({ subject: name(sequence(objectIdentifier('2.5.4.3'), unsignedInteger(7))) }),
      { purpose: 'client', namesFromRequest: true },
      'REQUEST_INVALID',
      'request',
    ],
    [
      'for a subject in broken UTF-8',
      () =>
        oddRequest({
          subject: name(sequence(objectIdentifier('2.5.4.3'), der(tags.utf8String, Buffer.of(0x61, 0xff)))),
        }),
      { purpose: 'client', namesFromRequest: true },
      'REQUEST_INVALID',
      'request',
    ],
    [
      'for a DNS name with a NUL',
      () =>
        oddRequest({
          attributes: [
            asksFor(extension.subjectAltName([der(implicitTag(2), Buffer.from('a.test\0.b.test'))])),
          ],
        }),
      { purpose: 'server', namesFromRequest: true },
      'OPTION_INVALID',
      'names[0]',
    ],
    [
      'for all of a top-level domain',
      () => oddRequest({ attributes: [asksFor(extension.subjectAltName([generalName.dns('*.com')]))] }),
      { purpose: 'server', namesFromRequest: true },
      'OPTION_INVALID',
      'names[0]',
    ],
    [
      'for ten years',
      bold,
      { purpose: 'client', subject: 'x', notAfter: new Date(Date.now() + 3600 * 86_400_000) },
      'OPTION_INVALID',
      'notAfter',
    ],
  ])('refuses one %s', async (_what, request, options, code, path) => {
    await expect(root.signRequest(request(), options as SignRequestOptions)).rejects.toMatchObject({
      name: 'ConfigError',
      code,
      path,
    });
  });

  it('keeps to the name constraints above it', async () => {
    const bound = await createAuthority({ nameConstraints: { permitted: { dns: ['example.org'] } } });
    const { request } = await createRequest({ names: ['example.com'] });
    await expect(
      bound.signRequest(request, { purpose: 'server', namesFromRequest: true }),
    ).rejects.toMatchObject({ code: 'OPTION_CONFLICT', path: 'names' });
  });
});

describe('an encrypted key', () => {
  it.each<[string, unknown, unknown, string, string]>([
    ['an empty passphrase', undefined, '', 'OPTION_INVALID', 'passphrase'],
    ['no passphrase', undefined, undefined, 'OPTION_INVALID', 'passphrase'],
    ['a passphrase with NUL', undefined, 'a\0b', 'OPTION_INVALID', 'passphrase'],
    ['a passphrase with half a character', undefined, 'a\ud800', 'OPTION_INVALID', 'passphrase'],
    ['a passphrase of 256 characters', undefined, 'a'.repeat(256), 'OPTION_INVALID', 'passphrase'],
    ['garbage for a key', 'garbage', 'x', 'KEY_INVALID', 'key'],
  ])('is not made with %s, and the error does not say which', async (_what, key, passphrase, code, path) => {
    const made = encryptKey((key as string | undefined) ?? root.key, passphrase as string);
    const error: unknown = await made.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ConfigError', code, path });
    expect(String(error)).not.toMatch(/aaaa|a\0|a\ud800/);
  });
});
