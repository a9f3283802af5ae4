import type { Certificate } from '../../x509/certificate.ts';
import {
  type DerElement,
  explicitTag,
  implicitTag,
  readChildren,
  readElement,
  tags,
} from '../../x509/der.ts';
import { notDer } from './der-form.ts';
import { type Fault, fault } from './path-check.ts';

const emptyName = 2;
const emptyExtensions = 4;

/** What the fields of a certificate break, whosever it is: their form, and RFC 5280 4.1. Its extensions aside. */
export function* faultsOfFields(certificate: Certificate): Generator<Fault> {
  const outer = readElement(certificate.raw, tags.sequence);
  const [tbs, ...others] = readChildren(outer);
  if (tbs === undefined || others.length !== 2) {
    yield malformed('other parts than three');
    return;
  }
  const form = notDer(outer);
  if (form !== undefined) yield fault('not-der', 'X.690 10', `is not in DER: ${form}`);
  const fields = readChildren(tbs);
  const version = fields[0]?.tag === explicitTag(0) ? fields.shift() : undefined;
  if (version !== undefined && certificate.version === 1)
    yield fault('encoded-default', 'X.690 11.5', 'has its version 1 written out');
  if (version !== undefined && !(certificate.version >= 1 && certificate.version <= 3))
    yield malformed(`the version ${certificate.version}`);
  const [serial, , , validity, , , ...optional] = fields;
  yield* faultsOfSerial(serial!.content);
  yield* faultsOfValidity(certificate, readChildren(validity!));
  yield* faultsOfOptional(certificate, optional);
  if (certificate.issuerRaw.length === emptyName)
    yield fault('empty-name', 'RFC 5280 4.1.2.4', 'has an empty issuer');
}

const malformed = (text: string): Fault => fault('malformed', 'RFC 5280 4.1', `has ${text}`);

/** A negative one is let go: of CAs that forget the zero in front there are many, and RFC 5280 asks to be prepared. */
function* faultsOfSerial(content: Buffer): Generator<Fault> {
  const section = 'RFC 5280 4.1.2.2';
  if (content.every((octet) => octet === 0))
    yield fault('serial-number', section, 'has a serial number of zero');
  if (content.length > 20)
    yield fault('serial-number', section, `has a serial number of ${content.length} octets`);
}

function* faultsOfValidity({ notBefore, notAfter }: Certificate, times: DerElement[]): Generator<Fault> {
  if (times.length !== 2) yield malformed('other dates than two');
  for (const { tag, content } of times) {
    // readTime has seen the form; in 2050 UTCTime begins again at 1950.
    const isBefore2050 = Number(content.toString('latin1', 0, 4)) < 2050;
    if (tag === tags.generalizedTime && isBefore2050)
      yield fault('time-form', 'RFC 5280 4.1.2.5', 'has a date before 2050 as GeneralizedTime');
  }
  if (notBefore > notAfter) yield fault('time-form', 'RFC 5280 4.1.2.5', 'ends before it begins');
}

/** Unique identifiers [1] and [2], and the extensions [3], each once and in this order. */
function* faultsOfOptional({ version }: Certificate, optional: DerElement[]): Generator<Fault> {
  const rest = [...optional];
  for (const n of [1, 2]) {
    const isThere = rest[0]?.tag === implicitTag(n) || rest[0]?.tag === explicitTag(n);
    if (!isThere) continue;
    rest.shift();
    yield fault('unique-identifier', 'RFC 5280 4.1.2.8', 'has a unique identifier');
  }
  const extensions = rest[0]?.tag === explicitTag(3) ? rest.shift() : undefined;
  if (rest.length > 0) yield malformed('a field that has no place there');
  if (extensions === undefined) return;
  if (version !== 3) yield malformed(`extensions in version ${version}`);
  if (extensions.raw.length === emptyExtensions)
    yield fault('empty-extension', 'RFC 5280 4.1.2.9', 'has an empty list of extensions');
}
