import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisServer } from 'portcullis';
import { createTestPki, type TestPki, type TestServer } from 'portcullis/testing';
import { closeAll, Recording } from './harness.ts';
import { closeEverything, listen, open, speaking, versions, type Wire } from '../support/attacks.ts';

let pki: TestPki;
let renewed: TestServer;
beforeAll(async () => {
  pki = await createTestPki();
  renewed = await pki.issueServer();
});
afterEach(async () => {
  await closeAll();
  await closeEverything();
});

const app = (_request: unknown, response: { end: (text: string) => void }): void => response.end('in');

async function first(port: number, version: (typeof versions)[number]): Promise<Wire> {
  const wire = await open(port, { ...speaking(version), ca: pki.ca });
  expect(await wire.ask('/')).toMatchObject({ status: 200 });
  return wire;
}

/** Whether the ticket of `wire` opens another connection, and that one is served all the same. */
async function resumes(port: number, wire: Wire, version: (typeof versions)[number]): Promise<boolean> {
  const next = await open(port, { ...speaking(version), ca: pki.ca, session: wire.ticket });
  expect(await next.ask('/')).toMatchObject({ status: 200 });
  return next.resumed;
}

describe.each(versions)('a session over %s', (version) => {
  it('is resumed after a reload of the certificate, whose ticket keys are the same', async () => {
    const server = createServer({ ...pki.server, logger: false }, app);
    const port = await listen(server);
    const wire = await first(port, version);
    await server.reload({ key: renewed.key, cert: renewed.cert });
    expect(await resumes(port, wire, version)).toBe(true);
  });

  it('is resumed by another server with the same store, and not by one without', async () => {
    const keys = new Map<unknown, Buffer>();
    const store = {
      // oxlint-disable-next-line require-await -- a promise is what it has to give
      keyFor: async ({ id }: { id: unknown }, candidate: Buffer): Promise<Buffer> => {
        if (!keys.has(id)) keys.set(id, Buffer.from(candidate));
        return Buffer.from(keys.get(id)!);
      },
    };
    const make = (tickets?: object): PortcullisServer =>
      createServer({ ...pki.server, ...(tickets && { tickets }), logger: false }, app);
    const [one, two, alone] = [
      await listen(make({ store })),
      await listen(make({ store })),
      await listen(make()),
    ];
    // The store answers on a later tick, and a handshake takes many.
    await first(one, version);
    const wire = await first(one, version);
    expect(await resumes(two, wire, version)).toBe(true);
    expect(await resumes(alone, wire, version)).toBe(false);
  });

  it('is not resumed once its key has been rotated out by the clock', async () => {
    const rotations = new Recording('portcullis:ticket-rotation');
    const server = createServer({ ...pki.server, tickets: { rotateEvery: 1 }, logger: false }, app);
    const port = await listen(server);
    const wire = await first(port, version);
    await rotations.take(rotations.events.length + 1);
    expect(await resumes(port, wire, version)).toBe(false);
  });

  it('is not resumed where tickets are off', async () => {
    const port = await listen(createServer({ ...pki.server, tickets: false, logger: false }, app));
    const wire = await first(port, version);
    expect(await resumes(port, wire, version)).toBe(false);
  });

  it('is resumed with a key of the user’s own, which a reload keeps', async () => {
    const server = createServer({ ...pki.server, ticketKeys: Buffer.alloc(48, 7), logger: false }, app);
    const port = await listen(server);
    const wire = await first(port, version);
    await server.reload({ key: renewed.key, cert: renewed.cert });
    expect(await resumes(port, wire, version)).toBe(true);
  });
});
