import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyPairKeyObjectResult,
  X509Certificate,
} from 'node:crypto';
import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Authority, type AuthorityOptions, createAuthority, loadAuthority } from 'portcullis/pki';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import type { Certificate } from '../../lib/x509/certificate.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { sharedKeys } from '../support/odd-keys.ts';
import { attribute, name } from '../support/odd-names.ts';

const read = (pem: string): Certificate => readOneCertificate(pem, 'certificate');
const dayMs = 86_400_000;
const octets = (length: number): string => length.toString(16).padStart(2, '0');

let root: Authority;
let intermediate: Authority;

beforeAll(async () => {
  root = await createAuthority({ subject: { C: 'DE', O: 'Exämple', CN: 'Root "1", #\\' } });
  intermediate = await root.issueIntermediate();
});

describe('a root', () => {
  it('is a certificate of version 3 that signs itself', () => {
    const certificate = read(root.certificate);
    expect(certificate.version).toBe(3);
    expect(certificate.isSelfIssued).toBe(true);
    expect(certificate.x509.verify(certificate.x509.publicKey)).toBe(true);
    expect(certificate.x509.checkPrivateKey(createPrivateKey(root.key))).toBe(true);
  });

  it('has the subject it was given, no character of it taken for syntax', () => {
    expect(read(root.certificate).subject).toEqual({ C: ['DE'], O: ['Exämple'], CN: ['Root "1", #\\'] });
  });

  it('is a CA without a path limit that may sign certificates and CRLs, both critical', () => {
    const { basicConstraints, keyUsage, extendedKeyUsage, extensions } = read(root.certificate);
    expect(basicConstraints).toEqual({ ca: true, pathLength: undefined });
    expect(keyUsage).toEqual(new Set(['keyCertSign', 'cRLSign']));
    expect(extendedKeyUsage).toBeUndefined();
    expect(extensions.get(oids.basicConstraints)?.critical).toBe(true);
    expect(extensions.get(oids.keyUsage)?.critical).toBe(true);
  });

  it('names its own key as subject and as authority', () => {
    const { subjectKeyId, authorityKeyId } = read(root.certificate);
    expect(subjectKeyId).toMatch(/^[0-9a-f]{40}$/);
    expect(authorityKeyId).toBe(subjectKeyId);
  });

  it('is valid from five minutes ago for ten years', () => {
    const { notBefore, notAfter } = read(root.certificate);
    expect(Math.abs(Date.now() - 300_000 - notBefore)).toBeLessThan(60_000);
    expect(Math.round((notAfter - Date.now()) / dayMs)).toBe(3652);
  });

  it('has another name than the next one where it was given none', async () => {
    const subjects = await Promise.all([createAuthority(), createAuthority()]);
    const [one, other] = subjects.map(({ certificate }) => read(certificate).subject['CN']?.[0]);
    expect(one).toMatch(/^Portcullis private root [0-9a-f]{8}$/);
    expect(other).not.toBe(one);
  });

  it('shows its private key to who asks for it, and to no logger', () => {
    expect(root.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n[^]+\n-----END PRIVATE KEY-----\n$/);
    expect(inspect(root, { depth: 9, showHidden: true })).not.toContain('PRIVATE KEY');
    expect(JSON.stringify({ ...root })).toBe('{}');
  });

  it('sends nothing of itself, as the peer has it', () => {
    expect(root.chain).toBe('');
    expect(root.root).toBe(root.certificate);
  });

  it('writes dates beyond 2049 so that they are read back', async () => {
    const notBefore = new Date(Date.UTC(2080, 0, 1));
    const notAfter = new Date(Date.UTC(2090, 5, 7, 8, 9, 10, 11));
    const { certificate } = await createAuthority({ notBefore, notAfter });
    expect(read(certificate).notAfter).toBe(Date.UTC(2090, 5, 7, 8, 9, 10));
    expect(new X509Certificate(certificate).validTo).toBe('Jun  7 08:09:10 2090 GMT');
  });

  it('carries its name constraints as critical', async () => {
    const { certificate } = await createAuthority({
      nameConstraints: {
        permitted: { dns: ['example.org'], ip: ['10.0.0.0/8', '2001:db8::/33'] },
        excluded: { dns: ['secret.example.org'] },
      },
    });
    const constraints = read(certificate).extensions.get(oids.nameConstraints)!;
    expect(constraints.critical).toBe(true);
    const dns = (host: string): string => `82${octets(host.length)}${Buffer.from(host).toString('hex')}`;
    const tree = (base: string): string => `30${octets(base.length / 2)}${base}`;
    const permitted = [
      dns('example.org'),
      '87080a000000ff000000',
      '872020010db8000000000000000000000000ffffffff800000000000000000000000',
    ].map(tree);
    const trees = [
      `a0${octets(permitted.join('').length / 2)}${permitted.join('')}`,
      `a1${octets(tree(dns('secret.example.org')).length / 2)}${tree(dns('secret.example.org'))}`,
    ];
    expect(constraints.value.toString('hex')).toBe(tree(trees.join('')));
  });
});

describe('an intermediate', () => {
  it('is signed by its issuer and sent with what it issues', () => {
    const certificate = read(intermediate.certificate);
    expect(certificate.issuerRaw).toEqual(read(root.certificate).subjectRaw);
    expect(certificate.x509.verify(new X509Certificate(root.certificate).publicKey)).toBe(true);
    expect(certificate.authorityKeyId).toBe(read(root.certificate).subjectKeyId);
    expect(intermediate.chain).toBe(intermediate.certificate);
    expect(intermediate.root).toBe(root.certificate);
  });

  it('issues for end entities only, unless told otherwise', async () => {
    expect(read(intermediate.certificate).basicConstraints).toEqual({ ca: true, pathLength: 0 });
    await expect(intermediate.issueIntermediate()).rejects.toMatchObject({
      code: 'OPTION_CONFLICT',
      path: 'pathLength',
    });
  });

  it('reaches no further than its issuer allows', async () => {
    const limited = await createAuthority({ pathLength: 2 });
    await expect(limited.issueIntermediate({ pathLength: 2 })).rejects.toMatchObject({
      code: 'OPTION_CONFLICT',
    });
    const below = await limited.issueIntermediate({ pathLength: 1 });
    const lowest = await below.issueIntermediate();
    expect(lowest.chain).toBe(lowest.certificate + below.certificate);
  });

  it('ends with its issuer where five years are too long, and refuses to end later', async () => {
    const notAfter = new Date(Date.now() + 30 * dayMs);
    const short = await createAuthority({ notAfter });
    const { certificate } = await short.issueIntermediate();
    expect(read(certificate).notAfter).toBe(read(short.certificate).notAfter);
    await expect(
      short.issueIntermediate({ notAfter: new Date(Date.now() + 31 * dayMs) }),
    ).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      path: 'notAfter',
    });
  });
});

describe('a kept authority', () => {
  it('issues as before', async () => {
    const again = await loadAuthority({ certificate: root.certificate, key: root.key });
    const { certificate } = await again.issueClientCertificate({ subject: 'alice' });
    expect(new X509Certificate(certificate).verify(new X509Certificate(root.certificate).publicKey)).toBe(
      true,
    );
  });

  it('finds the path to its root among its issuers, in any order', async () => {
    const middle = await root.issueIntermediate({ pathLength: 1 });
    const low = await middle.issueIntermediate();
    const { certificate, key } = low;
    const again = await loadAuthority({
      certificate,
      key,
      issuers: root.root + intermediate.certificate + middle.certificate,
    });
    expect(again.chain).toBe(low.chain);
    expect(again.root).toBe(root.root);
    await expect(again.issueIntermediate()).rejects.toMatchObject({ code: 'OPTION_CONFLICT' });
  });

  it('is opened with the passphrase of its key', async () => {
    const key = createPrivateKey(root.key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
      .toString();
    const { certificate } = root;
    expect((await loadAuthority({ certificate, key, passphrase: 'open sesame' })).key).toBe(root.key);
    await expect(loadAuthority({ certificate, key })).rejects.toMatchObject({
      code: 'KEY_INVALID',
      path: 'key',
    });
    await expect(loadAuthority({ certificate, key, passphrase: 'wrong' })).rejects.toMatchObject({
      code: 'KEY_INVALID',
    });
  });

  it('keeps the bytes of a name that others have written', async () => {
    const subject = name(
      attribute('O', 'Exämple', 't61'),
      [attribute('OU', 'Ops', 'bmp'), attribute('OU', 'Night', 'printable')],
      attribute('CN', 'Root', 'universal'),
      attribute('1.2.3.4', 'odd', 'ia5'),
    );
    const foreign = oddAuthority({ subject });
    const again = await loadAuthority(pick(foreign));
    expect(read((await again.issueClientCertificate({ subject: 'x' })).certificate).issuerRaw).toEqual(
      foreign.subject,
    );
  });

  it('signs as its RSA-PSS key is bound to', async () => {
    const [strong, weak] = [bound('sha384'), bound('sha1')];
    const authority = await loadAuthority(pick(oddAuthority({ keys: strong, hash: 'sha384' })));
    const { certificate } = await authority.issueClientCertificate({ subject: 'alice' });
    expect(new X509Certificate(certificate).verify(strong.publicKey)).toBe(true);
    await expect(loadAuthority(pick(oddAuthority({ keys: weak, hash: 'sha1' })))).rejects.toMatchObject({
      code: 'KEY_INVALID',
      path: 'key',
    });
  });

  it('issues nothing where its name would not stay as it is', async () => {
    const subject = name(attribute('CN', '😀', 'universal'));
    const again = await loadAuthority(pick(oddAuthority({ subject })));
    await expect(again.issueClientCertificate({ subject: 'x' })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
    });
  });

  it.each<[string, () => Parameters<typeof loadAuthority>[0], string, string]>([
    [
      'whose key is another one',
      () => ({ certificate: root.certificate, key: intermediate.key }),
      'KEY_MISMATCH',
      'key',
    ],
    [
      'without its issuers',
      () => ({ certificate: intermediate.certificate, key: intermediate.key }),
      'CERTIFICATE_MISSING',
      'issuers',
    ],
    [
      'with an impostor for an issuer',
      () => ({
        certificate: intermediate.certificate,
        key: intermediate.key,
        issuers: oddAuthority({ subject: read(root.certificate).subjectRaw }).certificate,
      }),
      'CERTIFICATE_MISSING',
      'issuers',
    ],
    ['that is no CA', () => pick(oddCertificate()), 'CERTIFICATE_INVALID', 'certificate'],
    [
      'that may not sign certificates',
      () => pick(oddAuthority({ extensions: { keyUsage: extension.keyUsage(['cRLSign']) } })),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    [
      'with an RSA key of 1024 bits',
      () => pick(oddAuthority({ keys: sharedKeys('rsa-1024') })),
      'KEY_INVALID',
      'key',
    ],
    [
      'with a key on a foreign curve',
      () => pick(oddAuthority({ keys: sharedKeys('ec-secp256k1') })),
      'KEY_INVALID',
      'key',
    ],
    [
      'with a key of a foreign type',
      () => pick(oddAuthority({ keys: sharedKeys('ed448') })),
      'KEY_INVALID',
      'key',
    ],
    [
      'with garbage for a key',
      () => ({ certificate: root.certificate, key: 'garbage' }),
      'KEY_INVALID',
      'key',
    ],
    [
      'with garbage for a certificate',
      () => ({ certificate: 'garbage', key: root.key }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    [
      'with a damaged certificate',
      () => ({ certificate: root.certificate.replace(/\n.{64}\n/, '\n'), key: root.key }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    [
      'with two certificates',
      () => ({ certificate: root.root + intermediate.chain, key: root.key }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
    [
      'with a key for a certificate',
      () => ({ certificate: root.key, key: root.key }),
      'CERTIFICATE_INVALID',
      'certificate',
    ],
  ])('%s is refused', async (_what, options, code, path) => {
    await expect(loadAuthority(options())).rejects.toMatchObject({ name: 'ConfigError', code, path });
  });

  it('says nothing of the key where it refuses it', async () => {
    const key = root.key.split('\n').toSpliced(2, 1).join('\n');
    const error: unknown = await loadAuthority({ certificate: root.certificate, key }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'KEY_INVALID' });
    expect(String(error)).not.toContain(root.key.split('\n')[1]);
  });
});

describe('an authority refuses', () => {
  it.each<[string, unknown, string]>([
    ['a misspelt option', { keytype: 'ed25519' }, 'keytype'],
    ['an unknown key type', { keyType: 'rsa-1024' }, 'keyType'],
    ['a negative path length', { pathLength: -1 }, 'pathLength'],
    ['half a path length', { pathLength: 0.5 }, 'pathLength'],
    ['no name at all', { subject: {} }, 'subject'],
    ['an empty name', { subject: '' }, 'subject'],
    ['an attribute nobody knows', { subject: { XX: 'y' } }, 'subject.XX'],
    ['an attribute without a value', { subject: { CN: [] } }, 'subject.CN'],
    ['a country of three letters', { subject: { C: 'DEU', CN: 'x' } }, 'subject.C'],
    ['a common name of 65 characters', { subject: 'x'.repeat(65) }, 'subject'],
    ['a line break in a name', { subject: 'a\nb' }, 'subject'],
    ['NUL in a name', { subject: { CN: 'a\0b' } }, 'subject.CN'],
    ['a name that is written backwards', { subject: { CN: 'a\u202eb' } }, 'subject.CN'],
    ['a lone surrogate in a name', { subject: { CN: 'a\ud800b' } }, 'subject.CN'],
    ['an end before the beginning', { notBefore: new Date(2e12), notAfter: new Date(1e12) }, 'notAfter'],
    ['an end that is the beginning', { notBefore: new Date(2e12), notAfter: new Date(2e12) }, 'notAfter'],
    ['a date that is none', { notAfter: new Date(Number.NaN) }, 'notAfter'],
    ['a text for a date', { notAfter: '2040-01-01' }, 'notAfter'],
    ['a date beyond year 9999', { notAfter: new Date(Date.UTC(10_000, 0, 1)) }, 'notAfter'],
    ['empty name constraints', { nameConstraints: {} }, 'nameConstraints'],
    [
      'constraints to nothing',
      { nameConstraints: { permitted: { dns: [] } } },
      'nameConstraints.permitted.dns',
    ],
    [
      'a constraint that is no name',
      { nameConstraints: { permitted: { dns: ['.example.org'] } } },
      'nameConstraints.permitted.dns[0]',
    ],
    [
      'a range without a prefix',
      { nameConstraints: { excluded: { ip: ['10.0.0.0'] } } },
      'nameConstraints.excluded.ip[0]',
    ],
    [
      'a prefix that is too long',
      { nameConstraints: { excluded: { ip: ['10.0.0.0/33'] } } },
      'nameConstraints.excluded.ip[0]',
    ],
    [
      'a range with bits beyond its prefix',
      { nameConstraints: { excluded: { ip: ['10.0.0.1/8'] } } },
      'nameConstraints.excluded.ip[0]',
    ],
  ])('%s', async (_what, options, path) => {
    await expect(createAuthority(options as AuthorityOptions)).rejects.toMatchObject({
      name: 'ConfigError',
      path,
    });
    await expect(root.issueIntermediate(options as AuthorityOptions)).rejects.toMatchObject({
      name: 'ConfigError',
    });
  });

  it('a misspelt option with the right one as remedy', async () => {
    await expect(createAuthority({ pathlength: 1 } as AuthorityOptions)).rejects.toMatchObject({
      code: 'OPTION_UNKNOWN',
      remedy: "Did you mean 'pathLength'?",
    });
  });
});

const bound = (hash: string): KeyPairKeyObjectResult =>
  generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: hash, mgf1HashAlgorithm: hash });

const pick = ({
  certificate,
  key,
}: {
  certificate: string;
  key: string;
}): { certificate: string; key: string } => ({
  certificate,
  key,
});
