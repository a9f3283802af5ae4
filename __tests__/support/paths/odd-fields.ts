import { der, sequence } from '../../../lib/pki/der.ts';
import { explicitTag, implicitTag } from '../../../lib/x509/der.ts';
import { generalizedTime, oddAuthority, oddCertificate, utcTime } from '../odd-certificates.ts';
import { extension } from '../odd-extensions.ts';
import { attribute, generalName, name } from '../odd-names.ts';
import { odd, oddAt, type PathCase, unreadable } from './odd-path.ts';

const none = {
  basicConstraints: null,
  keyUsage: null,
  extendedKeyUsage: null,
  subjectKeyId: null,
};
const san = (critical: boolean): Buffer => extension.subjectAltName([generalName.dns('a.example')], critical);
const anonymous = oddAuthority({ subject: name() });
const hour = 3_600_000;
const generalized = (date: Date): Buffer =>
  generalizedTime(`${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`);
const text = (value: string): Buffer => der(0x0c, Buffer.from(value));
const setOf = (...items: Buffer[]): Buffer => der(0x31, ...items);
const named = [attribute('CN', 'a'), attribute('O', 'b')].toSorted((a, b) => Buffer.compare(a, b));

/** RFC 5280 4.1: fields. */
export const oddFields: readonly PathCase[] = [
  { name: 'a good path', expected: 'in', path: oddAt('leaf', {}) },
  { name: 'a good path to a root alone', expected: 'in', path: oddAt('root', {}) },
  odd('version 1', 'old-version', 'leaf', { version: 1 }),
  odd('version 2', 'old-version', 'leaf', { version: 2 }),
  odd('version 1', 'ca', 'intermediate', { version: 1 }),
  odd('version 1', 'ca', 'root', { version: 1 }),
  odd('nothing but an authority key identifier', 'in', 'leaf', { extensions: none }),
  odd('serial number zero', 'serial-number', 'leaf', { serialNumber: Buffer.of(0) }),
  odd('serial number below zero', 'in', 'leaf', { serialNumber: Buffer.of(0x80, 1) }),
  odd('serial number of 21 octets', 'serial-number', 'leaf', { serialNumber: Buffer.alloc(21, 1) }),
  odd('serial number of 20 octets', 'in', 'leaf', { serialNumber: Buffer.alloc(20, 0x7f) }),
  odd('serial number zero', 'serial-number', 'intermediate', { serialNumber: Buffer.of(0) }),
  odd('serial number zero', 'serial-number', 'root', { serialNumber: Buffer.of(0) }),
  odd('serial number with a zero too many', unreadable, 'leaf', { serialNumber: Buffer.of(0, 1) }),
  odd('no serial number', 'malformed', 'leaf', { serialNumber: Buffer.alloc(0) }),
  {
    name: 'leaf: an empty issuer',
    expected: 'empty-name',
    path: { leaf: oddCertificate({ issuer: anonymous }), anchors: [anonymous] },
  },
  odd('no name', 'empty-name', 'intermediate', { subject: name() }),
  odd('no name', 'empty-name', 'root', { subject: name() }),
  odd('no name at all', 'in', 'leaf', { subject: name() }),
  odd('no subject, names critical', 'in', 'leaf', {
    subject: name(),
    extensions: { subjectAltName: san(true) },
  }),
  odd('no subject, names not critical', 'critical-flag', 'leaf', {
    subject: name(),
    extensions: { subjectAltName: san(false) },
  }),
  odd('a subject and names critical', 'in', 'leaf', { extensions: { subjectAltName: san(true) } }),
  odd('a subject in UTF-8 that is none', unreadable, 'leaf', {
    subject: name(sequence(Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.of(0xff)))),
  }),
  odd('an RDN in order', 'in', 'leaf', { subject: sequence(setOf(...named)) }),
  odd('an RDN out of order', 'not-der', 'leaf', { subject: sequence(setOf(...named.toReversed())) }),
  odd('expired', 'date', 'leaf', { notAfter: new Date(Date.now() - hour / 2) }),
  odd('not yet valid', 'date', 'leaf', { notBefore: new Date(Date.now() + hour) }),
  odd('expired', 'date', 'intermediate', { notAfter: new Date(Date.now() - hour / 2) }),
  odd('expired', 'date', 'root', { notAfter: new Date(Date.now() - hour / 2) }),
  odd('until the end of time', 'in', 'leaf', { notAfter: generalizedTime('99991231235959Z') }),
  odd('GeneralizedTime before 2050', 'time-form', 'leaf', {
    notAfter: generalized(new Date(Date.now() + hour)),
  }),
  odd('UTCTime without seconds', 'malformed', 'leaf', { notAfter: utcTime('4901010000Z') }),
  odd('UTCTime with an offset', 'malformed', 'leaf', { notAfter: utcTime('490101000000+0100') }),
  odd('fractions of a second', 'malformed', 'leaf', { notAfter: generalizedTime('20600101000000.5Z') }),
  odd('no time zone', 'malformed', 'leaf', { notAfter: generalizedTime('20600101000000') }),
  odd('the 31st of April', 'malformed', 'leaf', { notAfter: utcTime('490431000000Z') }),
  odd('the 29th of February 2048', 'in', 'leaf', { notAfter: utcTime('480229000000Z') }),
  odd('the 29th of February 2047', 'malformed', 'leaf', { notAfter: utcTime('470229000000Z') }),
  odd('text for a date', 'malformed', 'leaf', { notAfter: text('490101000000Z') }),
  odd('an issuer unique identifier', 'unique-identifier', 'leaf', {
    moreFields: [der(implicitTag(1), Buffer.of(0, 1))],
  }),
  odd('a subject unique identifier', 'unique-identifier', 'root', {
    moreFields: [der(implicitTag(2), Buffer.of(0, 1))],
  }),
  odd('a field that nobody knows', unreadable, 'leaf', { moreFields: [der(explicitTag(4))] }),
  odd('extensions twice', unreadable, 'leaf', {
    moreFields: [der(explicitTag(3), sequence(extension.basicConstraints()))],
  }),
  odd('two algorithms', 'malformed', 'leaf', {
    innerAlgorithm: sequence(Buffer.from('06082a8648ce3d040303', 'hex')),
  }),
  { ...odd('version 4', 'old-version', 'leaf', { version: 4 as 3 }), firm: true },
];
