import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigError } from 'portcullis';
import { redisTicketKeys } from 'portcullis/redis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { requireClientCertificate } from 'portcullis';
import { refused } from './refusal.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const secret = 'SECRETWORD';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const derOf = (pem: string): string => pem.replace(/-----[^-]+-----|\s/g, '');

/** Everything that a log may show of an error: its causes and their properties too. */
const shown = (error: unknown): string => inspect(error, { depth: 9 });

describe('what a file holds, given where its path belongs, is refused and not printed:', () => {
  it.each<[string, (pem: string) => string]>([
    ['PEM', (pem) => pem],
    ['PEM in one line', (pem) => pem.replaceAll('\n', ' ')],
    ['PEM without its first line', (pem) => pem.split('\n').slice(1).join('\n')],
    ['base64 of PEM', base64],
    ['base64 of DER', derOf],
    ['what is too long for a path', (pem) => derOf(pem).slice(3).repeat(80)],
  ])('%s', (_what, spell) => {
    const key = spell(pki.server.key);
    const certificate = spell(pki.ca);
    const options = [
      { certificate: { keyFile: key, certFile: 'server.pem' } },
      { certificate: { keyFile: 'server.key', certFile: key } },
      { certificate: { pfxFile: key } },
      { ...pki.server, clientAuth: { mode: 'required', ca: { file: certificate } } },
      { ...pki.server, clientAuth: { mode: 'required', ca: { directory: certificate } } },
      { ...pki.server, clientAuth: { mode: 'required', ca: pki.ca, crl: { file: key } } },
    ];
    for (const given of options) {
      const error = refused(given);
      expect(error.remedy).toContain('content');
      for (const part of [derOf(key), derOf(certificate)].map((text) => text.slice(20, 50)))
        expect(shown(error)).not.toContain(part);
      expect(error.cause).toBeUndefined();
    }
  });

  it('also the ca of a route', () => {
    expect(() => requireClientCertificate({ ca: { file: pki.ca } })).toThrow('It looks like the content');
  });

  it.each(['server.key', '/etc/ssl/private/server.key', 'MINE/server.key', 'C:\\keys\\server.key'])(
    'and a path (%s) is none of that',
    (keyFile) => {
      const error = refused({ certificate: { keyFile, certFile: keyFile } });
      expect(error).toMatchObject({ code: 'KEY_INVALID', path: 'certificate.keyFile' });
    },
  );
});

describe('a refusal prints no secret that was given', () => {
  it.each<[string, () => object]>([
    ['as ticketKeys', () => ({ ticketKeys: secret })],
    ['as tickets', () => ({ tickets: secret })],
    ['as a ticket store', () => ({ tickets: { store: secret } })],
    ['in the URL of a responder', () => ({ ocspStapling: { responder: `http://u:${secret}@h/` } })],
    ['in place of ocspStapling', () => ({ ocspStapling: secret })],
    ['in place of certificate', () => ({ certificate: secret })],
    ['as the path of a file with a NUL', () => ({ certificate: { pfxFile: `${secret}\0` } })],
    ['as a CA file with a NUL', () => ({ clientAuth: { mode: 'optional', ca: { file: `${secret}\0` } } })],
    ['as pfx', () => ({ key: undefined, cert: undefined, pfx: secret })],
    ['as key', () => ({ key: secret })],
    ['as passphrase', () => ({ passphrase: [secret] })],
  ])('%s', (_what, given) => {
    expect(shown(refused({ ...pki.server, ...given() }))).not.toContain(secret);
  });

  it('as a number', () => {
    expect(shown(refused({ ...pki.server, key: 271_828_182 }))).not.toContain('271828182');
  });

  it.each<[string, () => unknown]>([
    ['as its options', () => redisTicketKeys(fakeClient, secret as never)],
    ['as its secret, too short', () => redisTicketKeys(fakeClient, { secret })],
    ['as the URL of a client', () => redisTicketKeys(`redis://:${secret}@h/` as never, { secret: '' })],
  ])('to redisTicketKeys %s', (_what, make) => {
    let refusal: unknown;
    try {
      make();
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(ConfigError);
    expect(shown(refusal)).not.toContain(secret);
  });
});

const fakeClient = { sendCommand: () => {}, set: () => {}, get: () => {} } as never;
