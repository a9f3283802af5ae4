import type { OutgoingHttpHeaders as Http2Headers, ServerHttp2Stream } from 'node:http2';

/** Names and values in turn. */
type Fields = Array<number | string | string[]>;

/** What Node keeps of a response's headers: by the name in lower case, the name as given with its value. */
type Kept = Readonly<Record<string, readonly [name: string, value: unknown]>>;

/** The header fields of an answer. */
export interface AnswerFields {
  /** Those that HTTP/2 allows. */
  readonly sent: Fields;
  readonly hasLength: boolean;
  readonly hasTrailer: boolean;
  readonly hasEncoding: boolean;
}

/** They speak of one connection of HTTP/1.1, and HTTP/2 forbids them (RFC 9113 8.2.2). */
const connectionSpecific: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Reads the fields of an answer from what Node keeps of its headers and gives to `_storeHeader`; undefined where it is
 * something else, as in a Node that keeps them otherwise. By way of `getHeaders` they cost twice as much.
 */
export function keptFields(status: number, kept: unknown): AnswerFields | undefined {
  if (typeof kept !== 'object' || kept === null) return undefined;
  const sent: Fields = [':status', status];
  let [hasLength, hasTrailer, hasEncoding] = [false, false, false];
  for (const name in kept) {
    const entry = (kept as Kept)[name];
    if (!isKept(name, entry)) return undefined;
    if (name === 'content-length') hasLength = true;
    else if (name === 'trailer') hasTrailer = true;
    else if (name === 'transfer-encoding') hasEncoding = true;
    addField(sent, name, entry[1]);
  }
  return { sent, hasLength, hasTrailer, hasEncoding };
}

/** The same from names and values, as `getHeaders` gives them. */
export function givenFields(status: number, headers: object): AnswerFields {
  const kept: Record<string, [string, unknown]> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) kept[name.toLowerCase()] = [name, value];
  return keptFields(status, kept)!;
}

const isKept = (name: string, entry: unknown): entry is Kept[string] =>
  Array.isArray(entry) &&
  entry.length === 2 &&
  typeof entry[0] === 'string' &&
  entry[0].length === name.length;

/** Header fields of another kind: of an interim answer, or trailers. */
export function fieldObject(headers: Readonly<Record<string, unknown>>, status?: number): Http2Headers {
  const sent: Fields = status === undefined ? [] : [':status', status];
  for (const name in headers) addField(sent, name.toLowerCase(), headers[name]);
  return objectOf(sent);
}

function addField(sent: Fields, name: string, value: unknown): void {
  if (connectionSpecific.has(name) || value === undefined) return;
  if (typeof value === 'string') sent.push(name, trimmed(value));
  else if (!Array.isArray(value)) sent.push(name, trimmed(String(value)));
  // Node refuses several for what may stand once only; of such a field HTTP/1.1's clients take the first.
  else if (value.length > 0 && once.has(name)) sent.push(name, trimmed(String(value[0])));
  else if (value.length > 0)
    sent.push(
      name,
      value.map((each) => trimmed(String(each))),
    );
}

/** HTTP/2 knows no obsolete padding (RFC 9113 8.2.1); HTTP/1.1's readers strip it. */
const trimmed = (value: string): string =>
  isPadding(value.charCodeAt(0)) || isPadding(value.charCodeAt(value.length - 1))
    ? value.replace(/^[ \t]+|[ \t]+$/g, '')
    : value;

const isPadding = (code: number): boolean => code === 32 || code === 9;

/** Until this Node refuses one: Node 20 and the first of 22 know only objects. */
let takesLists = true;

/** `stream.respond`, with a list where this Node takes one: an object it copies, and asks for its keys. */
export function respond(stream: ServerHttp2Stream, fields: Fields, options: object): void {
  if (takesLists) {
    try {
      stream.respond(fields as unknown as Http2Headers, options);
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_INVALID_ARG_TYPE') throw error;
      takesLists = false;
    }
  }
  stream.respond(objectOf(fields), options);
}

function objectOf(fields: Fields): Http2Headers {
  const object = new FieldObject() as Record<string, unknown>;
  for (let index = 0; index < fields.length; index += 2) object[fields[index] as string] = fields[index + 1];
  return object as Http2Headers;
}

const never = {};

/** Without a prototype, but with room for its properties: an object of none is a hash table, and three times as slow. */
const FieldObject = function (this: { _?: object }, only: unknown): void {
  if (only === never) {
    // prettier-ignore
    this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ =
    this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ =
    this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = never;
  }
} as unknown as new () => object;
(FieldObject as { prototype: object }).prototype = Object.freeze(Object.create(null));

const once: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);
