import { OutgoingMessage } from 'node:http';

/** A header that is to be set. */
export type HeaderLine = readonly [name: string, value: string];
/** The name as given, and the value. */
export type Pair = [name: string, value: unknown];
/** What Node keeps of a response's headers, by their names in lower case. */
export type Kept = Record<string, Pair>;

/** The symbol under which Node keeps a response's headers, if it keeps them as it always has. */
export const place: symbol | undefined = findPlace();

function findPlace(): symbol | undefined {
  // What keeps them for a response: a whole one, with its socket, would cost every start 1 ms.
  const response = new OutgoingMessage() as OutgoingMessage & Record<symbol, Kept>;
  response.setHeader('X-Probe', 'set');
  const found = Object.getOwnPropertySymbols(response).find((symbol) => {
    const kept: unknown = response[symbol];
    return JSON.stringify(kept) === '{"x-probe":["X-Probe","set"]}';
  });
  if (found === undefined) return undefined;
  response[found] = { 'x-probe': ['X-Probe', 'put'] };
  return response.getHeader('x-probe') === 'put' ? found : undefined;
}
