import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { nodeBinary, testedVersions } from '../nodes.ts';

/** A running server to scan. */
export interface Target {
  readonly name: string;
  readonly port: number;
  readonly stop: () => void;
}

const oldest = testedVersions[0]!;
/** The first of the tested lines whose OpenSSL (3.5) has ML-KEM and which is a long-term one. */
const withMlKem = testedVersions.find((version) => version.startsWith('24.'))!;

/** Node's OpenSSL 3.0 and 3.5; and with client certificates, which switch the session tickets off. */
const kinds = [
  { name: 'node-20', version: oldest, args: [] },
  { name: 'node-20-client-auth', version: oldest, args: ['client-auth'] },
  { name: 'node-24', version: withMlKem, args: [] },
] as const;

export async function startTargets(directory: string): Promise<Target[]> {
  const targets: Target[] = [];
  for (const { name, version, args } of kinds) {
    const program = join(import.meta.dirname, 'server.js');
    const child = spawn(await nodeBinary(version), [program, directory, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${name} ended with ${code} before it listened`);
    });
    const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer];
    ended.catch(() => undefined);
    targets.push({ name, port: Number(line.toString()), stop: () => void child.kill() });
  }
  return targets;
}
