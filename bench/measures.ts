import type { ContenderName } from './contenders.ts';

/** One thing that is measured: an operation, and who does it. */
export interface Measure {
  readonly name: string;
  readonly operation: 'requests' | 'connections';
  readonly contender: ContenderName;
  readonly baseline: ContenderName;
  /** How many clients take turns; `'new'`: every connection is that of one whom the server has never seen. */
  readonly clients: number | 'new';
  readonly operationsPerSlice: number;
  readonly concurrency: number;
  /** The greatest ratio of CPU to the baseline's; undefined: for information. */
  readonly goal: (nodeMajor: number) => number | undefined;
}

const requests = {
  operation: 'requests',
  baseline: 'express',
  clients: 1,
  operationsPerSlice: 6_000,
  concurrency: 10,
} as const;

const connections = {
  operation: 'connections',
  contender: 'portcullis',
  baseline: 'express',
  operationsPerSlice: 300,
  concurrency: 5,
  goal: () => 1.05,
} as const;

export const measures: readonly Measure[] = [
  {
    ...requests,
    name: 'keep-alive request',
    contender: 'portcullis',
    // Until Node 22 most of Express's cost is in changed prototypes, which createServer avoids.
    goal: (nodeMajor) => (nodeMajor < 24 ? 0.55 : 1.05),
  },
  { ...requests, name: 'keep-alive request', contender: 'express + helmet', goal: () => undefined },
  {
    ...requests,
    name: 'keep-alive request, CRL of 100,000 entries',
    contender: 'portcullis + CRL',
    baseline: 'portcullis',
    goal: () => 1.02,
  },
  { ...connections, name: 'connection, one client', clients: 1 },
  { ...connections, name: 'connection, 200 clients in turn', clients: 200 },
  {
    ...connections,
    name: 'connection, CRL of 100,000 entries',
    contender: 'portcullis + CRL',
    baseline: 'portcullis',
    clients: 200,
    goal: () => undefined,
  },
  // Once for each certificate its path is verified here, too (docs/decisions/two-judges.md).
  { ...connections, name: 'connection, new client', clients: 'new', goal: () => undefined },
];
