import type { ServerHttp2Stream } from 'node:http2';

/** In octets: what a client must take of a stream within `sendTimeout`. Half of it would cost a fifth of the speed. */
const sliceSize = 32_768;

/**
 * All of a chunk but its last slice is written; the last one is given back. So what waits in a stream shrinks as its
 * client takes it, and one that takes a little can be told from one that takes nothing, however large a chunk is.
 */
export function writeSlices(stream: ServerHttp2Stream, chunk: Uint8Array): Uint8Array {
  if (chunk.byteLength <= sliceSize) return chunk;
  // Node would write them as one again.
  (stream as unknown as { _writev: null })._writev = null;
  let start = 0;
  for (; chunk.byteLength - start > sliceSize; start += sliceSize)
    stream.write(chunk.subarray(start, start + sliceSize));
  return chunk.subarray(start);
}

/** Short text is left to Node, which writes it without a copy. */
export function octetsOf(chunk: string | Uint8Array, encoding: BufferEncoding): string | Uint8Array {
  // A character has four octets at most, and a digit of hexadecimal text half of one.
  return typeof chunk === 'string' && chunk.length > sliceSize / 4 ? Buffer.from(chunk, encoding) : chunk;
}
