import { describe } from '../../options.ts';
import type { Match } from '../match.ts';
import { ruleError } from '../rule-error.ts';
import { hostInCertificate, hostInRule } from './host.ts';

/** A mail address in its two parts, the domain as certificates are compared by. */
export interface Mailbox {
  readonly local: string;
  readonly domain: string;
}

/** A dot-string of RFC 5321 4.1.2: not quoted, so that one mailbox has one spelling. */
const dotString = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const isLocal = (text: string): boolean => text.length <= 64 && dotString.test(text);

const remedy = "Give a whole address, 'ops@example.org'.";

/** The address that a rule names, or a ConfigError `RULE_INVALID`. */
export function readMailbox(text: string, path: string): Mailbox {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, Math.max(at, 0));
  if (local.includes('*'))
    throw ruleError(path, `${describe(text)} has a '*', which stands for nothing here`, wholeDomain);
  if (/[^\0-\x7f]/.test(local))
    throw ruleError(path, 'its local part is not ASCII', 'Names of RFC 9598 are not compared: use rule().');
  if (!isLocal(local)) throw ruleError(path, `${describe(text)} is no mail address`, remedy);
  return { local, domain: hostInRule(text.slice(at + 1), path) };
}

const wholeDomain =
  "For a whole domain write rule('staff', ({ subjectAltNames }) => …), and mind case and further '@'.";

/** The local part is compared octet by octet, the domain without regard to case (RFC 5280 7.5). */
export function matchEmail(text: string): (wanted: Mailbox) => Match {
  const at = text.lastIndexOf('@');
  const seenLocal = text.slice(0, Math.max(at, 0));
  const seenDomain = hostInCertificate(text.slice(at + 1));
  // A '*' is a letter of RFC 5321, and meant as something else.
  if (!isLocal(seenLocal) || seenLocal.includes('*') || seenDomain === undefined) return () => 'unclear';
  return ({ local, domain }) => {
    if (seenDomain !== domain) return 'no';
    if (seenLocal === local) return 'yes';
    // Hardly a host tells mailboxes apart by case.
    return seenLocal.toLowerCase() === local.toLowerCase() ? 'unclear' : 'no';
  };
}
