import { setTimeout as later } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { problemDetails, requireClientCertificate } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { listening, plainServer, sendRaw, whoAmI } from '../middleware/harness.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a session that is resumed over %s after three seconds',
  (version) => {
    it('is as old as its full handshake', async () => {
      const app = express();
      app.get('/hour', requireClientCertificate({ maxAge: 3600, ca: pki.ca }), whoAmI);
      app.get('/second', requireClientCertificate({ maxAge: 1, ca: pki.ca }), whoAmI);
      const server = await listening(plainServer(pki, app.use(problemDetails()), { maxVersion: version }));
      let session: Buffer | undefined;
      const send = (path: string): Promise<string> =>
        sendRaw(server, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, {
          ...pki.clients.good,
          servername: 'localhost',
          ...(session && { session }),
          onSession: (ticket) => (session ??= ticket),
        });
      const first = authenticatedAt(await send('/hour'));
      // OpenSSL's clock is the machine's, and counts seconds.
      await later(3_100);
      const resumed = await send('/hour');
      expect(resumed).toContain('"resumed":true');
      // A ticket is dated when it is sent, which may be in the next second.
      expect(authenticatedAt(resumed) - first).toBeLessThanOrEqual(1_000);
      expect(await send('/second')).toContain('AUTHENTICATION_TOO_OLD');
    });
  },
);

const authenticatedAt = (answer: string): number =>
  Date.parse(/"authenticatedAt":"([^"]+)"/.exec(answer)![1]!);
