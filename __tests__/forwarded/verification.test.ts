import { describe, expect, it } from '@jest/globals';
import { MalformedError } from '../../lib/forwarded/malformed.ts';
import {
  booleanVerifier,
  cloudflareVerifier,
  haproxyVerifier,
  nginxVerifier,
  valueVerifier,
  type Verification,
  type Verifier,
} from '../../lib/forwarded/verification.ts';

type Told = 'verified' | 'malformed' | 'nothing' | { readonly code: string; readonly reason: string };

/** What headers come to, and a `MalformedError` in a word. */
function tell(verifier: Verifier, headers: Readonly<Record<string, string>>, present = true): Told {
  let verdict: Verification;
  try {
    verdict = verifier.judge(new Map(Object.entries(headers)), present);
  } catch (error) {
    if (error instanceof MalformedError) return 'malformed';
    throw error;
  }
  return verdict ?? 'nothing';
}
const refused = (code: string, reason: string): Told => ({ code, reason: `the proxy ${reason}` });

describe("nginx's verdict", () => {
  const nginx = nginxVerifier('x-verify');
  const told = (value: string, present?: boolean): Told => tell(nginx, { 'x-verify': value }, present);

  it('is SUCCESS, and of a certificate that is there', () => {
    expect(told('SUCCESS')).toBe('verified');
    expect(told('SUCCESS', false)).toBe('malformed');
  });

  it('is nothing where it is not there or empty, or where there is no certificate', () => {
    for (const present of [true, false]) {
      expect(tell(nginx, {}, present)).toBe('nothing');
      expect(told('', present)).toBe('nothing');
    }
    expect(told('NONE', false)).toBe('nothing');
    expect(told('NONE')).toEqual(
      refused('CLIENT_CERTIFICATE_UNTRUSTED', 'says that the client has sent none'),
    );
  });

  it.each([
    ['FAILED:certificate has expired', 'CLIENT_CERTIFICATE_EXPIRED'],
    ['FAILED:certificate has expired, and more', 'CLIENT_CERTIFICATE_EXPIRED'],
    ['FAILED:CRL has expired', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['FAILED:issuer certificate has expired', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['FAILED:certificate is not yet valid', 'CLIENT_CERTIFICATE_NOT_YET_VALID'],
    ['FAILED:certificate revoked', 'CLIENT_CERTIFICATE_REVOKED'],
    ['FAILED:unrevoked', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['FAILED:revokedness', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['FAILED:self-signed certificate', 'CLIENT_CERTIFICATE_UNTRUSTED'],
  ])('%s is told with its reason as %s', (value, code) => {
    for (const present of [true, false])
      expect(told(value, present)).toEqual(refused(code, `has refused it: ${value.slice(7)}`));
  });

  it('may fail without a reason, and one that is long or unprintable is cut and cleaned', () => {
    for (const value of ['FAILED', 'FAILED:'])
      expect(told(value)).toEqual(refused('CLIENT_CERTIFICATE_UNTRUSTED', 'has refused it: no reason given'));
    const { reason } = told(`FAILED:\u001b[2J\u007fé~ ${'x'.repeat(200)}`) as { reason: string };
    expect(reason).toBe(`the proxy has refused it: ?[2J??~ ${'x'.repeat(92)}`);
  });

  it('is nothing else', () => {
    for (const value of ['FAILEDx', 'xFAILED', ' FAILED', 'success', 'none', 'SUCCESS:', 'FAILED '])
      expect([value, told(value)]).toEqual([value, 'malformed']);
  });
});

describe("HAProxy's verdict", () => {
  const haproxy = haproxyVerifier('x-verify');
  const told = (value: string, present?: boolean): Told => tell(haproxy, { 'x-verify': value }, present);

  it('is 0 for a good certificate, and for none', () => {
    expect(told('0')).toBe('verified');
    expect(told('0', false)).toBe('nothing');
    for (const present of [true, false]) {
      expect(tell(haproxy, {}, present)).toBe('nothing');
      expect(told('', present)).toBe('nothing');
    }
  });

  it.each([
    ['9', 'CLIENT_CERTIFICATE_NOT_YET_VALID'],
    ['10', 'CLIENT_CERTIFICATE_EXPIRED'],
    ['23', 'CLIENT_CERTIFICATE_REVOKED'],
    ['26', 'CLIENT_CERTIFICATE_PURPOSE'],
    ['2', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['00', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['99999', 'CLIENT_CERTIFICATE_UNTRUSTED'],
  ])('%s is %s, with or without a certificate', (value, code) => {
    for (const present of [true, false])
      expect(told(value, present)).toEqual(refused(code, `has refused it: OpenSSL's error ${value}`));
  });

  it('is nothing but a number of five digits at most', () => {
    for (const value of ['100000', '-1', '0 ', ' 0', '0\n', 'x', '0x0', 'SUCCESS'])
      expect([value, told(value)]).toEqual([value, 'malformed']);
  });
});

describe('a verdict that is a value', () => {
  const judge = (value: string | undefined, present = true): Told =>
    tell(valueVerifier('x-ok', 'yes'), value === undefined ? {} : { 'x-ok': value }, present);

  it('is the value and no other, and nothing where there is no certificate or no header', () => {
    expect(judge('yes')).toBe('verified');
    expect(judge('yes', false)).toBe('nothing');
    expect(judge('no', false)).toBe('nothing');
    expect(judge(undefined)).toBe('nothing');
    for (const value of ['', 'Yes', 'yes ', 'no'])
      expect(judge(value)).toEqual(
        refused('CLIENT_CERTIFICATE_UNTRUSTED', `has refused it: x-ok is '${value}'`),
      );
  });
});

describe('a verdict that is true or false', () => {
  const alone = booleanVerifier('x-ok');
  const explained = booleanVerifier('x-ok', 'x-why');

  it('reads its own headers, and no others', () => {
    expect(alone.headers).toEqual(['x-ok']);
    expect(explained.headers).toEqual(['x-ok', 'x-why']);
    expect(cloudflareVerifier().headers).toEqual(['cf-cert-verified', 'cf-cert-revoked']);
    expect(
      [nginxVerifier('a'), haproxyVerifier('a'), valueVerifier('a', 'b')].map(({ headers }) => headers),
    ).toEqual([['a'], ['a'], ['a']]);
  });

  it('is nothing without a certificate or a header, and malformed in any other word', () => {
    for (const present of [true, false]) {
      expect(tell(alone, {}, present)).toBe('nothing');
      expect(tell(alone, { 'x-ok': '' }, present)).toBe('nothing');
      for (const value of ['TRUE', '1', 'true ', 'no'])
        expect(tell(alone, { 'x-ok': value }, present)).toBe('malformed');
    }
    for (const value of ['true', 'false']) expect(tell(alone, { 'x-ok': value }, false)).toBe('nothing');
  });

  it('is believed where it is true, and says why where it is false', () => {
    const why = (text: string): Told => refused('CLIENT_CERTIFICATE_UNTRUSTED', `has refused it: ${text}`);
    expect(tell(explained, { 'x-ok': 'true', 'x-why': 'anything' })).toBe('verified');
    expect(tell(alone, { 'x-ok': 'false', 'x-why': 'old' })).toEqual(why('x-ok is false'));
    expect(tell(explained, { 'x-ok': 'false' })).toEqual(why('x-ok is false'));
    expect(tell(explained, { 'x-ok': 'false', 'x-why': 'client_cert_expired' })).toEqual(
      why('client_cert_expired'),
    );
  });
});

describe("Cloudflare's verdict", () => {
  const told = (verified: string, revoked?: string, present?: boolean): Told =>
    tell(
      cloudflareVerifier(),
      { 'cf-cert-verified': verified, ...(revoked === undefined ? {} : { 'cf-cert-revoked': revoked }) },
      present,
    );

  it('refuses who is revoked, whatever the other header says', () => {
    for (const verified of ['true', 'false', ''])
      expect(told(verified, 'true')).toEqual(
        refused('CLIENT_CERTIFICATE_REVOKED', 'says that it is revoked'),
      );
    for (const revoked of ['false', '', undefined]) {
      expect(told('true', revoked)).toBe('verified');
      expect(told('false', revoked)).toMatchObject({ code: 'CLIENT_CERTIFICATE_UNTRUSTED' });
    }
  });

  it('is nothing without a certificate, and malformed in any other word', () => {
    expect(told('true', 'true', false)).toBe('nothing');
    for (const present of [true, false])
      for (const revoked of ['TRUE', '0', ' true']) expect(told('true', revoked, present)).toBe('malformed');
  });
});
