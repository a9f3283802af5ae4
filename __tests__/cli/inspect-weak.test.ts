import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthority } from 'portcullis/pki';
import { readPem } from '../../lib/x509/pem.ts';
import type { Inspection } from '../../lib/cli/inspect/inspection.ts';
import type { Ending } from '../../lib/cli/inspect/probe/converse.ts';
import type { ServerHello } from '../../lib/cli/inspect/wire/server-hello.ts';
import { type CliResult, runCli } from './harness.ts';
import { Patience } from '../../lib/cli/inspect/probe/patience.ts';
import { closeAll, listen, oldServer, type OldServer } from './inspect-old-server.ts';

let certificate: Buffer;

beforeAll(async () => {
  const authority = await createAuthority();
  const { certificate: leaf } = await authority.issueServerCertificate({ names: ['old.test'] });
  certificate = readPem(leaf)![0]!.der;
});
afterEach(closeAll);

const inspect = (port: number, ...more: string[]): Promise<CliResult> =>
  runCli(['inspect', `127.0.0.1:${port}`, '--json', '--timeout', '60', ...more]);

async function seen(config: OldServer): Promise<Inspection> {
  const { port } = await oldServer({ certificate, ...config });
  const { code, out, err } = await inspect(port);
  expect({ code, err }).toEqual({ code: 1, err: '' });
  return JSON.parse(out) as Inspection;
}

const codes = ({ findings }: Inspection): string[] => findings.map(({ code }) => code);

describe('inspect finds', () => {
  it('SSLv2 and its suites, though no OpenSSL of today could ask for them', async () => {
    const inspection = await seen({ sslv2: [0x010080, 0x020080, 0x0700c0] });
    expect(inspection.accepted!.versions).toEqual({
      SSLv2: true,
      SSLv3: false,
      'TLSv1.0': false,
      'TLSv1.1': false,
      'TLSv1.2': false,
      'TLSv1.3': false,
    });
    expect(inspection.accepted!.ciphers.map(({ version, name }) => `${version} ${name}`)).toEqual([
      'SSLv2 SSL_CK_RC4_128_WITH_MD5',
      'SSLv2 SSL_CK_RC4_128_EXPORT40_WITH_MD5',
      'SSLv2 SSL_CK_DES_192_EDE3_CBC_WITH_MD5',
    ]);
    expect(codes(inspection)).toEqual(
      expect.arrayContaining([
        'SSLV2_ACCEPTED',
        'CIPHER_RC4',
        'CIPHER_EXPORT',
        'CIPHER_3DES',
        'HANDSHAKE_FAILED',
      ]),
    );
  });

  it('SSLv2 even where it names no suite', async () => {
    expect(codes(await seen({ sslv2: [] }))).toContain('SSLV2_ACCEPTED');
  });

  it('SSLv3 and TLS 1.0 with RC4, DES, 3DES, export, NULL and anonymous suites, in the server’s order', async () => {
    const suites = [0x0004, 0x0009, 0x000a, 0x0003, 0x0002, 0x0018, 0x002f];
    const inspection = await seen({
      suites: { 0x0300: suites, 0x0301: suites.toReversed() },
      dhBits: 1024,
    });
    expect(inspection.accepted!.versions).toMatchObject({ SSLv3: true, 'TLSv1.0': true, 'TLSv1.1': false });
    const names = (version: string): string[] =>
      inspection.accepted!.ciphers.filter((one) => one.version === version).map(({ name }) => name);
    expect(names('SSLv3')).toEqual([
      'TLS_RSA_WITH_RC4_128_MD5',
      'TLS_RSA_WITH_DES_CBC_SHA',
      'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
      'TLS_RSA_EXPORT_WITH_RC4_40_MD5',
      'TLS_RSA_WITH_NULL_SHA',
      'TLS_DH_anon_WITH_RC4_128_MD5',
      'TLS_RSA_WITH_AES_128_CBC_SHA',
    ]);
    expect(names('TLSv1.0')).toEqual(names('SSLv3').toReversed());
    expect(inspection.accepted!.cipherOrder).toEqual({ SSLv3: 'server', 'TLSv1.0': 'server' });
    expect(codes(inspection)).toEqual(
      expect.arrayContaining([
        'SSLV3_ACCEPTED',
        'TLS10_ACCEPTED',
        'TLS13_MISSING',
        'CIPHER_NULL',
        'CIPHER_ANONYMOUS',
        'CIPHER_EXPORT',
        'CIPHER_RC4',
        'CIPHER_DES',
        'CIPHER_3DES',
        'CIPHER_NO_FORWARD_SECRECY',
        'DH_PARAMETERS_WEAK',
      ]),
    );
  });

  it('DHE with a prime of 1024 bits', async () => {
    const inspection = await seen({ suites: { 0x0303: [0x009e, 0x0033] }, dhBits: 1024 });
    expect(inspection.accepted!.ciphers.map(({ dhBits }) => dhBits)).toEqual([1024, 1024]);
    expect(codes(inspection)).toEqual(
      expect.arrayContaining(['DH_PARAMETERS_WEAK', 'CIPHER_DHE', 'CIPHER_CBC', 'CERTIFICATE_UNTRUSTED']),
    );
  });

  it('compression, and what a library lacks that nobody updates', async () => {
    const old = await seen({ suites: { 0x0303: [0x009c], 0x0302: [0x002f] }, compression: 1 });
    expect(old.accepted).toMatchObject({
      compression: true,
      secureRenegotiation: false,
      extendedMasterSecret: false,
      fallbackScsv: false,
      heartbeat: false,
    });
    expect(codes(old)).toEqual(
      expect.arrayContaining([
        'COMPRESSION',
        'RENEGOTIATION_INSECURE',
        'EXTENDED_MASTER_SECRET_MISSING',
        'FALLBACK_SCSV_MISSING',
      ]),
    );
    const extensions = new Map([
      [0xff01, Buffer.of(0)],
      [23, Buffer.alloc(0)],
      [15, Buffer.of(1)],
    ]);
    const better = await seen({ suites: { 0x0303: [0x009c] }, extensions });
    expect(better.accepted).toMatchObject({
      compression: false,
      secureRenegotiation: true,
      extendedMasterSecret: true,
      fallbackScsv: null,
      heartbeat: true,
    });
    expect(codes(better)).toContain('HEARTBEAT');
  });

  it('the same in a flight that is cut into records and segments of few octets', async () => {
    const config = { suites: { 0x0303: [0x009e, 0x009c] }, dhBits: 512 };
    const [whole, cut] = [await seen(config), await seen({ ...config, cut: 7 })];
    expect(cut.accepted).toEqual(whole.accepted);
    expect(cut.chains).toEqual(whole.chains);
    expect(cut.chains[0]!.sent[0]!.names).toEqual(['old.test']);
  });
});

describe('inspect does not believe', () => {
  it('a server that chooses what was not offered', async () => {
    const inspection = await seen({ suites: { 0x0303: [] }, stubborn: 0x5a5a });
    expect(inspection.accepted).toMatchObject({ ciphers: [], versions: { 'TLSv1.2': false } });
    expect(codes(inspection)).toContain('HANDSHAKE_FAILED');
  });

  it('what a server says by silence that has stopped answering on the way', async () => {
    const inspection = await seen({ suites: { 0x0303: [0x009e, 0x009c] }, dhBits: 2048, tiresAfter: 9 });
    expect(inspection.accepted!.complete).toBe(false);
    expect(codes(inspection)).toContain('INSPECTION_INCOMPLETE');
  });
});

describe('a connection that is closed without a word', () => {
  it('is no refusal where it is one in five: nothing is missed, and nothing found that is not there', async () => {
    const config = { suites: { 0x0303: [0x009c], 0x0301: [0x000a] } };
    const [steady, flaky] = [await seen(config), await seen({ ...config, closesEvery: 5 })];
    expect(flaky.accepted).toEqual({ ...steady.accepted!, connections: flaky.accepted!.connections });
    expect(codes(flaky)).toEqual(codes(steady));
    expect(flaky.accepted!.complete).toBe(true);
  });

  interface Said {
    readonly hello: ServerHello | undefined;
    readonly alert: undefined;
    readonly ending: Ending;
  }
  const closed: Said = { hello: undefined, alert: undefined, ending: { kind: 'closed' } };
  const silent: Said = { hello: undefined, alert: undefined, ending: { kind: 'silent' } };
  const hello: Said = { hello: {} as ServerHello, alert: undefined, ending: { kind: 'said' } };

  /** Asks what gets these answers in turn, the last again and again, after one question that was answered. */
  async function asked(
    answers: readonly Said[],
    known: readonly Said[] = [hello],
  ): Promise<[Said, Patience<Said>, number]> {
    const patience = new Patience<Said>();
    let [knocks, tries] = [0, 0];
    await patience.settle(
      () => Promise.resolve(known[Math.min(knocks++, known.length - 1)]!),
      () => false,
    );
    const next = (): Promise<Said> => Promise.resolve(answers[Math.min(tries++, answers.length - 1)]!);
    const answer = await patience.settle(next, () => false);
    return [answer, patience, tries];
  }

  it('is one where it is closed each time, while what has worked still does', async () => {
    const [answer, patience, tries] = await asked([closed]);
    expect([answer, tries, patience.isSteady, patience.lost]).toEqual([closed, 3, true, false]);
  });

  it('is nothing where an answer comes then, and the next ones come one at a time', async () => {
    const [answer, patience, tries] = await asked([closed, closed, hello]);
    expect([answer, tries, patience.isSteady, patience.isCareful]).toEqual([hello, 3, true, true]);
  });

  it('is no answer at all where nothing works any more', async () => {
    const [, patience] = await asked([closed], [hello, closed]);
    expect([patience.isSteady, patience.lost]).toEqual([false, true]);
  });

  it('is not believed of a server that has answered what it had refused before', async () => {
    const [, patience] = await asked([closed, hello]);
    await patience.settle(
      () => Promise.resolve(closed),
      () => false,
    );
    expect([patience.isSteady, patience.lost]).toEqual([false, false]);
  });

  it('is like silence, which is waited for only once more, and not at all before anybody was heard', async () => {
    expect((await asked([silent]))[2]).toBe(2);
    expect((await asked([silent], [silent]))[2]).toBe(1);
  });
});

describe('of a server whose group no OpenSSL has, inspect says', () => {
  it('so, instead of calling its handshake a failure', async () => {
    const inspection = await seen({ group: 0x6399 });
    expect(inspection).toMatchObject({
      negotiated: null,
      unsupportedGroup: 'X25519Kyber768Draft00',
      accepted: { groups: { 'TLSv1.3': ['X25519Kyber768Draft00'] }, unknownName: null },
      // Neither a thread's number nor a path of a source file, which differ from run to run.
      handshakeError: expect.stringMatching(/^ERR_SSL_\S+: [a-z0-9/ ]+$/),
    });
    expect(codes(inspection)).toContain('RUNTIME_LACKS_GROUP');
    expect(codes(inspection)).not.toContain('HANDSHAKE_FAILED');
  });
});

describe('inspect says with exit code 3', () => {
  it.each([
    ['plain HTTP on the port', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'answers plain HTTP'],
    ['a mail server', '220 mail.test ESMTP\r\n', 'greets in the clear'],
    ['garbage', '\u0000'.repeat(100), 'does not speak TLS'],
    ['a record without an end', '\u0016\u0003\u0003\u00ff\u00ff', 'does not speak TLS'],
  ])('that it met %s', async (_what, answer, told) => {
    const { port } = await listen((socket) => socket.write(Buffer.from(answer, 'latin1')));
    const { code, out, err } = await inspect(port, '--quick');
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain(told);
  });

  it('that a server never ends its answer', async () => {
    const endless = Buffer.concat([Buffer.of(21, 3, 3, 0, 2, 1, 90)]);
    const { port } = await listen((socket) => {
      const more = (): void => {
        while (socket.writable && socket.write(Buffer.alloc(7_000, endless)));
      };
      socket.on('drain', more);
      more();
    });
    const { code, err } = await inspect(port, '--quick');
    expect(code).toBe(3);
    expect(err).toContain('does not speak TLS');
  });

  it('that a server says nothing, after the time that it was given', async () => {
    const { port, hellos } = await listen(() => undefined);
    const { code, err } = await runCli(['inspect', `127.0.0.1:${port}`, '--quick', '--timeout', '0.1']);
    expect(code).toBe(3);
    // One hello of TLS 1.3, one of TLS 1.2, and nobody waits for more.
    expect(hellos()).toBeLessThanOrEqual(2);
    // On a busy machine the time may be up before the connection is there.
    expect(err).toMatch(/does not answer|ETIMEDOUT/);
  });

  it('that nobody listens', async () => {
    const { port, server } = await listen(() => undefined);
    await new Promise((resolve) => {
      server.close(resolve);
    });
    const { code, err } = await inspect(port);
    expect(code).toBe(3);
    expect(err).toContain(`cannot connect to 127.0.0.1:${port}: 127.0.0.1: ECONNREFUSED`);
  });
});
