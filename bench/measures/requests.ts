import { wholeStack } from '../contenders/policies.ts';
import type { ContenderName } from '../contenders/settings.ts';
import type { FrontName } from '../fronts/configs.ts';
import type { Side } from '../harness.ts';
import type { Measure } from '../measure.ts';
import { type CpuMeasure, cpuOfPairs } from './cpu-of-pairs.ts';
import { fronted, keptAlive, served } from './sides.ts';

const operations = 4_000;

const comparison = (contender: Side, baseline: Side): CpuMeasure =>
  cpuOfPairs('requests', operations, contender, baseline);

const stack = (policies: number): Side => served({ name: 'portcullis', mutual: true, policies }, keptAlive);
const peer = (name: ContenderName): Side => served({ name, mutual: true }, keptAlive);
const whole = 'portcullis, whole stack';
/** Until Node 22 most of what Express costs is in changed prototypes, which `createServer` avoids. */
const ofExpress = (nodeMajor: number): number => (nodeMajor < 24 ? 0.45 : 1);

const policyCount = (count: number): Measure => ({
  ...comparison(stack(count), peer('express')),
  name: `keep-alive request, ${count} ${count === 1 ? 'policy' : 'policies'}`,
  contender: count === wholeStack ? whole : 'portcullis',
  baseline: 'express',
  goal: count < wholeStack ? () => undefined : ofExpress,
  slow: [1, 3, 10].includes(count),
});

const against = (
  name: ContenderName,
  goal: number | undefined,
  more: Partial<Pick<Measure, 'judged' | 'unit' | 'atLeast'>> = {},
): Measure => ({
  ...comparison(stack(wholeStack), peer(name)),
  name: 'keep-alive request',
  contender: whole,
  baseline: name,
  goal: () => goal,
  ...more,
});

/** For information: what the peers cost of each other. */
const peerAgainstExpress = (name: ContenderName): Measure => ({
  ...comparison(peer(name), peer('express')),
  name: 'keep-alive request',
  contender: name,
  baseline: 'express',
  goal: () => undefined,
});

const againstFront = (name: FrontName): Measure => ({
  ...comparison(stack(wholeStack), fronted(name, true, keptAlive)),
  name: 'keep-alive request',
  contender: whole,
  baseline: `${name} before express`,
  goal: () => undefined,
});

export const requests: readonly Measure[] = [
  ...[0, 1, 3, wholeStack, 10].map(policyCount),
  against('fastify', 1.6),
  against('express + helmet', undefined),
  against('express + helmet + client-certificate-auth', 3, {
    judged: 'value',
    unit: 'requests/s',
    atLeast: true,
  }),
  against('express + helmet + getPeerCertificate', undefined),
  peerAgainstExpress('https'),
  peerAgainstExpress('express + helmet'),
  againstFront('nginx'),
  againstFront('caddy'),
];
