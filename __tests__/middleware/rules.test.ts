import { setImmediate as afterIo } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import express, { type Express } from 'express';
import { type PolicyViolation, requireClientCertificate, type Rule } from 'portcullis';
import { createTestPki, recordDecisions, request, type TestPki } from 'portcullis/testing';
import { isClientCertificate } from '../../lib/connection/client-certificate.ts';
import { plainServer, whoAmI } from './harness.ts';

let pki: TestPki;

beforeAll(async () => {
  pki = await createTestPki();
});

const unprintable = {
  get message(): string {
    throw new Error('no message');
  },
  toString(): string {
    throw new Error('no text');
  },
};
const reject =
  (reason: unknown): (() => Promise<never>) =>
  () =>
    // oxlint-disable-next-line prefer-promise-reject-errors -- anything can be rejected with
    Promise.reject(reason);
const raise =
  (thrown: unknown): (() => never) =>
  () => {
    // oxlint-disable-next-line no-throw-literal -- anything can be thrown
    throw thrown;
  };

/** What rules give that are no explicit allow. */
const refusing: ReadonlyArray<[string, (...args: never[]) => unknown]> = [
  ['true', () => true],
  ['1', () => 1],
  ["'allow'", () => 'allow'],
  ['nothing', () => undefined],
  ['null', () => null],
  ['false', () => false],
  ['an empty object', () => ({})],
  ['a list with an allow', () => [{ allow: true }]],
  ["{ allow: 'true' }", () => ({ allow: 'true' })],
  ['{ allow: 1 }', () => ({ allow: 1 })],
  ['{ allow: {} }', () => ({ allow: {} })],
  ['{ allow: false } and no reason', () => ({ allow: false })],
  ['a promise of true', () => Promise.resolve(true)],
  ['a promise of nothing', () => Promise.resolve()],
  ['a promise of false', () => Promise.resolve(false)],
  ['{ allow: a promise of true }', () => ({ allow: Promise.resolve(true) })],
  [
    'a thenable, which is no promise',
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is tried
    () => ({ then: (settle: (decision: object) => void) => settle({ allow: true }) }),
  ],
  ['a function', () => () => ({ allow: true })],
  ['an error', () => new Error('allow')],
  [
    'an allow that throws',
    () => ({
      get allow(): boolean {
        throw new Error('late');
      },
    }),
  ],
  [
    'a promise of an allow that throws',
    () =>
      Promise.resolve({
        get allow(): boolean {
          throw new Error('late');
        },
      }),
  ],
  ['a throw', raise(new Error('thrown'))],
  ['a throw of nothing', raise(undefined)],
  ['a throw of what cannot be printed', raise(unprintable)],
  ['a throw of an object without a prototype', raise(Object.create(null))],
  ['a rejection', reject(new Error('rejected'))],
  ['a rejection with nothing', reject(undefined)],
  ['a rejection with what cannot be printed', reject(unprintable)],
  ['an unknown code', () => ({ allow: false, code: 'CN=good', detail: 'why' })],
  ["the code 'constructor'", () => ({ allow: false, code: 'constructor', detail: 'why' })],
  ['a code that is no text', () => ({ allow: false, code: ['PIN_MISMATCH'], detail: 'why' })],
];

it.each(refusing)('refuses when the rule gives %s', async (_what, rule) => {
  const calls: unknown[][] = [];
  const server = plainServer(pki, counting(rule as Rule, calls));
  const events = await recordDecisions(() => request(server).as(pki.clients.good).get('/').expect(403));
  expect(events).toMatchObject([{ outcome: 'refuse', code: 'CLIENT_CERTIFICATE_DENIED' }]);
  expect(events[0]!.detail).toEqual(expect.stringMatching(/./));
  expect(calls).toMatchObject([
    [{ code: 'CLIENT_CERTIFICATE_DENIED', message: 'Client certificate refused' }],
  ]);
});

it.each<[string, Rule]>([
  ['an allow', () => ({ allow: true })],
  ['a promise of an allow', () => Promise.resolve({ allow: true })],
  [
    'an allow after some turns',
    async () => {
      await afterIo();
      return { allow: true };
    },
  ],
])('lets pass when the rule gives %s', async (_what, rule) => {
  const calls: unknown[][] = [];
  const server = plainServer(pki, counting(rule, calls));
  const events = await recordDecisions(() => request(server).as(pki.clients.good).get('/').expect(200));
  expect(events).toMatchObject([{ outcome: 'allow', code: undefined, detail: undefined }]);
  expect(calls).toEqual([[]]);
});

it("takes a rule's own code and reason, sync or not, and shows the client the former only", async () => {
  const refusal = { allow: false, code: 'PIN_MISMATCH', detail: 'the key of yesterday' } as const;
  for (const rule of [() => refusal, () => Promise.resolve(refusal)]) {
    const app = express().get('/', requireClientCertificate(rule), whoAmI);
    const events = await recordDecisions(async () => {
      const { text } = await request(plainServer(pki, app)).as(pki.clients.good).get('/').expect(403);
      expect(text).not.toContain('yesterday');
    });
    expect(events).toMatchObject([{ code: 'PIN_MISMATCH', detail: 'the key of yesterday' }]);
  }
});

const rename: Rule = (certificate) => {
  (certificate.subject as Record<string, string[]>)['CN'] = ['admin'];
  return { allow: true };
};

describe('what a rule is given', () => {
  it('is a certificate and facts that are genuine', async () => {
    const seen: Array<[boolean, boolean]> = [];
    const rule: Rule = (certificate, { tls }) => {
      seen.push([
        isClientCertificate(certificate),
        Object.isFrozen(tls) && tls.clientCertificate === certificate,
      ]);
      return { allow: true };
    };
    const app = express().get('/', requireClientCertificate(rule), whoAmI);
    await request(plainServer(pki, app)).as(pki.clients.good).get('/').expect(200);
    expect(seen).toEqual([[true, true]]);
  });

  it('cannot be changed: a rule that tries refuses', async () => {
    const app = express().get('/', requireClientCertificate(rename), whoAmI);
    const { status } = await request(plainServer(pki, app)).as(pki.clients.good).get('/');
    expect(status).toBe(403);
  });

  it('is nobody who is not verified: the rule is not asked', async () => {
    let asked = 0;
    const rule: Rule = () => {
      asked++;
      return { allow: true };
    };
    const app = express().get('/', requireClientCertificate(rule), whoAmI);
    const { unknownCa, selfSigned, expired, wrongPurpose } = pki.clients;
    for (const client of [unknownCa, selfSigned, expired, wrongPurpose])
      await request(plainServer(pki, app)).as(client).get('/').expect(403);
    await request(plainServer(pki, app), { ca: pki.ca }).get('/').expect(403);
    expect(asked).toBe(0);
  });
});

/** An app that notes each call of `next` and answers some turns after the first one. */
function counting(rule: Rule, calls: unknown[][]): Express {
  const policy = requireClientCertificate(rule);
  return express().get('/', (incoming, response, _next) => {
    void policy(incoming, response, (...args: unknown[]) => {
      calls.push(args);
      const violation = args[0] as PolicyViolation | undefined;
      void afterIo().then(() => response.status(violation?.status ?? 200).end());
    });
  });
}
