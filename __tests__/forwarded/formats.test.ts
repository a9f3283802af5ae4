import { beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthority } from 'portcullis/pki';
import {
  type Assertion,
  type ForwardedFormatOptions,
  MalformedError,
  readFormat,
} from '../../lib/forwarded/index.ts';
import { readProxyAddresses } from '../../lib/forwarded/proxy-addresses.ts';
import { configErrorOf } from '../middleware/harness.ts';
import {
  awsPassthrough,
  awsPem,
  base64Of,
  byteSequence,
  derOf,
  envoyPem,
  type FormatName,
  formatNames,
  pemUrl,
  rawOf,
  unverified,
  writers,
} from './writers.ts';

let leaf: string;
let other: string;
let intermediate: string;

beforeAll(async () => {
  const root = await createAuthority({ subject: 'Root' });
  const issuing = await root.issueIntermediate({ subject: 'Issuing' });
  [leaf, other] = (await Promise.all(
    ['good', 'other'].map(async (subject) => (await issuing.issueClientCertificate({ subject })).certificate),
  )) as [string, string];
  intermediate = issuing.certificate;
});

type Options = Omit<ForwardedFormatOptions, 'format'> & { readonly format: unknown };

const formatOf = (options: Options): ReturnType<typeof readFormat> => readFormat({ ...options }, 'forwarded');

const read = (options: Options | FormatName, headers: Readonly<Record<string, string>>): Assertion =>
  formatOf(typeof options === 'string' ? { format: options } : options).read(rawOf(headers));

/** Why it is malformed. */
function faultOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof MalformedError) return error.message;
    throw error;
  }
  throw new Error('it was read');
}

/** Of these, what is not malformed. */
function readableOf(
  headers: ReadonlyArray<readonly [Options | FormatName, Record<string, string>]>,
): readonly unknown[] {
  return headers.filter(([options, lines]) => {
    try {
      return read(options, lines) !== undefined;
    } catch (error) {
      if (error instanceof MalformedError) return false;
      throw error;
    }
  });
}

const of = (...pems: readonly string[]): unknown => {
  const [own, ...chain] = pems.map(derOf);
  return expect.objectContaining({ kind: 'certificate', leaf: own, chain });
};

describe.each(formatNames)('%s', (format) => {
  it('is read as its proxy writes it, and believed as far as that proxy has verified', () => {
    expect(read(format, writers[format](leaf))).toEqual({
      kind: 'certificate',
      leaf: derOf(leaf),
      chain: [],
      verified: !unverified.has(format),
    });
  });

  it('is nobody without its headers', () => {
    expect(read(format, {})).toEqual({ kind: 'none' });
  });

  it('is refused with a line that stands there twice, be it the same', () => {
    for (const [name, value] of Object.entries(writers[format](leaf))) {
      const raw = [...rawOf(writers[format](leaf)), name.toUpperCase(), value];
      expect(faultOf(() => formatOf({ format }).read(raw))).toMatch(/twice/);
    }
  });

  it('is refused where it is longer than allowed', () => {
    const headers = writers[format](leaf);
    expect(faultOf(() => read({ format, maxLength: 1_024 }, { ...headers, ...longer(headers) }))).toMatch(
      /more than 1024 characters/,
    );
  });

  it('is refused when any part of its certificate is missing, or something stands behind it', () => {
    const headers: Record<string, string> = { ...writers[format](leaf) };
    const name = certificateHeader(headers);
    // The rest of an XFCC element may be anything.
    const value = format === 'xfcc' ? `Cert="${envoyPem(leaf)}"` : headers[name]!;
    const third = Math.floor(value.length / 3);
    for (const damaged of [
      value.slice(0, third),
      value.slice(0, third) + value.slice(third + 4),
      `${value.slice(0, third)}!${value.slice(third)}`,
      `${value.slice(0, third)}\0${value.slice(third)}`,
      value.slice(third),
      `${value}x`,
      `${value}==`,
      value.slice(0, 6) + value.slice(6).replace(/[A-Za-z0-9]/g, 'A'),
    ])
      expect(faultOf(() => read(format, { ...headers, [name]: damaged }))).not.toBe('');
  });

  it('is not believed where verifiedByProxy is false', () => {
    expect(read({ format, verifiedByProxy: false }, passedThrough(format, leaf))).toMatchObject({
      kind: 'certificate',
      verified: false,
    });
  });
});

/** In AWS's passthrough mode it is another header. */
const passedThrough = (format: FormatName, pem: string): Record<string, string> =>
  format === 'aws-alb' ? awsPassthrough(pem) : writers[format](pem);

function longer(headers: Readonly<Record<string, string>>): Record<string, string> {
  const name = certificateHeader(headers);
  return { [name]: headers[name]! + ' '.repeat(1_024) };
}

const certificateHeader = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers).toSorted(([, a], [, b]) => b.length - a.length)[0]![0];

describe('a chain', () => {
  it.each(['rfc9440', 'xfcc', 'traefik', 'gcp'] as const)('comes with the certificate in %s', (format) => {
    expect(read(format, writers[format](leaf, [intermediate]))).toEqual(of(leaf, intermediate));
  });

  it('comes behind the certificate in what an AWS load balancer passes through', () => {
    expect(read('aws-alb', awsPassthrough(leaf, [intermediate]))).toEqual(of(leaf, intermediate));
  });

  it('comes in a header of its own from HAProxy, one certificate after the other', () => {
    const chain = Buffer.concat([derOf(intermediate), derOf(other)]).toString('base64');
    const headers = { ...writers.haproxy(leaf), 'X-Chain': chain };
    expect(read({ format: 'haproxy', chainHeader: 'X-Chain' }, headers)).toEqual(
      of(leaf, intermediate, other),
    );
    expect(
      readableOf([
        [
          { format: 'haproxy', chainHeader: 'X-Chain' },
          { ...headers, 'X-Chain': chain.slice(0, 400) },
        ],
        [
          { format: 'haproxy', chainHeader: 'X-Chain' },
          { ...headers, 'X-Chain': 'AAAA' },
        ],
      ]),
    ).toEqual([]);
  });

  it.each([
    [
      'without a certificate',
      () => ({ 'Client-Cert-Chain': byteSequence(intermediate) }),
      /without a certificate/,
    ],
    ['with the certificate in it', () => writers.rfc9440(leaf, [leaf]), /twice/],
    ['with one twice', () => writers.rfc9440(leaf, [intermediate, intermediate]), /twice/],
    ['with more than ten', () => writers.rfc9440(leaf, Array(11).fill(intermediate)), /more than 10/],
    ['with eleven in all', () => writers.rfc9440(leaf, Array(10).fill(intermediate)), /more than 10/],
    [
      'with a damaged one',
      () => ({ ...writers.rfc9440(leaf), 'Client-Cert-Chain': ':AAAA:' }),
      /cannot be read/,
    ],
    ['with nothing between commas', () => chained(`${byteSequence(intermediate)},,`), /nothing at place 2/],
    ['that ends with a comma', () => chained(`${byteSequence(intermediate)},`), /nothing at place 2/],
    ['with a parameter', () => chained(`${byteSequence(intermediate)};a=1`), /no byte sequence/],
  ])('is refused %s', (_what, headers, reason) => {
    expect(faultOf(() => read('rfc9440', headers()))).toMatch(reason);
  });

  const chained = (value: string): Record<string, string> => ({
    ...writers.rfc9440(leaf),
    'Client-Cert-Chain': value,
  });
});

describe('Client-Cert (RFC 9440) is refused', () => {
  it.each([
    ['empty', () => ''],
    ['as an empty byte sequence', () => '::'],
    ['without colons', () => base64Of(leaf)],
    ['with one colon', () => `:${base64Of(leaf)}`],
    ['as a list', () => `${byteSequence(leaf)}, ${byteSequence(other)}`],
    ['with a parameter', () => `${byteSequence(leaf)};q=1`],
    ['without padding', () => byteSequence(leaf).replaceAll('=', '').replace(/.:$/, ':')],
    ['in base64url', () => `:${derOf(leaf).toString('base64url').replaceAll('=', '')}-_:`],
    ['as PEM', () => pemUrl(leaf)],
    ['as a string', () => `"${base64Of(leaf)}"`],
    ['with white space in it', () => byteSequence(leaf).replace(/^:(.{10})/, ':$1 ')],
    [
      'with octets behind the certificate',
      () => `:${Buffer.concat([derOf(leaf), Buffer.from([0])]).toString('base64')}:`,
    ],
    [
      'with a second certificate behind the first',
      () => `:${Buffer.concat([derOf(leaf), derOf(other)]).toString('base64')}:`,
    ],
  ])('%s', (_what, value) => {
    expect(readableOf([['rfc9440', { 'Client-Cert': value() }]])).toEqual([]);
  });
});

describe('the faults of others', () => {
  const xfcc = (value: string): Record<string, string> => ({ 'x-forwarded-client-cert': value });

  it('quoted semicolons and commas in XFCC part nothing', () => {
    const value = `Subject="CN=a;Cert=b,Cert=\\"c\\"";Cert="${envoyPem(leaf)}"`;
    expect(read('xfcc', xfcc(value))).toEqual(of(leaf));
  });

  it('a backslash before the last quote of a value opens nothing', () => {
    const value = `Subject="CN=a\\\\";Cert="${envoyPem(leaf)}"`;
    expect(read('xfcc', xfcc(value))).toEqual(of(leaf));
  });

  it('a damaged leaf does not promote the next certificate', () => {
    const [first, second] = [awsPem(leaf), awsPem(other)];
    expect(
      readableOf([
        ['rfc9440', { 'Client-Cert': ':AAAA:', 'Client-Cert-Chain': byteSequence(other) }],
        ['rfc9440', { 'Client-Cert': '', 'Client-Cert-Chain': byteSequence(other) }],
        ['aws-alb', { 'X-Amzn-Mtls-Clientcert': first.replace('MII', 'MIX') + second }],
        ['aws-alb', { 'X-Amzn-Mtls-Clientcert': first.slice(0, 300) + second }],
        ['traefik', { 'X-Forwarded-Tls-Client-Cert': `AAAA,${base64Of(other)}` }],
        ['traefik', { 'X-Forwarded-Tls-Client-Cert': `,${base64Of(other)}` }],
        ['xfcc', xfcc(`Cert="x";Chain="${envoyPem(other)}"`)],
        ['xfcc', xfcc(`,Cert="${envoyPem(other)}"`)],
      ]),
    ).toEqual([]);
  });

  it('two PEM blocks in a header for one are none', () => {
    const two = pemUrl(leaf) + pemUrl(other);
    expect(faultOf(() => read('nginx', { ...writers.nginx(leaf), 'X-SSL-Client-Cert': two }))).toMatch(
      /2 certificates where one belongs/,
    );
    expect(
      readableOf([
        ['xfcc', xfcc(`Cert="${envoyPem(leaf, other)}"`)],
        ['aws-alb', { 'X-Amzn-Mtls-Clientcert-Leaf': awsPem(leaf, other) }],
      ]),
    ).toEqual([]);
  });

  it('text before, between or behind PEM blocks is refused, as are other blocks', () => {
    const values = [`x${pemUrl(leaf)}`, `${pemUrl(leaf)}x`, pemUrl(leaf).replaceAll('CERTIFICATE', 'CRL')];
    expect(
      readableOf(values.map((value) => ['nginx', { ...writers.nginx(leaf), 'X-SSL-Client-Cert': value }])),
    ).toEqual([]);
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'a header named %s is a header like any other',
    (header) => {
      const options = { format: { header, encoding: 'der-base64' } };
      expect(read(options, {})).toEqual({ kind: 'none' });
      expect(formatOf(options).read([header, base64Of(leaf)])).toEqual(of(leaf));
    },
  );

  it('a word after the verdict, another case or a list is no verdict', () => {
    const verdicts = {
      nginx: ['success', 'SUCCESS ', 'SUCCESS,SUCCESS', 'SUCCESSFUL', 'true', '1', 'FAILEDx'],
      haproxy: ['0x0', '-0', '00000000', '0 ', 'false', '1e3'],
    } as const;
    for (const format of ['nginx', 'haproxy'] as const)
      expect(
        readableOf(
          verdicts[format].map((value) => [
            format,
            { ...writers[format](leaf), 'X-SSL-Client-Verify': value },
          ]),
        ),
      ).toEqual([]);
    expect(
      readableOf(
        ['TRUE', '1', 'yes'].map((value) => [
          'gcp',
          { ...writers.gcp(leaf), 'X-Client-Cert-Chain-Verified': value },
        ]),
      ),
    ).toEqual([]);
  });
});

describe('x-forwarded-client-cert', () => {
  const both = (): Record<string, string> => ({
    'x-forwarded-client-cert': `Cert="${envoyPem(leaf)}",By=b;Cert="${envoyPem(other)}"`,
  });

  it('with several elements is refused, unless it is said which of them counts', () => {
    expect(faultOf(() => read('xfcc', both()))).toMatch(/2 elements/);
    expect(read({ format: 'xfcc', element: 'first' }, both())).toEqual(of(leaf));
    expect(read({ format: 'xfcc', element: 'last' }, both())).toEqual(of(other));
  });

  it.each([
    ['a second Cert', () => `Cert="${envoyPem(leaf)}";cert="${envoyPem(other)}"`, /second 'cert'/],
    ['a second Hash', () => 'Hash=a;hash=b', /second 'hash'/],
    ['a Chain of somebody else', () => `Cert="${envoyPem(leaf)}";Chain="${envoyPem(other)}"`, /not begin/],
    ['a Hash of somebody else', () => `Hash=${'0'.repeat(64)};Cert="${envoyPem(leaf)}"`, /Hash/],
    ['an open quote', () => `Cert="${envoyPem(leaf)}`, /does not end/],
    ['a quote that is escaped at the end', () => 'Subject="a\\"', /does not end/],
    ['a quote within a value', () => 'Hash=a"b"', /quote within/],
    ['something behind a quoted value', () => 'Subject="a"b;Hash=c', /after a value/],
    ['no key', () => '="a"', /no key/],
    ['no value', () => 'Hash', /no key/],
    ['two semicolons at the end', () => 'Hash=a;;', /no key/],
    ['a semicolon alone', () => ';', /no key/],
    ['a comma at the end', () => 'Hash=a,', /no key/],
    ['eleven elements', () => Array(11).fill('Hash=a').join(), /more than 10/],
  ])('with %s is refused', (_what, value, reason) => {
    expect(faultOf(() => read('xfcc', { 'x-forwarded-client-cert': value() }))).toMatch(reason);
  });

  it('may have a semicolon at the end of an element', () => {
    const value = `By=a;Cert="${envoyPem(leaf)}"; , Hash=a;`;
    expect(read({ format: 'xfcc', element: 'first' }, { 'x-forwarded-client-cert': value })).toEqual(
      of(leaf),
    );
  });

  it('without a certificate is nobody, whatever it names', () => {
    const value = `By=spiffe://a/b;Hash=${'0'.repeat(64)};Subject="CN=admin";URI=spiffe://a/c`;
    expect(read('xfcc', { 'x-forwarded-client-cert': value })).toMatchObject({
      kind: 'refused',
      problem: { code: 'CLIENT_CERTIFICATE_UNTRUSTED', reason: expect.stringMatching(/no Cert/) },
    });
  });

  it('with a Chain alone has the certificate at its head', () => {
    const value = `Chain="${envoyPem(leaf, intermediate)}"`;
    expect(read('xfcc', { 'x-forwarded-client-cert': value })).toEqual(of(leaf, intermediate));
  });
});

describe("a proxy's verdict", () => {
  const cases: ReadonlyArray<readonly [FormatName, string, string, string]> = [
    ['nginx', 'X-SSL-Client-Verify', 'FAILED:certificate has expired', 'CLIENT_CERTIFICATE_EXPIRED'],
    [
      'nginx',
      'X-SSL-Client-Verify',
      'FAILED:certificate is not yet valid',
      'CLIENT_CERTIFICATE_NOT_YET_VALID',
    ],
    ['nginx', 'X-SSL-Client-Verify', 'FAILED:certificate revoked', 'CLIENT_CERTIFICATE_REVOKED'],
    ['nginx', 'X-SSL-Client-Verify', 'FAILED', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['nginx', 'X-SSL-Client-Verify', 'NONE', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['haproxy', 'X-SSL-Client-Verify', '10', 'CLIENT_CERTIFICATE_EXPIRED'],
    ['haproxy', 'X-SSL-Client-Verify', '23', 'CLIENT_CERTIFICATE_REVOKED'],
    ['haproxy', 'X-SSL-Client-Verify', '18', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['cloudflare', 'Cf-Cert-Verified', 'false', 'CLIENT_CERTIFICATE_UNTRUSTED'],
    ['cloudflare', 'Cf-Cert-Revoked', 'true', 'CLIENT_CERTIFICATE_REVOKED'],
    ['gcp', 'X-Client-Cert-Chain-Verified', 'false', 'CLIENT_CERTIFICATE_UNTRUSTED'],
  ];

  it.each(cases)('of %s, %s: %s, lets nobody in (%s)', (format, name, value, code) => {
    const headers = { ...writers[format](leaf), [name]: value };
    for (const verifiedByProxy of [undefined, true])
      expect(read({ format, verifiedByProxy }, headers)).toMatchObject({
        kind: 'refused',
        problem: { code },
      });
  });

  it.each([
    ['nginx', 'X-SSL-Client-Verify'],
    ['haproxy', 'X-SSL-Client-Verify'],
    ['cloudflare', 'Cf-Cert-Verified'],
    ['gcp', 'X-Client-Cert-Chain-Verified'],
  ] as const)('of %s that is missing is none', (format, name) => {
    const headers: Record<string, string> = { ...writers[format](leaf) };
    Reflect.deleteProperty(headers, name);
    expect(read(format, headers)).toMatchObject({ kind: 'certificate', verified: false });
    expect(read({ format, verifiedByProxy: true }, headers)).toMatchObject({ verified: true });
  });

  it('on a client without a certificate is nobody, or tells why there is none', () => {
    expect(read('nginx', { 'X-SSL-Client-Verify': 'NONE' })).toEqual({ kind: 'none' });
    expect(read('nginx', { 'X-SSL-Client-Cert': '', 'X-SSL-Client-Verify': 'NONE' })).toEqual({
      kind: 'none',
    });
    expect(read('haproxy', { 'X-SSL-Client-Cert': '', 'X-SSL-Client-Verify': '0' })).toEqual({
      kind: 'none',
    });
    expect(read('nginx', { 'X-SSL-Client-Verify': 'FAILED:revoked' })).toMatchObject({ kind: 'refused' });
    expect(readableOf([['nginx', { 'X-SSL-Client-Verify': 'SUCCESS' }]])).toEqual([]);
  });
});

it('AWS is read in the mode that is given, and a header of the other mode is nobody', () => {
  const [leafOnly, passed] = [writers['aws-alb'](leaf), awsPassthrough(leaf)];
  expect(read({ format: 'aws-alb', verifiedByProxy: true }, passed)).toEqual({ kind: 'none' });
  expect(read({ format: 'aws-alb', verifiedByProxy: false }, leafOnly)).toEqual({ kind: 'none' });
  expect(faultOf(() => read('aws-alb', { ...leafOnly, ...passed }))).toMatch(/two headers/);
});

it('AWS may name the header of its mode otherwise, whose usual names are removed all the same', () => {
  const [leafOnly, passed] = [{ 'X-Cert': awsPem(leaf) }, { 'X-Cert': awsPem(leaf, intermediate) }];
  const named = { format: 'aws-alb', header: 'X-Cert' } as const;
  expect(read({ ...named, verifiedByProxy: true }, leafOnly)).toEqual(of(leaf));
  expect(read({ ...named, verifiedByProxy: false }, passed)).toEqual(of(leaf, intermediate));
  const { names } = formatOf({ ...named, verifiedByProxy: false });
  for (const name of ['x-cert', 'x-amzn-mtls-clientcert', 'x-amzn-mtls-clientcert-leaf'])
    expect(names.covers(name)).toBe(true);
});

it('Traefik is read as its old versions write as well', () => {
  const escaped = [leaf, intermediate].map((pem) => encodeURIComponent(base64Of(pem))).join(',');
  expect(read('traefik', { 'X-Forwarded-Tls-Client-Cert': escaped })).toEqual(of(leaf, intermediate));
});

describe('a header of one’s own', () => {
  const folded = (): string => leaf.trim().replaceAll('\n', ' ');

  it.each([
    ['pem', folded],
    ['pem', () => leaf.trim().replaceAll('\n', '\t')],
    ['pem-url', () => pemUrl(leaf)],
    ['url-pem', () => pemUrl(leaf)],
    ['der-base64', () => base64Of(leaf)],
    ['base64-der', () => base64Of(leaf)],
    ['rfc9440', () => byteSequence(leaf)],
  ])('is read as %s', (encoding, value) => {
    const options = { format: { header: 'SSL_CLIENT_CERT', encoding } };
    expect(read(options, { SSL_CLIENT_CERT: value() })).toEqual(of(leaf));
    expect(read(options, { 'SSL-CLIENT-CERT': value() })).toEqual({ kind: 'none' });
  });

  it.each([
    ['pem', () => [leaf, intermediate].map((pem) => pem.trim().replaceAll('\n', ' ')).join(' ')],
    ['pem-url', () => pemUrl(leaf) + pemUrl(intermediate)],
    ['der-base64', () => [leaf, intermediate].map(base64Of).join(',')],
    ['rfc9440', () => [leaf, intermediate].map(byteSequence).join(', ')],
  ])('with a chain behind the certificate is read as %s by bundle alone', (encoding, value) => {
    const format = { header: 'X-Cert', encoding };
    expect(read({ format: { ...format, bundle: true } }, { 'X-Cert': value() })).toEqual(
      of(leaf, intermediate),
    );
    expect(readableOf([[{ format }, { 'X-Cert': value() }]])).toEqual([]);
  });

  it('that is (null), as Apache writes it without a certificate, is nobody where it is PEM', () => {
    const chained = (encoding: string): Options => ({
      format: { header: 'X-Cert', encoding, chainHeader: 'X-Chain' },
    });
    expect(read(chained('pem'), { 'X-Cert': '(null)', 'X-Chain': '(null)' })).toEqual({ kind: 'none' });
    expect(read(chained('pem'), { 'X-Cert': folded(), 'X-Chain': '(null)' })).toEqual(of(leaf));
    expect(
      readableOf([
        [chained('pem'), { 'X-Cert': '(null)', 'X-Chain': folded() }],
        [chained('pem'), { 'X-Cert': '(null) ' }],
        [chained('der-base64'), { 'X-Cert': '(null)' }],
      ]),
    ).toEqual([]);
  });

  it('is verified where another header has the value, and refused where it has another one', () => {
    const format = { header: 'X-Cert', encoding: 'der-base64', verify: { header: 'X-Ok', value: 'yes' } };
    const certificate = { 'X-Cert': base64Of(leaf) };
    expect(read({ format }, { ...certificate, 'X-Ok': 'yes' })).toMatchObject({ verified: true });
    expect(read({ format }, certificate)).toMatchObject({ verified: false });
    for (const value of ['Yes', 'no', 'yes ', ''])
      expect(read({ format }, { ...certificate, 'X-Ok': value })).toMatchObject({ kind: 'refused' });
  });
});

const custom = (more: object): object => ({ header: 'X', encoding: 'pem', ...more });

describe('a configuration is refused', () => {
  it.each([
    [{ format: undefined }, 'OPTION_INVALID', 'forwarded.format'],
    [{ format: 'envoy' }, 'OPTION_INVALID', 'forwarded.format'],
    [{ format: 'constructor' }, 'OPTION_INVALID', 'forwarded.format'],
    [{ format: 'nginx', header: 'Host' }, 'OPTION_INVALID', 'forwarded.header'],
    [{ format: 'nginx', header: 'a b' }, 'OPTION_INVALID', 'forwarded.header'],
    [{ format: 'nginx', header: 'X-SSL-Client-Verify' }, 'OPTION_CONFLICT', 'forwarded'],
    [{ format: 'rfc9440', header: 'X-Cert' }, 'OPTION_CONFLICT', 'forwarded.header'],
    [{ format: 'rfc9440', element: 'last' }, 'OPTION_CONFLICT', 'forwarded.element'],
    [{ format: 'xfcc', element: 'all' }, 'OPTION_INVALID', 'forwarded.element'],
    [{ format: 'xfcc', verifyHeader: 'X-Ok' }, 'OPTION_CONFLICT', 'forwarded.verifyHeader'],
    [{ format: 'azure', verifiedByProxy: true }, 'OPTION_WEAKENS', 'forwarded.verifiedByProxy'],
    [{ format: 'nginx', verifiedByProxy: 'yes' }, 'OPTION_INVALID', 'forwarded.verifiedByProxy'],
    [{ format: 'nginx', maxLength: 10 }, 'OPTION_INVALID', 'forwarded.maxLength'],
    [{ format: 'aws-alb', header: 'X-Cert' }, 'OPTION_CONFLICT', 'forwarded.header'],
    [{ format: 'aws-alb', chainHeader: 'X-Chain' }, 'OPTION_CONFLICT', 'forwarded.chainHeader'],
    [{ format: custom({ chainHeader: '' }) }, 'OPTION_INVALID', 'forwarded.format.chainHeader'],
    [{ format: custom({ chainHeader: null }) }, 'OPTION_INVALID', 'forwarded.format.chainHeader'],
    [{ format: custom({ chainHeader: 0 }) }, 'OPTION_INVALID', 'forwarded.format.chainHeader'],
    [{ format: custom({ verify: null }) }, 'OPTION_INVALID', 'forwarded.format.verify'],
    [{ format: custom({ bundle: 1 }) }, 'OPTION_INVALID', 'forwarded.format.bundle'],
    [{ format: custom({ bundle: true, chainHeader: 'Y' }) }, 'OPTION_CONFLICT', 'forwarded.format.bundle'],
    [{ format: {} }, 'OPTION_INVALID', 'forwarded.format.encoding'],
    [{ format: { header: 'X-Cert' } }, 'OPTION_INVALID', 'forwarded.format.encoding'],
    [{ format: { header: 'X-Cert', encoding: 'base64' } }, 'OPTION_INVALID', 'forwarded.format.encoding'],
    [{ format: { encoding: 'pem' } }, 'OPTION_INVALID', 'forwarded.format.header'],
    [{ format: { header: 'Cookie', encoding: 'pem' } }, 'OPTION_INVALID', 'forwarded.format.header'],
    [{ format: { header: 'X', encoding: 'pem', headers: 1 } }, 'OPTION_UNKNOWN', 'forwarded.format.headers'],
    [
      { format: { header: 'X', encoding: 'pem', verify: { header: 'Y' } } },
      'OPTION_INVALID',
      'forwarded.format.verify.value',
    ],
    [{ format: { header: 'X', encoding: 'pem', chainHeader: 'x' } }, 'OPTION_CONFLICT', 'forwarded'],
  ])('%j', (options, code, path) => {
    expect(configErrorOf(() => formatOf(options as Options))).toMatchObject({ code, path });
  });
});

describe('trust by address', () => {
  const isProxy = (trust: unknown, remoteAddress: string | undefined, server?: unknown): boolean =>
    readProxyAddresses(trust, 'trust')({ remoteAddress, server: server as never });

  it.each([
    ['10.0.0.5', '10.0.0.5', true],
    ['10.0.0.5', '::ffff:10.0.0.5', true],
    ['10.0.0.5', '10.0.0.6', false],
    ['10.0.0.0/24', '10.0.0.255', true],
    ['10.0.0.0/24', '10.0.1.0', false],
    ['::ffff:10.0.0.5', '10.0.0.5', true],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['fe80::1', 'fe80::1%eth0', true],
    ['loopback', '127.0.0.1', true],
    ['loopback', '::ffff:127.9.9.9', true],
    ['loopback', '::1', true],
    ['loopback', '10.0.0.1', false],
    [['10.0.0.5', 'loopback'], '::1', true],
    ['unix', '127.0.0.1', false],
    ['10.0.0.5', undefined, false],
  ])('%j holds %s: %s', (trust, address, expected) => {
    expect(isProxy(trust, address)).toBe(expected);
  });

  it('of a Unix socket holds whoever reaches the socket, and no connection that is gone', () => {
    expect(isProxy('unix', undefined, { address: () => '/run/app.sock' })).toBe(true);
    expect(isProxy('unix', undefined, { address: () => ({ port: 1, address: '127.0.0.1' }) })).toBe(false);
    expect(isProxy('unix', undefined, undefined)).toBe(false);
    expect(isProxy('loopback', undefined, { address: () => '/run/app.sock' })).toBe(false);
  });

  it.each([
    [undefined, 'OPTION_INVALID', 'trust'],
    [null, 'OPTION_INVALID', 'trust'],
    [[], 'OPTION_INVALID', 'trust'],
    ['', 'OPTION_INVALID', 'trust'],
    [true, 'OPTION_INVALID', 'trust'],
    [1, 'OPTION_INVALID', 'trust'],
    ['proxy.internal', 'OPTION_INVALID', 'trust'],
    ['10.0.0.0/33', 'OPTION_INVALID', 'trust'],
    [['10.0.0.5', 'all'], 'OPTION_INVALID', 'trust[1]'],
    ['0.0.0.0/0', 'OPTION_WEAKENS', 'trust'],
    ['::/0', 'OPTION_WEAKENS', 'trust'],
    ['::ffff:0:0/96', 'OPTION_WEAKENS', 'trust'],
    ['2000::/3', 'OPTION_WEAKENS', 'trust'],
    [['0.0.0.0/1', '128.0.0.0/1'], 'OPTION_WEAKENS', 'trust'],
  ])('is refused as %j', (trust, code, path) => {
    expect(configErrorOf(() => readProxyAddresses(trust, 'trust'))).toMatchObject({ code, path });
  });
});
