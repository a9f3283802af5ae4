import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type PortcullisOptions } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { type Refusal, refused, thrown, wanted } from './refusal.ts';

let pki: TestPki;
beforeAll(async () => {
  pki = await createTestPki();
});

const clientAuth = (): PortcullisOptions['clientAuth'] => ({ mode: 'optional', ca: pki.ca });

describe('createServer refuses, as options,', () => {
  class Options {
    get clientAuth(): PortcullisOptions['clientAuth'] {
      return clientAuth();
    }
  }

  it.each<Refusal>([
    ['a misspelt name', () => ({ minversion: 'TLSv1.3' }), 'OPTION_UNKNOWN', 'minversion', /'minVersion'/],
    ['an unknown name', () => ({ bogus: 1 }), 'OPTION_UNKNOWN', 'bogus', /^Leave it out/],
    ['what belongs to listen()', () => ({ port: 8443 }), 'OPTION_UNKNOWN', 'port', /listen\(\)/],
    [
      'an unknown name without a value',
      () => ({ clientauth: undefined }),
      'OPTION_UNKNOWN',
      'clientauth',
      /'clientAuth'/,
    ],
    ['`constructor`', () => ({ constructor: Object }), 'OPTION_UNKNOWN', 'constructor', /^Leave it out/],
    [
      'an own `__proto__`, as JSON has it',
      () => JSON.parse('{"__proto__": {"dangerouslyMinVersion": "TLSv1"}}') as unknown,
      'OPTION_UNKNOWN',
      '__proto__',
      /^Leave it out/,
    ],
    [
      'an object that inherits options',
      () => Object.create({ clientAuth: clientAuth() }) as unknown,
      'OPTION_INVALID',
      'options',
      /^Give an object/,
    ],
    [
      'an object whose class has options',
      () => new Options(),
      'OPTION_INVALID',
      'options',
      /^Give an object/,
    ],
    ['a list', () => [], 'OPTION_INVALID', 'options', /^Give an object/],
    ['a text', () => 'key', 'OPTION_INVALID', 'options', /^Give an object/],
    ['a number', () => 8443, 'OPTION_INVALID', 'options', /^Give an object/],
    ['a logger without warn()', () => ({ logger: { info: () => {} } }), 'OPTION_INVALID', 'logger', /pino/],
    ['true for a logger', () => ({ logger: true }), 'OPTION_INVALID', 'logger', /false for silence/],
    ['null for clientAuth', () => ({ clientAuth: null }), 'OPTION_INVALID', 'clientAuth', /mode, ca/],
    ['true for clientAuth', () => ({ clientAuth: true }), 'OPTION_INVALID', 'clientAuth', /mode, ca/],
    [
      'an unknown name in clientAuth',
      () => ({ clientAuth: { ...clientAuth(), CA: '' } }),
      'OPTION_UNKNOWN',
      'clientAuth.CA',
      /'ca'/,
    ],
    [
      'clientAuth without a mode',
      () => ({ clientAuth: { ca: pki.ca } }),
      'OPTION_INVALID',
      'clientAuth.mode',
      /optional, required/,
    ],
    [
      'an unknown mode',
      () => ({ clientAuth: { mode: 'require', ca: pki.ca } }),
      'OPTION_INVALID',
      'clientAuth.mode',
      /'required'/,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });

  it('what is no request listener', () => {
    expect(() => createServer({}, 'app' as never)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', path: 'listener' }),
    );
  });
});

/** Whoever merges JSON carelessly writes here. */
const pollutable = Object.prototype as { dangerouslyMinVersion?: string };

describe('createServer reads its options', () => {
  afterEach(() => {
    delete pollutable.dangerouslyMinVersion;
  });

  it('once, so that a getter cannot show another value after the check', () => {
    let reads = 0;
    createServer({
      key: pki.server.key,
      cert: pki.server.cert,
      get requestCert() {
        reads++;
        return undefined;
      },
    } as PortcullisOptions);
    expect(reads).toBe(1);
  });

  it('without those that a polluted Object.prototype has', () => {
    Object.assign(pollutable, { dangerouslyMinVersion: 'TLSv9' });
    expect(() => createServer({ key: pki.server.key, cert: pki.server.cert })).not.toThrow();
  });

  it('and names no value in a message, as it may be a secret', () => {
    const error = refused({ key: pki.server.key, cert: pki.server.cert, passphrase: { secret: 'hunter2' } });
    expect(error.path).toBe('passphrase');
    expect(error.message).not.toContain('hunter2');
  });
});

const weak = (name: string): RegExp => new RegExp(`dangerouslyUnlimited: \\['${name}'\\]`);

describe('createServer refuses, of limits,', () => {
  it.each<Refusal>([
    [
      'a misspelt name',
      () => ({ limits: { handshaketimeout: 1 } }),
      'OPTION_UNKNOWN',
      'limits.handshaketimeout',
      /'handshakeTimeout'/,
    ],
    ['a number instead of the limits', () => ({ limits: 5 }), 'OPTION_INVALID', 'limits', /headersTimeout/],
    [
      'a handshake without end',
      () => ({ limits: { handshakeTimeout: 0 } }),
      'OPTION_WEAKENS',
      'limits.handshakeTimeout',
      /milliseconds/,
    ],
    [
      'headers without end',
      () => ({ limits: { headersTimeout: 0 } }),
      'OPTION_WEAKENS',
      'limits.headersTimeout',
      weak('headersTimeout'),
    ],
    [
      'headers without end at the top level',
      () => ({ headersTimeout: 0 }),
      'OPTION_WEAKENS',
      'headersTimeout',
      weak('headersTimeout'),
    ],
    [
      'a request without end',
      () => ({ limits: { requestTimeout: Infinity } }),
      'OPTION_WEAKENS',
      'limits.requestTimeout',
      weak('requestTimeout'),
    ],
    [
      'idleness without end',
      () => ({ keepAliveTimeout: 0 }),
      'OPTION_WEAKENS',
      'keepAliveTimeout',
      weak('keepAliveTimeout'),
    ],
    [
      'connections without number',
      () => ({ limits: { maxConnections: Infinity } }),
      'OPTION_WEAKENS',
      'limits.maxConnections',
      weak('maxConnections'),
    ],
    [
      'a text',
      () => ({ limits: { headersTimeout: '1000' } }),
      'OPTION_INVALID',
      'limits.headersTimeout',
      /from 1 to/,
    ],
    [
      'null',
      () => ({ limits: { headersTimeout: null } }),
      'OPTION_INVALID',
      'limits.headersTimeout',
      /from 1 to/,
    ],
    [
      'NaN',
      () => ({ limits: { requestTimeout: Number.NaN } }),
      'OPTION_INVALID',
      'limits.requestTimeout',
      /from 1 to/,
    ],
    [
      'a fraction',
      () => ({ limits: { keepAliveTimeout: 0.5 } }),
      'OPTION_INVALID',
      'limits.keepAliveTimeout',
      /from 1 to/,
    ],
    [
      'a negative number',
      () => ({ limits: { maxConnections: -1 } }),
      'OPTION_INVALID',
      'limits.maxConnections',
      /from 1 to/,
    ],
    [
      'more than a day',
      () => ({ limits: { requestTimeout: 86_400_001 } }),
      'OPTION_INVALID',
      'limits.requestTimeout',
      /to 86400000/,
    ],
    [
      'one that is given twice',
      () => ({ headersTimeout: 1, limits: { headersTimeout: 2 } }),
      'OPTION_CONFLICT',
      'headersTimeout',
      /once/,
    ],
    [
      'more time for the headers than for the request',
      () => ({ limits: { headersTimeout: 2000, requestTimeout: 1000 } }),
      'OPTION_CONFLICT',
      'limits.headersTimeout',
      /no more time than the whole/,
    ],
    [
      'a text as dangerouslyUnlimited',
      () => ({ dangerouslyUnlimited: 'all' }),
      'OPTION_INVALID',
      'dangerouslyUnlimited',
      /requestTimeout/,
    ],
    [
      'an unlimited handshake',
      () => ({ dangerouslyUnlimited: ['handshakeTimeout'] }),
      'OPTION_INVALID',
      'dangerouslyUnlimited[0]',
      /headersTimeout/,
    ],
    [
      'a hole in dangerouslyUnlimited',
      () => ({ dangerouslyUnlimited: Object.assign([], { 1: 'requestTimeout' }) }),
      'OPTION_INVALID',
      'dangerouslyUnlimited[0]',
      /Allowed/,
    ],
    [
      'a limit that is unlimited as well',
      () => ({ dangerouslyUnlimited: ['requestTimeout'], limits: { requestTimeout: 1000 } }),
      'OPTION_CONFLICT',
      'limits.requestTimeout',
      /Choose one/,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });
});

const server = (): ReturnType<typeof createServer> =>
  createServer({ key: pki.server.key, cert: pki.server.cert, clientAuth: clientAuth()! });

describe('createServer refuses, of what belongs together,', () => {
  it.each<Refusal>([
    [
      'tickets with clientAuth',
      () => ({ tickets: true, clientAuth: clientAuth() }),
      'OPTION_CONFLICT',
      'tickets',
      /Leave it out/,
    ],
    [
      'ticketKeys with clientAuth',
      () => ({ ticketKeys: Buffer.alloc(48), clientAuth: clientAuth() }),
      'OPTION_CONFLICT',
      'ticketKeys',
      /Leave it out/,
    ],
    [
      'a sessionTimeout with clientAuth',
      () => ({ sessionTimeout: 60, clientAuth: clientAuth() }),
      'OPTION_CONFLICT',
      'sessionTimeout',
      /Leave it out/,
    ],
    [
      'an SNICallback with clientAuth',
      () => ({ SNICallback: () => {}, clientAuth: clientAuth() }),
      'OPTION_CONFLICT',
      'SNICallback',
      /Leave it out/,
    ],
    [
      'renegotiation with clientAuth',
      () => ({ dangerouslyAllowRenegotiation: true, clientAuth: clientAuth() }),
      'OPTION_CONFLICT',
      'dangerouslyAllowRenegotiation',
      /clientAuth/,
    ],
    [
      "rejectUnauthorized beside the mode 'optional'",
      () => ({ rejectUnauthorized: true, clientAuth: clientAuth() }),
      'OPTION_WEAKENS',
      'rejectUnauthorized',
      /mode: 'required'/,
    ],
    [
      'requestCert: false beside clientAuth',
      () => ({ requestCert: false, clientAuth: clientAuth() }),
      'OPTION_WEAKENS',
      'requestCert',
      /clientAuth/,
    ],
    ['a text for tickets', () => ({ tickets: 'no' }), 'OPTION_INVALID', 'tickets', /rotateEvery/],
    ['null for tickets', () => ({ tickets: null }), 'OPTION_INVALID', 'tickets', /rotateEvery/],
    [
      'certificate beside key',
      () => ({ certificate: { load: () => ({}) }, key: 'x' }),
      'OPTION_CONFLICT',
      'key',
      /one of them/,
    ],
    ['an empty certificate', () => ({ certificate: [] }), 'CERTIFICATE_MISSING', 'certificate', /one/],
    ['watch where there is nothing to watch', () => ({ watch: true }), 'OPTION_CONFLICT', 'watch', /keyFile/],
    [
      'a misspelt unknownServerName',
      () => ({ unknownServerName: 'refused' }),
      'OPTION_INVALID',
      'unknownServerName',
      /refuse/,
    ],
    [
      'unknownServerName beside an SNICallback',
      () => ({ unknownServerName: 'refuse', SNICallback: () => undefined }),
      'OPTION_CONFLICT',
      'unknownServerName',
      /one of them/,
    ],
    [
      'ticketKeys beside tickets',
      () => ({ tickets: { rotateEvery: 60 }, ticketKeys: Buffer.alloc(48) }),
      'OPTION_CONFLICT',
      'ticketKeys',
      /rotateEvery/,
    ],
    ['0 for a flag', () => ({ honorCipherOrder: 0 }), 'OPTION_INVALID', 'honorCipherOrder', /boolean/],
    [
      'a text for dangerouslyAllowHostMismatch',
      () => ({ clientAuth: clientAuth(), dangerouslyAllowHostMismatch: 'false' }),
      'OPTION_INVALID',
      'dangerouslyAllowHostMismatch',
      /boolean/,
    ],
  ])('%s', (...row) => {
    expect(thrown(row)).toEqual(wanted(row));
  });

  it('setSecureContext(), which resets whatever it is not given', () => {
    expect(() => server().setSecureContext({ key: pki.server.key, cert: pki.server.cert })).toThrow(
      expect.objectContaining({ code: 'OPTION_WEAKENS', path: 'setSecureContext' }),
    );
  });

  it('addContext() with clientAuth, as its context brings trust anchors of its own', () => {
    expect(() => server().addContext('example.org', { key: pki.server.key, cert: pki.server.cert })).toThrow(
      expect.objectContaining({ code: 'OPTION_CONFLICT', path: 'addContext' }),
    );
  });
});

describe('createServer with NODE_ENV=production', () => {
  const environment = process.env['NODE_ENV'];
  afterEach(() => {
    process.env['NODE_ENV'] = environment;
  });

  it('refuses to serve without a certificate', () => {
    process.env['NODE_ENV'] = 'production';
    const error = refused({});
    expect({ code: error.code, path: error.path }).toEqual({ code: 'CERTIFICATE_MISSING', path: 'cert' });
    expect(error.remedy).toMatch(/key and cert, pfx/);
  });

  it('serves with one', () => {
    process.env['NODE_ENV'] = 'production';
    expect(() => createServer({ key: pki.server.key, cert: pki.server.cert })).not.toThrow();
  });
});
