import { constants } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ecdhCurve, signatureAlgorithms, supportsGroup } from '../../lib/connection/runtime.ts';
import { type Refusal, thrown, wanted } from './refusal.ts';

const dangerously = (name: string): RegExp => new RegExp(`say so with dangerously${name}\\.`);
const dropped = /OpenSSL would silently drop it/;

describe('of the versions, createServer refuses', () => {
  it.each<Refusal>([
    ['TLS 1.1', () => ({ minVersion: 'TLSv1.1' }), 'OPTION_WEAKENS', 'minVersion', dangerously('MinVersion')],
    ['TLS 1.0', () => ({ minVersion: 'TLSv1' }), 'OPTION_WEAKENS', 'minVersion', dangerously('MinVersion')],
    [
      'TLS 1.2 with the profile modern',
      () => ({ profile: 'modern', minVersion: 'TLSv1.2' }),
      'OPTION_WEAKENS',
      'minVersion',
      dangerously('MinVersion'),
    ],
    [
      'to end at TLS 1.2',
      () => ({ maxVersion: 'TLSv1.2' }),
      'OPTION_WEAKENS',
      'maxVersion',
      dangerously('MaxVersion'),
    ],
    [
      'a least above the greatest, of Node’s options',
      () => ({ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }),
      'OPTION_WEAKENS',
      'maxVersion',
      dangerously('MaxVersion'),
    ],
    [
      'a least above the greatest',
      () => ({ minVersion: 'TLSv1.3', dangerouslyMaxVersion: 'TLSv1.2' }),
      'OPTION_CONFLICT',
      'dangerouslyMaxVersion',
      /raise it/,
    ],
    [
      'to end below the profile',
      () => ({ profile: 'modern', dangerouslyMaxVersion: 'TLSv1.2' }),
      'OPTION_CONFLICT',
      'dangerouslyMaxVersion',
      /raise it/,
    ],
    [
      'a name in another case',
      () => ({ minVersion: 'tlsv1.3' }),
      'OPTION_INVALID',
      'minVersion',
      /'TLSv1.3'/,
    ],
    ['a number', () => ({ minVersion: 1.3 }), 'OPTION_INVALID', 'minVersion', /TLSv1.3/],
    ['null', () => ({ maxVersion: null }), 'OPTION_INVALID', 'maxVersion', /TLSv1.3/],
    [
      'SSLv3, dangerously too',
      () => ({ dangerouslyMinVersion: 'SSLv3' }),
      'OPTION_INVALID',
      'dangerouslyMinVersion',
      /TLSv1/,
    ],
    [
      'TLS 1.0 at a level at which OpenSSL has none',
      () => ({ dangerouslyMinVersion: 'TLSv1' }),
      'OPTION_CONFLICT',
      'dangerouslyMinVersion',
      /dangerouslySecurityLevel: 0/,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });
});

describe('of the ciphers, createServer refuses', () => {
  const good = 'ECDHE-RSA-AES128-GCM-SHA256';
  it.each<Refusal>([
    [
      'CBC',
      () => ({ ciphers: 'ECDHE-RSA-AES128-SHA256' }),
      'OPTION_WEAKENS',
      'ciphers',
      dangerously('Ciphers'),
    ],
    [
      'static RSA',
      () => ({ ciphers: `${good}:AES128-GCM-SHA256` }),
      'OPTION_WEAKENS',
      'ciphers',
      dangerously('Ciphers'),
    ],
    [
      'DHE',
      () => ({ ciphers: 'DHE-RSA-AES128-GCM-SHA256' }),
      'OPTION_WEAKENS',
      'ciphers',
      dangerously('Ciphers'),
    ],
    [
      'a misspelt name, which OpenSSL drops',
      () => ({ ciphers: `${good}:ECDHE-RSA-AES256-GCM-SHA348` }),
      'OPTION_INVALID',
      'ciphers',
      dropped,
    ],
    [
      'a misspelt name, dangerously too',
      () => ({ dangerouslyCiphers: [good, 'AES128-SHA257'] }),
      'OPTION_INVALID',
      'dangerouslyCiphers',
      dropped,
    ],
    [
      'a name in lower case, which OpenSSL drops',
      () => ({ dangerouslyCiphers: [good, 'aes128-sha'] }),
      'OPTION_INVALID',
      'dangerouslyCiphers',
      dropped,
    ],
    ['a group of ciphers', () => ({ ciphers: 'HIGH' }), 'OPTION_INVALID', 'ciphers', dropped],
    ['an exclusion', () => ({ ciphers: `${good}:!aNULL` }), 'OPTION_INVALID', 'ciphers', dropped],
    ['a security level', () => ({ ciphers: `${good}:@SECLEVEL=0` }), 'OPTION_INVALID', 'ciphers', dropped],
    ['an empty name', () => ({ ciphers: `${good}::${good}` }), 'OPTION_INVALID', 'ciphers', dropped],
    [
      'a hole',
      () => ({ dangerouslyCiphers: Object.assign([good], { 2: 'AES128-SHA' }) }),
      'OPTION_INVALID',
      'dangerouslyCiphers',
      dropped,
    ],
    ['an empty text', () => ({ ciphers: '' }), 'OPTION_INVALID', 'ciphers', dropped],
    [
      'an empty list',
      () => ({ dangerouslyCiphers: [] }),
      'OPTION_INVALID',
      'dangerouslyCiphers',
      /list of single names/,
    ],
    ['null', () => ({ ciphers: null }), 'OPTION_INVALID', 'ciphers', /list of single names/],
    [
      'none for TLS 1.2',
      () => ({ ciphers: 'TLS_AES_128_GCM_SHA256' }),
      'OPTION_CONFLICT',
      'ciphers',
      /minVersion: 'TLSv1.3'/,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });
});

describe('of groups and signatures, createServer refuses', () => {
  it.each<Refusal>([
    [
      'a group outside the profile',
      () => ({ ecdhCurve: 'secp521r1' }),
      'OPTION_WEAKENS',
      'ecdhCurve',
      dangerously('Groups'),
    ],
    ['an unknown group', () => ({ ecdhCurve: 'X25519:secp999r1' }), 'OPTION_INVALID', 'ecdhCurve', dropped],
    [
      'an unknown group, dangerously too',
      () => ({ dangerouslyGroups: ['secp999r1'] }),
      'OPTION_INVALID',
      'dangerouslyGroups',
      dropped,
    ],
    [
      'a hole among the groups',
      () => ({ dangerouslyGroups: Object.assign([], { 1: 'X25519' }) }),
      'OPTION_INVALID',
      'dangerouslyGroups',
      dropped,
    ],
    ['a number as group', () => ({ ecdhCurve: 29 }), 'OPTION_INVALID', 'ecdhCurve', /list of single names/],
    [
      'SHA-1 signatures',
      () => ({ sigalgs: 'RSA+SHA1' }),
      'OPTION_WEAKENS',
      'sigalgs',
      dangerously('SignatureAlgorithms'),
    ],
    [
      'an unknown signature',
      () => ({ sigalgs: 'rsa_pss_rsae_sha255' }),
      'OPTION_INVALID',
      'sigalgs',
      dropped,
    ],
    [
      'an unknown signature, dangerously too',
      () => ({ dangerouslySignatureAlgorithms: 'rsa+md6' }),
      'OPTION_INVALID',
      'dangerouslySignatureAlgorithms',
      dropped,
    ],
    [
      'a security level of 6',
      () => ({ dangerouslySecurityLevel: 6 }),
      'OPTION_INVALID',
      'dangerouslySecurityLevel',
      /from 0 to 5/,
    ],
    [
      'a text as security level',
      () => ({ dangerouslySecurityLevel: '0' }),
      'OPTION_INVALID',
      'dangerouslySecurityLevel',
      /from 0 to 5/,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });
});

describe('of secureOptions, createServer refuses', () => {
  const exist = /constants of node:crypto that exist/;
  const absent = (constants as unknown as Record<string, number>)['SSL_OP_SINGLE_DH_USE_NO_MORE']!;
  it.each<Refusal>([
    [
      'what opens something',
      () => ({ secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT }),
      'OPTION_WEAKENS',
      'secureOptions',
      dangerously('SecureOptions'),
    ],
    [
      'unsafe renegotiation beside something good',
      () => ({
        secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION,
      }),
      'OPTION_WEAKENS',
      'secureOptions',
      dangerously('SecureOptions'),
    ],
    [
      'the end of TLS 1.3',
      () => ({ secureOptions: constants.SSL_OP_NO_TLSv1_3 }),
      'OPTION_WEAKENS',
      'secureOptions',
      dangerously('SecureOptions'),
    ],
    [
      'all of OpenSSL’s work-arounds',
      () => ({ secureOptions: constants.SSL_OP_ALL }),
      'OPTION_WEAKENS',
      'secureOptions',
      dangerously('SecureOptions'),
    ],
    [
      'a sum with a constant that is undefined',
      () => ({ secureOptions: constants.SSL_OP_NO_TICKET + absent }),
      'OPTION_INVALID',
      'secureOptions',
      exist,
    ],
    ['a text', () => ({ secureOptions: 'NO_TICKET' }), 'OPTION_INVALID', 'secureOptions', exist],
    ['null', () => ({ secureOptions: null }), 'OPTION_INVALID', 'secureOptions', exist],
    [
      'a fraction',
      () => ({ dangerouslySecureOptions: 0.5 }),
      'OPTION_INVALID',
      'dangerouslySecureOptions',
      exist,
    ],
    [
      'a negative number, which sets 32 switches more',
      () => ({ dangerouslySecureOptions: -1 }),
      'OPTION_INVALID',
      'dangerouslySecureOptions',
      exist,
    ],
    [
      'more than 32 bits, of which a part would be dropped',
      () => ({ secureOptions: 2 ** 40 }),
      'OPTION_INVALID',
      'secureOptions',
      exist,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });
});

describe('of a list, what this OpenSSL does not know is left out', () => {
  it('and the groups beside it stay', () => {
    expect(ecdhCurve(['X25519', 'no-such-group', 'prime256v1'])).toBe('X25519:prime256v1');
    expect(supportsGroup('no-such-group')).toBe(false);
    expect(supportsGroup('prime256v1')).toBe(true);
    expect(ecdhCurve(['no-such-group', 'nor-this-one'])).toBe('');
  });

  it('the hybrid groups too, which stand before the others where they are known', () => {
    const hybrid = supportsGroup('X25519MLKEM768') ? 'X25519MLKEM768/' : '';
    expect(ecdhCurve(['secp384r1', 'X25519MLKEM768', 'MLKEM-none'])).toBe(`${hybrid}secp384r1`);
  });

  it('and the signature algorithms beside it stay', () => {
    const known = ['ecdsa_secp521r1_sha512', 'rsa_pss_pss_sha512'];
    const postQuantum = signatureAlgorithms([]);
    const expected = [...known, ...(postQuantum === '' ? [] : [postQuantum])].join(':');
    expect(signatureAlgorithms([known[0]!, 'no_such_algorithm', known[1]!])).toBe(expected);
  });
});
