import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { AcmeChallenge } from '../../lib/listener/redirect/redirect-options.ts';
import { ended } from './harness.ts';
import {
  ask,
  badRequest,
  closeRedirects,
  location,
  open,
  redirectOf,
  request,
  stopTime,
  warn,
} from './redirect-harness.ts';

afterEach(closeRedirects);

const fails = (): never => {
  throw new Error('the store at 10.0.0.1 is down');
};

describe('the hook for ACME challenges', () => {
  const token = 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA';
  const challenge = `/.well-known/acme-challenge/${token}`;
  const known: AcmeChallenge = (asked) => (asked === token ? `${token}.print` : undefined);

  it.each<[string, AcmeChallenge]>([
    ['at once', known],
    ['later', async (...asked) => known(...asked)],
  ])('answers %s, as octets that are not kept', async (_when, acmeChallenge) => {
    const { status, headers, body } = await ask(redirectOf({ acmeChallenge }), request(challenge));
    expect([status, body]).toEqual([200, `${token}.print`]);
    expect(headers).toMatchObject({ 'content-type': 'application/octet-stream', 'content-length': '49' });
  });

  it('answers HEAD without a body', async () => {
    const { status, headers, body } = await ask(
      redirectOf({ acmeChallenge: known }),
      request(challenge, 'example.org', 'HEAD'),
    );
    expect([status, body, headers['content-length']]).toEqual([200, '', '49']);
  });

  it.each([
    ['a name of the certificate', 'example.org', 'example.org'],
    ['a name without a certificate yet', 'New.Example.NET.:80', 'new.example.net'],
    ['an address', '[2001:DB8::2]', '2001:db8::2'],
  ])('is asked for %s', async (_what, host, expected) => {
    const acmeChallenge = jest.fn(known);
    const answer = await ask(redirectOf({ acmeChallenge }), request(challenge, host));
    expect(answer.status).toBe(200);
    expect(acmeChallenge.mock.calls).toEqual([[token, expected]]);
  });

  it('is asked before the https listener has a port', async () => {
    const server = redirectOf({ acmeChallenge: known, listenerPort: undefined, names: () => [] });
    await expect(ask(server, request(challenge))).resolves.toMatchObject({ status: 200 });
  });

  it.each<[string, AcmeChallenge]>([
    ['undefined', () => undefined],
    ['null', async () => null],
  ])('that does not know the token, by %s, gets it a 404', async (_what, acmeChallenge) => {
    const answer = await ask(redirectOf({ acmeChallenge }), request(challenge));
    expect(answer).toMatchObject({ status: 404, body: 'Not Found\n' });
    expect(warn).not.toHaveBeenCalled();
  });

  it.each([
    ['none', ''],
    ['with a slash', 'a/b'],
    ['with dots', '..'],
    ['with a path upwards', '../../etc/passwd'],
    ['with percent-encoding', 'a%2Fb'],
    ['with a backslash', 'a\\b'],
    ['with padding', 'YQ=='],
    ['of plain Base64', 'a+b'],
    ['with a query', 'abc?d'],
    ['of more than 256 characters', 'a'.repeat(257)],
  ])('is not asked for a token that is none: %s', async (_what, text) => {
    const acmeChallenge = jest.fn<AcmeChallenge>(() => 'secret');
    const answer = await ask(redirectOf({ acmeChallenge }), request(`/.well-known/acme-challenge/${text}`));
    expect(answer).toMatchObject({ status: 404, body: 'Not Found\n' });
    expect(acmeChallenge).not.toHaveBeenCalled();
  });

  it.each([
    ['the folder without a slash', request('/.well-known/acme-challenge')],
    ['another spelling of the path', request('//.well-known/acme-challenge/abc')],
    ['an encoded spelling of the path', request('/.well-known/acme%2dchallenge/abc')],
    ['POST', request(challenge, 'example.org', 'POST')],
  ])('is not asked for %s, which is redirected', async (_what, octets) => {
    const acmeChallenge = jest.fn<AcmeChallenge>(() => 'secret');
    await location(redirectOf({ acmeChallenge }), octets);
    expect(acmeChallenge).not.toHaveBeenCalled();
  });

  it.each([
    ['two Host lines', `GET ${challenge} HTTP/1.1\r\nHost: example.org\r\nHost: example.org\r\n\r\n`],
    ['a Host that is no host', request(challenge, 'a@example.org')],
  ])('is not asked for %s', async (_what, octets) => {
    const acmeChallenge = jest.fn<AcmeChallenge>(() => 'secret');
    await expect(ask(redirectOf({ acmeChallenge }), octets)).resolves.toMatchObject(badRequest);
    expect(acmeChallenge).not.toHaveBeenCalled();
  });

  it.each<[string, AcmeChallenge, string]>([
    ['throws', fails, 'the store at 10.0.0.1 is down'],
    ['rejects', async () => fails(), 'the store at 10.0.0.1 is down'],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    ['rejects with nothing', () => Promise.reject(undefined), 'undefined'],
    ['gives a number', (() => 7) as never, 'it gave neither a text nor undefined'],
    ['gives true', (() => true) as never, 'it gave neither a text nor undefined'],
  ])('that %s gets a 500 without words, and the log says why', async (_what, acmeChallenge, reason) => {
    const { status, headers, body } = await ask(redirectOf({ acmeChallenge }), request(challenge));
    expect([status, headers['content-type'], body]).toEqual([
      500,
      'text/plain; charset=utf-8',
      'Internal Server Error\n',
    ]);
    expect(warn.mock.calls).toEqual([[`Portcullis: redirect.acmeChallenge failed: ${reason}`]]);
  });

  it('that fails gets a 500 even where the logger throws', async () => {
    warn.mockImplementationOnce(fails);
    await expect(ask(redirectOf({ acmeChallenge: fails }), request(challenge))).resolves.toMatchObject({
      status: 500,
    });
  });

  it('that never answers gets a 500 after ten seconds', async () => {
    stopTime();
    const server = redirectOf({ acmeChallenge: () => new Promise(() => {}) });
    const asked = once(server, 'request');
    const answer = ask(server, request(challenge));
    await asked;
    jest.advanceTimersByTime(10_000);
    await expect(answer).resolves.toMatchObject({ status: 500 });
  });

  it('that answers after the client has left harms nobody', async () => {
    stopTime();
    const later = new EventEmitter();
    const server = redirectOf({
      acmeChallenge: async () => String(await once(later, 'found')),
    });
    const socket = await open(server);
    const asked = once(server, 'request');
    socket.write(request(challenge));
    const [incoming] = (await asked) as [{ socket: Socket }];
    const left = ended(incoming.socket);
    socket.resetAndDestroy();
    await left;
    later.emit('found', 'too late');
    await new Promise((settle) => setImmediate(settle));
    expect(jest.getTimerCount()).toBe(0);
    await expect(location(server, request('/'))).resolves.toBe('https://example.org/');
  });
});
