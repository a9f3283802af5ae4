import type { Client, Result } from '../clients/client.ts';
import type { Cell } from './cells.ts';
import { differencesOf } from './differences.ts';
import type { Listeners } from './listeners.ts';
import { type Ending, wordsOf } from './words.ts';

/** What came of a cell, in the shape of `expectedOf`. */
export function verdictOf(
  id: string,
  client: Client,
  cell: Cell,
  result: Result,
  listeners: Listeners,
): object {
  const requests = listeners.seen(id);
  if ('refused' in result) {
    const { refused } = result;
    // In its own words, that a failure shows them all.
    const told = isEnding(cell.expected) && wordsOf(client, cell.expected).test(refused);
    return { refused: told ? cell.expected : refused, requests: requests.length };
  }
  const { answer } = result;
  const { status, body } = answer;
  // That one is only to show that the client can.
  if (cell.door === 'lax') return { status, protocol: answer.protocol };
  const last = requests.at(-1)!;
  const { tls } = last;
  return {
    status,
    body: JSON.parse(body) as unknown,
    requests: requests.length,
    protocol: tls.protocol,
    overHttp2: tls.alpn === 'h2',
    serverName: tls.serverName,
    forwardSecrecy: tls.forwardSecrecy,
    hybrid: tls.group === 'X25519MLKEM768',
    // Chromium keeps connections in reserve that were made before there was a session.
    resumed: requests.some((request) => request.tls.resumed),
    pin: tls.clientCertificate?.pin,
    differences: differencesOf(answer, last, listeners.certificates(cell.key)),
  };
}

/** `any`: Jest's. */
export function expectedOf(
  client: Client,
  cell: Cell,
  listeners: Listeners,
  { any }: { readonly any: (type: unknown) => unknown },
): object {
  const { expected, version, who, again = who, door, http } = cell;
  if (isEnding(expected)) return { refused: expected, requests: 0 };
  if (door === 'lax') return { status: 200, protocol: version };
  const resumed = door === 'resuming';
  const refusal = { type: 'about:blank', title: any(String), status: 403, code: expected };
  return {
    status: expected === 'in' ? 200 : 403,
    body: expected === 'in' ? { name: again } : refusal,
    // GnuTLS sends its request over the second connection only, Chromium over some.
    requests: cell.again === undefined ? 1 : any(Number),
    protocol: version,
    overHttp2: http === 'h2',
    // Node has no name for a session of TLS 1.2 that was resumed.
    serverName: resumed && version === 'TLSv1.2' ? undefined : `${who}.interop.example.org`,
    forwardSecrecy: true,
    hybrid: client.hybrid ? version === 'TLSv1.3' && hybrids : any(Boolean),
    resumed,
    pin: expected === 'in' ? listeners.pin(again) : undefined,
    differences: [],
  };
}

const hybrids = Number(process.versions.node.split('.')[0]) >= 22;

const isEnding = (expected: Cell['expected']): expected is Ending =>
  expected === 'alert' || expected === 'closed' || expected === 'distrust';
