import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import express, { type RequestHandler, Router } from 'express';
import * as fc from 'fast-check';
import { firstOnes, oneOfThem } from '../../lib/metrics/labels.ts';
import { requestIdOf } from '../../middleware/request-id.ts';
import { routePattern } from '../../middleware/route-pattern.ts';
import { times } from '../support/fuzz-runs.ts';

/** What the app below was made of: no client can add to it. */
const patterns = [
  '/',
  '/accounts/:id',
  '/tenants/:tenant/x',
  '/tenants/:tenant/y/:y',
  '/tenants/:tenant/*rest',
  '/files/*path',
  '/a{/:b}/c',
];
const seen: Array<string | undefined> = [];
const app = express();
const note: RequestHandler = (incoming, response) => {
  seen.push(routePattern(incoming, note));
  response.end();
};
app.get('/accounts/:id', note);
app.use('/tenants/:tenant', Router().get('/x', note).get('/y/:y', note).all('/*rest', note));
app.use('/files/*path', note);
app.use('/a{/:b}', Router().get('/c', note));
app.use(note);
app.use(
  ((_error, _request, response, _next) => void response.status(400).end()) as express.ErrorRequestHandler,
);

const server = createServer(app);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  agent.destroy();
  server.close();
  server.closeAllConnections();
});

/** Sends the path as it is. */
async function get(path: string): Promise<void> {
  const sent = request({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, path, agent });
  sent.end();
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
  response.resume();
  await once(response, 'end');
}

const segment = fc.oneof(
  fc.constantFrom(
    'accounts',
    'tenants',
    'files',
    'a',
    'c',
    'x',
    'y',
    'TENANTS',
    '%74enants',
    '..',
    '',
    ':id',
    '*',
  ),
  fc.webSegment(),
  fc.stringMatching(/^(%[0-9A-F]{2}){1,3}$/),
);
const path = fc.oneof(
  fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
  // Near to what there is.
  fc
    .tuple(
      fc.constantFrom('accounts', 'tenants', 'files', 'a'),
      segment,
      fc.constantFrom('', '/x', '/c', '/y/1'),
    )
    .map(([first, second, rest]) => `/${first}/${second}${rest}`),
);

describe('whatever is asked for', () => {
  it('the route is one that the app has', async () => {
    const told = new Set<string | undefined>();
    await fc.assert(
      fc.asyncProperty(path, async (asked) => {
        seen.length = 0;
        await get(asked);
        for (const route of seen) told.add(route);
        return seen.every((route) => patterns.includes(route ?? ''));
      }),
      times(1500),
    );
    expect(told).toEqual(new Set(patterns));
  }, 20_000);

  it('an id is a short text of a few signs, or nothing', () => {
    const property = fc.property(
      fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true }),
      (id) => /^[\w.~:;,+/=@-]{1,310}$/.test(requestIdOf({ id }) ?? 'none'),
    );
    expect(() => fc.assert(property, times(3000))).not.toThrow();
  });

  it('a label has no more values than it may have', () => {
    const values = fc.array(fc.oneof(fc.anything(), fc.string(), fc.stringMatching(/^[A-Z]{1,3}$/)), {
      maxLength: 200,
    });
    const property = fc.property(values, (given) => {
      const [some, fixed] = [firstOnes(5, /^[A-Z]+$/, (value) => value === 'KEPT'), oneOfThem(['A', 'B'])];
      const told = new Set([...given, 'KEPT'].map((value) => some(value)));
      const isBounded = told.size <= 5 + 3 && told.has('KEPT');
      const isPlain = [...told].every((value) => /^([A-Z]+|other|none)$/.test(value));
      return (
        isBounded && isPlain && given.every((value) => ['A', 'B', 'other', 'none'].includes(fixed(value)))
      );
    });
    expect(() => fc.assert(property, times(300))).not.toThrow();
  });
});
