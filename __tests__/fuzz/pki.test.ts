import { createSecureContext } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ConfigError } from 'portcullis';
import {
  type Authority,
  createAuthority,
  createRequest,
  exportPkcs12,
  type IssuedCertificate,
  readRequest,
} from 'portcullis/pki';
import { readPfx } from '../../lib/credentials/pfx/pfx.ts';
import { encodePem, readOneCertificate } from '../../lib/pki/pem.ts';
import { readPem } from '../../lib/x509/pem.ts';
import { extension } from '../support/odd-extensions.ts';
import { sharedKeys } from '../support/odd-keys.ts';
import { attribute, generalName, name } from '../support/odd-names.ts';
import { asksFor, oddRequest } from '../support/odd-requests.ts';
import { times } from '../support/fuzz-runs.ts';

let root: Authority;
let alice: IssuedCertificate;
let request: Buffer;
let list: Buffer;

const derOf = (pem: string): Buffer => readPem(pem)![0]!.der;

beforeAll(async () => {
  root = await createAuthority();
  alice = await root.issueClientCertificate({ subject: 'alice' });
  const names = {
    dns: ['a.example'],
    ip: ['10.0.0.1'],
    uri: ['spiffe://a.example/b'],
    email: ['a@a.example'],
  };
  request = derOf((await createRequest({ subject: { O: 'Example', CN: 'alice' }, names })).request);
  list = derOf(await root.crl({ revoked: [{ serialNumber: '05' }], number: 7 }));
});

/** What is changed: an octet replaced, removed or doubled, or the rest cut off. */
const changes = fc.array(
  fc.tuple(fc.nat(), fc.constantFrom('replace', 'remove', 'double', 'cut'), fc.integer({ min: 0, max: 255 })),
  { minLength: 1, maxLength: 3 },
);
type Changes = typeof changes extends fc.Arbitrary<infer T> ? T : never;

function mutated(sound: Buffer, [...all]: Changes): Buffer {
  let octets = Buffer.from(sound);
  for (const [place, how, octet] of all) {
    if (octets.length === 0) break;
    const at = place % octets.length;
    if (how === 'replace') octets[at] = octet;
    else if (how === 'cut') octets = octets.subarray(0, at);
    else {
      const rest = octets.subarray(at + (how === 'remove' ? 1 : 0));
      octets = Buffer.concat([octets.subarray(0, how === 'remove' ? at : at + 1), rest]);
    }
  }
  return octets;
}

/** What `act` gives, or the code of its ConfigError; anything else fails the test. */
async function outcomeOf<T>(act: () => Promise<T> | T): Promise<{ value?: T; code?: string }> {
  try {
    return { value: await act() };
  } catch (error) {
    if (error instanceof ConfigError) return { code: error.code };
    throw error;
  }
}

/** Text with what is dangerous in names: controls, NUL, escapes, surrogates, bidi, quotes. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('a', 'B', '7', '.', '*', '-', ',', '"', '\\', '=', '/', '@', ':', '%', ' '),
    fc.constantFrom('\0', '\n', '\u001b', '\u202e', '\u2028', 'ä', '€', '😀', '\ud800', '\ufffd'),
  ),
  maxLength: 12,
});

const host = fc.oneof(text, fc.constantFrom('a.example', '*.B.example', 'x', '7.7', '*.com'));

/** What of names may be granted, by another judge than the one here: undefined if nothing. */
function cleanNames(cn: string, dns: string): [cn: string[], dns: string[]] | undefined {
  const isText = cn !== '' && !/[\p{Cc}\p{Cs}\u202e\u2028\ufffd]/u.test(cn);
  const [, wild, bare = ''] = /^(\*\.)?(.*)$/s.exec(dns.toLowerCase())!;
  const isHost = bare.split('.').every((label) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label));
  const isName = isHost && !/(?:^|\.)\d+$/.test(bare) && (wild === undefined || bare.includes('.'));
  return isText && isName ? [[cn], [dns.toLowerCase()]] : undefined;
}

describe('a request', () => {
  it('that is damaged is refused, or says what it said', async () => {
    const sound = readRequest(encodePem('CERTIFICATE REQUEST', request));
    const refusal: unknown = expect.stringMatching(/^(?:REQUEST|KEY)_INVALID$/);
    await fc.assert(
      fc.asyncProperty(changes, async (how) => {
        const pem = encodePem('CERTIFICATE REQUEST', mutated(request, how));
        const { value, code } = await outcomeOf(() => readRequest(pem));
        expect(value ?? code).toEqual(value === undefined ? refusal : sound);
      }),
      times(1500),
    );
  });

  it('for whatever names is granted as it reads, or refused', async () => {
    const keys = sharedKeys('ec-p256');
    const refusal: unknown = expect.stringMatching(/^(?:OPTION|REQUEST)_INVALID$/);
    const encoding = fc.constantFrom('utf8', 'bmp', 't61', 'printable');
    let granted = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, fc.constant('alice')), host, encoding, async (cn, dns, type) => {
        const subject = name(attribute('CN', cn, type));
        const attributes = [asksFor(extension.subjectAltName([generalName.dns(dns)]))];
        const pem = oddRequest({ keys, subject, attributes });
        const asked = readRequest(pem);
        const { value, code } = await outcomeOf(() =>
          root.signRequest(pem, { purpose: 'client', namesFromRequest: true }),
        );
        const issued = value && readOneCertificate(value.certificate, 'issued');
        if (issued !== undefined) granted++;
        const expected = cleanNames(asked.subject['CN']![0]!, asked.names.dns[0]!);
        expect(code ?? [issued?.subject['CN'], issued?.subjectAltNames.dns]).toEqual(expected ?? refusal);
      }),
      times(300),
    );
    expect(granted).toBeGreaterThan(20);
  });
});

describe('a list before', () => {
  it('that is damaged is refused, or counts as it did', async () => {
    await fc.assert(
      fc.asyncProperty(changes, async (how) => {
        const after = encodePem('X509 CRL', mutated(list, how));
        // Its number, 7, leaves no room for 0.
        const outcome = await outcomeOf(() => root.crl({ revoked: [], after, number: 0 }));
        expect(outcome).toEqual({ code: expect.stringMatching(/^(?:CRL|OPTION)_INVALID$/) });
      }),
      times(500),
    );
  });
});

describe('a PKCS#12 file', () => {
  const iterations = 2048;

  /** The key, where OpenSSL opens the file as well, and neither of the two with another passphrase. */
  function opened(pfx: Buffer, passphrase: string): string {
    createSecureContext({ pfx, passphrase });
    expect(() => createSecureContext({ pfx, passphrase: `${passphrase}.` })).toThrow('mac verify failure');
    expect(() => readPfx(pfx, `${passphrase}.`, 'pfx')).toThrow(ConfigError);
    return readPfx(pfx, passphrase, 'pfx').key.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  it('opens with any passphrase that it was made with, here and in OpenSSL, and no other', async () => {
    const encryptions = fc.constantFrom('compatible', 'modern');
    const { key, chain } = alice;
    let made = 0;
    await fc.assert(
      fc.asyncProperty(text, text, encryptions, async (passphrase, friendlyName, encryption) => {
        const shown = friendlyName === '' ? {} : { friendlyName };
        const { value, code } = await outcomeOf(() =>
          exportPkcs12({ key, chain, passphrase, encryption, iterations, ...shown }),
        );
        if (value !== undefined) made++;
        expect(code ?? opened(value!, passphrase)).toBe(value === undefined ? 'OPTION_INVALID' : key);
      }),
      times(200),
    );
    expect(made).toBeGreaterThan(10);
  });

  it('that is damaged is refused, or holds what it held', async () => {
    const { key, chain } = alice;
    const pfx = await exportPkcs12({ key, chain, passphrase: 'x', encryption: 'modern', iterations });
    await fc.assert(
      fc.asyncProperty(changes, async (how) => {
        const { value, code } = await outcomeOf(() => readPfx(mutated(pfx, how), 'x', 'pfx'));
        const held = value?.key.export({ type: 'pkcs8', format: 'pem' });
        expect(code ?? held).toBe(value === undefined ? 'PFX_INVALID' : key);
      }),
      times(200),
    );
  });
});
