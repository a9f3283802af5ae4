/* oxlint-disable jest/no-conditional-expect, jest/expect-expect -- a property is of the inputs that it speaks of */
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { type Authority, createAuthority } from 'portcullis/pki';
import { readCrl } from '../../lib/cli/pki/read-crl.ts';
import { readOwnCrl } from '../../lib/pki/crl-number.ts';
import { positiveInteger } from '../../lib/pki/der.ts';
import { certIdOf, encodeOcspRequest } from '../../lib/trust/ocsp/ocsp-request.ts';
import { CrlError } from '../../lib/trust/revocation/crl-error.ts';
import { type RevocationList, readList } from '../../lib/trust/revocation/crl-list.ts';
import { comparableName, comparableText, preparedText } from '../../lib/trust/revocation/crl-name.ts';
import { covers, readScope } from '../../lib/trust/revocation/crl-scope.ts';
import { SerialIndex } from '../../lib/trust/revocation/crl-serials.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { DerError, readChildren, readElement } from '../../lib/x509/der.ts';
import { readPem } from '../../lib/x509/pem.ts';
import { times } from '../support/fuzz-runs.ts';
import { crlNumber, distribution, oddCrl } from '../support/odd-crls.ts';
import { attribute, name } from '../support/odd-names.ts';
import { damage, octets, unless } from './support/damage.ts';

let authority: Authority;
let issuer: Certificate;
let list: Buffer;
let client: Certificate;

beforeAll(async () => {
  authority = await createAuthority({ subject: { O: 'Acme', CN: 'Root' } });
  issuer = new Certificate(readPem(authority.certificate)![0]!.der);
  const { certificate } = await authority.issueClientCertificate({ subject: 'alice' });
  client = new Certificate(readPem(certificate)![0]!.der);
  list = oddCrl(authority, {
    entries: [{ serial: '05' }, { serial: client.serialNumber, reason: 1 }],
    extensions: [crlNumber(7), distribution.at('http://a.test/1.crl')],
  });
});

const known = [DerError, CrlError] as const;

function read(der: Buffer): RevocationList | undefined {
  return unless(known, () => {
    const steps = readList(der);
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
  });
}

describe('a revocation list', () => {
  it("that is changed in any place is not its issuer's any more, or revokes whom it did", () => {
    const sound = read(list)!;
    expect([sound.isSignedBy(issuer), sound.revokes(client), readOwnCrl(list, issuer) !== undefined]).toEqual(
      [true, true, true],
    );
    const check = (changed: Buffer): void => {
      if (changed.equals(list)) return;
      const other = read(changed);
      if (other?.isSignedBy(issuer) === true) expect(other.revokes(client)).toBe(true);
      // A list before: by its number the next ones are counted.
      const own = unless(known, () => readOwnCrl(changed, issuer));
      if (own !== undefined)
        expect(own.map(({ raw }) => raw.toString('hex'))).toEqual(
          readOwnCrl(list, issuer)!.map(({ raw }) => raw.toString('hex')),
        );
    };
    for (let place = 0; place < list.length; place++) {
      const copy = Buffer.from(list);
      copy[place]! ^= 1 << (place % 8);
      check(copy);
    }
    fc.assert(
      fc.property(damage, (harm) => check(harm(list))),
      times(800),
    );
  });

  it('is shown as it is judged: the same serial numbers, and the same dates', () => {
    fc.assert(
      fc.property(damage, (harm) => {
        const changed = harm(list);
        const shown = unless(known, () => readCrl(changed));
        const judged = read(changed);
        if (judged === undefined || shown === undefined) return;
        expect([shown.thisUpdate, shown.nextUpdate, shown.number]).toEqual([
          judged.thisUpdate,
          judged.nextUpdate,
          judged.number,
        ]);
        if (judged.revokes(client) && shown.revoked.every(({ reason }) => reason !== 'removeFromCRL'))
          expect(shown.revoked.map(({ serialNumber }) => serialNumber)).toContain(client.serialNumber);
      }),
      times(800),
    );
  });

  it('of any octets is shown, or is a DerError', () => {
    fc.assert(
      fc.property(octets(120), (input) => {
        unless(known, () => readCrl(input));
        unless(known, () => readOwnCrl(input, issuer));
        expect(read(input)).toBeUndefined();
      }),
      { ...times(800), examples: [[Buffer.of(0x30, 0)]] },
    );
  });
});

describe('the scope of a list', () => {
  it('is read, or refused; a narrower one never covers more than all', () => {
    // The value within the OCTET STRING, behind the object identifier.
    const extension = distribution.at('http://a.test/1.crl');
    const value = readChildren(readElement(extension)).at(-1)!.content;
    fc.assert(
      fc.property(
        fc.oneof(
          octets(40),
          damage.map((harm) => harm(value)),
        ),
        (input) => {
          const scope = unless(known, () => readScope(input));
          if (scope === undefined) return;
          expect(['all', 'user', 'ca']).toContain(scope.kind);
          if (scope.kind === 'ca') expect(covers(scope, client)).toBe(false);
          if (scope.names !== undefined)
            expect(covers({ ...scope, names: undefined }, client) || !covers(scope, client)).toBe(true);
        },
      ),
      times(800),
    );
  });
});

describe('serial numbers', () => {
  it('are in an index however many octets of nothing stand before them, and by no other number', () => {
    const serial = fc.uint8Array({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(serial, { minLength: 1, maxLength: 30 }),
        serial,
        fc.nat(3),
        (inside, other, zeros) => {
          const contents = inside.map((each) => readElement(positiveInteger(Buffer.from(each))).content);
          const whole = Buffer.concat(contents);
          const index = new SerialIndex(whole, contents.length);
          let at = 0;
          for (const { length } of contents) index.add(at, (at += length));
          for (const content of contents)
            expect(index.has(Buffer.concat([Buffer.alloc(zeros), content]))).toBe(true);
          const outside = readElement(positiveInteger(Buffer.from(other))).content;
          expect(index.has(outside)).toBe(contents.some((each) => each.equals(outside)));
        },
      ),
      times(500),
    );
  });
});

describe('names that are compared', () => {
  const spaced = fc.string({
    unit: fc.oneof(
      fc.constantFrom('a', 'B', 'ß', 'ﬁ', 'Å', ' ', '\t', '\u00a0', '\u200b', '\u00ad', 'İ', '\ud800'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 40,
  });

  it('are the same when they are prepared again, whatever their case and spaces', () => {
    fc.assert(
      fc.property(spaced, (text) => {
        const prepared = comparableText(text);
        expect(comparableText(` ${text}  `)).toBe(prepared);
        expect(unless(known, () => preparedText(text))).toBe(prepared);
        const ascii = text.replace(/[^ -~]/g, '');
        expect(comparableText(ascii.toUpperCase())).toBe(comparableText(ascii.toLowerCase()));
        expect(comparableText(comparableText(ascii))).toBe(comparableText(ascii));
      }),
      times(600),
    );
  });

  it('are equal exactly where their attributes are, however the string is typed', () => {
    const plain = fc.stringMatching(/^[a-z][a-z ]{0,6}[a-z]$/);
    const typed = fc.constantFrom('utf8' as const, 'printable' as const, 'bmp' as const);
    fc.assert(
      fc.property(plain, plain, typed, typed, (one, other, type, otherType) => {
        const first = comparableName(name(attribute('CN', one, type)));
        expect(comparableName(name(attribute('CN', one.toUpperCase(), otherType)))).toBe(first);
        const isSame = comparableText(one) === comparableText(other);
        expect(comparableName(name(attribute('CN', other, otherType))) === first).toBe(isSame);
        expect(comparableName(name(attribute('O', one, type))) === first).toBe(false);
      }),
      times(500),
    );
  });

  it('of a giant cost no more than their length', () => {
    for (const sign of ['\u0301', 'ß', '\u200b', ' ', '\u0300\u0316'])
      expect(comparableText(sign.repeat(200_000)).length).toBeGreaterThanOrEqual(0);
  });

  it('of any octets are compared, or are a DerError', () => {
    const sound = name(attribute('O', 'Acme'), attribute('CN', 'Root'));
    fc.assert(
      fc.property(
        fc.oneof(
          octets(60),
          damage.map((harm) => harm(sound)),
        ),
        (input) => {
          const text = unless(known, () => comparableName(input));
          if (text !== undefined && input.length < 4_096) expect(Array.isArray(JSON.parse(text))).toBe(true);
        },
      ),
      times(800),
    );
  });
});

describe('a question to a responder', () => {
  it('asks for the certificate and no other, with and without a nonce', () => {
    fc.assert(
      fc.property(fc.option(octets(32), { nil: undefined }), (nonce) => {
        const id = certIdOf(client, issuer);
        const request = encodeOcspRequest(id, nonce);
        const [body] = readChildren(readElement(request));
        expect(body!.raw.includes(id.serialNumber)).toBe(true);
        expect(request.includes(id.issuerKeyHash)).toBe(true);
        if (nonce !== undefined && nonce.length > 8) expect(request.includes(nonce)).toBe(true);
      }),
      times(200),
    );
  });
});
