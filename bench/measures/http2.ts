import { wholeStack } from '../contenders/policies.ts';
import type { Side } from '../harness.ts';
import type { Measure } from '../measure.ts';
import { type CpuMeasure, cpuOfPairs } from './cpu-of-pairs.ts';
import { keptAlive, served, streams } from './sides.ts';

const operations = 2_000;

const comparison = (contender: Side, baseline: Side): CpuMeasure =>
  cpuOfPairs('http2', operations, contender, baseline);

const atOnce = (count: number): string => (count === 1 ? 'one at a time' : `${count} streams at once`);
const connections = (count: number): string => (count === 1 ? 'one connection' : `${count} connections`);

/** As many requests in flight on either side: over one connection, and over one each. */
const againstHttp1 = (policies: number, concurrency: number): Measure => ({
  ...comparison(
    served({ name: 'portcullis', mutual: true, http2: true, policies }, streams(concurrency)),
    served({ name: 'portcullis', mutual: true, policies }, { ...keptAlive, concurrency }),
  ),
  name: `${policies} ${policies === 1 ? 'policy' : 'policies'}, ${atOnce(concurrency)}`,
  contender: 'portcullis, HTTP/2',
  baseline: `portcullis, HTTP/1.1, ${connections(concurrency)}`,
  goal: () => 1.3,
  slow: [1, 3, 10].includes(policies),
});

/** The listener alone: neither has a framework or a policy. */
const againstNode = (concurrency: number): Measure => ({
  ...comparison(
    served({ name: 'portcullis, no framework', mutual: true, http2: true }, streams(concurrency)),
    served({ name: 'node:http2', mutual: true }, streams(concurrency)),
  ),
  name: `no framework, ${atOnce(concurrency)}`,
  contender: 'portcullis',
  baseline: 'node:http2',
  goal: () => undefined,
});

/** For information: what HTTP/2 costs in Node itself. */
const nodeAgainstHttps = (concurrency: number): Measure => ({
  ...comparison(
    served({ name: 'node:http2', mutual: true }, streams(concurrency)),
    served({ name: 'https', mutual: true }, { ...keptAlive, concurrency }),
  ),
  name: `no framework, ${atOnce(concurrency)}`,
  contender: 'node:http2',
  baseline: `https, ${connections(concurrency)}`,
  goal: () => undefined,
});

export const http2: readonly Measure[] = [
  ...[0, 1, 3, wholeStack, 10].map((policies) => againstHttp1(policies, 10)),
  againstHttp1(wholeStack, 1),
  againstNode(10),
  againstNode(1),
  nodeAgainstHttps(10),
  nodeAgainstHttps(1),
];
