import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { nodeBinary, testedVersions } from '../nodes.ts';

/** A running server to scan. */
export interface Target {
  readonly name: string;
  readonly port: number;
  readonly stop: () => void;
  /** Scanned by testssl.sh and the HTTP Observatory too, which take long. */
  readonly inFull: boolean;
  /** A server that is known to be bad: what the scanners have to find. */
  readonly control: boolean;
}

const oldest = testedVersions[0]!;
/** The first of the tested lines whose OpenSSL (3.5) has ML-KEM and which is a long-term one. */
const withMlKem = testedVersions.find((version) => version.startsWith('24.'))!;

interface Kind {
  readonly name: string;
  readonly version: string;
  readonly args: readonly string[];
  readonly inFull?: true;
  readonly control?: true;
  readonly program?: string;
}

/**
 * Node's OpenSSL 3.0 and 3.5; with client certificates, which switch the session tickets off; each profile, each kind
 * of key. Then the controls: what Node serves by itself, and what nobody should.
 */
const kinds: readonly Kind[] = [
  { name: 'node-20', version: oldest, args: [], inFull: true },
  { name: 'node-20-client-auth', version: oldest, args: ['client-auth'], inFull: true },
  { name: 'node-24', version: withMlKem, args: [], inFull: true },
  { name: 'modern-ecdsa', version: withMlKem, args: ['modern', 'ecdsa'] },
  { name: 'rsa-required', version: oldest, args: ['required', 'rsa'] },
  { name: 'http2', version: withMlKem, args: ['http2'] },
  { name: 'modern-http2-required', version: withMlKem, args: ['modern', 'http2', 'required'] },
  { name: 'default', version: oldest, args: ['default'], control: true },
  { name: 'weak', version: withMlKem, args: [], control: true, program: 'weak-server.js' },
];

export async function startTargets(directory: string): Promise<Target[]> {
  const targets: Target[] = [];
  for (const kind of kinds) targets.push(await start(kind, directory));
  return targets;
}

async function start(kind: Kind, directory: string): Promise<Target> {
  const { name, version, args, inFull = false, control = false, program = 'server.js' } = kind;
  const child = spawn(await nodeBinary(version), [join(import.meta.dirname, program), directory, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${code} before it listened`);
  });
  const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer];
  ended.catch(() => undefined);
  // By its input, so that it can end what it has started itself.
  return { name, inFull, control, port: Number(line.toString()), stop: () => void child.stdin.end() };
}
