import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { Duplex } from 'node:stream';
import type { Server } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { KeyPair } from '../../lib/credentials/key-pair.ts';
import { refuseServerName } from '../../lib/listener/certificates/sni-refusal.ts';
import { closeAll, failedHandshake, handshake, listen } from './harness.ts';
import { pairsFor, sniServer } from './sni-harness.ts';

let groups: ReadonlyArray<readonly KeyPair[]>;
beforeAll(() => {
  groups = [pairsFor('default.test', 'ec'), pairsFor('a.test', 'ec')];
});
afterEach(closeAll);

const strict = (): Server => sniServer(groups, { refuseUnknown: true });
const unrecognizedName = 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME';

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('where unknown names are refused, over %s', (version) => {
  const speaking = { minVersion: version, maxVersion: version };

  it('a client that names a stranger gets the alert unrecognized_name', async () => {
    const server = strict();
    const failure = once(server, 'tlsClientError');
    const port = await listen(server);
    await expect(failedHandshake(port, { ...speaking, servername: 'stranger.test' })).resolves.toBe(
      unrecognizedName,
    );
    const [error, socket] = await failure;
    expect(error).toMatchObject({ code: 'SERVER_NAME_UNKNOWN' });
    expect(socket).toMatchObject({ servername: 'stranger.test', destroyed: true });
  });

  it('after a HelloRetryRequest too', async () => {
    const port = await listen(sniServer(groups, { refuseUnknown: true, ecdhCurve: 'P-384' }));
    const options = { ...speaking, servername: 'stranger.test', ecdhCurve: 'P-256:P-384' };
    await expect(failedHandshake(port, options)).resolves.toBe(unrecognizedName);
  });

  it.each(['a.test', 'default.test', ''])('a client that names %j is served', async (servername) => {
    const socket = await handshake(await listen(strict()), { ...speaking, servername });
    expect(socket.getPeerX509Certificate()!.subjectAltName).toBe(`DNS:${servername || 'default.test'}`);
  });
});

describe('a refused name', () => {
  it('is refused on a connection that is no socket of the system', async () => {
    const server = strict();
    const front = createTcpServer((socket) => {
      socket.on('error', () => {});
      server.emit('connection', Duplex.from({ readable: socket, writable: socket }));
    });
    const failure = once(server, 'tlsClientError');
    const port = await listen(front);
    await expect(failedHandshake(port, { servername: 'stranger.test' })).resolves.toBe(unrecognizedName);
    await expect(failure).resolves.toMatchObject([{ code: 'SERVER_NAME_UNKNOWN' }, {}]);
  });

  it.each([
    [
      'is closed already',
      {
        _parent: connectTcp({ port: 1, host: '127.0.0.1' })
          .on('error', () => {})
          .destroy(),
      },
    ],
    ['is not there', {}],
  ])('ends the handshake where the socket beneath %s', async (_what, socket) => {
    const error = await new Promise((settle) => refuseServerName(socket as never, settle));
    expect(error).toMatchObject({ code: 'SERVER_NAME_UNKNOWN' });
  });
});
