import { join } from 'node:path';
import { type Outcome, run } from './program.ts';

export type Version = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** Files of a client's certificate and key. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** One GET over a connection that speaks one version. */
export interface Ask {
  readonly port: number;
  readonly serverName: string;
  /** File of the CA to trust. */
  readonly ca: string;
  readonly version: Version;
  readonly path: string;
  readonly identity?: Identity;
  /** In OpenSSL's words; only where the client has OpenSSL beneath. */
  readonly ciphers?: string;
}

/** What came back, and what the client itself says of the connection. */
export interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: string;
  readonly protocol: string;
  /** OpenSSL's or IANA's name; of GnuTLS only its last part. */
  readonly cipher: string;
  /** Lower-case IANA name, where the client tells. */
  readonly group?: string;
  /** Hexadecimal SHA-256 of the server's certificate, or of its key, where the client tells. */
  readonly serverFingerprint?: string;
  readonly serverKeyHash?: string;
  /** Upper-case hexadecimal, where the client can export it. */
  readonly keyingMaterial?: string;
}

/** `undefined` where no TLS connection came about. */
export type Client = (ask: Ask) => Promise<Answer | undefined>;

export const exporterLabel = 'EXPORTER-Channel-Binding';

const requestText = ({ path, serverName, port }: Ask): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${serverName}:${port}\r\nConnection: close\r\n\r\n`;

function readAnswer(text: string): Pick<Answer, 'status' | 'contentType' | 'body'> {
  const match = /HTTP\/1\.1 (\d{3}) [^\r\n]*\r?\n([\s\S]*?)\r?\n\r?\n(\{.*\})?/.exec(text);
  if (match === null) throw new Error(`no HTTP answer in: ${text}`);
  const [, status, head, body] = match;
  return {
    status: Number(status),
    contentType: /^content-type: *([^\r\n]*)/im.exec(head!)?.[1],
    body: body ?? '',
  };
}

function found(outcome: Outcome, text: string, pattern: RegExp): string {
  const value = pattern.exec(text)?.[1];
  if (value === undefined) throw new Error(`no ${pattern} in: ${outcome.stdout}${outcome.stderr}`);
  return value;
}

const curl: Client = async (ask) => {
  const { port, serverName, ca, version, path, identity, ciphers } = ask;
  const number = version === 'TLSv1' ? '1.0' : version.slice('TLSv'.length);
  const outcome = await run('curl', [
    '--silent',
    '--show-error',
    '--verbose',
    '--include',
    '--http1.1',
    '--resolve',
    `${serverName}:${port}:127.0.0.1`,
    '--noproxy',
    '*',
    '--cacert',
    ca,
    `--tlsv${number}`,
    '--tls-max',
    number,
    ...(identity === undefined ? [] : ['--cert', identity.cert, '--key', identity.key]),
    ...(ciphers === undefined ? [] : ['--ciphers', ciphers]),
    `https://${serverName}:${port}${path}`,
  ]);
  // 35: CURLE_SSL_CONNECT_ERROR.
  if (outcome.status === 35) return undefined;
  const line = found(outcome, outcome.stderr, /SSL connection using (.*)/);
  const [protocol, cipher, group] = line.split(' / ');
  return {
    ...readAnswer(outcome.stdout),
    protocol: protocol!,
    cipher: cipher!,
    // From curl 8 on.
    ...(group !== undefined && { group: groupOf(group) }),
  };
};

/** `openssl s_client`, with more arguments than the others understand. */
export async function opensslClient(ask: Ask, more: readonly string[] = []): Promise<Answer | undefined> {
  const { port, serverName, ca, version, identity, ciphers } = ask;
  const outcome = await run(
    'openssl',
    [
      's_client',
      '-ign_eof',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      serverName,
      '-verify_hostname',
      serverName,
      '-verify_return_error',
      '-CAfile',
      ca,
      `-${version.replace('TLSv', 'tls').replace('.', '_')}`,
      '-keymatexport',
      exporterLabel,
      '-keymatexportlen',
      '32',
      ...(identity === undefined ? [] : ['-cert', identity.cert, '-key', identity.key]),
      ...(ciphers === undefined ? [] : ['-cipher', ciphers]),
      ...more,
    ],
    { input: requestText(ask) },
  );
  const text = outcome.stdout;
  const cipher = found(outcome, text, /Cipher is (\S+)/);
  if (cipher === '(NONE)') return undefined;
  found(outcome, text, /(Verify return code: 0 \(ok\))/);
  const keyingMaterial = /Keying material: ([0-9A-F]+)/.exec(text)?.[1];
  return {
    ...readAnswer(text),
    // The line with the cipher tells the version in which the cipher came up.
    protocol:
      version === 'TLSv1.3'
        ? found(outcome, text, /New, (\S+), Cipher/)
        : found(outcome, text, /^ +Protocol +: (\S+)/m),
    cipher,
    group: groupOf(
      found(outcome, text, /(?:(?:Server|Peer) Temp Key: (?:ECDH, )?|Negotiated TLS1\.3 group: )([\w-]+)/),
    ),
    ...(keyingMaterial !== undefined && { keyingMaterial }),
  };
}

const gnutls: Client = async (ask) => {
  const { port, serverName, ca, version, identity } = ask;
  const name = version === 'TLSv1' ? 'TLS1.0' : version.replace('v', '');
  const old = version === 'TLSv1' || version === 'TLSv1.1';
  const outcome = await run(
    'gnutls-cli',
    [
      `--port=${port}`,
      `--sni-hostname=${serverName}`,
      `--verify-hostname=${serverName}`,
      `--x509cafile=${ca}`,
      // What distributions switch off in the library's own settings is switched on here: MD5 and SHA-1 signatures.
      `--priority=NORMAL:-VERS-ALL:+VERS-${name}${old ? ':+SIGN-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1' : ''}`,
      ...(identity === undefined ? [] : [`--x509certfile=${identity.cert}`, `--x509keyfile=${identity.key}`]),
      '127.0.0.1',
    ],
    { input: requestText(ask) },
  );
  const text = outcome.stdout;
  if (!text.includes('- Handshake was completed')) return undefined;
  found(outcome, text, /(Status: The certificate is trusted)/);
  const description = found(outcome, text, /- Description: (.*)/);
  const [, number, group, cipher] =
    /^\((?:TLS|DTLS)([\d.]+)-X\.509\)-\((?:ECDHE-)?([^)]+)\)-\([^)]+\)-\(([^)]+)\)/.exec(description) ?? [];
  return {
    ...readAnswer(text),
    protocol: number === '1.0' ? 'TLSv1' : `TLSv${number}`,
    cipher: cipher ?? '',
    group: groupOf(group ?? ''),
    serverKeyHash: found(outcome, text, /^\t\tsha256:([0-9a-f]{64})$/m),
  };
};

const python: Client = async (ask) => {
  const { identity, ...options } = ask;
  const outcome = await run('python3', [
    join(import.meta.dirname, 'client.py'),
    JSON.stringify({ ...options, ...identity }),
  ]);
  if (outcome.status !== 0) {
    if (/ssl\.SSLError|ConnectionResetError/.test(outcome.stderr)) return undefined;
    throw new Error(outcome.stderr);
  }
  const told = JSON.parse(outcome.stdout) as Record<'protocol' | 'cipher' | 'answer' | 'server', string>;
  return {
    ...readAnswer(told.answer),
    protocol: told.protocol,
    cipher: told.cipher,
    serverFingerprint: told.server,
  };
};

/** Real clients by their names. */
export const clients: ReadonlyArray<readonly [string, Client]> = [
  ['curl', curl],
  ['openssl', (ask) => opensslClient(ask)],
  ['GnuTLS', gnutls],
  ['Python', python],
];

/** IANA's name in lower case, for what each client calls a group. */
function groupOf(name: string): string {
  const lower = name.toLowerCase();
  return { prime256v1: 'secp256r1', 'p-256': 'secp256r1', 'p-384': 'secp384r1' }[lower] ?? lower;
}
