import { constants } from 'node:crypto';
import { once } from 'node:events';
import {
  createSecureContext,
  createServer,
  type ConnectionOptions,
  type SecureContext,
  type Server,
} from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CertificateChoice } from '../../lib/credentials/choice.ts';
import type { KeyPair } from '../../lib/credentials/key-pair.ts';
import { credentialOptions } from '../../lib/listener/options.ts';
import { SniContexts, sniCallback } from '../../lib/listener/certificates/sni-contexts.ts';
import { closeAll, failedHandshake, handshake, listen } from './harness.ts';
import { contextsOf, pairsFor, replaces, sniServer } from './sni-harness.ts';

type Kind = 'ec' | 'rsa';

const names = ['default.test', 'a.test'] as const;
/** By their names and types. */
const made = new Map<string, KeyPair>();
const group = (name: string, ...kinds: readonly Kind[]): KeyPair[] =>
  kinds.map((kind) => made.get(`${kind} ${name}`)!);

beforeAll(() => {
  for (const name of names) {
    for (const kind of ['ec', 'rsa'] as const) made.set(`${kind} ${name}`, pairsFor(name, kind)[0]!);
  }
});
afterEach(closeAll);

const clients = {
  'TLS 1.3': { minVersion: 'TLSv1.3' },
  'TLS 1.3 with ECDSA only': { minVersion: 'TLSv1.3', sigalgs: 'ecdsa_secp256r1_sha256' },
  'TLS 1.3 with RSA only': { minVersion: 'TLSv1.3', sigalgs: 'rsa_pss_rsae_sha256' },
  'TLS 1.2': { maxVersion: 'TLSv1.2' },
  'TLS 1.2 with ECDSA signatures only': { maxVersion: 'TLSv1.2', sigalgs: 'ecdsa_secp256r1_sha256' },
  'TLS 1.2 with RSA ciphers only': { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
} as const satisfies Record<string, ConnectionOptions>;
type Client = keyof typeof clients;
const allClients = Object.keys(clients) as Client[];
const speaks: Readonly<Record<Client, readonly Kind[]>> = {
  'TLS 1.3': ['ec', 'rsa'],
  'TLS 1.3 with ECDSA only': ['ec'],
  'TLS 1.3 with RSA only': ['rsa'],
  'TLS 1.2': ['ec', 'rsa'],
  'TLS 1.2 with ECDSA signatures only': ['ec'],
  'TLS 1.2 with RSA ciphers only': ['rsa'],
};

/** The certificate that a client is shown, or 'none'. */
async function shown(port: number, servername: string, client: Client): Promise<string> {
  const options = { servername, ...clients[client] };
  try {
    const socket = await handshake(port, options);
    const { fingerprint256 } = socket.getPeerX509Certificate()!;
    const found = [...made].find(([, { leaf }]) => leaf.fingerprint256 === fingerprint256);
    return found?.[0] ?? 'a stranger';
  } catch {
    return 'none';
  }
}

/** What may be shown for a.test: its own of a kind that the client speaks, and none if there is no such. */
const allowed = (client: Client, kinds: readonly Kind[]): readonly string[] => {
  const common = kinds.filter((kind) => speaks[client].includes(kind));
  return common.length === 0 ? ['none'] : common.map((kind) => `${kind} a.test`);
};

const combinations: ReadonlyArray<readonly Kind[]> = [['ec'], ['rsa'], ['rsa', 'ec']];
const matrix = combinations.flatMap((own) =>
  combinations.map((other) => [own, other, own.every((kind) => other.includes(kind))] as const),
);

describe.each(matrix)('beside a default with %j, a name with %j', (own, other, includes) => {
  const groups = (): KeyPair[][] => [group('default.test', ...own), group('a.test', ...other)];

  if (includes || replaces) {
    it('is shown its own certificates and no other one, whoever asks', async () => {
      const port = await listen(sniServer(groups()));
      for (const client of allClients) {
        // oxlint-disable-next-line no-await-in-loop -- each alone, so that a failure tells which
        const certificate = await shown(port, 'a.test', client);
        expect([client, allowed(client, other)]).toEqual([client, expect.arrayContaining([certificate])]);
      }
    });
  } else {
    it('is refused at the start, on a Node that would mix them', () => {
      expect(() => sniServer(groups())).toThrow(
        expect.objectContaining({ code: 'OPTION_CONFLICT', remedy: expect.stringMatching(/24\.20/) }),
      );
    });
  }
});

describe('a server with several certificates', () => {
  const served = (port: number, servername: string): Promise<string> => shown(port, servername, 'TLS 1.3');
  const twoNames = (): Server => sniServer([group('default.test', 'ec'), group('a.test', 'ec')]);

  it('shows the default to those who name nobody, the default itself, or a stranger', async () => {
    const port = await listen(twoNames());
    await expect(served(port, '')).resolves.toBe('ec default.test');
    await expect(served(port, 'default.test')).resolves.toBe('ec default.test');
    await expect(served(port, 'stranger.test')).resolves.toBe('ec default.test');
  });

  it('knows a name in any case, with a dot at the end', async () => {
    const port = await listen(twoNames());
    await expect(served(port, 'A.Test')).resolves.toBe('ec a.test');
    await expect(served(port, 'a.test.')).resolves.toBe('ec a.test');
  });

  it('makes one context for each certificate, and none in a handshake', async () => {
    const contextsMade: string[] = [];
    const choice = new CertificateChoice([group('default.test', 'ec'), group('a.test', 'ec', 'rsa')]);
    const contexts = new SniContexts(choice, (pairs) => {
      contextsMade.push(...pairs.map(({ leaf }) => leaf.fingerprint256));
      return createSecureContext(credentialOptions(pairs));
    });
    expect(contextsMade.toSorted()).toEqual(
      choice.groups[1]!.map(({ leaf }) => leaf.fingerprint256).toSorted(),
    );
    const seen: SecureContext[] = [];
    const socket = {
      getProtocol: () => 'TLSv1.3',
      getSharedSigalgs: () => ['ECDSA+SHA256', 'RSA-PSS+SHA256'],
      setKeyCert: (context: SecureContext) => seen.push(context),
    };
    const contextFor = (name: string): unknown => contexts.apply(socket as never, name);
    expect(contextFor('a.test')).toBe(contextFor('A.TEST'));
    expect(contextFor('default.test')).toBeUndefined();
    expect(new Set(seen).size).toBe(1);
    expect(contextsMade).toHaveLength(2);
  });

  it('asks the OCSP responder about the certificate of the name', async () => {
    const asked: string[] = [];
    const server = twoNames().on('OCSPRequest', (certificate, _issuer, done) => {
      const found = [...made].find(([, { leaf }]) => leaf.raw.equals(certificate));
      asked.push(found?.[0] ?? 'a stranger');
      done(null, Buffer.from('stapled'));
    });
    const port = await listen(server);
    const socket = await handshake(port, { servername: 'a.test', requestOCSP: true } as ConnectionOptions);
    expect(socket.getPeerX509Certificate()!.fingerprint256).toBe(made.get('ec a.test')!.leaf.fingerprint256);
    await handshake(port, { servername: '', requestOCSP: true } as ConnectionOptions);
    expect(asked).toEqual(['ec a.test', 'ec default.test']);
  });

  it('fails the handshake, and not the process, where no context can be had', async () => {
    const SNICallback = sniCallback(() => {
      throw new TypeError('none yet');
    }, false);
    const server = createServer({ ...credentialOptions(group('default.test', 'ec')), SNICallback });
    const failure = once(server, 'tlsClientError');
    const port = await listen(server);
    await expect(failedHandshake(port, { servername: 'a.test' })).resolves.toBeDefined();
    await expect(failure).resolves.toEqual([
      expect.objectContaining({ message: 'none yet' }),
      expect.anything(),
    ]);
    await expect(served(port, '')).resolves.toBe('ec default.test');
  });

  it('exchanges all of them at once', async () => {
    let current = contextsOf(group('default.test', 'ec'), group('a.test', 'ec'));
    const SNICallback = sniCallback(() => current, false);
    const port = await listen(
      createServer({ ...credentialOptions(group('default.test', 'ec')), SNICallback }),
    );
    await expect(served(port, 'a.test')).resolves.toBe('ec a.test');
    const newer = pairsFor('a.test', 'ec')[0]!;
    current = contextsOf(group('default.test', 'ec'), [newer]);
    const socket = await handshake(port, { servername: 'a.test' });
    expect(socket.getPeerX509Certificate()!.fingerprint256).toBe(newer.leaf.fingerprint256);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes no session of one name at another, where client certificates forbid tickets, over %s',
    async (version) => {
      const port = await listen(
        sniServer([group('default.test', 'ec'), group('a.test', 'ec')], {
          requestCert: true,
          rejectUnauthorized: false,
          ca: made.get('ec a.test')!.leaf.pem,
          secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
        }),
      );
      const speaking = { minVersion: version, maxVersion: version };
      const first = await handshake(port, { ...speaking, servername: 'a.test' });
      const session = first.getSession();
      expect(session).toBeDefined();
      const second = await handshake(port, { ...speaking, servername: 'default.test', session: session! });
      expect(second.isSessionReused()).toBe(false);
      expect(second.getPeerX509Certificate()!.fingerprint256).toBe(
        made.get('ec default.test')!.leaf.fingerprint256,
      );
    },
  );
});
