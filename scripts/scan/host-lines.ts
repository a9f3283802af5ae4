import { join } from 'node:path';
import { capture } from './capture.ts';
import { serverName } from './certificates.ts';
import type { Target } from './targets.ts';

/** The status of a request with these Host lines, sent by openssl, as no HTTP client sends two. */
export async function statusWithHosts(
  { port }: Target,
  directory: string,
  hosts: readonly string[],
): Promise<number> {
  const lines = ['GET / HTTP/1.1', ...hosts.map((host) => `Host: ${host}`), 'Connection: close', '', ''];
  const connection = ['-connect', `127.0.0.1:${port}`, '-servername', serverName];
  const args = ['s_client', '-quiet', '-ign_eof', ...connection, '-CAfile', join(directory, 'ca.pem')];
  const said = await capture('openssl', args, { input: lines.join('\r\n') });
  return Number(/^HTTP\/1\.1 (\d{3})/m.exec(said)?.[1] ?? 0);
}
