import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { der, objectIdentifier, sequence, time, unsignedInteger } from '../../lib/pki/der.ts';
import { Certificate, readCertificate } from '../../lib/x509/certificate.ts';
import {
  DerError,
  type DerElement,
  readBitString,
  readBoolean,
  readChildren,
  readElement,
  readOid,
  readSmallInteger,
  readString,
  readTime,
  tags,
} from '../../lib/x509/der.ts';
import * as extensions from '../../lib/x509/extensions.ts';
import { readName } from '../../lib/x509/name.ts';
import { readPublicKey } from '../../lib/x509/public-key.ts';
import { oddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import {
  attribute,
  commonName,
  encodeString,
  generalName,
  name,
  type StringType,
} from '../support/odd-names.ts';

const element = (tag: number, content: Buffer | string): DerElement =>
  readElement(der(tag, Buffer.from(content as string, 'latin1')));
const octets = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** Every reader there is, of an element or of octets. */
const readers: Readonly<Record<string, (input: Buffer) => unknown>> = {
  Certificate: (input) => new Certificate(input),
  ...Object.fromEntries(
    Object.entries({
      readBitString,
      readBoolean,
      readChildren,
      readName,
      readOid,
      readPublicKey,
      readSmallInteger,
      readString,
      readTime,
    }).map(([reader, read]) => [reader, (input: Buffer) => read(readElement(input))]),
  ),
  readExtensions: (input) => extensions.readExtensions(readElement(input)),
  readSubjectAltNames: extensions.readSubjectAltNames,
  readBasicConstraints: extensions.readBasicConstraints,
  readKeyUsage: extensions.readKeyUsage,
  readOidList: extensions.readOidList,
  readPolicies: extensions.readPolicies,
  readAuthorityKeyId: extensions.readAuthorityKeyId,
  readSubjectKeyId: extensions.readSubjectKeyId,
};

/** Whether it reads, or throws a DerError; anything else fails the test. */
function refuses(read: (input: Buffer) => unknown, input: Buffer): boolean {
  try {
    read(input);
    return false;
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return true;
  }
}

const sample = oddCertificate({
  subject: name(attribute('O', 'Example'), [attribute('CN', 'a'), attribute('UID', 'b')]),
  extensions: {
    subjectAltName: extension.subjectAltName([
      generalName.dns('a.example'),
      generalName.ip('127.0.0.1'),
      generalName.uri('spiffe://example.org/a'),
    ]),
  },
  moreExtensions: [extension.certificatePolicies(['1.2.3'])],
}).der;

describe.each(Object.entries(readers))('%s', (_name, read) => {
  it('throws nothing but DerError at octets at random', () => {
    const property = fc.property(
      fc.uint8Array({ maxLength: 80 }),
      (input) => void refuses(read, Buffer.from(input)),
    );
    expect(fc.check(property).failed).toBe(false);
  });

  it('throws nothing but DerError at DER at random', () => {
    const { tree } = fc.letrec<{ tree: Buffer; leaf: Buffer }>((tie) => ({
      leaf: fc
        .tuple(
          fc.constantFrom(...Object.values(tags), 0x80, 0x81, 0x86, 0x87, 0xa0, 0xa3),
          fc.uint8Array({ maxLength: 20 }),
        )
        .map(([tag, content]) => der(tag, Buffer.from(content))),
      tree: fc.oneof(
        { depthSize: 'small' },
        tie('leaf'),
        fc
          .tuple(fc.constantFrom(0x30, 0x31, 0xa0, 0xa3), fc.array(tie('tree'), { maxLength: 5 }))
          .map(([tag, parts]) => der(tag, ...parts)),
      ),
    }));
    const property = fc.property(tree, (input) => void refuses(read, input));
    expect(fc.check(property).failed).toBe(false);
  });
});

describe('a certificate that was tampered with', () => {
  it('throws nothing but DerError, wherever octets were changed', () => {
    const position = fc.nat(sample.length - 1);
    const change = fc.array(fc.tuple(position, fc.nat(255)), { minLength: 1, maxLength: 4 });
    const property = fc.property(change, (changes) => {
      const input = Buffer.from(sample);
      for (const [index, value] of changes) input[index] = value;
      refuses(readers['Certificate']!, input);
    });
    expect(fc.check(property, { numRuns: 1000 }).failed).toBe(false);
  });

  it('is refused wherever it is cut off, and with anything behind it', () => {
    for (let length = 0; length < sample.length; length++) {
      expect(readCertificate(sample.subarray(0, length))).toBeUndefined();
    }
    expect(readCertificate(Buffer.concat([sample, Buffer.of(0)]))).toBeUndefined();
  });

  it('is its own copy: who changes the octets afterwards changes nothing', () => {
    const input = Buffer.from(sample);
    const certificate = new Certificate(input);
    const { pin, fingerprint256 } = certificate;
    input.fill(0);
    expect(certificate.pin).toBe(pin);
    expect(certificate.fingerprint256).toBe(fingerprint256);
    expect(certificate.raw.equals(sample)).toBe(true);
  });
});

describe('DER', () => {
  it.each([
    ['an indefinite length', '3080 0000'],
    ['a length in more octets than it needs', '30820001 00'],
    ['a length of 0x7f in two octets', `3081 7f${'00'.repeat(127)}`],
    ['a length beyond the end', '3005 0000'],
    ['a length of five octets', '3085 0000000000'],
    ['a tag of several octets', '1f01 00'],
    ['nothing', ''],
    ['half a header', '30'],
    ['octets after the end', '0500 00'],
  ])('has not %s', (_what, hex) => {
    expect(() => readElement(octets(hex.replaceAll(' ', '')))).toThrow(DerError);
  });

  it('round-trips lengths of any size', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      expect(readElement(der(tags.octetString, Buffer.alloc(length))).content).toHaveLength(length);
    }
  });

  it('has object identifiers with arcs of any size', () => {
    const arcs = fc.array(fc.bigInt({ min: 0n, max: 1n << 64n }), { maxLength: 5 });
    const root = fc.tuple(fc.nat(1), fc.nat(39)).map(([first, second]) => `${first}.${second}`);
    fc.assert(
      fc.property(
        fc.oneof(
          root,
          fc.nat(1000).map((second) => `2.${second}`),
        ),
        arcs,
        (start, rest) => {
          const dotted = [start, ...rest].join('.');
          expect(readOid(readElement(objectIdentifier(dotted)))).toBe(dotted);
        },
      ),
    );
    for (const hex of ['0600', '060180', '06022a80'])
      expect(() => readOid(readElement(octets(hex)))).toThrow(DerError);
  });

  it('has integers of at most 47 bits here', () => {
    fc.assert(
      fc.property(fc.nat(), (value) => {
        expect(readSmallInteger(readElement(unsignedInteger(value)))).toBe(value);
      }),
    );
    expect(readSmallInteger(readElement(octets('0201ff')))).toBe(-1);
    for (const hex of ['0200', '02070100000000000000']) {
      expect(() => readSmallInteger(readElement(octets(hex)))).toThrow(DerError);
    }
  });

  it('has times as RFC 5280 writes them, and no others', () => {
    const date = fc.date({
      min: new Date('1950-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (value) => {
        const seconds = Math.floor(value.getTime() / 1000) * 1000;
        expect(readTime(readElement(time(value)))).toBe(seconds);
      }),
    );
    expect(readTime(element(tags.utcTime, '491231235959Z'))).toBe(Date.UTC(2049, 11, 31, 23, 59, 59));
    expect(readTime(element(tags.utcTime, '500101000000Z'))).toBe(Date.UTC(1950, 0, 1));
    for (const text of [
      '2501010000Z',
      '250101000000+0100',
      '250101000000',
      '251301000000Z',
      '250101240000Z',
      'x',
    ]) {
      expect(() => readTime(element(tags.utcTime, text))).toThrow(DerError);
    }
    for (const text of ['20250101000000.5Z', '250101000000Z', '20250101000000']) {
      expect(() => readTime(element(tags.generalizedTime, text))).toThrow(DerError);
    }
  });

  it.each<[StringType, string]>([
    ['utf8', 'Ünï\u{1f512}\n\0'],
    ['printable', 'plain'],
    ['ia5', 'a@example.org'],
    ['t61', 'caf\u00e9'],
    ['bmp', 'Ünïcode'],
    ['universal', 'Ü\u{1f512}'],
  ])('has strings in %s', (encoding, text) => {
    expect(readString(readElement(encodeString(text, encoding)))).toBe(text);
  });

  it('has no text in what is no string', () => {
    expect(readString(readElement(octets('0500')))).toBe('#0500');
    expect(readString(readElement(octets('1e03004100')))).toBe('#1e03004100');
    expect(readString(readElement(octets('1c0400110000')))).toBe('#1c0400110000');
  });

  it('has a boolean of one octet and a bit string with a count', () => {
    expect(readBoolean(readElement(octets('0101ff')))).toBe(true);
    expect(readBoolean(readElement(octets('010100')))).toBe(false);
    expect(() => readBoolean(readElement(octets('0100')))).toThrow(DerError);
    expect(() => readBitString(readElement(octets('0300')))).toThrow(DerError);
    expect(() => readBitString(readElement(octets('03020800')))).toThrow(DerError);
  });
});

describe('a certificate', () => {
  it('is refused where RFC 5280 has it malformed', () => {
    const twice = extension.extendedKeyUsage(['1.3.6.1.5.5.7.3.2']);
    for (const overrides of [
      { moreExtensions: [twice] },
      { serialNumber: Buffer.alloc(0) },
      { notAfter: der(tags.utcTime, Buffer.from('nonsense')) },
      { innerAlgorithm: sequence(objectIdentifier('1.2.3')) },
      { extensions: { subjectAltName: extension.subjectAltName([generalName.ip(Buffer.alloc(5))]) } },
      {
        extensions: {
          basicConstraints: extension.raw(
            extensions.oids.basicConstraints,
            octets('3003020 1ff'.replace(' ', '')),
          ),
        },
      },
    ]) {
      expect(refuses(readers['Certificate']!, oddCertificate(overrides).der)).toBe(true);
    }
    expect(refuses(readers['Certificate']!, oddCertificate({ subject: commonName('fine') }).der)).toBe(false);
  });
});
