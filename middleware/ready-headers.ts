import { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

export type HeaderLine = readonly [name: string, value: string];

/** What Node keeps of a response's headers: the name in lower case, and the name as given with its value. */
type Kept = Record<string, [name: string, value: unknown]>;
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
  const ready = lines.map(([name, value]) => ({ key: name.toLowerCase(), name, value }));

  function Headers(this: Kept): void {
    // A pair of its own for each response, as appendHeader changes it.
    for (const { key, name, value } of ready) this[key] = [name, value];
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

const node = OutgoingMessage.prototype;

/** The symbol under which Node keeps a response's headers, if it keeps them as it always has. */
const place = findPlace();

function findPlace(): symbol | undefined {
  const response = new ServerResponse(new IncomingMessage(new Socket())) as Response;
  response.setHeader('X-Probe', 'set');
  const found = Object.getOwnPropertySymbols(response).find((symbol) => {
    const kept: unknown = response[symbol];
    return JSON.stringify(kept) === '{"x-probe":["X-Probe","set"]}';
  });
  if (found === undefined) return undefined;
  response[found] = { 'x-probe': ['X-Probe', 'put'] };
  return response.getHeader('x-probe') === 'put' ? found : undefined;
}
