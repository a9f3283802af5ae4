import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, run } from '../program.ts';
import {
  type Answer,
  type Ask,
  type Client,
  eachAlone,
  exporterLabel,
  groupOf,
  opensslCiphers,
  readAnswer,
  requestText,
  type Result,
} from './client.ts';
import { http2Through } from './tunnel.ts';

function argumentsOf(ask: Ask): string[] {
  const ciphers = opensslCiphers(ask);
  const { port, serverName, ca, version, http, identity } = ask;
  return [
    's_client',
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
    '-alpn',
    http === 'h2' ? 'h2' : 'http/1.1',
    ...(identity === undefined ? [] : ['-cert', identity.cert, '-key', identity.key]),
    ...(ciphers === undefined ? [] : ['-cipher', ciphers]),
  ];
}

/** One connection, with more arguments than a client of the matrix takes. */
export async function opensslClient(ask: Ask, more: readonly string[] = []): Promise<Result> {
  const args = [...argumentsOf(ask), '-ign_eof', '-keymatexport', exporterLabel, '-keymatexportlen', '32'];
  const outcome = await run('openssl', [...args, ...more], { input: requestText(ask) });
  const answer = readAnswer(outcome.stdout);
  if (answer === undefined) return { refused: outcome.stderr };
  return { answer: { ...answer, ...facts(outcome, ask.version) } };
}

function facts({ stdout, stderr }: Outcome, version: string): Omit<Answer, 'status' | 'body'> {
  const find = (pattern: RegExp): string | undefined => pattern.exec(stdout)?.[1];
  const found = (pattern: RegExp): string => {
    const value = find(pattern);
    if (value === undefined) throw new Error(`no ${pattern} in: ${stdout}${stderr}`);
    return value;
  };
  found(/(Verify return code: 0 \(ok\))/);
  const keyingMaterial = find(/Keying material: ([0-9A-F]+)/);
  // A resumed session of TLS 1.2 has none.
  const group = find(/(?:(?:Server|Peer) Temp Key: (?:ECDH, )?|Negotiated TLS1\.3 group: )([\w-]+)/);
  return {
    // The line with the cipher tells the version in which the cipher came up.
    protocol: found(version === 'TLSv1.3' ? /^(?:New|Reused), (\S+), Cipher/m : /^ +Protocol +: (\S+)/m),
    cipher: found(/Cipher is (\S+)/),
    alpn: find(/^ALPN protocol: (\S+)/m) ?? '',
    resumed: found(/^(New|Reused), /m) === 'Reused',
    ...(group !== undefined && { group: groupOf(group) }),
    ...(keyingMaterial !== undefined && { keyingMaterial }),
  };
}

/** `-brief` keeps everything but the data out of standard output, and sums up on the other one. */
async function overHttp2(ask: Ask): Promise<Result> {
  const { said, answer } = await http2Through('openssl', [...argumentsOf(ask), '-brief'], ask);
  if (answer === undefined) return { refused: said };
  const found = (pattern: RegExp): string => {
    const value = pattern.exec(said)?.[1];
    if (value === undefined) throw new Error(`no ${pattern} in: ${said}`);
    return value;
  };
  found(/(Verification: OK)/);
  const group = groupOf(
    found(/(?:(?:Server|Peer) Temp Key: (?:ECDH, )?|Negotiated TLS1\.3 group: )([\w-]+)/),
  );
  const [protocol, cipher] = [found(/Protocol version: (\S+)/), found(/Ciphersuite: (\S+)/)];
  return { answer: { ...answer, protocol, cipher, group } };
}

async function withSession(ask: Ask): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-session-'));
  const file = join(folder, 'session.pem');
  const { again, ...first } = ask;
  try {
    const before = await opensslClient(first, ['-sess_out', file]);
    if ('refused' in before) return before;
    return await opensslClient(asAgain(first, again), ['-sess_in', file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function asAgain(first: Ask, again: Ask['again']): Ask {
  if (again?.identity === undefined) return first;
  const { identity: _, ...nobody } = first;
  return again.identity === null ? nobody : { ...nobody, identity: again.identity };
}

export const openssl: Client = {
  name: 'OpenSSL',
  https: ['h1', 'h2'],
  old: ['TLSv1', 'TLSv1.1'],
  weak: true,
  sessions: 'other',
  ask: eachAlone((ask) => {
    if (ask.again !== undefined) return withSession(ask);
    return ask.http === 'h2' ? overHttp2(ask) : opensslClient(ask);
  }),
};
