import type { Certificate } from '../../x509/certificate.ts';
import { explicitTag, readChildren, readElement, tags } from '../../x509/der.ts';
import { oids } from '../../x509/extensions.ts';
import { messageOf } from '../../errors.ts';
import { readGeneralNames } from '../names/general-name.ts';
import { isWellFormed } from '../names/name-forms.ts';
import { notDer } from './der-form.ts';
import { forms } from './extension-forms.ts';
import { type Fault, fault } from './path-check.ts';

const emptyName = 2;

/** Extensions that a path is judged by; one that is critical and not among them restricts in an unknown way. */
const understood: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
  oids.certificatePolicies,
  oids.nameConstraints,
  oids.policyConstraints,
  oids.policyMappings,
  oids.inhibitAnyPolicy,
]);

/** RFC 5280 wants these critical, in a CA's certificate. */
const mustBeCritical: ReadonlyMap<string, string> = new Map([
  [oids.basicConstraints, '4.2.1.9'],
  [oids.nameConstraints, '4.2.1.10'],
  [oids.policyConstraints, '4.2.1.11'],
  [oids.inhibitAnyPolicy, '4.2.1.14'],
]);

/** And these not, in anybody's. */
const mustNotBeCritical: ReadonlyMap<string, string> = new Map([
  [oids.authorityKeyIdentifier, '4.2.1.1'],
  [oids.subjectKeyIdentifier, '4.2.1.2'],
  ['2.5.29.9', '4.2.1.8'],
  [oids.freshestCrl, '4.2.1.15'],
  [oids.authorityInfoAccess, '4.2.2.1'],
  [oids.subjectInfoAccess, '4.2.2.2'],
]);

/** Extensions that are a list, which must have something in it. */
const lists: ReadonlySet<string> = new Set([
  oids.subjectAltName,
  oids.issuerAltName,
  oids.extendedKeyUsage,
  oids.certificatePolicies,
  oids.policyMappings,
  oids.policyConstraints,
  oids.crlDistributionPoints,
  oids.freshestCrl,
  oids.authorityInfoAccess,
  oids.subjectInfoAccess,
]);

/** What the extensions of a certificate break (RFC 5280 4.2). */
export function* faultsOfExtensions(certificate: Certificate): Generator<Fault> {
  for (const [oid, { critical, value }] of certificate.extensions) {
    yield* faultsOfFlag(oid, critical, certificate.isCa);
    yield* faultsOfForm(oid, value);
  }
  yield* faultsOfEncoding(certificate);
  yield* faultsOfConstraintsAndUsage(certificate);
  yield* faultsOfNames(certificate);
}

function* faultsOfFlag(oid: string, critical: boolean, isCa: boolean): Generator<Fault> {
  const never = mustNotBeCritical.get(oid);
  const always = isCa ? mustBeCritical.get(oid) : undefined;
  if (critical && never !== undefined)
    yield fault('critical-flag', `RFC 5280 ${never}`, `has the extension ${oid} critical`);
  else if (critical && !understood.has(oid))
    yield fault('unknown-critical-extension', 'RFC 5280 4.2', `has the unknown critical extension ${oid}`);
  if (!critical && always !== undefined)
    yield fault('critical-flag', `RFC 5280 ${always}`, `has the extension ${oid} not critical`);
}

function* faultsOfForm(oid: string, value: Buffer): Generator<Fault> {
  const form = forms.get(oid);
  if (form === undefined) return;
  try {
    form(value);
    const element = readElement(value);
    const text = notDer(element);
    if (text !== undefined)
      yield fault('not-der', 'X.690 10', `has the extension ${oid} not in DER: ${text}`);
    if (lists.has(oid) && element.content.length === 0)
      yield fault('empty-extension', 'RFC 5280 4.2.1', `has the extension ${oid} with nothing in it`);
  } catch (error) {
    const text = `has a malformed extension ${oid}: ${messageOf(error)}`;
    yield fault('malformed-extension', 'RFC 5280 4.2', text);
  }
}

/** Each of exactly an OID, perhaps `critical TRUE`, and a value; `FALSE` is the default and is not written. */
function* faultsOfEncoding({ raw, extensions }: Certificate): Generator<Fault> {
  const fields = readChildren(readChildren(readElement(raw))[0]!);
  const list = fields.find(({ tag }) => tag === explicitTag(3));
  for (const item of list === undefined ? [] : readChildren(readElement(list.content))) {
    const [, flag, ...others] = readChildren(item);
    const isFlagged = flag?.tag === tags.boolean;
    if (others.length !== (isFlagged ? 1 : 0))
      yield fault('malformed', 'RFC 5280 4.1', 'has an extension of other parts than its own');
    if (isFlagged && flag.content[0] === 0)
      yield fault('encoded-default', 'X.690 11.5', 'has an extension with critical FALSE written out');
  }
  const constraints = extensions.get(oids.basicConstraints);
  const isCa = constraints && readChildren(readElement(constraints.value))[0];
  if (isCa?.tag === tags.boolean && isCa.content[0] === 0)
    yield fault('encoded-default', 'X.690 11.5', 'has CA FALSE written out');
}

function* faultsOfConstraintsAndUsage(certificate: Certificate): Generator<Fault> {
  const { basicConstraints, isCa, extensions, keyUsage } = certificate;
  const usage = extensions.get(oids.keyUsage);
  if (
    usage !== undefined &&
    readElement(usage.value)
      .content.subarray(1)
      .every((octet) => octet === 0)
  )
    yield fault('empty-extension', 'RFC 5280 4.2.1.3', 'has a key usage that allows nothing');
  const signs = isCa && keyUsage?.has('keyCertSign') !== false;
  if (basicConstraints?.pathLength !== undefined && !signs)
    yield fault('path-length', 'RFC 5280 4.2.1.9', 'has a path length and signs no certificates');
  if (extensions.has(oids.nameConstraints) && !isCa)
    yield fault('name-constraints', 'RFC 5280 4.2.1.10', 'has name constraints and is no CA');
}

function* faultsOfNames({ isCa, subjectRaw, extensions }: Certificate): Generator<Fault> {
  const altNames = extensions.get(oids.subjectAltName);
  const isNameless = subjectRaw.length === emptyName;
  if (isNameless && isCa) yield fault('empty-name', 'RFC 5280 4.1.2.6', 'is a CA without a name');
  else if (isNameless && altNames?.critical === false)
    yield fault(
      'critical-flag',
      'RFC 5280 4.2.1.6',
      'has no subject, and alternative names that are not critical',
    );
  if (altNames === undefined || !isReadable(altNames.value)) return;
  const odd = readGeneralNames(altNames.value).find((name) => !isWellFormed(name));
  if (odd !== undefined) yield fault('malformed-name', 'RFC 5280 4.2.1.6', `has a ${odd.type} that is none`);
}

/** What is not has been told as a malformed extension. */
function isReadable(names: Buffer): boolean {
  try {
    return readGeneralNames(names).length > 0;
  } catch {
    return false;
  }
}
