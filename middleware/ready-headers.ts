import { OutgoingMessage, type ServerResponse } from 'node:http';
import { type HeaderLine, type Kept, place } from './kept-headers.ts';
import { readyBlock, writeInBlock } from './ready-block.ts';

export type { HeaderLine } from './kept-headers.ts';

type Response = ServerResponse & Record<symbol, Kept | null>;

/**
 * What takes the headers `removed` off a response and sets `lines` on it, as removeHeader and setHeader would; but all
 * at once where this Node keeps headers as every Node from 20 to 26 does. One by one helmet's cost a tenth of a whole
 * request on Node 24 (docs/decisions/security-headers.md): each name and value is checked again, and the object that
 * keeps them is a hash table from its birth.
 */
export function readyHeaders(
  lines: readonly HeaderLine[],
  removed: readonly string[],
): (response: ServerResponse) => void {
  const left = new Set(removed.map((name) => name.toLowerCase()));
  const byKey = new Map(lines.map((line) => [line[0].toLowerCase(), line]));
  const keys = [...byKey.keys()];
  const ready = [...byKey.values()];
  const block = readyBlock(ready);

  // Each response has pairs of its own, as Node's `appendHeader` writes into them.
  function Headers(this: Kept): void {
    for (let index = 0; index < keys.length; index++) {
      const line = ready[index]!;
      this[keys[index]!] = [line[0], line[1]];
    }
  }
  // Without a prototype, as Node's own: no name is there that nobody has set.
  Headers.prototype = Object.freeze(Object.create(null));
  const make = Headers as unknown as new () => Kept;

  return (response) => {
    if (place === undefined || !isUntouched(response)) return setOneByOne(response, lines, removed);
    const headers = new make();
    const earlier = (response as Response)[place];
    for (const key in earlier) {
      if (!left.has(key) && headers[key] === undefined) headers[key] = earlier[key]!;
    }
    (response as Response)[place] = headers;
    if (block !== undefined) writeInBlock(response, block);
  };
}

function setOneByOne(
  response: ServerResponse,
  lines: readonly HeaderLine[],
  removed: readonly string[],
): void {
  for (const name of removed) response.removeHeader(name);
  for (const [name, value] of lines) response.setHeader(name, value);
}

/** Not where somebody has put a method of his own in front of Node's, or where Node's own would throw. */
const isUntouched = (response: ServerResponse): boolean =>
  response.setHeader === node.setHeader &&
  response.removeHeader === node.removeHeader &&
  !response.headersSent;

const node: { [Name in 'setHeader' | 'removeHeader']: (...values: unknown[]) => unknown } =
  OutgoingMessage.prototype as never;
