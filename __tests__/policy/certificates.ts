import type { ClientCertificate, Decision, Rule, RuleContext } from 'portcullis';
import { not } from 'portcullis';
import { verifiedCertificate } from '../../lib/connection/client-certificate.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { type OddCertificate, oddCertificate, type Overrides } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { newKeys } from '../support/odd-keys.ts';

/** One key for all, as only what else is in the certificates is compared. */
const keys = newKeys('ec-p256');

/** A path as if it had been verified, leaf first. */
export const verified = (...path: readonly OddCertificate[]): ClientCertificate =>
  verifiedCertificate(path.map(({ der }) => new Certificate(der)))!;

export const client = (overrides: Overrides = {}): ClientCertificate =>
  verified(oddCertificate({ keys, ...overrides }));

/** A client with these GeneralNames. */
export const named = (...names: readonly Buffer[]): ClientCertificate =>
  client({ extensions: { subjectAltName: extension.subjectAltName(names) } });

export const noContext = {} as RuleContext;

/** What a rule that answers at once says. */
export const decide = (rule: Rule, certificate: ClientCertificate): Decision =>
  rule(certificate, noContext) as Decision;

export type Outcome = 'yes' | 'no' | 'neither';

/** `yes`: the rule lets in; `no`: its `not()` does; `neither` of them, where it cannot be told. */
export function outcome(rule: Rule, certificate: ClientCertificate): Outcome {
  const [plain, turned] = [decide(rule, certificate).allow, decide(not(rule), certificate).allow];
  if (plain && turned) throw new Error('a rule and its not() let in the same client');
  return plain ? 'yes' : turned ? 'no' : 'neither';
}
