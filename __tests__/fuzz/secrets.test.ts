/* oxlint-disable jest/no-conditional-expect, jest/expect-expect -- a property is of the inputs that it speaks of */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { createAuthority, exportPkcs12 } from 'portcullis/pki';
import { readAuthenticatedSafe, readContentInfo } from '../../lib/credentials/pfx/pfx-bags.ts';
import { toDer } from '../../lib/credentials/pfx/pfx-ber.ts';
import { decrypt } from '../../lib/credentials/pfx/pfx-encryption.ts';
import { PfxError } from '../../lib/credentials/pfx/pfx-error.ts';
import {
  derivePbkdf2,
  readHmacDigest,
  readPassphrase,
} from '../../lib/credentials/pfx/pfx-key-derivation.ts';
import { verifyMac } from '../../lib/credentials/pfx/pfx-mac.ts';
import { ConfigError } from '../../lib/errors.ts';
import { readPrivateKey } from '../../lib/pki/keys.ts';
import { readPassphrase as readNewPassphrase } from '../../lib/pki/passphrase.ts';
import { isFriendly, readFriendlyName } from '../../lib/pki/pkcs12/friendly-name.ts';
import { derivePkcs12, derivePkcs12InTurns } from '../../lib/pki/pkcs12/key-derivation.ts';
import { der } from '../../lib/pki/der.ts';
import { isTestSession } from '../../lib/testing/test-session.ts';
import { readAnswer, readKey, readRequest } from '../../lib/tickets/cluster-messages.ts';
import { commandsOf, readPrefix, textOf } from '../../lib/tickets/redis-client.ts';
import { createSealer } from '../../lib/tickets/sealing.ts';
import { isTicketKey } from '../../lib/tickets/store.ts';
import { DerError, readChildren, readElement } from '../../lib/x509/der.ts';
import { times } from '../support/fuzz-runs.ts';
import { damage, octets, unless } from './support/damage.ts';

const secret = 'a secret of 32 octets, and more: 0123456789';
const text = fc.string({ unit: 'binary', maxLength: 40 });

describe('what is sealed for a store', () => {
  it('opens for its context and by one of the secrets, and says what was put in', () => {
    fc.assert(
      fc.property(octets(100), text, text, (content, context, other) => {
        const sealed = createSealer(secret).seal(content, context);
        const opened = createSealer(['another secret of 32 octets 987654321', secret]).open(sealed, context);
        // Nothing sealed is as nothing at all.
        expect(opened).toEqual(content.length === 0 ? undefined : content);
        if (Buffer.from(other).equals(Buffer.from(context))) return;
        expect(createSealer(secret).open(sealed, other)).toBeUndefined();
        expect(createSealer(secret, 'another purpose').open(sealed, context)).toBeUndefined();
      }),
      times(300),
    );
  });

  it('opens no more once anything in it is changed, whoever has changed it', () => {
    const sealer = createSealer(secret);
    const content = randomBytes(48);
    const sealed = sealer.seal(content, 'x');
    const check = (changed: string): void => {
      const opened = sealer.open(changed, 'x');
      // Text that decodes to the same octets is the same.
      const isSame = Buffer.from(changed.slice(3), 'base64url').equals(
        Buffer.from(sealed.slice(3), 'base64url'),
      );
      expect(opened).toEqual(isSame && changed.startsWith('v1.') ? content : undefined);
    };
    for (let place = 0; place < sealed.length; place++)
      check(`${sealed.slice(0, place)}${sealed[place] === 'A' ? 'B' : 'A'}${sealed.slice(place + 1)}`);
    fc.assert(
      fc.property(
        fc.oneof(
          damage.map((harm) => harm(Buffer.from(sealed)).toString('latin1')),
          text,
        ),
        check,
      ),
      times(800),
    );
  });

  it('has a secret that is random, or a ConfigError that does not tell it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), text, octets(40), fc.array(text, { maxLength: 3 })), (given) => {
        try {
          createSealer(given);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          const shown = typeof given === 'string' && given.length > 12 ? given : 'nothing of that kind';
          expect((error as Error).message).not.toContain(shown);
        }
      }),
      times(600),
    );
  });
});

describe('what other processes say', () => {
  const key = randomBytes(48).toString('base64');
  const part = fc.oneof(
    fc.anything(),
    text,
    fc.constant(key),
    fc.constantFrom('ticket-key-request/1', 'ticket-key-answer/1', 'x'),
  );
  const message = fc.oneof(
    fc.anything(),
    fc.record(
      {
        portcullis: part,
        id: part,
        scope: part,
        period: fc.oneof(part, fc.record({ id: part, expiresAt: fc.oneof(part, fc.integer()) })),
        candidate: part,
        key: part,
      },
      { requiredKeys: [] },
    ),
    fc.constant({ portcullis: 'ticket-key-answer/1', id: 'x', key }),
  );

  it('is a request or an answer with a key that can be one, or nothing; nothing is thrown', () => {
    fc.assert(
      fc.property(message, (given) => {
        const request = readRequest(given);
        if (request !== undefined) expect(isTicketKey(readKey(request.candidate))).toBe(true);
        const answer = readAnswer(given, 'x');
        if (answer !== undefined) expect([answer.length, (given as { id: string }).id]).toEqual([48, 'x']);
      }),
      times(1_200),
    );
    expect(readAnswer({ portcullis: 'ticket-key-answer/1', id: 'x', key }, 'x')).toBeDefined();
  });

  it('holds no key of another length, or of few octets', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          octets(60),
          octets(60).map((one) => Buffer.alloc(48, one.length === 0 ? 'x' : one)),
        ),
        (given) => {
          const read = readKey(given.toString('base64'));
          expect(read === undefined).toBe(given.length !== 48 || new Set(given).size <= 8);
          if (read !== undefined) expect(read.equals(given)).toBe(true);
        },
      ),
      times(600),
    );
  });

  it('in Redis is text, octets, or nothing; of a client that is none a ConfigError comes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), octets(20), text), (given) => {
        expect(['string', 'undefined']).toContain(typeof textOf(given));
        const prefix = unless([ConfigError], () => readPrefix(given, 'default'));
        if (prefix !== undefined) expect(prefix).toBe(given === undefined ? 'default' : given);
        unless([ConfigError], () => commandsOf(given));
        expect(isTestSession(given)).toBe(false);
      }),
      times(800),
    );
  });
});

describe('a PKCS#12 file, part by part', () => {
  let pfx: Buffer;
  beforeAll(async () => {
    const root = await createAuthority();
    const { key, chain } = await root.issueClientCertificate({ subject: 'alice' });
    pfx = await exportPkcs12({ key, chain, passphrase: 'x', encryption: 'modern', iterations: 2048 });
  });

  it('of any octets is read by each reader, or refused by an error of its own', () => {
    const [passphrase] = readPassphrase('x');
    const errors = [DerError, PfxError] as const;
    const [, safe, mac] = readChildren(readElement(pfx));
    const content = readContentInfo(safe).content.content;
    const sound = [safe!.raw, mac!.raw, content, ...readChildren(mac!).map(({ raw }) => raw)];
    expect(verifyMac(mac!, content, passphrase)).toBe(true);
    expect(readAuthenticatedSafe(content, passphrase).keys).toHaveLength(1);
    // Few, as each that is nearly sound derives a key; an iteration count of millions takes seconds, as it may.
    fc.assert(
      fc.property(fc.nat(), damage, octets(60), (which, harm, random) => {
        for (const input of [harm(sound[which % sound.length]!), random]) {
          if (input.length === 0) continue;
          unless(errors, () => readContentInfo(readElement(input)));
          const element = unless(errors, () => readElement(input));
          unless(errors, () => readHmacDigest(element));
          if (readsMillions(input)) continue;
          const isFine = unless(
            errors,
            () => element !== undefined && verifyMac(element, content, passphrase),
          );
          if (isFine === true) expect(input.length).toBeGreaterThanOrEqual(mac!.raw.length);
          unless(errors, () => derivePbkdf2(passphrase, element));
          unless(errors, () => decrypt(element, Buffer.alloc(32), passphrase));
          unless(errors, () => readAuthenticatedSafe(input, passphrase));
        }
      }),
      times(150),
    );
  });

  /** Whether an iteration count may have become a long one. */
  const readsMillions = (input: Buffer): boolean => {
    for (let at = 0; at + 5 < input.length; at++) {
      const isLong = input[at] === 2 && (input[at + 1] === 3 || input[at + 1] === 4);
      if (isLong || (input[at] === 2 && input[at + 1] === 2 && input.readUInt16BE(at + 2) > 4_096))
        return true;
    }
    return false;
  };

  it('in BER is the DER of the same, and DER stays what it is', () => {
    const definite = fc.tuple(fc.constantFrom(0x30, 0x31, 0xa0), fc.array(octets(40), { maxLength: 4 }));
    fc.assert(
      fc.property(definite, fc.array(octets(30), { maxLength: 4 }), ([tag, parts], pieces) => {
        const inner = parts.map((part) => der(4, part));
        const whole = der(tag, ...inner);
        expect(toDer(whole).equals(whole)).toBe(true);
        // Without a length, closed by two octets of nothing.
        expect(toDer(Buffer.concat([Buffer.of(tag, 0x80), ...inner, Buffer.of(0, 0)])).equals(whole)).toBe(
          true,
        );
        const cut = Buffer.concat([
          Buffer.of(0x24, 0x80),
          ...pieces.map((piece) => der(4, piece)),
          Buffer.of(0, 0),
        ]);
        expect(toDer(cut).equals(der(4, Buffer.concat(pieces)))).toBe(true);
      }),
      times(500),
    );
    fc.assert(
      fc.property(octets(80), (input) => {
        const made = unless([DerError], () => toDer(input));
        if (made !== undefined) expect(toDer(made).equals(made)).toBe(true);
      }),
      times(600),
    );
  });

  it('derives alike at one go and in turns, and as much as is asked for', async () => {
    const derivation = fc.record({
      digest: fc.constantFrom('sha1', 'sha256', 'sha512'),
      purpose: fc.constantFrom('key' as const, 'iv' as const, 'mac' as const),
      salt: octets(70),
      iterations: fc.integer({ min: 1, max: 30 }),
      length: fc.integer({ min: 1, max: 100 }),
    });
    await fc.assert(
      fc.asyncProperty(octets(40), derivation, async (bmp, how) => {
        const made = derivePkcs12(bmp, how);
        expect([made.length, (await derivePkcs12InTurns(bmp, how)).equals(made)]).toEqual([how.length, true]);
        const other = derivePkcs12(bmp, { ...how, length: how.length + 20 });
        expect(other.subarray(0, how.length).equals(made)).toBe(true);
      }),
      times(100),
    );
  });
});

describe('keys, passphrases and names of keys', () => {
  it('of any kind are read, or are a ConfigError that does not tell them', () => {
    const given = fc.oneof(
      fc.anything(),
      text,
      fc.constant('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'),
    );
    fc.assert(
      fc.property(given, text, (value, passphrase) => {
        expect(unless([ConfigError], () => readPrivateKey(value, passphrase, 'key'))).toBeUndefined();
        const read = unless([ConfigError], () => readNewPassphrase(value, 'passphrase'));
        if (read !== undefined)
          expect([read, /[\p{Cc}\p{Cs}]/u.test(read), read.length > 255]).toEqual([value, false, false]);
        const friendly = unless([ConfigError], () => readFriendlyName(value));
        expect(friendly === undefined || isFriendly(friendly)).toBe(true);
      }),
      times(800),
    );
  });
});
