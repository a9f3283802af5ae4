import type { SessionLimits } from './session-entry.ts';

/** How Node and nghttp2 hold each session; `maxHeaderListSize` in octets. */
export function innerOptions(maxHeaderListSize: number, limits: SessionLimits): object {
  return {
    settings: { maxConcurrentStreams: 100, maxHeaderListSize },
    // A browser sends each cookie in a line of its own.
    maxHeaderListPairs: 256,
    maxOutstandingPings: 10,
    maxSettings: 32,
    // MiB, for headers and data that wait.
    maxSessionMemory: 10,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    ...resetOptions(limits),
  };
}

/** nghttp2's own bucket, behind the count here: where this Node can set it (22 and later; 20 has nghttp2's default). */
const resetOptions = ({ resets, windowMs }: SessionLimits): object => ({
  streamResetBurst: 2 * resets,
  streamResetRate: Math.max(1, Math.ceil((resets * 1_000) / windowMs)),
});
