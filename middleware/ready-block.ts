import { OutgoingMessage, type ServerResponse } from 'node:http';
import { type HeaderLine, type Kept, place } from './kept-headers.ts';

type StoreHeader = (this: ServerResponse, firstLine: string, headers: unknown) => void;

/** Header lines that are written as one text, where a response still has just them. */
interface Block {
  readonly lines: readonly HeaderLine[];
  readonly text: string;
}

/** What Node draws conclusions from when it writes it (RFC 9112 6, 9.3), or writes in a way of its own. */
const meaningful =
  /^(?:connection|content-disposition|content-length|cookie|date|expect|keep-alive|set-cookie|trailer|transfer-encoding)$/i;

/** Undefined where Node would do more with one of the lines than write it. */
export function readyBlock(lines: readonly HeaderLine[]): Block | undefined {
  if (typeof node._storeHeader !== 'function' || lines.some(([name]) => meaningful.test(name)))
    return undefined;
  return { lines, text: lines.map(([name, value]) => `${name}: ${value}\r\n`).join('') };
}

const key = Symbol('portcullis.readyBlock');
type Response = ServerResponse & Record<symbol, unknown> & { _storeHeader: StoreHeader; [key]?: Block };

/**
 * Lets a response write the headers of `block` in one go. Whether it still has them, as they were, is looked at when its
 * head is written: until then all that is done to headers is Node's own affair. A response that writes its head in
 * another way, as those of HTTP/2 do, goes on doing so.
 */
export function writeInBlock(given: ServerResponse, block: Block): void {
  const response = given as Response;
  response[key] = block;
  if (response._storeHeader === node._storeHeader) response._storeHeader = storeHeader;
}

const node: { readonly _storeHeader: StoreHeader } = OutgoingMessage.prototype as never;

/** Node's writes each header by itself, and takes from some what they say of the message. */
function storeHeader(this: ServerResponse, firstLine: string, headers: unknown): void {
  const response = this as Response;
  const { [key]: block } = response;
  const isKept = place !== undefined && headers === response[place];
  const others = block !== undefined && isKept ? without(headers as Kept, block) : undefined;
  if (others === undefined) return node._storeHeader.call(this, firstLine, headers);
  // Node knows by this that they have been checked.
  response[place!] = others;
  try {
    node._storeHeader.call(this, firstLine + block!.text, others);
  } finally {
    response[place!] = headers;
  }
}

function Others(): void {}
Others.prototype = Object.freeze(Object.create(null));

/** Undefined where one of the block's has been changed, removed, or moved behind others. */
function without(headers: Kept, { lines }: Block): Kept | undefined {
  const others = new (Others as unknown as new () => Kept)();
  let met = 0;
  for (const name in headers) {
    const pair = headers[name]!;
    const line = lines[met];
    if (line === undefined) others[name] = pair;
    else if (pair[0] === line[0] && pair[1] === line[1]) met++;
    else return undefined;
  }
  return met === lines.length ? others : undefined;
}
