import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type CertificateSource, createServer } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { closeEverything, listen, open, speaking, type Wire } from '../support/attacks.ts';
import { Recording } from './harness.ts';

let pki: TestPki;
let certificate: CertificateSource[];
beforeAll(async () => {
  pki = await createTestPki({ serverNames: ['a.test'] });
  const b = await pki.issueServer({ names: ['b.test'] });
  certificate = [pki.server, b].map(({ key, cert }) => ({ load: () => ({ key, cert }) }));
});
afterEach(closeEverything);

describe('where unknown names are refused, a client with a ticket of a.test', () => {
  let port: number;
  const as = (servername: string, session?: Buffer): Promise<Wire> =>
    open(port, {
      ...speaking('TLSv1.3'),
      rejectUnauthorized: false,
      servername,
      ...(session && { session }),
    });

  async function ticket(): Promise<Buffer> {
    const first = await as('a.test');
    expect(await first.ask('/', { host: 'a.test' })).toMatchObject({ body: 'served' });
    return first.ticket;
  }

  it('gets nothing under a name that no certificate has', async () => {
    const server = createServer(
      { certificate, unknownServerName: 'refuse', logger: false },
      (_request, response) => response.end('served'),
    );
    port = await listen(server);
    const session = await ticket();
    const failures = new Recording('portcullis:handshake-error');
    const wire = await as('unknown.test', session);
    expect(await wire.ask('/', { host: 'unknown.test' })).toMatchObject({ status: 'closed' });
    expect(await failures.take()).toMatchObject({
      code: 'SERVER_NAME_UNKNOWN',
      reason: 'the client asks for a name that no certificate has',
    });
    failures.stop();
    expect(server.stats().handshakes).toMatchObject({ failed: 1, byReason: { SERVER_NAME_UNKNOWN: 1 } });
  });

  it.each(['a.test', 'b.test', 'A.TEST'])('is served at %s', async (name) => {
    port = await listen(
      createServer({ certificate, unknownServerName: 'refuse', logger: false }, (_request, response) =>
        response.end('served'),
      ),
    );
    const wire = await as(name, await ticket());
    expect(await wire.ask('/', { host: name })).toMatchObject({ status: 200, body: 'served' });
  });

  it('is served under any name without the option', async () => {
    port = await listen(
      createServer({ certificate, logger: false }, (_request, response) => response.end('served')),
    );
    const wire = await as('unknown.test', await ticket());
    expect(await wire.ask('/', { host: 'unknown.test' })).toMatchObject({ status: 200, body: 'served' });
  });
});
