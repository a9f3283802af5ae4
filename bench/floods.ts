/** What a flood does to a server and its other clients: `node dist/bench/floods.js`, see the README here. */
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createTestPki } from '../lib/testing/index.ts';
import { type AttackName, attacks } from './flood-attacks.ts';
import { probeAddress, Prober, type Probes } from './flood-probe.ts';
import type { FloodedName, Held } from './flood-server.ts';
import { Child } from './messages.ts';

interface Flood {
  readonly server: FloodedName;
  readonly attack: AttackName;
  readonly before: Probes;
  readonly during: Probes;
  readonly after: Probes;
  /** Before it, shortly before the attacker gives up, and when the attacker has gone. */
  readonly held: readonly [Held, Held, Held];
}

/** Without `ref` it keeps no process alive that has nothing else to do. */
const pause = (ms: number, ref = true): Promise<void> => setTimeout(ms, undefined, { ref });

async function probeFor(port: number, ms: number): Promise<Probes> {
  const prober = new Prober(port);
  await pause(ms);
  return prober.stop();
}

async function flood(server: FloodedName, attack: AttackName, node: string, seconds: number): Promise<Flood> {
  const pki = await createTestPki();
  const child = new Child('./flood-server.js', node);
  try {
    const { key, cert } = pki.server;
    const port = await child.ask<number>('listen', { name: server, key, cert, probe: probeAddress });
    const before = await probeFor(port, 2_000);
    const quiet = await child.ask<Held>('held');
    const prober = new Prober(port);
    const attacking = attacks[attack](port, seconds + 3);
    // An attacker whose connections are all cut gives up early.
    await Promise.race([attacking.over, pause(seconds * 1_000, false)]);
    const flooded = await child.ask<Held>('held');
    const during = await prober.stop();
    attacking.stop();
    await attacking.over;
    const after = await probeFor(port, 2_000);
    const held = [quiet, flooded, await child.ask<Held>('held')] as const;
    return { server, attack, before, during, after, held };
  } finally {
    await child.stop();
  }
}

const told = ({ asked, answered, median, slowest }: Probes): string =>
  `${answered}/${asked}, ${median ?? '–'} ms (${slowest ?? '–'})`;
const seconds = (ms: number | undefined): string =>
  ms === undefined ? 'never' : `${(ms / 1_000).toFixed(1)} s`;

const { values } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    server: { type: 'string', multiple: true, default: ['portcullis', 'node:https'] },
    attack: { type: 'string', multiple: true, default: Object.keys(attacks) },
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
for (const attack of values.attack as AttackName[]) {
  for (const server of values.server as FloodedName[]) {
    const result = await flood(server, attack, values.node, Number(values.seconds));
    const { before, during, after, held } = result;
    const [, flooded, left] = held;
    const row = [
      `${attack}, ${server}`,
      ...[before, during, after].map(told),
      `${flooded.open} of ${flooded.peak}`,
      seconds(flooded.firstClosed),
      `${left.open}`,
      `${flooded.delay.median}, ${flooded.delay.p99}, ${flooded.delay.longest}`,
      held.map(({ used }) => used).join(' → '),
      held.map(({ resident }) => resident).join(' → '),
    ];
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `| ${row.join(' | ')} |\n`);
  }
}
