import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlain } from 'node:http';
import { createSecureServer } from 'node:http2';
import * as https from 'node:https';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server as NetServer,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import express from 'express';
import type { Inspection } from '../../lib/cli/inspect/inspection.ts';
import { found, inspectCodes } from '../../lib/cli/inspect/findings/codes.ts';
import { resumes } from '../../lib/cli/inspect/negotiated/resumption.ts';
import { readTarget } from '../../lib/cli/inspect/target.ts';
import { supportsGroup } from '../../lib/connection/runtime.ts';
import { ocspResponse, ocspServer } from '../support/ocsp.ts';
import { oddAuthority, oddCertificate } from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { commonName, generalName } from '../support/odd-names.ts';
import { type CliResult, type CliSurroundings, runCli } from './harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-inspect-'));
const running: NetServer[] = [];
let server: { key: string; chain: string };

const write = (name: string, content: string): void => writeFileSync(join(directory, name), content);

beforeAll(async () => {
  const authority = await createAuthority({ subject: { CN: 'Inspected root' } });
  const intermediate = await authority.issueIntermediate({ subject: { CN: 'Inspected intermediate' } });
  server = await intermediate.issueServerCertificate({ names: ['localhost', '127.0.0.1'] });
  const client = await authority.issueClientCertificate({ subject: { CN: 'alice' } });
  write('ca.pem', authority.root);
  write('client.pem', client.chain);
  write('client.key', client.key);
});
afterEach(async () => {
  for (const one of running.splice(0)) {
    const closed = once(one, 'close');
    one.close();
    if ('closeAllConnections' in one) (one as https.Server).closeAllConnections();
    await closed;
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function portOf(one: NetServer): Promise<number> {
  running.push(one);
  one.listen(0, '127.0.0.1');
  await once(one, 'listening');
  return (one.address() as AddressInfo).port;
}

const inspect = (
  port: number,
  args: readonly string[] = [],
  surroundings: CliSurroundings = {},
): Promise<CliResult> =>
  runCli(['inspect', `127.0.0.1:${port}`, '--servername', 'localhost', '--timeout', '60', ...args], {
    directory,
    ...surroundings,
  });

async function seen(port: number, args: readonly string[] = []): Promise<Inspection> {
  const { out, err } = await inspect(port, ['--json', '--ca', 'ca.pem', ...args]);
  expect(err).toBe('');
  return JSON.parse(out) as Inspection;
}

const codesOf = ({ findings }: Inspection, above?: 'low'): string[] =>
  findings
    .filter(({ severity }) => above === undefined || severity === 'high' || severity === 'medium')
    .map(({ code }) => code);

/** As anybody starts one. */
const usual = (options: https.ServerOptions = {}): https.Server =>
  https.createServer({ key: server.key, cert: server.chain, ...options }, (_request, response) => {
    response.setHeader('Strict-Transport-Security', 'max-age=63072000; includeSubDomains').end('hello');
  });

describe('of a server of this package, inspect says', () => {
  it('that it meets the profile, and how', async () => {
    const port = await portOf(createServer({ key: server.key, cert: server.chain, http2: true }, express()));
    const inspection = await seen(port);
    expect(codesOf(inspection, 'low')).toEqual([]);
    expect(inspection).toMatchObject({
      schema: 1,
      verdict: 'pass',
      profile: 'intermediate',
      guideline: '6.0',
      target: { host: '127.0.0.1', port, address: '127.0.0.1', serverName: 'localhost' },
      negotiated: { protocol: 'TLSv1.3', alpn: 'h2', forwardSecrecy: true, legacy: false },
      handshakeError: null,
      roots: 'file',
      stapling: { stapled: false },
      clientCertificate: { requested: false, required: false, given: false, authorities: [] },
      resumption: { tls13: true, tls12Ticket: true, tls12SessionId: false },
      http: { status: 404 },
      accepted: {
        complete: true,
        versions: {
          SSLv2: false,
          SSLv3: false,
          'TLSv1.0': false,
          'TLSv1.1': false,
          'TLSv1.2': true,
          'TLSv1.3': true,
        },
        compression: false,
        secureRenegotiation: true,
        clientRenegotiation: false,
        extendedMasterSecret: true,
        fallbackScsv: true,
        heartbeat: false,
        alpn: { h2: true, 'http/1.1': true, strict: true },
      },
    });
    const [chain] = inspection.chains;
    expect(chain).toMatchObject({
      trusted: true,
      reason: null,
      hostMatches: true,
      inOrder: true,
      complete: true,
    });
    expect(chain!.path).toEqual(['CN=localhost', 'CN=Inspected intermediate', 'CN=Inspected root']);
    expect(chain!.sent[0]).toMatchObject({
      names: ['localhost', '127.0.0.1'],
      publicKey: { type: 'ec', bits: 256, curve: 'prime256v1' },
      signatureAlgorithm: 'ecdsa-with-SHA256',
    });
    expect(chain!.sent[0]!.pin).toMatch(/^sha256\/[\w+/]{43}=$/);
    expect(inspection.accepted!.ciphers.map(({ version, name }) => `${version} ${name}`).toSorted()).toEqual([
      'TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
      'TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
      'TLSv1.2 TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
      'TLSv1.3 TLS_AES_128_GCM_SHA256',
      'TLSv1.3 TLS_AES_256_GCM_SHA384',
      'TLSv1.3 TLS_CHACHA20_POLY1305_SHA256',
    ]);
    const hybrid = supportsGroup('X25519MLKEM768') ? ['X25519MLKEM768'] : [];
    expect([...inspection.accepted!.groups['TLSv1.3']].toSorted()).toEqual(
      [...hybrid, 'secp256r1', 'secp384r1', 'x25519'].toSorted(),
    );
    expect(codesOf(inspection).includes('POST_QUANTUM_OFF')).toBe(hybrid.length === 0);
  });

  it('that it meets modern only where TLS 1.2 is off', async () => {
    const intermediate = await portOf(createServer({ key: server.key, cert: server.chain }, express()));
    expect(codesOf(await seen(intermediate, ['--profile', 'modern']), 'low')).toEqual(['TLS12_ACCEPTED']);
    const modern = await portOf(
      createServer({ key: server.key, cert: server.chain, profile: 'modern' }, express()),
    );
    expect(await seen(modern, ['--profile', 'modern'])).toMatchObject({
      verdict: 'pass',
      accepted: { versions: { 'TLSv1.2': false, 'TLSv1.3': true }, secureRenegotiation: null },
      resumption: { tls12Ticket: null, tls12SessionId: null },
    });
  });
});

describe('of a usual server inspect says', () => {
  it('what is too much, and ends with 1', async () => {
    const port = await portOf(usual());
    const { code, out, err } = await inspect(port, ['--ca', 'ca.pem']);
    expect({ code, err }).toEqual({ code: 1, err: '' });
    for (const told of [
      /^127\.0\.0\.1:\d+, as localhost\n/,
      /\n {2}version {7}TLSv1\.3\n/,
      /\n {2}HTTP {10}status 200, HSTS max-age=63072000; includeSubDomains\n/,
      /\n {2}trusted {7}yes, by the roots of --ca\n/,
      /\n {2}renegotiation secure, by a client accepted\n/,
      /CIPHER_CBC: /,
      /RENEGOTIATION_CLIENT: a client may renegotiate\n/,
      /\nfail {2}it does not meet Mozilla 6\.0 intermediate: \d+ findings above low\n$/,
    ])
      expect(out).toMatch(told);
    expect(out).not.toContain('\u001b');
  });

  it('only what is negotiated, with --quick', async () => {
    const port = await portOf(usual({ maxVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] }));
    const inspection = await seen(port, ['--quick']);
    expect(inspection).toMatchObject({
      verdict: 'pass',
      accepted: null,
      negotiated: { protocol: 'TLSv1.2', alpn: 'http/1.1', group: expect.any(String) },
      resumption: { tls13: null, tls12Ticket: true },
      chains: [{ trusted: true }],
    });
  });

  it('the chain as it was sent, and what cannot be known, where its group is one of Node’s alone', async () => {
    const port = await portOf(
      usual({ ecdhCurve: 'X448', minVersion: 'TLSv1.3', ALPNProtocols: ['http/1.1'] }),
    );
    const inspection = await seen(port);
    expect(inspection).toMatchObject({
      negotiated: { group: 'x448' },
      accepted: { complete: true, unknownName: null, alpn: { h2: null, 'http/1.1': null, strict: null } },
    });
    expect(inspection.chains).toMatchObject([
      { sent: [{ subject: 'CN=localhost' }, { subject: 'CN=Inspected intermediate' }], rootSent: false },
    ]);
    expect(inspection.chains[0]!.sent).toHaveLength(2);
    expect((await inspect(port)).out).toMatch(/\n {2}ALPN {10}not known\n/);
  });

  it('that what could not be tried is not known', async () => {
    const approach = {
      endpoint: { address: '127.0.0.1', port: 1 },
      serverName: undefined,
      ca: undefined,
      key: undefined,
      cert: undefined,
      passphrase: undefined,
      timeout: 60_000,
      signal: new AbortController().signal,
    };
    expect(await resumes(approach, undefined, {})).toBeNull();
    expect(await resumes(approach, Buffer.alloc(0), {})).toBeNull();
  });

  it('what it can where h2 is all that is spoken', async () => {
    const port = await portOf(createSecureServer({ key: server.key, cert: server.chain }));
    expect(await seen(port, ['--quick'])).toMatchObject({
      verdict: 'pass',
      negotiated: { alpn: 'h2' },
      resumption: { tls13: true },
      http: null,
    });
  });

  it('whether port 80 sends on to https', async () => {
    const port = await portOf(usual());
    const plain = await portOf(
      createPlain((request, response) => {
        response.writeHead(301, { Location: `https://${request.headers.host}/` }).end();
      }),
    );
    const naked = await portOf(createPlain((_request, response) => response.end('in the clear')));
    const good = await seen(port, ['--quick', '--http', String(plain)]);
    expect(good.redirect).toEqual({
      port: plain,
      status: 301,
      location: `https://localhost:${plain}/`,
      toHttps: true,
    });
    const bad = await seen(port, ['--quick', '--http', String(naked)]);
    expect(bad.redirect).toMatchObject({ status: 200, toHttps: false });
    expect(codesOf(bad)).toContain('REDIRECT_MISSING');
  });
});

describe('of a certificate inspect says', () => {
  const authority = oddAuthority({ subject: commonName('Odd root') });
  const names = extension.subjectAltName([generalName.dns('localhost')]);
  const good = { subjectAltName: names, extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]) };
  const day = 86_400_000;

  async function findings(overrides: Parameters<typeof oddCertificate>[0], chain = ''): Promise<string[]> {
    const odd = oddCertificate({ issuer: authority, extensions: good, ...overrides });
    write('odd-ca.pem', authority.certificate);
    const port = await portOf(usual({ key: odd.key, cert: odd.certificate + chain }));
    return codesOf(await seen(port, ['--quick', '--ca', 'odd-ca.pem']));
  }

  it('nothing where it is in order', async () => {
    expect(await findings({ notAfter: new Date(Date.now() + 80 * day) })).toEqual([]);
  });

  it.each([
    [
      'CERTIFICATE_EXPIRED',
      { notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) },
    ],
    ['CERTIFICATE_NOT_YET_VALID', { notBefore: new Date(Date.now() + day) }],
    [
      'CERTIFICATE_HOST_MISMATCH',
      { extensions: { ...good, subjectAltName: extension.subjectAltName([generalName.dns('other.test')]) } },
    ],
    ['CERTIFICATE_SELF_SIGNED', { issuer: undefined }],
    ['CERTIFICATE_UNTRUSTED', { issuer: oddAuthority({ subject: commonName('Odd root') }) }],
    [
      'CERTIFICATE_CHAIN_INCOMPLETE',
      { issuer: oddAuthority({ issuer: authority, subject: commonName('Between') }) },
    ],
    [
      'CERTIFICATE_UNTRUSTED',
      { extensions: { ...good, extendedKeyUsage: extension.extendedKeyUsage([purposes.clientAuth]) } },
    ],
    ['CERTIFICATE_LIFE_TOO_LONG', { notAfter: new Date(Date.now() + 4000 * day) }],
  ])('%s', async (code, overrides) => {
    expect(await findings(overrides as Parameters<typeof oddCertificate>[0])).toContain(code);
  });

  it('CERTIFICATE_HOST_MISMATCH by the name that was asked for', async () => {
    const { out } = await inspect(await portOf(usual()), ['--quick', '--servername', 'other.test']);
    expect(out).toMatch(/it is for localhost, 127\.0\.0\.1, not for\s+other\.test/);
  });

  it('CERTIFICATE_CHAIN_ORDER where another stands between it and its issuer', async () => {
    const stranger = oddAuthority({ subject: commonName('Stranger') });
    expect(await findings({}, stranger.certificate)).toEqual(
      expect.arrayContaining(['CERTIFICATE_CHAIN_ORDER', 'CERTIFICATE_ROOT_SENT']),
    );
  });

  it('its strings, so that no terminal obeys them', async () => {
    const strange = 'a\u001b[31m\u0007b\u202ec\nverdict: pass\u009b2J';
    const odd = oddCertificate({ issuer: authority, subject: commonName(strange), extensions: good });
    const port = await portOf(usual({ key: odd.key, cert: odd.certificate }));
    const [human, json] = [
      await inspect(port, ['--quick'], { colours: false }),
      await inspect(port, ['--quick', '--json']),
    ];
    expect(human.out).toContain('CN=a\\x1b[31m\\x07b\\u{202e}c\\nverdict: pass\\x9b2J');
    for (const { out } of [human, json]) expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect((JSON.parse(json.out) as Inspection).chains[0]!.sent[0]!.subject).toBe(`CN=${strange}`);
  });

  it('what a stapled response says', async () => {
    const { issuer, id, key, certificate } = ocspServer();
    write('staple-ca.pem', issuer.certificate);
    for (const [status, expected, code] of [
      ['good', { stapled: true, status: 'good', problem: null }, []],
      ['revoked', { stapled: true, status: 'revoked' }, ['CERTIFICATE_REVOKED']],
      ['unknown', { stapled: true, status: null }, ['STAPLED_RESPONSE_INVALID']],
    ] as const) {
      const one = usual({ key, cert: certificate });
      one.on('OCSPRequest', (_certificate, _issuer, callback: (error: null, response: Buffer) => void) =>
        callback(null, ocspResponse({ id, signer: issuer, status })),
      );
      const inspection = await seen(await portOf(one), ['--quick', '--ca', 'staple-ca.pem']);
      expect(inspection.stapling).toMatchObject(expected);
      expect(codesOf(inspection)).toEqual(expect.arrayContaining([...code]));
    }
  });
});

describe('of client certificates inspect says', () => {
  const clientAuth = (mode: 'optional' | 'required'): Promise<number> =>
    portOf(
      createServer(
        {
          key: server.key,
          cert: server.chain,
          clientAuth: { mode, ca: { file: join(directory, 'ca.pem') } },
        },
        express().get('/', (_request, response) => void response.send('hello')),
      ),
    );

  it('that one is required, whose the CAs are, and what else it sees without one', async () => {
    const inspection = await seen(await clientAuth('required'));
    expect(inspection).toMatchObject({
      verdict: 'pass',
      clientCertificate: {
        requested: true,
        required: true,
        given: false,
        authorities: ['CN=Inspected root'],
      },
      accepted: { complete: true, versions: { 'TLSv1.2': true, 'TLSv1.3': true } },
      chains: [{ trusted: true, hostMatches: true }],
      http: null,
    });
  });

  it('the same of one that speaks TLS 1.2 alone, where no handshake comes about', async () => {
    const port = await portOf(
      usual({ maxVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true, ca: server.chain }),
    );
    const inspection = await seen(port, ['--quick']);
    expect(inspection).toMatchObject({
      clientCertificate: { requested: true, required: true },
      chains: [{ trusted: true, hostMatches: true }],
    });
    expect(codesOf(inspection)).not.toContain('HANDSHAKE_FAILED');
  });

  it('nothing, where the handshake fails for another reason: that is a failure', async () => {
    const inner = usual({ requestCert: true, rejectUnauthorized: true, ca: server.chain });
    const innerPort = await portOf(inner);
    let connections = 0;
    const outer = createTcpServer((socket) => {
      socket.on('error', () => {});
      // The first hello reaches a server that asks for a certificate, and what comes later is an internal_error.
      if (connections++ > 0) {
        socket.once('data', () => socket.end(Buffer.of(21, 3, 3, 0, 2, 2, 80)));
        return;
      }
      const through = connectTcp(innerPort, '127.0.0.1');
      through.on('error', () => {});
      socket.on('close', () => through.destroy());
      socket.pipe(through).pipe(socket);
    });
    const port = await portOf(outer);
    const inspection = await seen(port, ['--quick']);
    expect(inspection).toMatchObject({
      negotiated: null,
      verdict: 'fail',
      clientCertificate: { requested: true, required: null },
    });
    expect(codesOf(inspection)).toContain('HANDSHAKE_FAILED');
    expect((await inspect(port, ['--quick'])).code).toBe(1);
  });

  it('that it is optional, and what it comes to with one', async () => {
    expect((await seen(await clientAuth('optional'), ['--quick'])).clientCertificate).toMatchObject({
      requested: true,
      required: false,
    });
    const client = ['--cert', 'client.pem', '--key', 'client.key'];
    expect(await seen(await clientAuth('required'), ['--quick', ...client])).toMatchObject({
      clientCertificate: { requested: true, required: null, given: true },
      http: { status: 200 },
    });
  });
});

describe('of a server that asks for a client certificate, and answers without one by HTTP, inspect says', () => {
  const nginx =
    '<html><center>No required SSL certificate was sent</center><hr><center>nginx</center></html>';

  it.each([
    ['that it is required, by the words of nginx', 400, nginx, true],
    ['that it is required, by its status', 496, '', true],
    ['nothing, where the request may have been wrong otherwise', 400, 'Bad Request', null],
    ['nothing, where it is forbidden', 403, nginx, null],
    ['that it is optional, where a page comes', 204, '', false],
  ])('%s', async (_what, status, body, required) => {
    const port = await portOf(
      https.createServer(
        { key: server.key, cert: server.chain, requestCert: true, rejectUnauthorized: false },
        (_request, response) => response.writeHead(status).end(body),
      ),
    );
    const inspection = await seen(port, ['--quick']);
    expect(inspection.clientCertificate).toMatchObject({ requested: true, required });
  });
});

describe('audit of a host', () => {
  it('takes a client certificate for one that demands it', async () => {
    const port = await portOf(
      usual({
        requestCert: true,
        rejectUnauthorized: true,
        ca: readFileSync(join(directory, 'ca.pem')),
      }),
    );
    const client = ['--cert', 'client.pem', '--key', 'client.key'];
    const { out } = await runCli(
      ['audit', `127.0.0.1:${port}`, '--servername', 'localhost', '--ca', 'ca.pem', ...client, '--json'],
      { directory },
    );
    const codes = (JSON.parse(out) as Inspection).findings.map(({ code }) => code);
    expect(codes).toContain('CIPHER_CBC');
    expect(codes).not.toContain('HANDSHAKE_FAILED');
  });

  it('gives the findings of an inspection, and ends with 1', async () => {
    const port = await portOf(usual());
    const { code, out } = await runCli(
      ['audit', `127.0.0.1:${port}`, '--servername', 'localhost', '--ca', 'ca.pem', '--json'],
      { directory },
    );
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      guideline: { version: '6.0', configuration: 'intermediate' },
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'CIPHER_CBC', link: 'docs/inspect.md#cipher_cbc' }),
      ]),
    });
  });
});

describe('a target', () => {
  it.each([
    ['example.org', { host: 'example.org', port: 443 }],
    ['Example.ORG.:8443', { host: 'example.org', port: 8443 }],
    ['bücher.example', { host: 'xn--bcher-kva.example', port: 443 }],
    ['192.0.2.1:8443', { host: '192.0.2.1', port: 8443 }],
    ['[2001:db8::0:1]:8443', { host: '2001:db8::1', port: 8443 }],
    ['[::1]', { host: '::1', port: 443 }],
    ['::1', { host: '::1', port: 443 }],
    ['https://example.org/path?query', { host: 'example.org', port: 443 }],
    ['https://[::1]:8443/', { host: '::1', port: 8443 }],
  ])('is read from %s', (text, expected) => {
    expect(readTarget(text)).toEqual(expected);
  });

  it.each([
    ['', 'no host'],
    ['smtp://mail.test', 'smtp: is not a scheme'],
    ['http://example.org', 'http: is not a scheme'],
    ['example.org:0', '0 is no port'],
    ['example.org:65536', '65536 is no port'],
    ['example.org:https', 'names no host'],
    ['[example]:443', 'is no IPv6 address'],
    ['exa mple.org', 'names no host'],
    ['1.2.3', 'is no host name'],
    ['https://user:secret@example.org', 'a URL with a user name or password'],
    ['a\u001b[31m', 'names no host'],
  ])('is not read from %j', async (text, told) => {
    const { code, out, err } = await runCli(['inspect', text]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(told);
    expect(err.replaceAll('\n', '')).not.toMatch(/secret|\p{Cc}/u);
  });
});

describe('options', () => {
  it.each([
    [['--profile', 'old'], 2, 'old'],
    [['--servername', '127.0.0.1'], 2, '--servername is no host name'],
    [['--timeout', 'soon'], 2, '--timeout is no number of seconds'],
    [['--timeout', '0'], 2, '--timeout is no number of seconds'],
    [['--http', '99999'], 2, '--http is no port'],
    [['--key', 'client.key'], 2, '--key without --cert'],
    [['--cert', 'client.pem', '--key', 'other.key'], 3, 'there is no file other.key'],
    [['--cert', 'client.pem'], 3, 'the private key in client.pem cannot be read'],
    [['--cert', 'ca.pem', '--key', 'client.key'], 3, 'is not that of the certificate'],
    [['--passphrase-env', 'NOWHERE'], 2, 'NOWHERE is not set'],
    [['--ca', 'client.key'], 3, 'client.key holds no certificate'],
    [['--ca', 'nowhere.pem'], 3, 'there is no file nowhere.pem'],
  ])('%j are refused', async (args, code, told) => {
    const result = await runCli(['inspect', '127.0.0.1:1', ...args], { directory });
    expect({ code: result.code, out: result.out }).toEqual({ code, out: '' });
    expect(result.err).toContain(told);
  });

  it('end at Ctrl-C', async () => {
    const controller = new AbortController();
    const silent = https.createServer({ key: server.key, cert: server.chain });
    const held = await portOf(silent);
    silent.removeAllListeners('connection');
    silent.once('connection', (socket) => {
      socket.on('error', () => undefined).resume();
      controller.abort(new Error('stopped'));
    });
    const { code, err } = await inspect(held, [], { stop: controller.signal });
    expect(code).toBe(3);
    expect(err).toContain('stopped');
  });
});

describe('the documentation', () => {
  it('has a line for each code, with its severity', () => {
    const text = readFileSync('docs/inspect.md', 'utf8');
    const missing = inspectCodes.filter((code) => {
      const { severity, link } = found(code, undefined, '');
      const row = new RegExp(`<a id="${link.split('#')[1]}"></a>\`${code}\`\\s*\\| ${severity} `);
      return !row.test(text);
    });
    expect(missing).toEqual([]);
  });
});
