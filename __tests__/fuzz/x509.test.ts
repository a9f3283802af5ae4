/* oxlint-disable jest/no-conditional-expect, jest/expect-expect -- a property is of the inputs that it speaks of */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseCertificate } from '../../lib/cli/pki/parse-certificate.ts';
import { readSelfSigned } from '../../lib/connection/self-signed.ts';
import { readSession, withoutName } from '../../lib/connection/session.ts';
import { ConfigError } from '../../lib/errors.ts';
import { der, objectIdentifier, sequence, time } from '../../lib/pki/der.ts';
import { encodePem, readCertificates, readOneCertificate } from '../../lib/pki/pem.ts';
import { readIssuer, rememberIssuers } from '../../lib/trust/known-issuers.ts';
import { linkedForwarded, linkedPath } from '../../lib/trust/linked-path.ts';
import { linkPath } from '../../lib/trust/path.ts';
import { isProblem } from '../../lib/trust/problem.ts';
import { notDer } from '../../lib/trust/profile/der-form.ts';
import { isWellFormed } from '../../lib/trust/names/name-forms.ts';
import { readGeneralNames } from '../../lib/trust/names/general-name.ts';
import { Certificate, readCertificate } from '../../lib/x509/certificate.ts';
import {
  childAfter,
  type DerElement,
  DerError,
  explicitTag,
  readBoolean,
  readChildren,
  readElement,
  readOid,
  readSmallInteger,
  readString,
  readTime,
  tags,
} from '../../lib/x509/der.ts';
import {
  readAuthorityKeyId,
  readBasicConstraints,
  readExtensions,
  readKeyUsage,
  readOidList,
  readPolicies,
  readSubjectAltNames,
  readSubjectKeyId,
} from '../../lib/x509/extensions.ts';
import { attributeName, isAttributeName, readName } from '../../lib/x509/name.ts';
import { findPem, readPem } from '../../lib/x509/pem.ts';
import { readPublicKey } from '../../lib/x509/public-key.ts';
import { times } from '../support/fuzz-runs.ts';
import { oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { sharedKeys } from '../support/odd-keys.ts';
import { attribute, generalName, name } from '../support/odd-names.ts';
import { damage, octets, unless } from './support/damage.ts';

const root = oddAuthority();
const leaf = oddCertificate({
  issuer: root,
  subject: name(attribute('O', 'Acme'), attribute('CN', 'alice'), attribute('CN', 'bob')),
  extensions: {
    subjectAltName: extension.subjectAltName([
      generalName.dns('a.example'),
      generalName.email('a@a.example'),
      generalName.uri('spiffe://a.example/b'),
      generalName.ip('10.0.0.1'),
    ]),
    certificatePolicies: extension.certificatePolicies(['1.2.3']),
  },
});
const selfSigned = oddCertificate();
const at = Date.now();

const attempt = <T>(act: () => T): T | undefined => unless([DerError], act);

/** What Node says of it: undefined where OpenSSL cannot read it, or holds octets behind its end for nothing. */
function asNodeReads(input: Buffer): X509Certificate | undefined {
  try {
    const read = new X509Certificate(input);
    return read.raw.equals(input) ? read : undefined;
  } catch {
    return undefined;
  }
}

/** A tree of elements, and what it holds. */
interface Tree {
  readonly tag: number;
  readonly content: Buffer | readonly Tree[];
}
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.record({ tag: fc.constantFrom(1, 2, 3, 4, 5, 6, 0x0c, 0x13, 0x17, 0x80, 0x82), content: octets(200) }),
    fc.record({
      tag: fc.constantFrom(0x30, 0x31, 0xa0, 0xa3),
      content: fc.array(tie('tree'), { maxLength: 4 }),
    }),
  ),
}));
const encode = ({ tag, content }: Tree): Buffer =>
  Buffer.isBuffer(content) ? der(tag, content) : der(tag, ...content.map(encode));
const decode = (element: DerElement): Tree =>
  (element.tag & 0x20) === 0
    ? { tag: element.tag, content: Buffer.from(element.content) }
    : { tag: element.tag, content: readChildren(element).map(decode) };

describe('DER', () => {
  it('is read as it was written, and one child after the other as all at once', () => {
    fc.assert(
      fc.property(tree, (given) => {
        const element = readElement(encode(given));
        expect(decode(element)).toEqual(given);
        if ((element.tag & 0x20) === 0) return;
        const raws: Buffer[] = [];
        for (let child = childAfter(element); child !== undefined; child = childAfter(element, child))
          raws.push(child.raw);
        expect(raws).toEqual(readChildren(element).map(({ raw }) => raw));
      }),
      times(600),
    );
  });

  it('of any octets is read within them, or is a DerError', () => {
    const readers: ReadonlyArray<(element: DerElement) => unknown> = [
      readSmallInteger,
      readBoolean,
      readOid,
      readTime,
      readString,
      readName,
      readPublicKey,
      readExtensions,
      notDer,
    ];
    const given = fc.oneof(
      octets(60),
      fc.tuple(tree, damage).map(([one, harm]) => harm(encode(one))),
      tree.map(encode),
    );
    fc.assert(
      fc.property(given, (input) => {
        const element = attempt(() => readElement(input));
        if (element === undefined) return;
        expect(element.raw.equals(input)).toBe(true);
        for (const read of readers) attempt(() => read(element));
      }),
      times(1_200),
    );
  });

  it('has the object identifiers that it was given, however long their arcs are', () => {
    const arc = fc.oneof(fc.nat(200), fc.bigInt({ min: 0n, max: 2n ** 120n }));
    fc.assert(
      fc.property(fc.nat(2), fc.nat(39), fc.array(arc, { maxLength: 3 }), (first, second, others) => {
        const dotted = [first, second, ...others].join('.');
        const encoded = attempt(() => objectIdentifier(dotted));
        if (encoded !== undefined) expect(readOid(readElement(encoded))).toBe(dotted);
      }),
      times(600),
    );
  });

  it('has the times that it was given, and of other texts those that Date reads alike', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1950-01-01'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        (date) => {
          expect(readTime(readElement(time(date)))).toBe(Math.floor(date.getTime() / 1000) * 1000);
        },
      ),
      times(600),
    );
    const digits = fc.stringMatching(/^(?:19|20)[0-9]{2}[01][0-9][0-3][0-9][0-2][0-9][0-5][0-9][0-6][0-9]Z$/);
    fc.assert(
      fc.property(fc.oneof(digits, fc.string({ maxLength: 16 })), (text) => {
        const content = Buffer.from(text, 'latin1');
        const read = attempt(() => readTime({ tag: tags.generalizedTime, content, raw: content }));
        const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
        // A leap second is the second after it.
        const leap = iso.endsWith(':60Z') ? 1_000 : 0;
        if (read !== undefined) expect(read).toBe(Date.parse(iso.replace(':60Z', ':59Z')) + leap);
        else if (!leap && iso !== text && !iso.includes('T24'))
          expect(new Date(iso).toJSON()?.startsWith(iso.slice(0, 19)) ?? false).toBe(false);
      }),
      times(600),
    );
  });
});

describe('a certificate', () => {
  /** Whether both say the same of it, where both can read it. */
  function agrees(input: Buffer): void {
    const [ours, nodes] = [readCertificate(input), asNodeReads(input)];
    if (ours === undefined || nodes === undefined) return;
    expect([ours.fingerprint256, ours.serialNumber]).toEqual([nodes.fingerprint256, nodes.serialNumber]);
    // Names of an unknown type are left out here, and refused with the path; OpenSSL then shows none.
    const { subjectAltName: shown } = nodes;
    for (const dns of shown ? ours.subjectAltNames.dns : [])
      if (/^[\w.-]+$/.test(dns)) expect(shown).toContain(`DNS:${dns}`);
    const plain = ours.subject['CN']?.every((text) => /^[\w.-]+$/.test(text)) === true;
    const nodesNames = nodes.subject.split('\n').filter((line) => line.startsWith('CN='));
    if (plain) expect(nodesNames).toEqual(ours.subject['CN']!.map((text) => `CN=${text}`));
    expect([ours.notBefore, ours.notAfter]).toEqual([Date.parse(nodes.validFrom), Date.parse(nodes.validTo)]);
  }

  it("says what Node's own reader says, whichever octets of it are changed", () => {
    agrees(leaf.der);
    expect(asNodeReads(leaf.der)).toBeDefined();
    for (let place = 0; place < leaf.der.length; place++) {
      const copy = Buffer.from(leaf.der);
      copy[place]! ^= 1 << (place % 8);
      agrees(copy);
    }
    fc.assert(
      fc.property(damage, (harm) => agrees(harm(leaf.der))),
      times(800),
    );
  });

  it('that nobody but itself has signed is so to the last bit', () => {
    expect(readSelfSigned(selfSigned.der)).toBeDefined();
    expect(readSelfSigned(leaf.der)).toBeUndefined();
    fc.assert(
      fc.property(damage, (harm) => {
        const changed = harm(selfSigned.der);
        expect(readSelfSigned(changed) === undefined).toBe(!changed.equals(selfSigned.der));
      }),
      times(500),
    );
  });

  it('that is known as an issuer is no other one, and a path from memory is judged as without', () => {
    rememberIssuers([new Certificate(root.der)]);
    expect(readIssuer(root.der)?.sha256).toBe(new Certificate(root.der).sha256);
    fc.assert(
      fc.property(damage, damage, (harm, other) => {
        const [changed, issuer] = [harm(leaf.der), other(root.der)];
        expect(readIssuer(issuer)?.sha256).toBe(readCertificate(issuer)?.sha256);
        for (const chain of [[root.der], [issuer], [issuer, root.der]]) {
          const expected = isProblem(linkPath(changed, chain, at));
          expect(isProblem(linkedPath(changed, chain, at))).toBe(expected);
          expect(isProblem(linkedForwarded(changed, chain, at))).toBe(expected);
        }
      }),
      times(300),
    );
  });

  it('has the public key that Node sees, of each type', () => {
    for (const type of ['ec-p256', 'rsa-2048', 'ed25519'] as const) {
      const { publicKey } = sharedKeys(type);
      const spki = publicKey.export({ type: 'spki', format: 'der' });
      const read = readPublicKey(readElement(spki));
      const { asymmetricKeyType, asymmetricKeyDetails } = publicKey;
      expect([read.type, read.curve]).toEqual([asymmetricKeyType, asymmetricKeyDetails?.namedCurve]);
      if (asymmetricKeyDetails?.modulusLength !== undefined)
        expect(read.bits).toBe(asymmetricKeyDetails.modulusLength);
      fc.assert(
        fc.property(damage, (harm) => {
          const changed = harm(spki);
          const found = attempt(() => readPublicKey(readElement(changed)));
          let node: ReturnType<typeof createPublicKey> | undefined;
          try {
            node = createPublicKey({ key: changed, format: 'der', type: 'spki' });
          } catch {
            return;
          }
          // What OpenSSL takes for a key of this type is one here, or none.
          if (found?.type === 'rsa' && node.asymmetricKeyType === 'rsa')
            expect(found.bits).toBe(node.asymmetricKeyDetails?.modulusLength);
        }),
        times(300),
      );
    }
  });
});

describe('the extensions of a certificate', () => {
  const values = fc.oneof(
    octets(80),
    fc.tuple(tree, damage).map(([one, harm]) => harm(encode(one))),
    tree.map(encode),
  );

  it('are read or are a DerError, and hold nothing that was not there', () => {
    fc.assert(
      fc.property(values, (value) => {
        const names = attempt(() => readSubjectAltNames(value));
        for (const text of Object.values(names ?? {}).flat()) expect(typeof text).toBe('string');
        const general = attempt(() => readGeneralNames(value));
        for (const one of general ?? []) expect(typeof isWellFormed(one)).toBe('boolean');
        const constraints = attempt(() => readBasicConstraints(value));
        expect(constraints?.pathLength ?? 0).toBeGreaterThanOrEqual(0);
        for (const read of [readKeyUsage, readOidList, readPolicies, readAuthorityKeyId, readSubjectKeyId])
          attempt(() => read(value));
      }),
      times(1_200),
    );
  });

  it('come as often as they stand there, and never twice', () => {
    const oid = fc.constantFrom('2.5.29.17', '2.5.29.19', '1.2.3.4');
    fc.assert(
      fc.property(fc.array(fc.tuple(oid, octets(5)), { maxLength: 4 }), (list) => {
        const items = list.map(([type, value]) =>
          sequence(objectIdentifier(type), der(tags.octetString, value)),
        );
        const read = attempt(() => readExtensions(readElement(der(explicitTag(3), sequence(...items)))));
        const isOnce = new Set(list.map(([type]) => type)).size === list.length;
        expect(read !== undefined).toBe(isOnce);
        if (read !== undefined) expect([...read].map(([type, { value }]) => [type, value])).toEqual(list);
      }),
      times(500),
    );
  });
});

describe('a name in a certificate', () => {
  it('has the values that were put in, under names that no prototype has', () => {
    const type = fc.constantFrom('CN', 'O', 'OU');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(type, fc.string({ unit: 'grapheme', maxLength: 10 })), { maxLength: 5 }),
        (list) => {
          const read = readName(readElement(name(...list.map(([key, value]) => attribute(key, value)))));
          for (const key of ['CN', 'O', 'OU'])
            expect(read[key] ?? []).toEqual(list.flatMap(([one, value]) => (one === key ? [value] : [])));
        },
      ),
      times(500),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.constantFrom('__proto__', 'constructor', 'toString', 'CN', '2.5.4.3', '1.2.3'),
        ),
        (word) => {
          const known = attributeName(word);
          expect(known === undefined || isAttributeName(known)).toBe(true);
          if (word in {}) expect([known, isAttributeName(word)]).toEqual([undefined, false]);
        },
      ),
      times(600),
    );
  });
});

describe('PEM', () => {
  const label = fc.constantFrom('CERTIFICATE', 'X509 CRL', 'PRIVATE KEY', 'A-B', '#');
  const blocks = fc.array(fc.tuple(label, octets(120)), { maxLength: 4 });
  const text = (list: ReadonlyArray<readonly [string, Buffer]>): string =>
    list.map(([kind, content]) => `# of ${kind.toLowerCase()}\n${encodePem(kind, content)}`).join('');

  it('is read as it was written, whatever stands around it', () => {
    fc.assert(
      fc.property(blocks, (given) => {
        const full = given.filter(([kind, content]) => content.length > 0 && kind !== 'A-B');
        expect(readPem(text(full))?.map(({ label: kind, der: content }) => [kind, content])).toEqual(full);
        expect(findPem(text(full).replaceAll('\n', '\r\n'))?.length).toBe(full.length);
      }),
      times(800),
    );
  });

  it('that is damaged is damaged, or has fewer octets than its text; nothing is thrown', () => {
    const pem = text([
      ['CERTIFICATE', leaf.der],
      ['CERTIFICATE', root.der],
    ]);
    fc.assert(
      fc.property(damage, (harm) => {
        const changed = harm(Buffer.from(pem)).toString('latin1');
        const read = readPem(changed);
        for (const block of read ?? []) expect(block.der.length).toBeLessThan(block.text.length);
        const certificates = unless([ConfigError], () => readCertificates(changed, 'ca'));
        for (const one of certificates ?? []) expect(asNodeReads(one.raw)).toBeDefined();
        const only = unless([ConfigError], () => readOneCertificate(changed, 'ca'));
        if (only !== undefined) expect(certificates).toHaveLength(1);
      }),
      times(600),
    );
    expect(parseCertificate(pem).raw.equals(leaf.der)).toBe(true);
  });
});

describe('a session that OpenSSL has written', () => {
  const field = (n: number, content: Buffer): Buffer => der(explicitTag(n), content);
  const integer = (value: number): Buffer => der(tags.integer, Buffer.of(0, value >> 8, value & 255));
  const sound = sequence(
    integer(1),
    integer(2),
    der(tags.octetString, Buffer.of(0x13, 1)),
    field(1, integer(1_000)),
    field(3, leaf.der),
    field(5, integer(0)),
    field(13, integer(1)),
  );

  it('is read or not understood, whatever octets it has, and its secret is wiped', () => {
    expect(readSession(Buffer.from(sound))).toMatchObject({ verifyResult: 0, extendedMasterSecret: true });
    const named = Buffer.concat([
      Buffer.from('\0nodejs:tls:session:1\0'),
      Buffer.of(0, 3),
      Buffer.from('a.b'),
      sound,
    ]);
    expect(withoutName(named).equals(sound)).toBe(true);
    fc.assert(
      fc.property(
        fc.oneof(
          octets(60),
          damage.map((harm) => harm(sound)),
          damage.map((harm) => harm(named)),
        ),
        (session) => {
          const given = Buffer.from(session);
          const read = readSession(given);
          expect(given.every((octet) => octet === 0)).toBe(true);
          // What is not changed where the verdict stands says the same.
          if (read !== undefined) expect(typeof read.verifyResult).toBe('number');
        },
      ),
      times(600),
    );
  });
});
