import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { isNamed, readHostName } from '../../lib/client/host-name.ts';
import { judge } from '../../lib/client/judgement.ts';
import { readClientOptions } from '../../lib/client/options.ts';
import { printable } from '../../lib/client/printable.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { dns, root, serverCertificate } from '../client/pki.ts';
import { times } from '../support/fuzz-runs.ts';

/** Not one that claims to be an A-label (RFC 5891). */
const label = fc
  .stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?$/)
  .filter((text) => !text.startsWith('--', 2));
const hostName = fc
  .array(label, { minLength: 2, maxLength: 5 })
  .map((labels) => `${labels.join('.')}.example`);

const named = (...names: readonly string[]): Certificate =>
  new Certificate(serverCertificate({ extensions: { subjectAltName: dns(...names) } }).der);

test('a certificate is for its own name, whatever its letters, and for no name above or below', () => {
  fc.assert(
    fc.property(hostName, label, (name, extra) => {
      const certificate = named(name.toUpperCase());
      expect(isNamed(certificate, readHostName(`${name}.`)!)).toBe(true);
      expect(isNamed(certificate, readHostName(`${extra}.${name}`)!)).toBe(false);
      expect(isNamed(certificate, readHostName(name.slice(name.indexOf('.') + 1))!)).toBe(false);
    }),
    times(200),
  );
});

test('a wildcard is for one label in its place, and for nothing else', () => {
  fc.assert(
    fc.property(hostName, label, label, (parent, one, two) => {
      const certificate = named(`*.${parent}`);
      expect(isNamed(certificate, readHostName(`${one}.${parent}`)!)).toBe(true);
      for (const other of [parent, `${one}.${two}.${parent}`, `${one}.${two}.example`])
        expect(isNamed(certificate, readHostName(other)!)).toBe(false);
    }),
    times(200),
  );
});

test('no text in a subjectAltName is for a host that it is not, letter by letter', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), hostName, (text, name) => {
      const latin = Buffer.from(`${name}${text}`, 'utf8').toString('latin1');
      const same = latin.toLowerCase() === name;
      expect(isNamed(named(latin), readHostName(name)!)).toBe(same);
    }),
    times(300),
  );
});

test('what is printed holds no control, and nothing that a terminal or a log obeys', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(printable(`a${'\u{1f600}'.repeat(200)}`)).not.toMatch(/\p{Cs}/u);
    }),
    times(1000),
  );
});

test('damaged certificates are refused, and never throw', () => {
  const config = readClientOptions({ ca: root.certificate }, []);
  const { der: leaf } = serverCertificate();
  const target = { host: 'localhost', port: 443 };
  const now = Date.now();
  expect(judge(config, target, { leaf, issuers: [], staple: undefined }, now)).not.toBeInstanceOf(Error);
  fc.assert(
    fc.property(
      fc.nat(leaf.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.uint8Array(),
      (at, by, staple) => {
        const damaged = Buffer.from(leaf);
        damaged[at]! ^= by;
        const presented = { leaf: damaged, issuers: [damaged], staple: Buffer.from(staple) };
        expect(judge(config, target, presented, now)).toBeInstanceOf(Error);
      },
    ),
    times(1500),
  );
});
