import type { PolicyViolationCode } from '../errors.ts';
import { type CertificateProblem, untrusted } from '../trust/problem.ts';
import type { HeaderValues } from './header-names.ts';
import { malformed } from './malformed.ts';

/** What a proxy says of its own look at the certificate: that it is good, why it is not, or (undefined) nothing. */
export type Verification = 'verified' | CertificateProblem | undefined;

/** The headers by which a proxy says it, and what they come to. `present`: whether there is a certificate. */
export interface Verifier {
  readonly headers: readonly string[];
  readonly judge: (values: HeaderValues, present: boolean) => Verification;
}

const sentNone = untrusted('the proxy says that the client has sent none');

/** What a proxy wrote, for the operator: short, and without what a terminal would obey. */
const told = (words: string): string => words.slice(0, 100).replace(/[^ -~]/g, '?');

/** nginx's `$ssl_client_verify`: SUCCESS, NONE, FAILED, FAILED:reason. */
export const nginxVerifier = (header: string): Verifier => ({
  headers: [header],
  judge: (values, present) => {
    const value = values.get(header);
    if (value === undefined || value === '') return undefined;
    if (value === 'NONE') return present ? sentNone : undefined;
    if (value === 'SUCCESS') {
      return present ? 'verified' : malformed('the proxy has verified a certificate that is not there');
    }
    if (!/^FAILED(?::|$)/.test(value)) malformed(`no verdict of nginx in ${header}`);
    const reason = told(value.slice('FAILED:'.length));
    return { code: codeOfReason(reason), reason: `the proxy has refused it: ${reason || 'no reason given'}` };
  },
});

function codeOfReason(reason: string): PolicyViolationCode {
  if (/\brevoked\b/.test(reason)) return 'CLIENT_CERTIFICATE_REVOKED';
  if (reason.startsWith('certificate has expired')) return 'CLIENT_CERTIFICATE_EXPIRED';
  return /not yet valid/.test(reason) ? 'CLIENT_CERTIFICATE_NOT_YET_VALID' : 'CLIENT_CERTIFICATE_UNTRUSTED';
}

/** X509_V_ERR_… (x509_vfy.h) that have a code of their own here. */
const codeOfNumber: Readonly<Record<string, PolicyViolationCode>> = {
  9: 'CLIENT_CERTIFICATE_NOT_YET_VALID',
  10: 'CLIENT_CERTIFICATE_EXPIRED',
  23: 'CLIENT_CERTIFICATE_REVOKED',
  26: 'CLIENT_CERTIFICATE_PURPOSE',
};

/** HAProxy's `ssl_c_verify`: OpenSSL's number, and 0 without a certificate as well. */
export const haproxyVerifier = (header: string): Verifier => ({
  headers: [header],
  judge: (values, present) => {
    const value = values.get(header);
    if (value === undefined || value === '') return undefined;
    if (!/^\d{1,5}$/.test(value)) malformed(`no verdict of OpenSSL in ${header}`);
    if (value === '0') return present ? 'verified' : undefined;
    const code = codeOfNumber[value] ?? 'CLIENT_CERTIFICATE_UNTRUSTED';
    return { code, reason: `the proxy has refused it: OpenSSL's error ${value}` };
  },
});

/** A header that has `value` where the certificate was verified, letter case included, and anything else where not. */
export const valueVerifier = (header: string, value: string): Verifier => ({
  headers: [header],
  judge: (values, present) => {
    const found = values.get(header);
    if (!present || found === undefined) return undefined;
    return found === value
      ? 'verified'
      : untrusted(`the proxy has refused it: ${header} is '${told(found)}'`);
  },
});

/** `true` or `false` in `header`; more, where it is `false`, in `why`. */
export const booleanVerifier = (header: string, why?: string): Verifier => ({
  headers: why === undefined ? [header] : [header, why],
  judge: (values, present) => {
    const value = values.get(header);
    if (value === undefined || value === '') return undefined;
    if (value !== 'true' && value !== 'false') malformed(`${header} is neither true nor false`);
    if (!present) return undefined;
    if (value === 'true') return 'verified';
    const reason = why === undefined ? '' : told(values.get(why) ?? '');
    return untrusted(`the proxy has refused it: ${reason || `${header} is false`}`);
  },
});

/** Cloudflare's `Cf-Cert-Verified`, beside which `Cf-Cert-Revoked` tells of those that are. */
export function cloudflareVerifier(): Verifier {
  const verified = booleanVerifier('cf-cert-verified');
  const revoked = 'cf-cert-revoked';
  return {
    headers: [...verified.headers, revoked],
    judge: (values, present) => {
      const verdict = verified.judge(values, present);
      const value = values.get(revoked) ?? '';
      if (value !== '' && value !== 'true' && value !== 'false')
        malformed(`${revoked} is neither true nor false`);
      if (!present || value !== 'true') return verdict;
      return { code: 'CLIENT_CERTIFICATE_REVOKED', reason: 'the proxy says that it is revoked' };
    },
  };
}
