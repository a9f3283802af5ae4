import type { constants as nodeConstants, Http2Server, ServerOptions } from 'node:http2';

type Used =
  | 'NGHTTP2_FLAG_END_STREAM'
  | 'NGHTTP2_NO_ERROR'
  | 'NGHTTP2_PROTOCOL_ERROR'
  | 'NGHTTP2_INTERNAL_ERROR'
  | 'NGHTTP2_CANCEL'
  | 'NGHTTP2_ENHANCE_YOUR_CALM';

/**
 * What is used of node:http2's `constants` (RFC 9113 6.1, 7): to load that module for them would cost every server
 * 2 to 10 ms of its start, also one that speaks no HTTP/2.
 */
export const constants: Pick<typeof nodeConstants, Used> = {
  NGHTTP2_FLAG_END_STREAM: 1,
  NGHTTP2_NO_ERROR: 0,
  NGHTTP2_PROTOCOL_ERROR: 1,
  NGHTTP2_INTERNAL_ERROR: 2,
  NGHTTP2_CANCEL: 8,
  NGHTTP2_ENHANCE_YOUR_CALM: 11,
};

/** Loads node:http2, for the first server that speaks it. */
export const createHttp2Server = (options: ServerOptions): Http2Server =>
  process.getBuiltinModule('node:http2').createServer(options);
