import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthority, type Authority } from 'portcullis/pki';
import type { Inspection } from '../../lib/cli/inspect/inspection.ts';
import { runCli } from '../cli/harness.ts';
import { oddCertificate, issuerOf } from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { newKeys } from '../support/odd-keys.ts';
import { generalName } from '../support/odd-names.ts';
import { run } from './support/program.ts';
import { TlsServers } from './support/tls-servers.ts';

const servers = new TlsServers();
const day = 86_400_000;
/** A safe prime of 1024 bits (`openssl dhparam 1024`), which takes seconds to find. */
const dh1024 = `-----BEGIN DH PARAMETERS-----
MIGHAoGBAJFAVD314HytyGIsUnzKWFRclWGt3doUaZdgRrCk5bbPJb6vd4i3p87f
w9diioQSE9knH9mb4lspAxgmfmnb9C48DDca9VcNNJ8vRDFrao6fk9wg5jJ8nD8C
RM3eaB+PfjZOu+/npVQcrB9+rLlL5fKpt1HofXx7u9AWhiQoooPHAgEC
-----END DH PARAMETERS-----
`;
let authority: Authority;
let ca: string;

/** The options by which OpenSSL serves a certificate. */
let rsa: readonly string[];
let ecdsa: readonly string[];

beforeAll(async () => {
  authority = await createAuthority({ subject: { CN: 'Servers of others' } });
  ca = servers.write('ca.pem', authority.root);
  const issue = async (keyType: 'rsa-2048' | 'ecdsa-p256'): Promise<readonly string[]> => {
    const { key, chain } = await authority.issueServerCertificate({ names: ['localhost'], keyType });
    return ['-key', servers.write(`${keyType}.key`, key), '-cert', servers.write(`${keyType}.pem`, chain)];
  };
  [rsa, ecdsa] = await Promise.all([issue('rsa-2048'), issue('ecdsa-p256')]);
});
afterAll(() => servers.close());

const fileOf = (options: readonly string[], name: '-key' | '-cert'): string =>
  options[options.indexOf(name) + 1]!;

async function inspect(port: number, ...more: string[]): Promise<Inspection> {
  const args = ['inspect', `127.0.0.1:${port}`, '--servername', 'localhost', '--ca', ca, '--json', ...more];
  const { out, err } = await runCli(args);
  expect(err).toBe('');
  return JSON.parse(out) as Inspection;
}

const codesOf = ({ findings }: Inspection): string[] => findings.map(({ code }) => code);
const above = ({ findings }: Inspection): string[] =>
  findings.filter(({ severity }) => severity === 'high' || severity === 'medium').map(({ code }) => code);
const namesOf = ({ accepted }: Inspection): string[] =>
  [...new Set(accepted!.ciphers.map(({ name }) => name))].toSorted();

/** A certificate of our CA with something odd about it. */
function odd(name: string, overrides: Parameters<typeof oddCertificate>[0]): readonly string[] {
  const { key, certificate } = oddCertificate({
    issuer: issuerOf(authority),
    ...overrides,
    extensions: {
      extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]),
      subjectAltName: extension.subjectAltName([generalName.dns('localhost')]),
      ...overrides?.extensions,
    },
  });
  return ['-key', servers.write(`${name}.key`, key), '-cert', servers.write(`${name}.pem`, certificate)];
}

describe('inspect finds at a server by OpenSSL', () => {
  const weak = ['-cipher', 'ALL:@SECLEVEL=0'];
  const weakServers: ReadonlyArray<[string, () => readonly string[], readonly string[]]> = [
    [
      'TLS 1.0',
      () => [...rsa, ...weak, '-tls1'],
      ['TLS10_ACCEPTED', 'TLS13_MISSING', 'CIPHER_CBC', 'CIPHER_NO_FORWARD_SECRECY'],
    ],
    ['TLS 1.1', () => [...rsa, ...weak, '-tls1_1'], ['TLS11_ACCEPTED', 'TLS13_MISSING']],
    ['CBC', () => [...rsa, '-tls1_2', '-cipher', 'ECDHE-RSA-AES128-SHA'], ['CIPHER_CBC']],
    ['static RSA', () => [...rsa, '-tls1_2', '-cipher', 'AES128-GCM-SHA256'], ['CIPHER_NO_FORWARD_SECRECY']],
    ['NULL', () => [...rsa, '-tls1_2', '-cipher', 'NULL-SHA256:@SECLEVEL=0'], ['CIPHER_NULL']],
    [
      'no certificate',
      () => ['-nocert', '-tls1_2', '-cipher', 'aNULL:@SECLEVEL=0'],
      ['CIPHER_ANONYMOUS', 'HANDSHAKE_FAILED'],
    ],
    [
      'DHE of 1024 bits',
      () => [...rsa, '-tls1_2', '-cipher', 'DHE:@SECLEVEL=0', '-dhparam', servers.write('dh.pem', dh1024)],
      ['DH_PARAMETERS_WEAK', 'CIPHER_DHE'],
    ],
    [
      'renegotiation by clients',
      () => [...rsa, '-tls1_2', '-client_renegotiation'],
      ['RENEGOTIATION_CLIENT'],
    ],
    ['no ALPN', () => rsa, ['ALPN_NOT_STRICT', 'UNKNOWN_NAME_SERVED']],
    [
      'an expired certificate',
      () =>
        odd('expired', { notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) }),
      ['CERTIFICATE_EXPIRED'],
    ],
    [
      'a wrong name',
      () =>
        odd('name', {
          extensions: { subjectAltName: extension.subjectAltName([generalName.dns('other.test')]) },
        }),
      ['CERTIFICATE_HOST_MISMATCH'],
    ],
    [
      'a self-signed certificate',
      () => odd('self', { issuer: undefined } as never),
      ['CERTIFICATE_SELF_SIGNED', 'CERTIFICATE_UNTRUSTED'],
    ],
    [
      'RSA of 1024 bits',
      () => [...odd('short', { keys: newKeys('rsa-1024') }), '-cipher', 'DEFAULT:@SECLEVEL=0'],
      ['CERTIFICATE_KEY_WEAK'],
    ],
    [
      'a signature by SHA-1',
      () => [...odd('sha1', { hash: 'sha1' }), '-cipher', 'DEFAULT:@SECLEVEL=0'],
      ['CERTIFICATE_SIGNATURE_WEAK'],
    ],
    [
      'a small curve',
      () => [...rsa, '-tls1_2', '-cipher', 'ECDHE:@SECLEVEL=0', '-groups', 'secp192k1:P-256'],
      ['GROUP_WEAK'],
    ],
  ];
  let inspections: Promise<ReadonlyMap<string, Inspection>> | undefined;
  // All at once: s_server takes a second before it refuses a renegotiation.
  const seen = (): NonNullable<typeof inspections> =>
    (inspections ??= Promise.all(
      weakServers.map(async ([what, args]) => [what, await inspect(await servers.openssl(args()))] as const),
    ).then((all) => new Map(all)));

  it.each(weakServers)('%s', async (what, _args, expected) => {
    const inspection = (await seen()).get(what)!;
    expect(codesOf(inspection)).toEqual(expect.arrayContaining([...expected]));
    expect(inspection).toMatchObject({
      verdict: above(inspection).length > 0 ? 'fail' : 'pass',
      accepted: { complete: true },
    });
  });

  it('every suite that it has, and no other', async () => {
    const list = async (cipher: string, version: string): Promise<string[]> => {
      const { stdout } = await run('openssl', ['ciphers', '-s', version, '-stdname', cipher]);
      return stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]!)
        .toSorted();
    };
    const cipher = 'ALL:COMPLEMENTOFALL:!PSK:!SRP:!aECDSA:@SECLEVEL=0';
    const port = await servers.openssl([...rsa, '-tls1_2', '-cipher', cipher]);
    const inspection = await inspect(port);
    const wanted = (await list(cipher, '-tls1_2')).filter(
      (name) => !/^TLS_(?:AES|CHACHA20)_|_DSS_|GOST/.test(name),
    );
    expect(namesOf(inspection)).toEqual(wanted);
    expect(inspection.accepted!.connections).toBeLessThan(250);
  });

  it('the order that the server wants', async () => {
    const wanted = [
      'ECDHE-RSA-CHACHA20-POLY1305',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-RSA-AES128-GCM-SHA256',
    ];
    const args = [...rsa, '-tls1_2', '-serverpref', '-cipher', wanted.join(':')];
    const { accepted } = await inspect(await servers.openssl(args));
    expect(accepted!.cipherOrder).toEqual({ 'TLSv1.2': 'server' });
    expect(accepted!.ciphers.map(({ name }) => name)).toEqual([
      'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
      'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
      'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
    ]);
  });

  it('two certificates, of RSA and ECDSA', async () => {
    const second = ['-dkey', fileOf(ecdsa, '-key'), '-dcert', fileOf(ecdsa, '-cert')];
    const { chains } = await inspect(await servers.openssl([...rsa, ...second]));
    expect(chains.map(({ sent }) => sent[0]!.publicKey.type).toSorted()).toEqual(['ec', 'rsa']);
    expect(chains.every(({ trusted }) => trusted)).toBe(true);
  });
});

describe('inspect says of OpenSSL', () => {
  it('that it resumes by session id, once the connection before has ended in good order', async () => {
    const port = await servers.openssl([...rsa, '-tls1_2', '-no_ticket']);
    expect((await inspect(port, '--quick')).resumption).toMatchObject({
      tls13: null,
      tls12Ticket: false,
      tls12SessionId: true,
    });
  });
});

describe('inspect finds at a server by GnuTLS', () => {
  it('RC4, 3DES, anonymous suites and what it says of itself', async () => {
    const priority =
      'NONE:+VERS-TLS1.0:+VERS-TLS1.1:+VERS-TLS1.2:+RSA:+DHE-RSA:+ECDHE-RSA:+ANON-ECDH:+ARCFOUR-128:+3DES-CBC:+AES-128-CBC:+AES-128-GCM:+SHA1:+MD5:+AEAD:+SIGN-ALL:+COMP-NULL:+GROUP-ALL:%COMPAT';
    const port = await servers.gnutls(priority, [
      `--x509keyfile=${fileOf(rsa, '-key')}`,
      `--x509certfile=${fileOf(rsa, '-cert')}`,
    ]);
    const inspection = await inspect(port);
    expect(codesOf(inspection)).toEqual(
      expect.arrayContaining([
        'TLS10_ACCEPTED',
        'TLS11_ACCEPTED',
        'TLS13_MISSING',
        'CIPHER_RC4',
        'CIPHER_3DES',
        'CIPHER_ANONYMOUS',
        'CIPHER_CBC',
      ]),
    );
    expect(namesOf(inspection)).toEqual(
      // Its certificate is for signatures alone, so that GnuTLS does no RSA key exchange.
      expect.arrayContaining(['TLS_ECDH_anon_WITH_RC4_128_SHA', 'TLS_ECDHE_RSA_WITH_RC4_128_SHA']),
    );
  });
});

describe('inspect says of nginx', () => {
  const server = (
    port: number,
    more: string,
  ): string => `server { listen 127.0.0.1:${port} ssl http2; server_name localhost;
    ssl_certificate ${fileOf(rsa, '-cert')}; ssl_certificate_key ${fileOf(rsa, '-key')}; ${more} return 200; }`;

  it('that it meets Mozilla’s intermediate with its configuration', async () => {
    const port = await servers.nginx((free) =>
      server(
        free,
        `ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers off; ssl_session_cache shared:a:1m; ssl_ecdh_curve X25519:prime256v1:secp384r1;
         ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
         add_header Strict-Transport-Security "max-age=63072000" always;`,
      ),
    );
    const inspection = await inspect(port);
    expect(above(inspection)).toEqual([]);
    expect(inspection).toMatchObject({
      verdict: 'pass',
      negotiated: { protocol: 'TLSv1.3', alpn: 'h2', group: 'x25519' },
      resumption: { tls13: true, tls12Ticket: true, tls12SessionId: true, ticketLifetime: 300 },
      http: { status: 200, hsts: { maxAge: 63_072_000, includeSubDomains: false, preload: false } },
      accepted: {
        clientRenegotiation: false,
        secureRenegotiation: true,
        cipherOrder: { 'TLSv1.2': 'client' },
        groups: { 'TLSv1.2': ['x25519', 'secp256r1', 'secp384r1'] },
        alpn: { h2: true, 'http/1.1': true },
      },
    });
  });

  it('what its defaults have too much, and that unknown names are refused where it refuses them', async () => {
    const port = await servers.nginx(
      (free) =>
        `${server(free, 'ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers DEFAULT@SECLEVEL=0;')} server { listen 127.0.0.1:${free} ssl default_server; ssl_reject_handshake on; }`,
    );
    const inspection = await inspect(port);
    expect(codesOf(inspection)).toEqual(
      expect.arrayContaining(['TLS10_ACCEPTED', 'TLS11_ACCEPTED', 'CIPHER_CBC', 'CIPHER_NO_FORWARD_SECRECY']),
    );
    expect(inspection.accepted).toMatchObject({ unknownName: 'refused', fallbackScsv: true });
  });
});

describe('inspect says of nginx that demands a client certificate', () => {
  const demanding = (more: string): Promise<number> =>
    servers.nginx(
      (
        port,
      ) => `server { listen 127.0.0.1:${port} ssl; server_name localhost; ssl_certificate ${fileOf(rsa, '-cert')};
        ssl_certificate_key ${fileOf(rsa, '-key')}; ssl_client_certificate ${ca}; ${more} }`,
    );

  it('that it is required, though the handshake succeeds; optional, where a page comes; else nothing', async () => {
    const ports = await Promise.all([
      demanding('ssl_verify_client on; return 200;'),
      demanding('ssl_verify_client optional; return 200;'),
      demanding(
        'ssl_verify_client on; error_page 496 =403 /no; location = /no { return 403; } location / { root /nowhere; }',
      ),
    ]);
    const inspections = await Promise.all(ports.map((port) => inspect(port, '--quick')));
    expect(inspections.map(({ clientCertificate }) => clientCertificate)).toMatchObject([
      { requested: true, required: true },
      { requested: true, required: false },
      { requested: true, required: null },
    ]);
  });
});

describe('inspect says of Caddy', () => {
  it('what it speaks by default', async () => {
    const port = await servers.caddy(
      (free) => `{
  admin off
  auto_https off
}
https://localhost:${free} {
  bind 127.0.0.1
  tls ${fileOf(ecdsa, '-cert')} ${fileOf(ecdsa, '-key')}
  respond "hello"
}
`,
    );
    const inspection = await inspect(port);
    expect(inspection).toMatchObject({
      negotiated: { protocol: 'TLSv1.3', alpn: 'h2' },
      resumption: { tls13: true },
      chains: [{ trusted: true, hostMatches: true }],
      accepted: {
        complete: true,
        versions: { 'TLSv1.0': false, 'TLSv1.1': false, 'TLSv1.2': true, 'TLSv1.3': true },
        clientRenegotiation: false,
        compression: false,
        alpn: { h2: true, 'http/1.1': true, strict: true },
      },
    });
    // Go had SHA-1 until 1.25, and no extended master secret before 1.21.
    expect(['SIGNATURE_WEAK', 'EXTENDED_MASTER_SECRET_MISSING']).toEqual(
      expect.arrayContaining(above(inspection)),
    );
  });
});
