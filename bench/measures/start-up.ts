import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Context, type Figures, interleave, type Measure } from '../measure.ts';

type Subject = 'start-helmet' | 'start-portcullis' | 'start-full';

/** A new process for each: many are needed, and each is short. */
const pairsForOne = 4;

async function start(node: string, subject: Subject, folder: string): Promise<Figures> {
  const script = fileURLToPath(new URL(`../subjects/${subject}.js`, import.meta.url));
  const began = performance.now();
  const child = spawn(node, [script, folder], {
    env: { ...process.env, NODE_ENV: 'production', NODE_COMPILE_CACHE: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  let told = '';
  let wall = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (told === '') wall = (performance.now() - began) * 1_000;
    told += text;
  });
  const [code] = await ended;
  const cpu = Number(told);
  if (code !== 0 || !(cpu > 0)) throw new Error(`${subject} has not started: ${code} ${told}`);
  return { cpu, wall };
}

const measure = (contender: string, subject: Subject, judged: 'cpu' | 'wall'): Measure => ({
  group: 'start-up',
  name: judged === 'cpu' ? 'from nothing to listening' : 'from nothing to listening, by the clock',
  contender,
  baseline: 'express + helmet',
  judged,
  unit: judged === 'cpu' ? 'µs of CPU' : 'µs',
  goal: () => 1.05,
  sample: async (context) => {
    const { credentials } = await context.cast();
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
    context.onEnd(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'server.key'), credentials.key, { mode: 0o600 });
    writeFileSync(join(folder, 'server.pem'), credentials.cert);
    writeFileSync(join(folder, 'ca.pem'), credentials.ca);
    const side = (name: Subject) => (): Promise<Figures> => start(context.node, name, folder);
    // What is read from the disk is in the system's cache afterwards.
    await interleave(1, side(subject), side('start-helmet'));
    return interleave(pairsOf(context), side(subject), side('start-helmet'));
  },
});

const pairsOf = ({ rounds, pairs, scale }: Context): number =>
  scale < 1 ? rounds * pairs : rounds * pairs * pairsForOne;

export const startUp: readonly Measure[] = [
  measure('portcullis', 'start-portcullis', 'cpu'),
  measure('portcullis', 'start-portcullis', 'wall'),
  measure('portcullis, whole stack', 'start-full', 'cpu'),
];
