import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { ServeFlags } from './flags.ts';

/**
 * The words of this command line with a free port in place of each 0: workers share what they listen on, but once all of
 * them have ended, the next one would take another port than that which was announced.
 */
export async function withFixedPorts(words: readonly string[], flags: ServeFlags): Promise<string[]> {
  const { port, redirect, host } = flags;
  const asked = [...(port === 0 ? ['--port'] : []), ...(redirect === 0 ? ['--redirect'] : [])];
  const free = await freePorts(asked.length, host);
  const fixed = free.map((one, index) => `${asked[index]}=${one}`);
  const end = words.indexOf('--');
  const at = end === -1 ? words.length : end;
  // What comes later on a command line counts.
  return [...words.slice(0, at), ...fixed, ...words.slice(at)];
}

/** None where this machine has no such address, which the first worker will tell. */
async function freePorts(count: number, host: string): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    // All open at once, or they could be one and the same.
    await Promise.all(servers.map((server) => once(server.listen(0, host), 'listening')));
    return servers.map((server) => (server.address() as AddressInfo).port);
  } catch {
    return [];
  } finally {
    await Promise.all(servers.map(closed));
  }
}

const closed = (server: Server): Promise<unknown> => new Promise((settle) => server.close(settle));
