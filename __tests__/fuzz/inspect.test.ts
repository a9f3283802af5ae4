import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { readChain } from '../../lib/cli/inspect/certificates/path.ts';
import { rootsOfFile } from '../../lib/cli/inspect/certificates/roots.ts';
import { seeChain } from '../../lib/cli/inspect/certificates/served-chain.ts';
import { judgeChain } from '../../lib/cli/inspect/findings/certificates.ts';
import { readHead, readHsts } from '../../lib/cli/inspect/negotiated/http.ts';
import { readTicket } from '../../lib/cli/inspect/negotiated/session.ts';
import { readTarget } from '../../lib/cli/inspect/target.ts';
import { WireError } from '../../lib/cli/inspect/wire/bytes.ts';
import { clientHello, helloRecord } from '../../lib/cli/inspect/wire/client-hello.ts';
import { FlightReader } from '../../lib/cli/inspect/wire/flight.ts';
import { readSslv2Answer } from '../../lib/cli/inspect/wire/sslv2.ts';
import { oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { commonName } from '../support/odd-names.ts';
import { CliFailure } from '../../lib/cli/failure.ts';
import { times } from '../support/fuzz-runs.ts';

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const vector = (size: 1 | 2 | 3, content: Buffer): Buffer => {
  const length = Buffer.alloc(size);
  length.writeUIntBE(content.length, 0, size);
  return Buffer.concat([length, content]);
};
const message = (type: number, body: Buffer): Buffer => Buffer.concat([Buffer.of(type), vector(3, body)]);
const record = (type: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.of(type, 3, 3), vector(2, payload)]);

const octets = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

/** What stands where it should, with lengths that fit, and otherwise anything. */
const serverHello = fc
  .record({
    version: fc.constantFrom(0x0300, 0x0301, 0x0303, 0x0304, 0x1234),
    random: fc.oneof(
      fc.constant(createHash('sha256').update('HelloRetryRequest').digest()),
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array)),
    ),
    session: octets(34),
    suite: fc.constantFrom(0x1301, 0x009e, 0xc02b, 0x0018, 0x008c, 0xc01d, 0x5a5a),
    compression: fc.nat(255),
    extensions: fc.array(
      fc.tuple(
        fc.constantFrom(0, 5, 16, 23, 35, 43, 51, 0xff01),
        fc.oneof(octets(8), fc.constant(u16(0x0304))),
      ),
      { maxLength: 5 },
    ),
  })
  .map(({ version, random, session, suite, compression, extensions }) =>
    message(
      2,
      Buffer.concat([
        u16(version),
        random,
        vector(1, session),
        u16(suite),
        Buffer.of(compression),
        vector(
          2,
          Buffer.concat(extensions.map(([type, content]) => Buffer.concat([u16(type), vector(2, content)]))),
        ),
      ]),
    ),
  );

const certificates = fc
  .array(octets(60), { maxLength: 40 })
  .map((list) => message(11, vector(3, Buffer.concat(list.map((der) => vector(3, der))))));

const later = fc.oneof(
  certificates,
  fc
    .tuple(fc.constantFrom(8, 11, 12, 13, 14, 15, 20, 22, 99), octets(80))
    .map(([type, body]) => message(type, body)),
  fc
    .tuple(octets(60), octets(20))
    .map(([p, g]) => message(12, Buffer.concat([vector(2, p), vector(2, g), vector(2, p)]))),
  fc
    .array(octets(20), { maxLength: 4 })
    .map((names) =>
      message(
        13,
        Buffer.concat([
          vector(1, Buffer.of(1)),
          vector(2, u16(0x0403)),
          vector(2, Buffer.concat(names.map((name) => vector(2, name)))),
        ]),
      ),
    ),
);

const flight = fc
  .tuple(serverHello, fc.array(later, { maxLength: 5 }), fc.option(octets(30), { nil: undefined }))
  .map(([hello, messages, tail]) =>
    Buffer.concat([
      record(22, Buffer.concat([hello, ...messages])),
      ...(tail === undefined ? [] : [record(23, tail)]),
      record(21, Buffer.of(2, 40)),
    ]),
  );

/** Feeds `stream` in pieces; true where it was read, or refused by a WireError. */
function survives(stream: Buffer, cuts: readonly number[]): boolean {
  const reader = new FlightReader({ clientHello: Buffer.alloc(4), agree: () => Buffer.alloc(32) });
  try {
    let at = 0;
    for (const cut of [...cuts, stream.length]) {
      if (reader.push(stream.subarray(at, at + cut))) break;
      at += cut;
    }
    return reader.flight.sent === undefined || reader.flight.sent.certificates.length <= 32;
  } catch (error) {
    return error instanceof WireError;
  }
}

/** The outcome as text: the same however the stream is cut. */
function outcome(stream: Buffer, size: number): string {
  const reader = new FlightReader();
  try {
    for (let at = 0; at < stream.length; at += size) if (reader.push(stream.subarray(at, at + size))) break;
    return JSON.stringify({ ...reader.flight, hello: reader.flight.hello?.suite });
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.message;
  }
}

const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 20 });

describe('what a server sends', () => {
  it('is read or refused, whatever it is', () => {
    fc.assert(
      fc.property(octets(400), cuts, (stream, sizes) => {
        expect(survives(stream, sizes)).toBe(true);
      }),
      times(3_000),
    );
  });

  it('is read or refused where it looks right, and however it is cut', () => {
    fc.assert(
      fc.property(flight, cuts, (stream, sizes) => {
        expect(survives(stream, sizes)).toBe(true);
      }),
      times(4_000),
    );
  });

  it('is read alike in one piece and octet by octet', () => {
    fc.assert(
      fc.property(flight, (stream) => {
        expect(outcome(stream, 1)).toBe(outcome(stream, stream.length));
      }),
      times(2_000),
    );
  });

  it('is read or refused with one octet changed', () => {
    fc.assert(
      fc.property(flight, fc.nat(), fc.nat(255), (stream, at, value) => {
        const changed = Buffer.from(stream);
        changed[at % changed.length] = value;
        expect(survives(changed, [])).toBe(true);
      }),
      times(4_000),
    );
  });

  it('is an SSLv2 answer, a refusal, or not complete', () => {
    const shaped = octets(80).map((body) =>
      Buffer.concat([u16(0x8000 | (body.length + 1)), Buffer.of(4), body]),
    );
    fc.assert(
      fc.property(fc.oneof(octets(100), shaped), (stream) => {
        const answer = readSslv2Answer(stream);
        expect(answer === undefined || answer === 'refused' || Array.isArray(answer)).toBe(true);
      }),
      times(4_000),
    );
  });

  it('is the head of a response, or none', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'max-age=1',
        'MAX-AGE="31536000"; includeSubDomains',
        'max-age=1; max-age=2',
        'max-age=-1',
      ),
    );
    fc.assert(
      fc.property(fc.string(), value, (line, hsts) => {
        readHead(`${line}\r\n${hsts}`);
        const found = readHsts(hsts);
        expect(found === null || (Number.isInteger(found.maxAge) && found.maxAge >= 0)).toBe(true);
      }),
      times(3_000),
    );
  });

  it('is a session with a ticket, or is not understood', () => {
    fc.assert(
      fc.property(octets(120), (session) => {
        const ticket = readTicket(session);
        expect(['undefined', 'boolean']).toContain(typeof ticket?.ticket);
      }),
      times(2_000),
    );
  });
});

function targetOrWhyNot(text: string): string {
  try {
    const { host, port } = readTarget(text);
    return `${host} ${port}`;
  } catch (error) {
    return error instanceof CliFailure ? 'CliFailure' : String(error);
  }
}

describe('a certificate that was sent', () => {
  const chain = [
    oddCertificate({ subject: commonName('leaf'), issuer: oddAuthority(), pss: false }),
    oddAuthority({ subject: commonName('issuer') }),
  ].map(({ der }) => der);
  const roots = rootsOfFile([]);

  it('is judged or not read, whichever octets are changed', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), fc.boolean(), (changes, address) => {
        const [leaf, issuer] = chain.map((der) => Buffer.from(der)) as [Buffer, Buffer];
        for (const [at, value] of changes) leaf[at % leaf.length] = value;
        const read = readChain([leaf, issuer]);
        if (read.length === 0) return;
        const view = { roots, host: address ? '192.0.2.1' : 'example.org', now: Date.now() };
        const seen = seeChain(read, undefined, view);
        const findings = judgeChain(seen, 'chains[0]', {
          ...view,
          profile: 'intermediate',
          stapling: undefined,
        });
        expect(findings.map(({ code }) => code)).toContain('CERTIFICATE_UNTRUSTED');
      }),
      times(1_000),
    );
  });
});

describe('what this side says', () => {
  it('is a hello that says its own lengths right, and no record of which an old load balancer hangs', () => {
    const list = fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(
        fc.constantFrom('SSLv3', 'TLSv1.0', 'TLSv1.2', 'TLSv1.3'),
        list,
        list,
        fc.option(fc.domain(), { nil: undefined }),
        (version, suites, groups, serverName) => {
          const hello = clientHello({ version, suites, groups, signatureSchemes: groups, serverName });
          expect(hello.readUIntBE(1, 3)).toBe(hello.length - 4);
          expect(helloRecord(hello, version).readUInt16BE(3)).toBe(hello.length);
          expect(version === 'SSLv3' || hello.length < 256 || hello.length > 511).toBe(true);
        },
      ),
      times(1_500),
    );
  });

  it('is a target, or a failure that tells why', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.domain(), fc.ipV6(), fc.ipV4()), (text) => {
        expect(targetOrWhyNot(text)).toMatch(/^(?:[a-z0-9._:-]+ [1-9]\d*|CliFailure)$/);
      }),
      times(800),
    );
  });
});
