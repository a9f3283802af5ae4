import { beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigError, denyList, type DenyListEntry } from 'portcullis';
import { type Authority, createAuthority, type IssuedCertificate } from 'portcullis/pki';
import { type Denials, maxDenials } from '../../lib/trust/deny-list/denials.ts';
import { denialsOf, makeDenyList, readDenyList } from '../../lib/trust/deny-list/deny-list.ts';
import { readInput } from '../support/certificates-of.ts';
import { FakeTimers } from '../support/fake-timers.ts';
import { oddAuthority } from '../support/odd-certificates.ts';
import { commonName } from '../support/odd-names.ts';
import { Recording } from '../listener/harness.ts';
import type { Certificate } from '../../lib/x509/certificate.ts';

let root: Authority;
let issued: IssuedCertificate;
let intermediate: Authority;
let path: [Certificate, Certificate, Certificate];

beforeAll(async () => {
  root = await createAuthority({ subject: { O: 'Example', OU: ['A', 'B'], CN: 'Root  CA' } });
  intermediate = await root.issueIntermediate({ subject: 'Intermediate' });
  issued = await intermediate.issueClientCertificate({ subject: 'client' });
  path = [readInput(issued.certificate), readInput(intermediate.certificate), readInput(root.root)];
});

const check = (entry: DenyListEntry, of: readonly Certificate[] = path): string | undefined =>
  denialsOf(denyList([entry]))!.check(of)?.code;
const isDenied = 'CLIENT_CERTIFICATE_DENIED';

function refusal(entry: unknown): ConfigError {
  try {
    denyList([entry as DenyListEntry]);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('an entry denies', () => {
  const colons = (): string => path[0].fingerprint256;
  const hex = (): string => path[0].sha256;
  it.each<[string, () => DenyListEntry]>([
    ['a fingerprint with colons', colons],
    ['one without, in lower case', hex],
    ['one in upper case', () => hex().toUpperCase()],
    ['as openssl prints it', () => `sha256 Fingerprint=${colons()}`],
    ['as another openssl does', () => `SHA256 Fingerprint=${colons()}\n`],
    ['with the name of the hash', () => `sha256:${hex()}`],
    ['in pairs with blanks', () => hex().replaceAll(/(..)(?=.)/g, '$1 ')],
    ['by name', () => ({ fingerprint256: colons() })],
    ['by its short name', () => ({ fingerprint: hex() })],
    ['a pin', () => path[0].pin],
    ['a pin as curl writes it', () => path[0].pin.replace('sha256/', 'sha256//')],
    ['a pin by name', () => ({ pin: path[0].pin })],
    ['a PEM', () => issued.certificate],
    ['a certificate', () => ({ certificate: issued.certificate })],
    ['its DER', () => ({ certificate: new Uint8Array(path[0].raw) })],
    ['the fingerprint of its issuer', () => path[1].sha256],
    ['the pin of its issuer', () => path[1].pin],
    ['the pin of its root', () => path[2].pin],
    ['the certificate of its root', () => ({ certificate: root.root })],
    ['a serial number of the issuer, by PEM', () => serial({ issuer: intermediate.certificate })],
    ['by DER', () => serial({ issuer: path[1].raw })],
    ['by the name of the issuer', () => serial({ issuer: { CN: 'Intermediate' } })],
    ['by the name as the certificate tells it', () => serial({ issuer: path[0].issuer })],
    ['in another case', () => serial({ issuer: { CN: ' intermediate ' } })],
    ['serial in lower case', () => serial({ serialNumber: path[0].serialNumber.toLowerCase() })],
    ['with zeros before it', () => serial({ serialNumber: `000${path[0].serialNumber}` })],
    ['with 0x', () => serial({ serialNumber: `0x${path[0].serialNumber}` })],
    ['with colons', () => serial({ serialNumber: path[0].serialNumber.match(/../g)!.join(':') })],
    [
      'the serial number of a CA above it, by attributes in any order and spelling',
      () => ({
        issuer: { CN: 'ROOT CA', OU: ['b', 'A'], O: 'example' },
        serialNumber: path[1].serialNumber,
      }),
    ],
  ])('%s', (_what, entry) => {
    expect(check(entry())).toBe(isDenied);
  });

  const serial = (more: object): DenyListEntry => ({
    issuer: intermediate.certificate,
    serialNumber: path[0].serialNumber,
    ...more,
  });

  it.each<[string, () => DenyListEntry]>([
    ['another certificate', () => 'ab'.repeat(32)],
    ['the serial number of another issuer', () => serial({ issuer: root.root })],
    [
      'of an issuer that has one attribute more',
      () => serial({ issuer: { CN: 'Intermediate', O: 'Other' } }),
    ],
    ['another serial number', () => serial({ serialNumber: `${path[0].serialNumber}00` })],
    ['the negative of it', () => serial({ serialNumber: `-${path[0].serialNumber}` })],
    ['one whose time is over', () => ({ pin: path[0].pin, until: new Date(Date.now() - 1) })],
  ])('and not: %s', (_what, entry) => {
    expect(check(entry())).toBeUndefined();
  });

  it('an intermediate that Node hides, by its name, if it was given as a certificate', () => {
    const [leaf] = path;
    const denials = denialsOf(denyList([{ certificate: intermediate.certificate }]))!;
    expect(denials.check([leaf], true)).toBeUndefined();
    expect(denials.check([leaf], false)?.code).toBe(isDenied);
    expect(denialsOf(denyList([path[1].sha256]))!.check([leaf], false)).toBeUndefined();
  });
});

describe('an entry is a ConfigError', () => {
  const print = 'ab'.repeat(32);
  it.each<[string, unknown, string, string]>([
    ['nothing', undefined, 'OPTION_INVALID', 'denyList[0]'],
    ['an empty text', '', 'PIN_INVALID', 'denyList[0]'],
    ['an empty object', {}, 'OPTION_INVALID', 'denyList[0]'],
    ['a number', 5, 'OPTION_INVALID', 'denyList[0]'],
    ['SHA-1', 'ab'.repeat(20), 'PIN_INVALID', 'denyList[0]'],
    ['63 digits', print.slice(1), 'PIN_INVALID', 'denyList[0]'],
    ['colons in the wrong places', `abc:${print.slice(3)}`, 'PIN_INVALID', 'denyList[0]'],
    [
      'the hash of nothing',
      'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
      'PIN_INVALID',
      'denyList[0]',
    ],
    ['a pin of other padding', `sha256/${'A'.repeat(42)}B=`, 'PIN_INVALID', 'denyList[0]'],
    ['two at once', { pin: 'x', fingerprint: print }, 'OPTION_INVALID', 'denyList[0]'],
    ['an unknown key', { fingerprint: print, reasons: 'x' }, 'OPTION_UNKNOWN', 'denyList[0].reasons'],
    ['an issuer alone', { issuer: { CN: 'x' } }, 'OPTION_INVALID', 'denyList[0]'],
    ['an issuer alone', { issuer: { CN: 'x' } }, 'OPTION_INVALID', 'denyList[0]'],
    ['a serial number alone', { serialNumber: '01' }, 'OPTION_INVALID', 'denyList[0]'],
    ['an issuer of nobody', { issuer: {}, serialNumber: '01' }, 'OPTION_INVALID', 'denyList[0].issuer'],
    [
      'an attribute that none has',
      { issuer: { commonName: 'x' }, serialNumber: '01' },
      'OPTION_INVALID',
      'denyList[0].issuer.commonName',
    ],
    [
      'an attribute without a value',
      { issuer: { CN: [] }, serialNumber: '01' },
      'OPTION_INVALID',
      'denyList[0].issuer.CN',
    ],
    ['a decimal', { issuer: { CN: 'x' }, serialNumber: 10 }, 'OPTION_INVALID', 'denyList[0].serialNumber'],
    [
      'no hexadecimal',
      { issuer: { CN: 'x' }, serialNumber: '0g' },
      'OPTION_INVALID',
      'denyList[0].serialNumber',
    ],
    [
      'a long reason',
      { fingerprint: print, reason: 'x'.repeat(201) },
      'OPTION_INVALID',
      'denyList[0].reason',
    ],
    ['seconds', { fingerprint: print, until: 1_900_000_000 }, 'OPTION_INVALID', 'denyList[0].until'],
    ['an invalid date', { fingerprint: print, until: new Date('x') }, 'OPTION_INVALID', 'denyList[0].until'],
    ['local time', { fingerprint: print, until: '2030-01-01T00:00' }, 'OPTION_INVALID', 'denyList[0].until'],
    [
      'a damaged PEM',
      { certificate: '-----BEGIN CERTIFICATE-----' },
      'OPTION_INVALID',
      'denyList[0].certificate',
    ],
    ['octets alone', new Uint8Array(4), 'OPTION_INVALID', 'denyList[0]'],
  ])('%s', (_what, entry, code, place) => {
    const error = refusal(entry);
    expect([error.code, error.path]).toEqual([code, place]);
    expect(error.remedy).not.toBe('');
  });

  it('where a client certificate stands for its issuer', () => {
    const error = refusal({ issuer: issued.certificate, serialNumber: '01' });
    expect([error.path, error.remedy]).toEqual([
      'denyList[0].issuer',
      expect.stringContaining('{ certificate }'),
    ]);
  });

  it('as the option, where it is no list', () => {
    for (const option of [{}, 'x', new Map(), { size: 0, has: () => true, entries: () => [] }])
      expect(() => readDenyList(option, 'clientAuth.denyList')).toThrow(
        expect.objectContaining({ code: 'OPTION_INVALID', path: 'clientAuth.denyList' }),
      );
  });
});

describe('a list', () => {
  const [one, two] = ['ab'.repeat(32), 'cd'.repeat(32)];
  const colons = (hex: string): string => hex.toUpperCase().match(/../g)!.join(':');

  it('adds, finds and removes entries however they are spelt', () => {
    const list = denyList();
    list.add(one, [{ fingerprint: two, reason: 'stolen' }]);
    expect([list.size, list.has(colons(one)), list.has({ fingerprint256: colons(two) })]).toEqual([
      2,
      true,
      true,
    ]);
    expect(list.remove(colons(one), one)).toBe(1);
    expect([list.size, list.has(one)]).toEqual([1, false]);
    expect(list.entries()).toEqual([{ fingerprint256: colons(two), reason: 'stolen', until: undefined }]);
    list.clear();
    expect(list.size).toBe(0);
  });

  it('takes none of several entries of which one is bad', () => {
    const list = denyList(one);
    const before = denialsOf(list)!.version;
    expect(() => list.add(two, 'bad')).toThrow(
      expect.objectContaining({ code: 'PIN_INVALID', path: 'add[1]' }),
    );
    expect(() => list.remove(one, 'bad')).toThrow(ConfigError);
    expect([list.size, list.has(two), denialsOf(list)!.version]).toEqual([1, false, before]);
  });

  it('tells entries that another list takes, and that deny the same', () => {
    const serialNumber = path[0].serialNumber;
    const list = denyList([
      { certificate: intermediate.certificate, until: '2999-01-01T00:00:00Z' },
      { issuer: intermediate.certificate, serialNumber, reason: 'by PEM' },
      { issuer: { CN: 'Intermediate' }, serialNumber },
      path[0].pin,
    ]);
    const copy = denyList(JSON.parse(JSON.stringify(list.entries())) as DenyListEntry[]);
    expect(copy.entries()).toEqual(list.entries());
    const denials = denialsOf(copy)!;
    expect(denials.check([path[0]], false)?.code).toBe(isDenied);
    for (const entry of list.entries()) expect([copy.remove(entry as DenyListEntry)]).toEqual([1]);
    expect([copy.size, denials.check(path)]).toEqual([0, undefined]);
  });

  it('lets an entry go when its time is over, and takes one again with another time', () => {
    const clock = new FakeTimers(Date.parse('2030-01-01T00:00:00Z'));
    const list = makeDenyList([{ pin: path[0].pin, until: '2030-01-01T01:00:00Z' }, one], 'denyList', clock);
    const denials = denialsOf(list)!;
    clock.pass(3_599_999);
    expect([list.size, denials.check(path)?.code]).toEqual([2, isDenied]);
    clock.jump(1);
    expect([denials.check(path), list.size, list.has({ pin: path[0].pin })]).toEqual([undefined, 1, false]);
    list.add({ pin: path[0].pin, until: clock.now() + 10 });
    expect(denials.check(path)?.code).toBe(isDenied);
    list.add({ pin: path[0].pin });
    clock.pass(1_000);
    expect([denials.check(path)?.code, list.size, clock.size]).toEqual([isDenied, 2, 0]);
  });

  it('takes back what it has told of a name of more octets than are compared', () => {
    const subject = commonName('x'.repeat(5_000));
    const giant = oddAuthority({ subject });
    const [told] = denyList([{ issuer: giant.certificate, serialNumber: '0A' }]).entries();
    expect(denyList([told as never]).entries()).toEqual([told]);
  });

  it('tells who is denied and why, for the operator', () => {
    const list = denyList([{ pin: path[1].pin, reason: 'INC-17' }]);
    expect(denialsOf(list)!.check(path)).toEqual({
      code: isDenied,
      reason: `a CA above it stands in the deny list: ${path[1].pin} (INC-17)`,
      passing: true,
      outcast: path[1],
    });
  });

  it('publishes what was added and removed, and how many', () => {
    const told = new Recording('portcullis:deny-list');
    const list = denyList(one);
    list.add({ issuer: { CN: 'x' }, serialNumber: '0A' });
    list.remove(one, two);
    list.remove(two);
    list.add(...Array.from({ length: 200 }, (_, index) => index.toString(16).padStart(64, '0')));
    told.stop();
    expect(
      told.events.map(({ outcome, count, size, entries }) => [outcome, count, size, entries.length]),
    ).toEqual([
      ['added', 1, 1, 1],
      ['added', 1, 2, 1],
      ['removed', 1, 1, 1],
      ['added', 200, 201, 100],
    ]);
    expect(told.events[1]).toMatchObject({ source: 'memory', entries: ['serial number A of {"CN":["x"]}'] });
  });

  it('has an end', () => {
    const list = makeDenyList([one, two], 'denyList', undefined, 2);
    const more = 'ef'.repeat(32);
    expect(() => list.add(more)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', path: 'add' }));
    list.add({ fingerprint256: one, reason: 'again' });
    list.remove(two);
    list.add(more);
    expect([list.size, denialsOf(denyList())!.limit]).toEqual([2, maxDenials]);
  });

  it('given as an array is the same list as long as the array says the same', () => {
    const read = (entries: readonly DenyListEntry[]): Denials => readDenyList(entries, 'x')!;
    expect(read([one]).identity).toBe(read([colons(one)]).identity);
    expect(read([one]).identity).not.toBe(read([two]).identity);
    expect(denialsOf(denyList())!.identity).not.toBe(denialsOf(denyList())!.identity);
  });
});
