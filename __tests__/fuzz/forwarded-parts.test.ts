/* oxlint-disable jest/no-conditional-expect, jest/expect-expect -- a property is of the inputs that it speaks of */
import { IncomingMessage } from 'node:http';
import { BlockList, isIPv4, Socket } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createAuthority } from 'portcullis/pki';
import { ConfigError } from '../../lib/errors.ts';
import { readBase64 } from '../../lib/forwarded/base64.ts';
import { readCustomFormat } from '../../lib/forwarded/custom.ts';
import { readFormat } from '../../lib/forwarded/format.ts';
import { HeaderNames, readHeaderName } from '../../lib/forwarded/header-names.ts';
import { MalformedError } from '../../lib/forwarded/malformed.ts';
import { readCertificatesOfPem } from '../../lib/forwarded/pem.ts';
import { readPercentEncoded } from '../../lib/forwarded/percent.ts';
import { readProxyAddresses } from '../../lib/forwarded/proxy-addresses.ts';
import { removeHeaders } from '../../lib/forwarded/remove-headers.ts';
import { readByteSequence, readByteSequences } from '../../lib/forwarded/structured.ts';
import {
  booleanVerifier,
  cloudflareVerifier,
  haproxyVerifier,
  nginxVerifier,
  valueVerifier,
} from '../../lib/forwarded/verification.ts';
import { readXfccHeader } from '../../lib/forwarded/xfcc-layout.ts';
import { readXfcc } from '../../lib/forwarded/xfcc.ts';
import { readPem } from '../../lib/x509/pem.ts';
import { readProxyTrust } from '../../middleware/proxy-trust.ts';
import { times } from '../support/fuzz-runs.ts';
import { octets, unless } from './support/damage.ts';

const attempt = <T>(act: () => T): T | undefined => unless([MalformedError], act);
const sign = fc.constantFrom(
  ',',
  ';',
  '"',
  '\\',
  ':',
  '=',
  '%',
  '+',
  '-',
  '_',
  ' ',
  '\t',
  '\0',
  '\r\n',
  'A',
  '%41',
  '%zz',
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(sign, { maxLength: 20 }).map((signs) => signs.join('')),
);

describe('base64, in the only form in which two readers see the same', () => {
  it('is read as it was written, and as nothing else', () => {
    fc.assert(
      fc.property(octets(60), text, fc.nat(80), (content, noise, place) => {
        const written = content.toString('base64');
        expect(attempt(() => readBase64(written, 'it'))).toEqual(content.length === 0 ? undefined : content);
        const changed = written.slice(0, place) + noise + written.slice(place);
        const read = attempt(() => readBase64(changed, 'it'));
        if (read !== undefined) expect(read.toString('base64')).toBe(changed);
      }),
      times(800),
    );
  });

  it('in colons is a byte sequence, and a list of them has as many as were written', () => {
    const contents = fc.array(
      octets(20).filter(({ length }) => length > 0),
      { maxLength: 5 },
    );
    const blank = fc.constantFrom('', ' ', '\t', ' \t ');
    fc.assert(
      fc.property(contents, blank, text, (list, between, noise) => {
        const members = list.map((one) => `:${one.toString('base64')}:`);
        const written = members.join(`${between},${between}`);
        expect(readByteSequences(written, 5)).toEqual(list);
        if (list.length > 0)
          expect(attempt(() => readByteSequences(written, list.length - 1))).toBeUndefined();
        expect(attempt(() => readByteSequences(noise, 3))?.length ?? 0).toBeLessThanOrEqual(3);
        attempt(() => readByteSequence(noise));
      }),
      times(600),
    );
  });
});

describe('percent signs and PEM in a header', () => {
  it('are decoded as URLs have them, and a plus sign stays one', () => {
    fc.assert(
      fc.property(text, (given) => {
        const encoded = unless([URIError], () => encodeURIComponent(given));
        if (encoded !== undefined) expect(readPercentEncoded(encoded)).toBe(given);
        const read = attempt(() => readPercentEncoded(given));
        if (read !== undefined) expect(read.length).toBeLessThanOrEqual(given.length);
        if (!given.includes('%')) expect(read).toBe(given);
      }),
      times(800),
    );
  });

  it('are certificates and nothing besides, as many as are asked for', () => {
    const contents = fc.array(
      octets(40).filter(({ length }) => length > 0),
      { maxLength: 4 },
    );
    const blank = fc.constantFrom(' ', '\n', '\r\n', '\t', '  ');
    fc.assert(
      fc.property(
        contents,
        blank,
        text,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, end, noise, where) => {
          const blocks = list.map((one) =>
            ['-----BEGIN CERTIFICATE-----', one.toString('base64'), '-----END CERTIFICATE-----'].join(end),
          );
          const written = blocks.join(end);
          expect(readCertificatesOfPem(written, 4)).toEqual(list);
          if (list.length > 0)
            expect(attempt(() => readCertificatesOfPem(written, list.length - 1))).toBeUndefined();
          const place = Math.floor(where * written.length);
          const read = attempt(() =>
            readCertificatesOfPem(written.slice(0, place) + noise + written.slice(place), 4),
          );
          // Whoever reads less strictly does not see other certificates than those that are seen here.
          const file = readPem(
            (written.slice(0, place) + noise + written.slice(place)).replaceAll(/ +/g, '\n'),
          );
          if (read !== undefined && file !== undefined && file.length === read.length)
            expect(file.map(({ der }) => der)).toEqual(read);
        },
      ),
      times(600),
    );
  });
});

describe("Envoy's header", () => {
  let leaf: string;
  beforeAll(async () => {
    leaf = (await (await createAuthority()).issueClientCertificate({ subject: 'alice' })).certificate;
  });

  it('has the elements and the values that were written, whatever stands in the quotes', () => {
    const key = fc.constantFrom(
      'By',
      'Hash',
      'Subject',
      'URI',
      'DNS',
      'Cert',
      'Chain',
      '__proto__'.replaceAll('_', ''),
    );
    const element = fc.uniqueArray(fc.tuple(key, text), {
      minLength: 1,
      maxLength: 4,
      selector: ([name]) => name,
    });
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 3 }), (elements) => {
        const written = elements
          .map((pairs) =>
            pairs.map(([name, value]) => `${name}="${value.replace(/[\\"]/g, String.raw`\$&`)}"`).join(';'),
          )
          .join(',');
        const read = readXfcc(written, 3);
        expect(read.map((one) => Array.from(one))).toEqual(
          elements.map((pairs) => pairs.map(([name, value]) => [name.toLowerCase(), value])),
        );
      }),
      times(600),
    );
  });

  it('of any text is read or malformed; no name in it, and no second element, makes another certificate of it', () => {
    const cert = encodeURIComponent(leaf);
    const own = readXfccHeader(`Cert="${cert}"`, 'only', true);
    fc.assert(
      fc.property(
        text,
        fc.constantFrom('only' as const, 'first' as const, 'last' as const),
        (noise, choice) => {
          attempt(() => readXfcc(noise, 3));
          for (const value of [
            noise,
            `${noise};Cert="${cert}"`,
            `Cert="${cert}";${noise}`,
            `Cert="${cert}"${noise}`,
          ]) {
            const read = attempt(() => readXfccHeader(value, choice, true));
            if (read?.kind === 'certificate') expect(read).toEqual(own);
          }
        },
      ),
      times(600),
    );
  });
});

describe('what a proxy says of a certificate', () => {
  it('is verified by its one word alone, and never where there is no certificate', () => {
    const values = fc.oneof(
      text,
      fc.constantFrom(
        'SUCCESS',
        'success',
        'NONE',
        'FAILED',
        'FAILED:revoked',
        '0',
        '00',
        '10',
        'true',
        'TRUE',
        'false',
        '',
      ),
    );
    const verifiers = [
      [nginxVerifier('h'), 'SUCCESS'],
      [haproxyVerifier('h'), '0'],
      [valueVerifier('h', 'yes'), 'yes'],
      [booleanVerifier('h'), 'true'],
    ] as const;
    fc.assert(
      fc.property(values, fc.boolean(), (value, present) => {
        for (const [verifier, word] of verifiers) {
          const verdict = attempt(() => verifier.judge(new Map([['h', value]]), present));
          expect(verdict === 'verified').toBe(present && value === word);
        }
        const headers = new Map([
          ['cf-cert-verified', 'true'],
          ['cf-cert-revoked', value],
        ]);
        const cloudflare = attempt(() => cloudflareVerifier().judge(headers, present));
        expect(cloudflare === 'verified').toBe(present && ['false', ''].includes(value));
      }),
      times(800),
    );
  });
});

describe('the headers of a proxy', () => {
  const letter = fc.constantFrom('-', '_', '.', 'C', 'c', 'l', '!');
  const near = fc.oneof(
    fc.constantFrom(
      'Client-Cert',
      'client_cert',
      'CLIENT.CERT',
      'Client-Cert-Chain',
      'client-certs',
      '__proto__',
    ),
    fc.array(letter, { minLength: 1, maxLength: 4 }).map((letters) => `x${letters.join('')}`),
  );
  const fold = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');

  it('are removed in every form in which somebody behind might read them, and all others stay', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(near, fc.constantFrom('a', 'b')), { maxLength: 6 }), (lines) => {
        const request = new IncomingMessage(new Socket());
        request.rawHeaders = lines.flat();
        for (const [name, value] of lines)
          (request as unknown as { _addHeaderLine: (...args: unknown[]) => void })._addHeaderLine(
            name.toLowerCase(),
            value,
            request.headers,
          );
        request.complete = true;
        const meant = lines.filter(([name]) => fold(name) === 'client-cert');
        const names = new HeaderNames(['client-cert']);
        expect(removeHeaders(request, names)).toBe(meant.length > 0);
        expect(request.rawHeaders).toEqual(lines.filter((line) => !meant.includes(line)).flat());
        for (const form of [request.headers, request.headersDistinct])
          expect(Object.keys(form).some((name) => fold(name) === 'client-cert')).toBe(false);
      }),
      times(600),
    );
  });

  it('have names that a header can have, and none that HTTP itself needs', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), text, near, fc.constantFrom('Host', 'content_length', 'Cookie')),
        (given) => {
          const name = unless([ConfigError], () => readHeaderName(given, 'header'));
          if (name === undefined) return;
          expect([name, name.length > 0]).toEqual([String(given).toLowerCase(), true]);
          // Node takes it for a header too.
          expect(() => new Headers([[name, 'x']])).not.toThrow();
          expect(['host', 'content-length', 'cookie', 'transfer-encoding']).not.toContain(fold(name));
        },
      ),
      times(600),
    );
  });

  it('are given in options that are read, or are a ConfigError', () => {
    const part = fc.oneof(
      fc.anything(),
      near,
      fc.constantFrom('pem', 'rfc9440', 'nginx', 'xfcc', 'custom', 'aws-alb', true),
    );
    const custom = fc.oneof(
      fc.anything(),
      fc.record(
        { header: part, encoding: part, bundle: part, chainHeader: part, verify: part },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(custom, fc.oneof(part, custom), part, (given, format, header) => {
        unless([ConfigError], () => readCustomFormat(given, 'format'));
        const ready = unless([ConfigError], () => readFormat({ format, header }, 'forwarded'));
        if (ready !== undefined) expect(ready.read([]).kind === 'certificate').toBe(false);
      }),
      times(600),
    );
  });
});

describe('who may forward', () => {
  it('is as the list says, and nobody whose address is not known', () => {
    const range = fc.oneof(
      fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 })),
      fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 128 })),
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), range, fc.constantFrom('loopback', 'unix', 'all')),
        fc.oneof(fc.ipV4(), fc.ipV6()),
        (given, seen) => {
          const option =
            Array.isArray(given) && typeof given[1] === 'number' ? `${String(given[0])}/${given[1]}` : given;
          const test = unless([ConfigError], () => readProxyAddresses(option, 'trust'));
          unless([ConfigError], () =>
            typeof option === 'function' ? undefined : readProxyTrust(option, 'trust'),
          );
          if (test === undefined) return;
          expect([test({}), test({ server: {} })]).toEqual([false, false]);
          if (typeof option !== 'string' || !option.includes('/')) return;
          const [start, bits] = option.split('/') as [string, string];
          const model = new BlockList();
          model.addSubnet(start, Number(bits), isIPv4(start) ? 'ipv4' : 'ipv6');
          if (!/^::ffff:/i.test(seen))
            expect(test({ remoteAddress: seen })).toBe(model.check(seen, isIPv4(seen) ? 'ipv4' : 'ipv6'));
        },
      ),
      times(800),
    );
  });
});
