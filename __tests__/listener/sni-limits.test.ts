import { afterEach, describe, expect, it } from '@jest/globals';
import { CertificateChoice } from '../../lib/credentials/choice.ts';
import { checkServable, replacesCertificates } from '../../lib/listener/certificates/sni-limits.ts';
import { preferredPair } from '../../lib/listener/certificates/sni-preference.ts';
import { type KeyPair, readKeyPairs } from '../../lib/credentials/key-pair.ts';
import { serverCertificate } from '../credentials/server-pairs.ts';
import { commonName } from '../support/odd-names.ts';
import { oddAuthority } from '../support/odd-certificates.ts';
import { closeAll, handshake, listen } from './harness.ts';
import { replaces, sniServer } from './sni-harness.ts';

afterEach(closeAll);

/** Only what is looked at. */
const pair = (name: string, type: string, { issuers = 0, curve = 'prime256v1' } = {}): KeyPair =>
  ({
    leaf: { publicKey: { type, curve }, subjectAltNames: { dns: [name], ip: [] } },
    issuers: Array.from({ length: issuers }, () => ({ isSelfIssued: false })),
    path: `certificate: ${name} ${type}`,
  }) as unknown as KeyPair;

describe('a Node', () => {
  it.each([
    ['20.20.2', false],
    ['22.23.3', false],
    ['24.19.9', false],
    ['24.20.0', true],
    ['24.21.0', true],
    ['25.9.0', false],
    ['26.6.9', false],
    ['26.7.0', true],
    ['27.0.0', true],
    ['nonsense', false],
  ])('%s replaces all certificates by those of a name: %j', (version, expected) => {
    expect(replacesCertificates(version)).toBe(expected);
  });
});

describe('where a Node mixes certificates,', () => {
  const check = (...groups: KeyPair[][]): void => checkServable(new CertificateChoice(groups));
  const standard = pair('default.test', 'ec');

  it.each<[string, KeyPair[][]]>([
    ['only one entry', [[standard]]],
    ['names with the type of the default', [[standard], [pair('a.test', 'ec')]]],
    ['names with more types than the default', [[standard], [pair('a.test', 'rsa'), pair('a.test', 'ec')]]],
    ['names that complete each other', [[standard], [pair('a.test', 'rsa')], [pair('a.test', 'ec')]]],
    ['intermediates behind a default without', [[standard], [pair('a.test', 'ec', { issuers: 1 })]]],
    [
      'intermediates everywhere',
      [[pair('default.test', 'ec', { issuers: 2 })], [pair('a.test', 'ec', { issuers: 1 })]],
    ],
  ])('the check takes %s', (_what, groups) => {
    expect(() => check(...groups)).not.toThrow();
  });

  it.each<[string, KeyPair[][], string]>([
    ['a name of another type', [[standard], [pair('a.test', 'rsa')]], 'certificate: a.test rsa'],
    [
      'a name with fewer types',
      [[standard, pair('default.test', 'rsa')], [pair('a.test', 'ec')]],
      'certificate: a.test ec',
    ],
    [
      'RSA-PSS beside RSA, which OpenSSL keeps apart',
      [[pair('default.test', 'rsa')], [pair('a.test', 'rsa-pss')]],
      'certificate: a.test rsa-pss',
    ],
    [
      'a name of the default that has another type as well, and lacks one',
      [[standard], [pair('a.test', 'ec')], [pair('b.test', 'ed25519')]],
      'certificate: b.test ed25519',
    ],
    [
      "no intermediates behind the default's",
      [[pair('default.test', 'ec', { issuers: 1 })], [pair('a.test', 'ec')]],
      'certificate: a.test ec',
    ],
  ])('the check refuses %s', (_what, groups, path) => {
    expect(() => check(...groups)).toThrow(
      expect.objectContaining({ code: 'OPTION_CONFLICT', path, remedy: expect.stringContaining('24.20') }),
    );
  });

  it('sends no intermediate of the default with the certificate of a name', async () => {
    const issuer = oddAuthority({ subject: commonName('root') });
    const intermediate = oddAuthority({ issuer });
    const leaf = serverCertificate(['default.test'], 'ec-p256', { issuer: intermediate });
    const chain = leaf.certificate + intermediate.certificate;
    const other = serverCertificate(['a.test'], 'ec-p256', { issuer });
    const groups = [
      readKeyPairs({ key: leaf.key, cert: chain }),
      readKeyPairs({ key: other.key, cert: other.certificate }),
    ];
    // Elsewhere it is refused, so the other way round.
    if (!replaces) groups.reverse();
    const port = await listen(sniServer(groups));
    const lengthOf = async (servername: string): Promise<number> => {
      const socket = await handshake(port, { servername });
      const { issuerCertificate } = socket.getPeerCertificate(true);
      return issuerCertificate === undefined ? 1 : 2;
    };
    await expect(lengthOf('default.test')).resolves.toBe(2);
    await expect(lengthOf('a.test')).resolves.toBe(1);
  });
});

describe('of several certificates a client is shown', () => {
  const [rsa, p256, p384, ed25519] = [
    pair('a', 'rsa'),
    pair('a', 'ec'),
    pair('a', 'ec', { curve: 'secp384r1' }),
    pair('a', 'ed25519'),
  ];
  const all = ['ECDSA+SHA256', 'ECDSA+SHA384', 'Ed25519+UNDEF', 'RSA-PSS+SHA256', 'RSA+SHA256'];
  const client = (version: string, shared: string[]): Parameters<typeof preferredPair>[0] => ({
    getProtocol: () => version,
    getSharedSigalgs: () => shared,
  });

  it.each<[string, string, string[], KeyPair[], KeyPair]>([
    ['that of its first algorithm', 'TLSv1.3', all, [rsa, p256], p256],
    ['RSA, if it has that first', 'TLSv1.3', all.toReversed(), [p256, rsa], rsa],
    ['the one whose curve it knows', 'TLSv1.3', ['ECDSA+SHA384', 'RSA-PSS+SHA256'], [rsa, p256], rsa],
    ['P-384 by its own hash', 'TLSv1.3', ['ECDSA+SHA384', 'RSA-PSS+SHA256'], [rsa, p384], p384],
    ['Ed25519', 'TLSv1.3', ['Ed25519+UNDEF'], [rsa, ed25519], ed25519],
    [
      'no RSA where it has only the signatures of TLS 1.2 for it',
      'TLSv1.3',
      ['RSA+SHA256', 'ECDSA+SHA256'],
      [rsa, p256],
      p256,
    ],
    ['the first one, if none fits', 'TLSv1.3', ['Ed448+UNDEF'], [rsa, p256], rsa],
    ['RSA over TLS 1.2, where its ciphers are not known', 'TLSv1.2', all, [p256, rsa], rsa],
    ['RSA over TLS 1.2, if it names no algorithm', 'TLSv1.2', [], [p256, rsa], rsa],
    [
      'ECDSA over TLS 1.2 of any curve, if it verifies no RSA',
      'TLSv1.2',
      ['ECDSA+SHA512'],
      [rsa, p384],
      p384,
    ],
    ['ECDSA over TLS 1.2, if there is no RSA', 'TLSv1.2', all, [ed25519, p256], p256],
  ])('%s (%s)', (_what, version, shared, pairs, expected) => {
    expect(preferredPair(client(version, shared), pairs)).toBe(expected);
  });
});
