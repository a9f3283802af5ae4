import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type TlsState } from 'portcullis';
import { createTestPki, type TestPki } from 'portcullis/testing';
import { type Answer, type Ask, type Client, clients, opensslClient } from './support/clients.ts';
import { factsApp, serverName, setUpStand, type Stand } from './support/stand.ts';

interface Shown {
  readonly tls: TlsState;
  readonly keyingMaterial: string;
  readonly channelBinding: string;
}

const keyTypes = ['ecdsa-p256', 'rsa-2048'] as const;
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

let stand: Stand;
let pki: TestPki;
let ca: string;
const certificates: Record<string, X509Certificate> = {};
const ports: Record<string, number> = {};

beforeAll(async () => {
  stand = setUpStand();
  pki = await createTestPki();
  ca = stand.write('ca.pem', pki.ca);
  const pairs = await Promise.all(
    keyTypes.map((keyType) => pki.issueServer({ keyType, names: [serverName] })),
  );
  await Promise.all(
    keyTypes.map(async (keyType, index) => {
      const { key, cert } = pairs[index]!;
      certificates[keyType] = new X509Certificate(cert);
      const server = createServer({ key, cert, clientAuth: { mode: 'optional', ca: pki.ca } }, factsApp());
      ports[keyType] = await stand.listen(server);
    }),
  );
  const both = { key: pairs.map(({ key }) => key), cert: pairs.map(({ cert }) => cert) };
  const server = createServer({ ...both, clientAuth: { mode: 'optional', ca: pki.ca } }, factsApp());
  ports['both'] = await stand.listen(server);
});

afterAll(() => stand.close());

const ask = (port: number, more: Pick<Ask, 'path' | 'version'> & Partial<Ask>): Ask => ({
  port,
  serverName,
  ca,
  ...more,
});

const bare = (text: string): string => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');

/** GnuTLS tells only a part of a cipher's name, in its own spelling: AES-256-GCM. */
function expectCipher(cipher: string, { name, standardName }: TlsState['cipher']): void {
  expect(cipher).toMatch(/\w{3}/);
  expect([bare(name), bare(standardName)]).toContainEqual(expect.stringContaining(bare(cipher)));
}

/** Those of the facts that this client tells. */
const told = (answer: Answer, names: ReadonlyArray<keyof Answer>): Record<string, unknown> =>
  Object.fromEntries(names.flatMap((name) => (name in answer ? [[name, answer[name]]] : [])));

function expectSameFacts(answer: Answer, { tls, keyingMaterial }: Shown): void {
  expect(tls.protocol).toBe(answer.protocol);
  expectCipher(answer.cipher, tls.cipher);
  const ours = { group: tls.group?.toLowerCase(), keyingMaterial };
  expect(ours).toMatchObject(told(answer, ['group', 'keyingMaterial']));
  expect(tls.forwardSecrecy).toBe(true);
  expect(tls.serverName).toBe(serverName);
  expect(tls.resumed).toBe(false);
}

function expectServerCertificate(answer: Answer, certificate: X509Certificate): void {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const ours = {
    serverFingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    serverKeyHash: createHash('sha256').update(spki).digest('hex'),
  };
  expect(ours).toMatchObject(told(answer, ['serverFingerprint', 'serverKeyHash']));
}

const succeed = async (client: Client, question: Ask): Promise<Answer> => {
  const answer = await client(question);
  if (answer === undefined) throw new Error('no TLS connection came about');
  return answer;
};

describe.each(clients)('%s', (name, client) => {
  describe.each(versions)('over %s', (version) => {
    test.each(keyTypes)(
      'gets in with its certificate and sees the same facts (%s server)',
      async (keyType) => {
        const identity = stand.identity(`${name}-${keyType}-${version}`, pki.clients.good);
        const answer = await succeed(client, ask(ports[keyType]!, { version, path: '/admin', identity }));
        expect(answer.status).toBe(200);
        const shown = JSON.parse(answer.body) as Shown;
        expectSameFacts(answer, shown);
        expectServerCertificate(answer, certificates[keyType]!);
        const own = new X509Certificate(pki.clients.good.certificate);
        expect(shown.tls.clientCertificate?.fingerprint256).toBe(own.fingerprint256);
        expect(shown.tls.clientCertificateError).toBeUndefined();
      },
    );

    test('without a certificate is shown the facts, and refused with 403 at the guarded route', async () => {
      const open = await succeed(client, ask(ports['ecdsa-p256']!, { version, path: '/facts' }));
      const shown = JSON.parse(open.body) as Shown;
      expectSameFacts(open, shown);
      expect(shown.tls.clientCertificate).toBeUndefined();

      const guarded = await succeed(client, ask(ports['ecdsa-p256']!, { version, path: '/admin' }));
      expect(guarded.status).toBe(403);
      expect(guarded.contentType).toBe('application/problem+json');
      expect(JSON.parse(guarded.body)).toEqual({
        type: 'about:blank',
        title: 'Client certificate required',
        status: 403,
        code: 'CLIENT_CERTIFICATE_REQUIRED',
      });
    });
  });
});

describe('openssl', () => {
  test.each(
    versions.flatMap((version) =>
      ['x25519', 'secp256r1', 'secp384r1'].map((group) => [version, group] as const),
    ),
  )('negotiates over %s the group %s, and reads it in the facts', async (version, group) => {
    const offered = { x25519: 'X25519', secp256r1: 'P-256', secp384r1: 'P-384' }[group]!;
    // Not ECDSA, which over TLS 1.2 needs the certificate's own curve among the groups (RFC 8422 5.1).
    const question = ask(ports['rsa-2048']!, { version, path: '/facts' });
    const answer = (await opensslClient(question, ['-groups', offered]))!;
    expect(answer.group).toBe(group);
    expectSameFacts(answer, JSON.parse(answer.body) as Shown);
  });

  test.each(versions)('over %s is refused with a group outside the profile', async (version) => {
    const question = ask(ports['rsa-2048']!, { version, path: '/facts' });
    expect(await opensslClient(question, ['-groups', 'P-521'])).toBeUndefined();
  });

  test('over TLSv1.3 exports the channel binding of RFC 9266', async () => {
    const answer = (await opensslClient(ask(ports['ecdsa-p256']!, { version: 'TLSv1.3', path: '/facts' })))!;
    expect(answer.keyingMaterial).toMatch(/^[0-9A-F]{64}$/);
    expect((JSON.parse(answer.body) as Shown).channelBinding).toBe(answer.keyingMaterial);
  });

  test.each(
    versions.flatMap((version) => [
      [version, 'ecdsa-p256', 'ECDSA+SHA256'] as const,
      [version, 'rsa-2048', 'RSA-PSS+SHA256'] as const,
    ]),
  )(
    'over %s gets the certificate that it can verify of a server with both: %s',
    async (version, keyType, offered) => {
      const trusted = stand.write('trusted.pem', certificates[keyType]!.toString());
      // The one certificate is all that is trusted, so that the other would be refused.
      const question = ask(ports['both']!, { version, path: '/facts', ca: trusted });
      const answer = await opensslClient(question, ['-partial_chain', '-sigalgs', offered]);
      expect(answer?.status).toBe(200);
    },
  );
});
