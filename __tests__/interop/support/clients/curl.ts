import { run } from '../program.ts';
import {
  type Answer,
  type Ask,
  type Client,
  eachAlone,
  groupOf,
  opensslCiphers,
  readAnswer,
  type Result,
} from './client.ts';

const numberOf = (version: string): string => (version === 'TLSv1' ? '1.0' : version.slice('TLSv'.length));

function argumentsOf(ask: Ask): string[] {
  const ciphers = opensslCiphers(ask);
  const { port, serverName, ca, version, http, path, identity, again } = ask;
  const url = `https://${serverName}:${port}${path}`;
  return [
    '--silent',
    '--show-error',
    '--verbose',
    '--include',
    http === 'h2' ? '--http2' : '--http1.1',
    '--resolve',
    `${serverName}:${port}:127.0.0.1`,
    '--noproxy',
    '*',
    '--cacert',
    ca,
    `--tlsv${numberOf(version)}`,
    '--tls-max',
    numberOf(version),
    ...(identity === undefined ? [] : ['--cert', identity.cert, '--key', identity.key]),
    ...(ciphers === undefined ? [] : ['--ciphers', ciphers]),
    // Of one process all transfers share a cache of sessions.
    ...(again === undefined ? [] : [url]),
    url,
  ];
}

async function answerTo(question: Ask): Promise<Result> {
  const { status, stdout, stderr } = await run('curl', argumentsOf(question));
  const answer = readAnswer(stdout);
  if (status !== 0 || answer === undefined) return { refused: stderr };
  return { answer: { ...answer, ...facts(stderr) } };
}

/** Of the last connection. */
function facts(said: string): Omit<Answer, 'status' | 'body'> {
  const last = said.slice(said.lastIndexOf('SSL connection using '));
  const [protocol, cipher, group] = /SSL connection using (.*)/.exec(last)![1]!.split(' / ');
  const alpn = /ALPN: server accepted (\S+)/.exec(last)?.[1];
  return {
    protocol: protocol!,
    cipher: cipher!,
    ...(alpn !== undefined && { alpn }),
    // From curl 8 on.
    ...(group !== undefined && { group: groupOf(group) }),
  };
}

export const curl: Client = {
  name: 'curl',
  https: ['h1', 'h2'],
  old: ['TLSv1', 'TLSv1.1'],
  weak: true,
  sessions: 'same',
  noTicketsInTls12: true,
  ask: eachAlone(answerTo),
};
