import { timingSafeEqual } from 'node:crypto';
import { describe } from '../options.ts';
import { allow, type Decision, refuse } from './decision.ts';

/** The claim `cnf` of a token (RFC 7800 3.1): the member of RFC 8705 3.1 is looked at. */
export interface Confirmation {
  /** Other methods of confirmation (RFC 7800 3.1): they are not looked at. */
  readonly [method: string]: unknown;
  /** base64url SHA-256 of the DER of the certificate: 43 characters, without padding. */
  readonly 'x5t#S256'?: string;
}

/** `required`: only bound tokens pass; `if-bound`: others do as well. */
export type BindingMode = 'required' | 'if-bound';

/** A client's certificate, or why there is none that counts. */
export type Holder = { readonly thumbprint: string } | { readonly missing: string };

const method = 'x5t#S256';
const sha256 = /^[A-Za-z0-9_-]{43}$/;

const notBound = (detail: string): Decision => refuse('TOKEN_NOT_BOUND', detail);

/**
 * Whether a token with the claim `cnf` is in the hands of whom it was issued to. Nothing but undefined is no claim: one
 * that cannot be understood, or that binds by other means alone (`jkt`), binds to somebody, and who it is nobody knows.
 */
export function judgeConfirmation(cnf: unknown, holder: () => Holder, mode: BindingMode): Decision {
  if (cnf === undefined)
    return mode === 'if-bound' ? allow : notBound('the token has no cnf, and only bound ones pass');
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf))
    return notBound(`cnf is ${describe(cnf)} and no object`);
  if (!Object.hasOwn(cnf, method)) return notBound(`cnf has no ${method}`);
  const expected: unknown = (cnf as Confirmation)[method];
  if (typeof expected !== 'string' || !sha256.test(expected))
    return notBound(`${method} is no base64url of 32 octets: it is ${describe(expected)}`);
  const presented = holder();
  if ('missing' in presented) return notBound(`the token is bound, and ${presented.missing}`);
  return timingSafeEqual(Buffer.from(expected), Buffer.from(presented.thumbprint))
    ? allow
    : notBound(`the token is bound to ${expected}, and the client's certificate is ${presented.thumbprint}`);
}
