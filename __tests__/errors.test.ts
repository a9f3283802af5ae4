import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, PolicyViolation, type PolicyViolationCode } from 'portcullis';
import { messageOf } from '../lib/errors.ts';

const statuses: Readonly<Record<PolicyViolationCode, number>> = {
  AUTHENTICATION_TOO_OLD: 403,
  CIPHER_REFUSED: 403,
  CLIENT_CERTIFICATE_DENIED: 403,
  CLIENT_CERTIFICATE_EXPIRED: 403,
  CLIENT_CERTIFICATE_NOT_YET_VALID: 403,
  CLIENT_CERTIFICATE_PURPOSE: 403,
  CLIENT_CERTIFICATE_REQUIRED: 403,
  CLIENT_CERTIFICATE_REVOKED: 403,
  CLIENT_CERTIFICATE_UNTRUSTED: 403,
  FORWARD_SECRECY_REQUIRED: 403,
  FORWARDED_CERTIFICATE_MALFORMED: 400,
  GROUP_REFUSED: 403,
  HOST_MISMATCH: 421,
  PIN_MISMATCH: 403,
  POST_QUANTUM_REQUIRED: 403,
  REVOCATION_STATUS_UNKNOWN: 403,
  TLS_REQUIRED: 403,
  TLS_VERSION_REFUSED: 403,
  TOKEN_NOT_BOUND: 401,
};
const codes = Object.keys(statuses) as PolicyViolationCode[];
const detail = "expected CN=ops, saw 'CN=mallory'";

describe('a PolicyViolation', () => {
  it.each(codes)('%s has its status and a message that is constant', (code) => {
    const violation = new PolicyViolation(code, detail);
    expect(violation.status).toBe(statuses[code]);
    expect(violation.code).toBe(code);
    expect(violation.message).toBe(new PolicyViolation(code, 'something else').message);
    expect(violation.message).not.toBe('');
  });

  it('tells its detail to whom asks for it, and shows it nowhere else', () => {
    const violation = new PolicyViolation('PIN_MISMATCH', detail);
    expect(violation.detail).toBe(detail);
    const shown = [
      JSON.stringify(violation),
      JSON.stringify(Object.assign({}, violation)),
      String(violation),
      violation.stack,
      inspect(violation, { showHidden: true }),
      JSON.stringify(Object.getOwnPropertyNames(violation).map((name) => violation[name as 'message'])),
    ];
    for (const text of shown) expect(text).not.toContain('mallory');
  });

  it('is an Error of its own name without a stack, which Express would print', () => {
    const violation = new PolicyViolation('TLS_REQUIRED', detail);
    expect(violation).toBeInstanceOf(Error);
    expect(violation.name).toBe('PolicyViolation');
    expect(violation.stack).toBe('PolicyViolation: TLS required');
  });
});

describe('a ConfigError', () => {
  it('says where, what and how to mend it, in its message too', () => {
    const cause = new Error('from OpenSSL');
    const error = new ConfigError('KEY_INVALID', 'key[1]', 'it is encrypted', 'Give `passphrase`.', cause);
    expect(error).toBeInstanceOf(Error);
    const { name, code, path, remedy, message } = error;
    expect({ name, code, path, remedy, message, cause: error.cause }).toEqual({
      name: 'ConfigError',
      code: 'KEY_INVALID',
      path: 'key[1]',
      remedy: 'Give `passphrase`.',
      message: 'key[1]: it is encrypted. Give `passphrase`.',
      cause,
    });
  });

  it('has no cause where there is none', () => {
    expect('cause' in new ConfigError('OPTION_INVALID', 'a', 'b', 'C.')).toBe(false);
  });
});

describe('messageOf', () => {
  it.each<[unknown, string]>([
    [new Error('disk full'), 'disk full'],
    ['disk full', 'disk full'],
    [{ message: 5 }, '5'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('s'), 'Symbol(s)'],
    [Object.create(null), 'something without a message'],
  ])('of %p is %s', (thrown, text) => {
    expect(messageOf(thrown)).toBe(text);
  });

  it('of what throws when it is asked, is no second failure', () => {
    const angry = {
      get message(): string {
        throw new Error('no');
      },
    };
    expect(messageOf(angry)).toBe('something without a message');
  });
});
