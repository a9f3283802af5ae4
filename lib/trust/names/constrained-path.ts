import type { Certificate } from '../../x509/certificate.ts';
import { messageOf } from '../../errors.ts';
import { type Fault, fault } from '../profile/path-check.ts';
import { namesOf, smtpUtf8Mailbox } from './certificate-names.ts';
import type { GeneralName } from './general-name.ts';
import { otherNameOid } from './name-forms.ts';
import { type Base, type NameConstraints, nameConstraintsOf } from './name-constraints.ts';

const section = 'RFC 5280 4.2.1.10';

/** A client chooses the names: with a few thousand of each they would take seconds. */
const maxComparisons = 65_536;

/** What is wrong with the constraints of a CA by themselves. */
export function* faultsOfConstraints(certificate: Certificate): Generator<Fault> {
  try {
    if (nameConstraintsOf(certificate)?.hasLeadingDot === true)
      yield fault('leading-dot', section, 'has a name constraint that begins with a dot');
  } catch (error) {
    yield fault('name-constraints', section, `has malformed name constraints: ${messageOf(error)}`);
  }
}

/** What of a path (leaf first) breaks the name constraints of a CA above it: those of each count. */
export function faultOfNames(path: readonly Certificate[]): Fault | undefined {
  let comparisons = 0;
  for (let above = path.length - 1; above > 0; above--) {
    const constraints = nameConstraintsOf(path[above]!);
    if (constraints === undefined) continue;
    const subtrees = constraints.permitted.length + constraints.excluded.length;
    for (let at = above - 1; at >= 0; at--) {
      const certificate = path[at]!;
      // Self-issued ones are of the CA itself, which may have to change its key (6.1.3 b).
      if (at > 0 && certificate.isSelfIssued) continue;
      const names = namesOf(certificate, at === 0);
      comparisons += names.length * subtrees;
      if (comparisons > maxComparisons)
        return fault('name-constraints', section, 'has too many names to be compared with constraints');
      for (const name of names) {
        const text = breach(name, constraints);
        if (text !== undefined) return fault('name-constraints', section, text);
      }
    }
  }
  return undefined;
}

function breach(name: GeneralName, { permitted, excluded }: NameConstraints): string | undefined {
  const concerns = ({ type }: Base): boolean => type === name.type || isMailbox(type, name);
  for (const base of excluded.filter(concerns)) {
    const within = base.subtree === undefined ? undefined : judged(base, name, false);
    if (within === undefined) return `has a ${name.type} that cannot be compared with the name constraints`;
    if (within) return `has a ${name.type} that the name constraints exclude`;
  }
  const allowed = permitted.filter(concerns);
  if (allowed.length === 0) return undefined;
  const answers = new Set(allowed.map((base) => judged(base, name, true)));
  if (answers.has(true)) return undefined;
  return answers.has(undefined)
    ? `has a ${name.type} that cannot be compared with the name constraints`
    : `has a ${name.type} that the name constraints do not permit`;
}

const judged = ({ type, subtree }: Base, name: GeneralName, whole: boolean): boolean | undefined =>
  type === name.type ? subtree?.(name.content, whole) : undefined;

/** Constraints on mailboxes hold for those beyond ASCII, too (RFC 9598 6). */
const isMailbox = (type: Base['type'], name: GeneralName): boolean =>
  type === 'rfc822Name' && otherNameOid(name) === smtpUtf8Mailbox;
