/* oxlint-disable jest/no-conditional-expect, jest/expect-expect -- a property is of the inputs that it speaks of */
import { createPublicKey, verify } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { InvalidArgumentError } from 'commander';
import { createAuthority, createRequest } from 'portcullis/pki';
import { nodeOptions } from '../../lib/cli/doctor/node-options.ts';
import { CliFailure } from '../../lib/cli/failure.ts';
import { looksLikeFile } from '../../lib/cli/input/looks-like-file.ts';
import { isEncryptedPem } from '../../lib/cli/input/passphrase.ts';
import { judgeStapling } from '../../lib/cli/inspect/certificates/stapling.ts';
import { WireError } from '../../lib/cli/inspect/wire/bytes.ts';
import { MessageReader, RecordReader } from '../../lib/cli/inspect/wire/records.ts';
import { readAlpn, readExtensions, readServerHello } from '../../lib/cli/inspect/wire/server-hello.ts';
import {
  readCertificateRequest,
  readCertificates,
  readCertificates13,
  readKeyExchange,
  readStatus,
} from '../../lib/cli/inspect/wire/server-messages.ts';
import { opensslName, suiteOf } from '../../lib/cli/inspect/wire/suites.ts';
import { pinsOfFile } from '../../lib/cli/pin/file-pins.ts';
import { pinOfBlock } from '../../lib/cli/pin/pem-pins.ts';
import { pinnedKey, textOfName } from '../../lib/cli/pin/pinned.ts';
import { pinnedRequest, readRequest } from '../../lib/cli/pin/request-pin.ts';
import { isEncrypted } from '../../lib/cli/pki/keys.ts';
import { days } from '../../lib/cli/pki/options.ts';
import { quoted } from '../../lib/cli/pki/paths.ts';
import { checkStaple } from '../../lib/client/staple.ts';
import { ConfigError } from '../../lib/errors.ts';
import { encodePem } from '../../lib/pki/pem.ts';
import { readAttributes } from '../../lib/pki/request/attributes.ts';
import { openRequest, readRequest as readWholeRequest } from '../../lib/pki/request/read-request.ts';
import { isSignedBy } from '../../lib/pki/request/signature.ts';
import { Certificate } from '../../lib/x509/certificate.ts';
import { DerError, readBitString, readChildren, readElement } from '../../lib/x509/der.ts';
import { readPem } from '../../lib/x509/pem.ts';
import { times } from '../support/fuzz-runs.ts';
import { ocspResponse, ocspServer } from '../support/ocsp.ts';
import { damage, octets, unless } from './support/damage.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 });
let request: Buffer;
let leaf: Certificate;

beforeAll(async () => {
  const made = await createRequest({ subject: { CN: 'alice' }, names: { dns: ['a.example'] } });
  request = readPem(made.request)![0]!.der;
  const { certificate } = await (await createAuthority()).issueClientCertificate({ subject: 'alice' });
  leaf = new Certificate(readPem(certificate)![0]!.der);
});

describe('a request for a certificate', () => {
  it('is signed by its own key to the last bit, as Node verifies it, or is refused', () => {
    const check = (changed: Buffer): void => {
      const whole = unless([ConfigError], () =>
        openRequest(encodePem('CERTIFICATE REQUEST', changed), 'request'),
      );
      expect(whole !== undefined).toBe(changed.equals(request));
      const parts = unless([DerError], () => {
        const [info, algorithm, signature] = readChildren(readElement(changed));
        const fields = readChildren(info!);
        return { info: info!.raw, algorithm, signature: readBitString(signature), fields };
      });
      if (parts === undefined || parts.fields.length < 4) return;
      unless([DerError], () => readAttributes(parts.fields[3]));
      let key: ReturnType<typeof createPublicKey>;
      try {
        key = createPublicKey({ key: parts.fields[2]!.raw, format: 'der', type: 'spki' });
      } catch {
        return;
      }
      const isSigned = unless([DerError], () =>
        isSignedBy(key, parts.algorithm, parts.info, parts.signature),
      );
      if (isSigned !== undefined) expect(isSigned).toBe(verify('sha256', parts.info, key, parts.signature));
    };
    check(request);
    for (let place = 0; place < request.length; place++) {
      const copy = Buffer.from(request);
      copy[place]! ^= 1 << (place % 8);
      check(copy);
    }
    fc.assert(
      fc.property(damage, (harm) => check(harm(request))),
      times(500),
    );
    expect(readWholeRequest(encodePem('CERTIFICATE REQUEST', request)).names.dns).toEqual(['a.example']);
  });
});

describe('what a pin is computed of', () => {
  it('has the pin that OpenSSL computes, for a request and its key', () => {
    const spki = execFileSync('openssl', ['req', '-inform', 'DER', '-noout', '-pubkey'], { input: request });
    const key = createPublicKey(spki).export({ type: 'spki', format: 'der' });
    expect(pinnedRequest(request, 'it').pin).toBe(pinnedKey(key, 'public-key').pin);
  });

  it('of any octets has pins or is a CliFailure, and a request that is damaged has another pin or the same key', async () => {
    const ask = { given: undefined, typed: () => Promise.resolve(undefined) };
    const label = fc.constantFrom(
      'CERTIFICATE',
      'TRUSTED CERTIFICATE',
      'CERTIFICATE REQUEST',
      'PUBLIC KEY',
      'PRIVATE KEY',
      'OPENSSH PRIVATE KEY',
      'X509 CRL',
    );
    const failed = (error: unknown): undefined => {
      if (error instanceof CliFailure || error instanceof ConfigError) return undefined;
      throw error;
    };
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          octets(80),
          damage.map((harm) => harm(request)),
          damage.map((harm) => harm(leaf.raw)),
        ),
        label,
        async (der, kind) => {
          const pins = await pinsOfFile(der, 'it', ask).catch(failed);
          for (const { pin } of pins ?? []) expect(pin).toMatch(/^sha256\/[\w+/]{43}=$/);
          const pinned = await pinOfBlock(
            { label: kind, der, text: encodePem(kind, der).trim() },
            'it',
            ask,
          ).catch(failed);
          if (pinned !== undefined) expect(pinned.hex).toMatch(/^[0-9a-f]{64}$/);
          expect(readRequest(der)?.pin ?? 'sha256/').toMatch(/^sha256\//);
        },
      ),
      times(400),
    );
  });

  it('has a subject on one line whose values cannot be taken for attributes', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('CN', 'O'), fc.array(text, { minLength: 1, maxLength: 2 })),
        (name) => {
          const shown = textOfName(name);
          const parts = shown.split(/(?<!\\)(?:\\\\)*, /);
          const values = Object.values(name).flat();
          if (values.every((value) => !value.includes('\\')))
            expect(parts).toHaveLength(Math.max(1, values.length));
        },
      ),
      times(500),
    );
  });
});

describe('words of a command line', () => {
  it('are a number of days, or are refused', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.integer().map(String), fc.stringMatching(/^[0-9.e+-]{1,8}$/)), (word) => {
        const read = unless([InvalidArgumentError], () => days(word));
        if (read !== undefined) expect([String(read), read > 0]).toEqual([word, true]);
      }),
      times(600),
    );
  });

  it('are files or hosts, keys with and without a passphrase, and one word of a shell again', () => {
    fc.assert(
      fc.property(text, (word) => {
        expect([typeof looksLikeFile(word), typeof isEncryptedPem(word), isEncrypted(word)]).toEqual([
          'boolean',
          'boolean',
          word.includes('ENCRYPTED'),
        ]);
        const shown = quoted(word);
        if (/[^\w@%+=:,./-]/.test(word) || word === '')
          expect(shown.replaceAll(String.raw`'\''`, '')).toMatch(/^'[^']*'$/);
        else expect(shown).toBe(word);
      }),
      times(600),
    );
    // A shell has the last word.
    const plain = fc.string({
      unit: fc.constantFrom('a', "'", '"', '$', '`', '\\', ' ', '*', ';', '\n', '!', 'ü'),
      maxLength: 12,
    });
    const words = fc.sample(plain, { numRuns: 60, seed: 7 });
    const line = words.map((word) => `printf '%s\\0' ${quoted(word)}`).join('\n');
    expect(execFileSync('sh', { input: line }).toString().split('\0').slice(0, -1)).toEqual(words);
  });

  it('for Node are split as Node splits NODE_OPTIONS, and names are written with hyphens', () => {
    const word = fc.oneof(
      fc.constantFrom('--tls_min_v1.0', '--max-http-header-size=1', '"--title=a b"', '"', '\\', ' '),
      text,
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        const options = nodeOptions({
          environment: { NODE_OPTIONS: words.join(' ') },
          execArgv: ['--tls_max_v1.2=x_y'],
        });
        expect(options[0]).toBe('--tls-max-v1.2=x_y');
        expect(options.every((one) => !/^--[^=]*_/.test(one))).toBe(true);
        if (words.every((one) => one.startsWith('--'))) expect(options).toHaveLength(words.length + 1);
      }),
      times(500),
    );
  });
});

describe('parts of what a server sends', () => {
  const suites = [0xc02b, 0x009e, 0x1301, 0x008c, 0x0001].map(suiteOf);

  it('are read within their octets, or are a WireError', () => {
    const readers: ReadonlyArray<(body: Buffer) => unknown> = [
      readServerHello,
      readExtensions,
      readAlpn,
      readCertificates,
      readCertificates13,
      readStatus,
      (body) => readCertificateRequest(body, 'TLSv1.2'),
      (body) => readCertificateRequest(body, 'TLSv1.3'),
      ...suites.map((suite) => (body: Buffer) => readKeyExchange(body, suite, 'TLSv1.2')),
    ];
    const sized = octets(60).map((content) => Buffer.concat([Buffer.of(0, content.length), content]));
    fc.assert(
      fc.property(
        fc.oneof(
          octets(80),
          sized,
          sized.map((one) => Buffer.concat([Buffer.of(0), one])),
        ),
        (body) => {
          for (const read of readers) unless([WireError], () => read(body));
        },
      ),
      times(800),
    );
  });

  it('are the same records and messages, however they come in pieces, and hold what was sent', () => {
    const record = fc.tuple(fc.integer({ min: 20, max: 24 }), octets(50));
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }),
        (records, cuts) => {
          const stream = Buffer.concat(
            records.map(([type, payload]) =>
              Buffer.concat([Buffer.of(type, 3, 3, 0, payload.length), payload]),
            ),
          );
          const reader = new RecordReader();
          const found: Array<[number, Buffer]> = [];
          let at = 0;
          for (const cut of [...cuts, stream.length])
            for (const { type, payload } of reader.push(stream.subarray(at, (at += cut))))
              found.push([type, payload]);
          expect(found).toEqual(records);
        },
      ),
      times(500),
    );
    const message = fc.tuple(fc.nat(255), octets(50));
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (messages, size) => {
          const stream = Buffer.concat(
            messages.map(([type, body]) => Buffer.concat([Buffer.of(type, 0, 0, body.length), body])),
          );
          const reader = new MessageReader();
          const found: Array<[number, Buffer]> = [];
          for (let at = 0; at < stream.length; at += size)
            for (const { type, body } of reader.push(stream.subarray(at, at + size)))
              found.push([type, body]);
          expect(found).toEqual(messages);
        },
      ),
      times(500),
    );
  });

  it('are suites that have a name, and one by which OpenSSL calls them', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), (number) => {
        const suite = suiteOf(number);
        expect([suite.number, /^(?:TLS_|0x)/.test(suite.name)]).toEqual([number, true]);
        expect(opensslName(suite.name)).not.toMatch(/^TLS_/);
      }),
      times(600),
    );
  });
});

describe('a stapled response', () => {
  it('that is damaged is none, on the side of a client and of whoever inspects, or says what it said', () => {
    const { issuer, id } = ocspServer();
    const sound = ocspResponse({ id, signer: issuer });
    const ca = new Certificate(issuer.der);
    fc.assert(
      fc.property(
        fc.oneof(
          damage.map((harm) => harm(sound)),
          octets(60),
        ),
        (staple) => {
          const now = Date.now();
          // The certificate is another: a response for it there is none, whatever its octets are.
          expect(checkStaple(staple, leaf, ca, true, now)).toMatchObject({
            failure: 'REVOCATION_STATUS_UNKNOWN',
          });
          expect(checkStaple(staple, leaf, ca, false, now)).toBeUndefined();
          const chain = { certificates: [leaf, ca], path: [leaf, ca] } as unknown as Parameters<
            typeof judgeStapling
          >[1];
          expect(judgeStapling(staple, chain, now).status).toBeNull();
        },
      ),
      times(300),
    );
  });
});
