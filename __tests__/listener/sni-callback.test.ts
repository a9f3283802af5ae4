import { createSecureContext, type SecureContext } from 'node:tls';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createServer } from 'portcullis';
import { createTestPki, request, type TestPki } from 'portcullis/testing';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki({ serverNames: ['localhost', '127.0.0.1'] });
});

type Done = (error: Error | null, context?: SecureContext) => void;

/** What a client that names `localhost` gets from a server with this callback. */
async function outcomeWith(callback: (name: string, done: Done) => unknown): Promise<number | string> {
  const SNICallback: (name: string, done: Done) => unknown = callback;
  const server = createServer({ ...pki.server, SNICallback, logger: false }, (_request, response) =>
    response.end(),
  );
  const answer = request(server, { ca: pki.ca }).sni('localhost').get('/');
  return answer.then(
    ({ status }) => status,
    () => 'failed handshake',
  );
}

describe("a user's SNICallback", () => {
  it('serves the context that it gives', async () => {
    const context = createSecureContext(pki.server);
    expect(await outcomeWith((_name, done) => done(null, context))).toBe(200);
  });

  it('serves the default certificate where it gives none', async () => {
    expect(await outcomeWith((_name, done) => done(null))).toBe(200);
  });

  it.each<[string, (name: string, done: Done) => unknown]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('broken'))],
    ['rejects with no error', async () => Promise.reject('broken')],
    ['gives an error', (_name, done) => done(new Error('unknown name'))],
    ['gives a file name', (_name, done) => done(null, 'server.pem' as never)],
    ['gives certificate and key', (_name, done) => done(null, { key: '', cert: '' } as never)],
  ])('fails the handshake, and nothing else, where it %s', async (_what, callback) => {
    expect(await outcomeWith(callback)).toBe('failed handshake');
    expect(await outcomeWith((_name, done) => done(null))).toBe(200);
  });

  it('is heard once where it answers twice', async () => {
    expect(
      await outcomeWith((_name, done) => {
        done(null);
        done(new Error('late'));
      }),
    ).toBe(200);
  });
});
