import express from 'express';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, requireClientCertificate, rule, type Rule } from 'portcullis';
import { createTestPki, recordDecisions, request, type TestPki } from 'portcullis/testing';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const statusWith = async (allow: Rule): Promise<number> => {
  const app = express()
    .disable('x-powered-by')
    .set('env', 'test')
    .use(requireClientCertificate(allow), (_request, response) => void response.end());
  const server = createServer(
    { ...pki.server, logger: false, clientAuth: { mode: 'optional', ca: pki.ca } },
    app,
  );
  return (await request(server).as(pki.clients.good).get('/')).status;
};

describe('rule', () => {
  it('lets in where the answer is true, at once or later', async () => {
    expect(await statusWith(rule('all', () => true))).toBe(200);
    expect(await statusWith(rule('all', async () => true))).toBe(200);
  });

  it('sees the certificate and the facts of the connection', async () => {
    const good = rule('good', ({ issuer }, { tls }) => issuer['CN']![0] === 'Test root' && !tls.resumed);
    expect(await statusWith(good)).toBe(200);
  });

  it.each<[string, () => unknown]>([
    ['false', () => false],
    ['a truthy value', () => 1],
    ['a decision', () => ({ allow: true })],
    ['nothing', () => undefined],
    ['a promise of nothing', async () => undefined],
    ['a rejected promise', async () => Promise.reject(new Error('down'))],
    [
      'a throw',
      () => {
        throw new Error('broken');
      },
    ],
  ])('refuses where the answer is %s', async (_what, answer) => {
    expect(await statusWith(rule('odd', answer as () => boolean))).toBe(403);
  });

  it('tells its name in the decision', async () => {
    const events = await recordDecisions(async () => statusWith(rule('is alice', () => false)));
    expect(events).toMatchObject([
      { code: 'CLIENT_CERTIFICATE_DENIED', detail: "'is alice' was answered with false" },
    ]);
  });

  it('is a ConfigError without a name or a question', () => {
    expect(() => rule('', () => true)).toThrow(/rule:/);
    expect(() => rule('name', undefined as never)).toThrow(/rule:/);
  });
});
