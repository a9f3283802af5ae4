import { once } from 'node:events';
import { createServer as createHttp, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';

let pki: TestPki;
const servers: PortcullisServer[] = [];
beforeAll(async () => {
  pki = await createTestPki({ serverNames: ['localhost', '127.0.0.1'] });
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

const portOf = (server: Server | PortcullisServer): number => (server.address() as AddressInfo).port;

async function start(redirect: PortcullisOptions['redirect']): Promise<PortcullisServer> {
  const server = createServer({ ...pki.server, logger: false, redirect });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  if (server.redirect?.listening === false) await once(server.redirect, 'listening');
  return server;
}

async function locationOf(port: number, host: string, path = '/'): Promise<[number, string | undefined]> {
  const request = get({ host: '127.0.0.1', port, path, headers: { host }, agent: false });
  const [response] = await once(request, 'response');
  response.resume();
  return [response.statusCode, response.headers.location];
}

describe('createServer with redirect', () => {
  it('leads from the plain port to its own, path and query kept, by the names of its certificate', async () => {
    const server = await start({ port: 0 });
    const plain = portOf(server.redirect!);
    const here = `https://localhost:${portOf(server)}/a?b=c`;
    expect(await locationOf(plain, 'localhost', '/a?b=c')).toEqual([308, here]);
    expect(await locationOf(plain, 'evil.example')).toEqual([400, undefined]);
  });

  it('listens on the address of the https listener, and for no other', async () => {
    const server = await start({ port: 0 });
    expect(server.redirect!.address()).toMatchObject({ address: '127.0.0.1' });
  });

  it('stops listening as soon as the server is closed', async () => {
    const server = await start({ port: 0 });
    const closed = once(server.redirect!, 'close');
    server.close();
    await closed;
    expect(server.redirect!.listening).toBe(false);
  });

  it('tells of a plain port that is taken by the error of the server', async () => {
    const taken = createHttp().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const server = createServer({ ...pki.server, logger: false, redirect: { port: portOf(taken) } });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    const [error] = await once(server, 'error');
    expect(error).toMatchObject({ code: 'EADDRINUSE' });
    taken.close();
  });

  it('has none without the option, and refuses a bad one', () => {
    expect(createServer({ ...pki.server, logger: false }).redirect).toBeUndefined();
    expect(() => createServer({ ...pki.server, redirect: { port: 70_000 } })).toThrow(/redirect\.port/);
  });
});
