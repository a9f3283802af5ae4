import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../program.ts';
import {
  type Answer,
  type Ask,
  type Client,
  eachAlone,
  groupOf,
  isOld,
  readAnswer,
  requestText,
  type Result,
  type Version,
} from './client.ts';
import { http2Through } from './tunnel.ts';

const versions: Readonly<Record<Version, string>> = {
  TLSv1: 'TLS1.0',
  'TLSv1.1': 'TLS1.1',
  'TLSv1.2': 'TLS1.2',
  'TLSv1.3': 'TLS1.3',
};

function priorityOf({ version, ciphers }: Ask): string {
  // What distributions switch off in the library's own settings is switched on here: MD5 and SHA-1 signatures.
  return [
    `NORMAL:-VERS-ALL:+VERS-${versions[version]}`,
    ...(isOld(version) ? ['+SIGN-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1'] : []),
    // Static RSA alone, whichever cipher it may be for.
    ...(ciphers === undefined ? [] : ['-KX-ALL:+RSA']),
  ].join(':');
}

const argumentsOf = (ask: Ask, log: string): string[] => [
  `--port=${ask.port}`,
  `--sni-hostname=${ask.serverName}`,
  `--verify-hostname=${ask.serverName}`,
  `--x509cafile=${ask.ca}`,
  `--priority=${priorityOf(ask)}`,
  `--alpn=${ask.http === 'h2' ? 'h2' : 'http/1.1'}`,
  // Apart from the data.
  `--logfile=${log}`,
  ...(ask.identity === undefined
    ? []
    : [`--x509certfile=${ask.identity.cert}`, `--x509keyfile=${ask.identity.key}`]),
  ...(ask.again === undefined ? [] : ['--resume', '--waitresumption']),
  '127.0.0.1',
];

async function answerTo(question: Ask): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-gnutls-'));
  const log = join(folder, 'log');
  try {
    const { answer, said } = await exchange(question, argumentsOf(question, log));
    const told = readFileSync(log, 'utf8') + said;
    return answer === undefined ? { refused: told } : { answer: { ...answer, ...facts(told) } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function exchange(
  question: Ask,
  args: readonly string[],
): Promise<{ answer: Pick<Answer, 'status' | 'body'> | undefined; said: string }> {
  if (question.http === 'h2') return http2Through('gnutls-cli', args, question);
  const { stdout, stderr } = await run('gnutls-cli', args, { input: requestText(question) });
  return { answer: readAnswer(stdout), said: stderr };
}

/** Of the last connection. */
function facts(told: string): Omit<Answer, 'status' | 'body'> {
  const again = told.lastIndexOf('- Connecting again');
  const last = again === -1 ? told : told.slice(again);
  const found = (pattern: RegExp): string => {
    const value = pattern.exec(last)?.[1];
    if (value === undefined) throw new Error(`no ${pattern} in: ${told}`);
    return value;
  };
  const description = found(/- Description: (.*)/);
  const [, number, group, cipher] =
    /^\((?:TLS|DTLS)([\d.]+)-X\.509\)-(?:\((?:ECDHE-)?([^)]+)\)-)?(?:\([^)]+\))?-\(([^)]+)\)/.exec(
      description,
    ) ?? [];
  const resumed = last.includes('*** This is a resumed session');
  if (!resumed) found(/(Status: The certificate is trusted)/);
  return {
    protocol: number === '1.0' ? 'TLSv1' : `TLSv${number}`,
    cipher: cipher ?? '',
    alpn: /- Application protocol: (\S+)/.exec(last)?.[1] ?? '',
    resumed,
    ...(!resumed && {
      group: groupOf(group ?? ''),
      serverKeyHash: found(/^\t\tsha256:([0-9a-f]{64})$/m),
    }),
  };
}

export const gnutls: Client = {
  name: 'GnuTLS',
  https: ['h1', 'h2'],
  old: ['TLSv1', 'TLSv1.1'],
  weak: true,
  sessions: 'same',
  ask: eachAlone(answerTo),
};
