import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { DecisionEvent } from 'portcullis';
import {
  allow,
  announce,
  type Decision,
  refuse,
  requestOf,
  type Subject,
} from '../../lib/policy/decision.ts';
import { client } from './certificates.ts';

const heard: DecisionEvent[] = [];
const listen = (event: unknown): void => {
  heard.push(event as DecisionEvent);
};
beforeEach(() => {
  heard.length = 0;
  subscribe('portcullis:decision', listen);
});
afterEach(() => {
  unsubscribe('portcullis:decision', listen);
});

const request = { method: 'GET', socket: { remoteAddress: '192.0.2.1' } } as IncomingMessage;
const certificate = client();
const subject: Subject = {
  request,
  policy: 'requirePin',
  rule: 'pins',
  enforced: true,
  certificate,
  url: '/in?token=secret',
  route: '/:where',
  requestId: 'a',
};

function tell(decision: Decision, more: Partial<Subject> = {}): DecisionEvent | undefined {
  announce(decision, () => ({ ...subject, ...more }));
  return heard.at(-1);
}

it('tells of an allow whom it was about, and gives no reason', () => {
  const event = tell(allow)!;
  expect(event).toEqual({
    policy: 'requirePin',
    rule: 'pins',
    outcome: 'allow',
    enforced: true,
    code: undefined,
    detail: undefined,
    fingerprint256: certificate.fingerprint256,
    remoteAddress: '192.0.2.1',
    method: 'GET',
    path: '/in',
    route: '/:where',
    requestId: 'a',
  });
  expect(requestOf(event)).toBe(request);
  expect(requestOf({ ...event })).toBeUndefined();
});

it('tells of a refusal why, with or without a certificate', () => {
  const refusal = refuse('PIN_MISMATCH', 'why');
  expect(tell(refusal, { certificate: undefined, enforced: false })).toMatchObject({
    outcome: 'refuse',
    enforced: false,
    code: 'PIN_MISMATCH',
    detail: 'why',
    fingerprint256: undefined,
  });
});

it.each([
  [undefined, undefined],
  ['', ''],
  ['/a/b?c?d', '/a/b'],
  ['?a', ''],
  ['https://user:secret@a.test/b?c', '/b'],
  ['h+t.t-p1://user:secret@a.test', ''],
  ['/https://a.test/b', '/https://a.test/b'],
  ['1s://a.test/b', '1s://a.test/b'],
  ['*', '*'],
])('of the target %p the path alone, %p, is told', (url, path) => {
  expect(tell(allow, { url })?.path).toBe(path);
});

it('asks for nothing where nobody listens', () => {
  unsubscribe('portcullis:decision', listen);
  announce(allow, () => {
    throw new Error('asked');
  });
  expect(heard).toEqual([]);
});

it('a decision cannot be changed by whoever gets it', () => {
  expect([allow, refuse('PIN_MISMATCH', 'why')].every(Object.isFrozen)).toBe(true);
});
