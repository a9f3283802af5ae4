import { describe, expect, it } from '@jest/globals';
import { profiles, type TlsProfile } from 'portcullis';
import { mozilla60 } from '../../lib/profiles/mozilla-6.0.ts';
import { readProfile } from '../../lib/profiles/profile.ts';
import { type Refusal, thrown, wanted } from '../listener/refusal.ts';

const { intermediate, modern } = profiles;
const members = Object.keys(intermediate) as Array<keyof TlsProfile>;

describe('the profiles', () => {
  it.each([
    ['intermediate', intermediate, 'TLSv1.2', 6],
    ['modern', modern, 'TLSv1.3', 0],
  ] as const)('%s is that of Mozilla’s guideline 6.0', (name, profile, minVersion, ciphers) => {
    const { cipherSuites, groups, hstsMaxAge } = mozilla60[name];
    expect(profile).toMatchObject({ name, minVersion, cipherSuites, groups, hstsMaxAge, securityLevel: 2 });
    expect(profile.ciphers).toHaveLength(ciphers);
    expect(profile.hstsMaxAge).toBe(2 * 365 * 86_400);
  });

  it('have forward secrecy and authenticated encryption only', () => {
    for (const cipher of intermediate.ciphers) expect(cipher).toMatch(/^ECDHE-.*(GCM|POLY1305)/);
    for (const suite of intermediate.cipherSuites) expect(suite).toMatch(/^TLS_.*(GCM|POLY1305)/);
  });

  it('put the hybrid group first', () => {
    expect([intermediate.groups[0], modern.groups[0]]).toEqual(['X25519MLKEM768', 'X25519MLKEM768']);
  });

  it('lock out no client with an RSA-PSS key, and nobody signs over SHA-1', () => {
    expect(intermediate.signatureAlgorithms).toEqual(
      expect.arrayContaining(['rsa_pss_pss_sha256', 'ed25519']),
    );
    expect(intermediate.signatureAlgorithms.filter((name) => /sha1|sha224|md5/.test(name))).toEqual([]);
  });

  it.each(members)('cannot be changed: %s', (member) => {
    for (const profile of [intermediate, modern, readProfile({ minVersion: 'TLSv1.3' })]) {
      expect(Object.isFrozen(profile)).toBe(true);
      expect(Object.isFrozen(profile[member])).toBe(true);
    }
  });
});

describe('a profile of one’s own', () => {
  it('is intermediate where it says nothing else', () => {
    expect(readProfile({})).toEqual({ ...intermediate, name: 'custom' });
  });

  it('takes names in any case, each once, in its own order', () => {
    const { groups, ciphers } = readProfile({
      groups: ['SECP384R1', 'x25519', 'X25519'],
      ciphers: ['ecdhe-rsa-aes128-gcm-sha256'],
    });
    expect({ groups, ciphers }).toEqual({
      groups: ['secp384r1', 'X25519'],
      ciphers: ['ECDHE-RSA-AES128-GCM-SHA256'],
    });
  });

  it('may begin at TLS 1.3, and has no ciphers of TLS 1.2 then', () => {
    expect(readProfile({ minVersion: 'TLSv1.3' }).ciphers).toEqual([]);
  });

  it('is not changed when its lists are changed later', () => {
    const groups = ['X25519'];
    const profile = readProfile({ groups });
    groups[0] = 'secp224r1';
    expect(profile.groups).toEqual(['X25519']);
  });
});

describe('as profile, createServer refuses', () => {
  it.each<Refusal>([
    ['a misspelt name', () => ({ profile: 'intermedate' }), 'OPTION_INVALID', 'profile', /'intermediate'/],
    ['Mozilla’s old one', () => ({ profile: 'old' }), 'OPTION_INVALID', 'profile', /intermediate, modern/],
    [
      '`constructor`',
      () => ({ profile: 'constructor' }),
      'OPTION_INVALID',
      'profile',
      /intermediate, modern/,
    ],
    ['null', () => ({ profile: null }), 'OPTION_INVALID', 'profile', /minVersion/],
    ['a list', () => ({ profile: ['modern'] }), 'OPTION_INVALID', 'profile', /minVersion/],
    [
      'a misspelt member',
      () => ({ profile: { minversion: 'TLSv1.3' } }),
      'OPTION_UNKNOWN',
      'profile.minversion',
      /'minVersion'/,
    ],
    [
      'TLS 1.1',
      () => ({ profile: { minVersion: 'TLSv1.1' } }),
      'OPTION_INVALID',
      'profile.minVersion',
      /'TLSv1.2'/,
    ],
    [
      'CBC',
      () => ({ profile: { ciphers: ['ECDHE-RSA-AES128-SHA256'] } }),
      'OPTION_INVALID',
      'profile.ciphers[0]',
      /Choose from|Did you mean/,
    ],
    [
      'no ciphers for TLS 1.2',
      () => ({ profile: { ciphers: [] } }),
      'OPTION_INVALID',
      'profile.ciphers',
      /Choose from/,
    ],
    [
      'a text as ciphers',
      () => ({ profile: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } }),
      'OPTION_INVALID',
      'profile.ciphers',
      /Choose from/,
    ],
    [
      'a suite without confidentiality',
      () => ({ profile: { cipherSuites: ['TLS_SHA256_SHA256'] } }),
      'OPTION_INVALID',
      'profile.cipherSuites[0]',
      /Choose from/,
    ],
    [
      'no suites',
      () => ({ profile: { cipherSuites: [] } }),
      'OPTION_INVALID',
      'profile.cipherSuites',
      /Choose from/,
    ],
    [
      'a weak group',
      () => ({ profile: { groups: ['secp224r1'] } }),
      'OPTION_INVALID',
      'profile.groups[0]',
      /'secp384r1'|'secp521r1'|Choose/,
    ],
    ['no groups', () => ({ profile: { groups: [] } }), 'OPTION_INVALID', 'profile.groups', /Choose from/],
    [
      'a hole among the groups',
      () => ({ profile: { groups: Object.assign([], { 1: 'X25519' }) } }),
      'OPTION_INVALID',
      'profile.groups[0]',
      /Choose from/,
    ],
    [
      'SHA-1 signatures',
      () => ({ profile: { signatureAlgorithms: ['rsa_pkcs1_sha1'] } }),
      'OPTION_INVALID',
      'profile.signatureAlgorithms[0]',
      /mean|Choose/,
    ],
    [
      'security level 1',
      () => ({ profile: { securityLevel: 1 } }),
      'OPTION_INVALID',
      'profile.securityLevel',
      /from 2 to 5/,
    ],
    [
      'a text as a flag',
      () => ({ profile: { serverCipherPreference: 'yes' } }),
      'OPTION_INVALID',
      'profile.serverCipherPreference',
      /boolean/,
    ],
    [
      'an HSTS of no time, which takes the header back',
      () => ({ profile: { hstsMaxAge: 0 } }),
      'OPTION_INVALID',
      'profile.hstsMaxAge',
      /from 1/,
    ],
    ['an empty name', () => ({ profile: { name: '' } }), 'OPTION_INVALID', 'profile.name', /string/],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });
});
