import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { expect, it } from '@jest/globals';
import express from 'express';
import { classesFor } from '../../lib/listener/prototypes.ts';

setFlagsFromString('--allow-natives-syntax');
// oxlint-disable-next-line typescript/no-implied-eval -- V8's own view of an object has no other way
const isFast = new Function('object', 'return %HasFastProperties(object)') as (object: object) => boolean;

it('leaves room in requests and responses for what Node and Express add, so that V8 makes no hash tables of them', async () => {
  const app = express();
  app.get('/:id', express.json(), (request, response) => void response.json(request.params));
  const seen: boolean[] = [];
  const server = createServer(classesFor(app), app);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.on('finish', () => seen.push(isFast(request), isFast(response)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // Beyond the eighth V8 has taken back the room that it believes to be spare.
  for (let count = 0; count < 12; count++)
    await (await fetch(`http://127.0.0.1:${port}/${count}?a=b`, { headers: { Connection: 'close' } })).text();
  await new Promise((resolve) => server.close(resolve));
  expect(seen).toEqual(Array.from({ length: 24 }, () => true));
});
