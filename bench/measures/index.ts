import type { Measure } from '../measure.ts';
import { clusters } from './cluster.ts';
import { connections } from './connections.ts';
import { crl } from './crl.ts';
import { handshakes } from './handshakes.ts';
import { http2 } from './http2.ts';
import { instructions } from './instructions.ts';
import { memory } from './memory.ts';
import { reload } from './reload.ts';
import { requests } from './requests.ts';
import { startUp } from './start-up.ts';

/** All of them, in the order of the report. */
export const measures: readonly Measure[] = [
  ...requests,
  ...http2,
  ...connections,
  ...handshakes,
  ...memory,
  ...startUp,
  ...reload,
  ...crl,
  ...clusters,
  ...instructions,
];
