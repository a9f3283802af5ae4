import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ConfigError } from 'portcullis';
import {
  type Authority,
  type ClientCertificateOptions,
  createAuthority,
  createRequest,
  type DistinguishedNameInput,
  loadAuthority,
  type NameConstraintsInput,
} from 'portcullis/pki';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import type { Certificate } from '../../lib/x509/certificate.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { type Handshake, handshake } from '../support/handshake.ts';
import { oddAuthority, oddCertificate, issuerOf } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { attribute, commonName, generalName, name } from '../support/odd-names.ts';

const read = (pem: string): Certificate => readOneCertificate(pem, 'certificate');
const conflict = (path: string): object => ({ name: 'ConfigError', code: 'OPTION_CONFLICT', path });

/** As `portcullis pki init` makes them, in short. */
const own = { dns: ['localhost', 'test', 'internal'], ip: ['127.0.0.0/8', '10.0.0.0/8'] };
const constrained = (nameConstraints: NameConstraintsInput): Promise<Authority> =>
  createAuthority({ nameConstraints });

let authority: Authority;

beforeAll(async () => {
  authority = await constrained({ permitted: own });
});

async function connect(issuer: Authority, options: ClientCertificateOptions): Promise<Handshake> {
  const server = await authority.issueServerCertificate({ names: ['localhost'] });
  const client = await issuer.issueClientCertificate(options);
  return handshake(
    { key: server.key, cert: server.chain, ca: issuer.root },
    { key: client.key, cert: client.chain, ca: authority.root, servername: 'localhost' },
  );
}

/** Whether a client is authorized; else where its names were refused. */
const judged = (issuer: Authority, options: ClientCertificateOptions): Promise<string> =>
  connect(issuer, options).then(
    ({ authorizationError }) => authorizationError ?? 'in',
    ({ code, path }: ConfigError) => `${code} ${path}`,
  );

describe('below an authority of own DNS names and addresses', () => {
  it.each<[string, ClientCertificateOptions]>([
    ['a name of one word', { subject: 'alice' }],
    ['a name of two words', { subject: 'Alice M. Smith' }],
    ['a mail address for a name', { subject: 'alice.smith@example.org' }],
    ['a user id with a dot that is no common name', { subject: { UID: 'alice.smith', O: 'Example' } }],
    ['the name of an own host', { subject: 'device-7.internal' }],
    [
      'a DNS name besides, for which the common name is not read',
      {
        subject: 'alice.smith',
        names: { dns: ['alice.test'] },
      },
    ],
    ['a name with a dot that is no host’s', { subject: 'a..b' }],
    ['a name beyond ASCII', { subject: 'älice.smith' }],
  ])('a client with %s is authorized', async (_what, options) => {
    expect(await connect(authority, options)).toMatchObject({ authorized: true });
  });

  it.each([
    'alice.smith',
    'device.example.org',
    'v2.billing',
    'a_.b',
    '*.example.org',
    'alice.',
    '192.0.2.1',
  ])(
    'a client of the common name %s is refused, with what to do, as OpenSSL or a listener here would refuse it',
    async (subject) => {
      for (const names of [{}, { names: { email: ['alice@example.org'] } }]) {
        await expect(authority.issueClientCertificate({ subject, ...names })).rejects.toMatchObject({
          ...conflict('subject'),
          message: expect.stringContaining(`the common name '${subject}', which is taken for a DNS name`),
          remedy: expect.stringMatching(/UID/),
        });
      }
      const { request } = await createRequest({ subject });
      await expect(
        authority.signRequest(request, { purpose: 'client', namesFromRequest: true }),
      ).rejects.toMatchObject(conflict('subject'));
    },
  );

  it('a server with an address alone is reached by it, its subject empty', async () => {
    const { key, chain, ca, certificate } = await authority.issueServerCertificate({ names: ['127.0.0.1'] });
    expect((await handshake({ key, cert: chain }, { ca })).serverCertificate).toEqual(
      new X509Certificate(chain).raw,
    );
    expect(read(certificate).subject).toEqual({});
    expect(read(certificate).extensions.get(oids.subjectAltName)?.critical).toBe(true);
  });

  it('a server has its first DNS name for a common name, and never an address', async () => {
    const { certificate } = await authority.issueServerCertificate({ names: ['10.0.0.7', 'api.internal'] });
    expect(read(certificate).subject).toEqual({ CN: ['api.internal'] });
  });

  it.each([['printer'], ['printer.example.org'], ['10.0.0.7'], ['a.test', 'b.test']])(
    'a server with addresses alone is refused the common name %s, by which GnuTLS would refuse it',
    async (...CN) => {
      await expect(
        authority.issueServerCertificate({ names: ['10.0.0.7'], subject: { CN } }),
      ).rejects.toMatchObject(conflict('subject'));
    },
  );

  it('what was issued otherwise is not renewed', async () => {
    const issuer = issuerOf(authority);
    const dotted = oddCertificate({ issuer, subject: commonName('alice.smith') });
    await expect(authority.renewCertificate(dotted.certificate)).rejects.toMatchObject({
      ...conflict('certificate.subject'),
      remedy: 'Issue a new one, with other names.',
    });
  });
});

describe('an authority of addresses alone', () => {
  it('takes the common name of an address for one', async () => {
    const issuer = await constrained({ permitted: { ip: ['10.0.0.0/8'] } });
    expect(await connect(issuer, { subject: '10.0.0.7' })).toMatchObject({ authorized: true });
    await expect(issuer.issueClientCertificate({ subject: '192.0.2.1' })).rejects.toMatchObject(
      conflict('subject'),
    );
  });

  it('excludes an IPv4 address in IPv6, too', async () => {
    const issuer = await constrained({ excluded: { ip: ['10.0.0.0/8'] } });
    const issue = (ip: string): Promise<unknown> => issuer.issueServerCertificate({ names: [ip] });
    await expect(issue('::ffff:10.0.0.7')).rejects.toMatchObject(conflict('names'));
    await expect(issue('::ffff:11.0.0.7')).resolves.toBeDefined();
    await expect(issue('a00:7::')).resolves.toBeDefined();
  });
});

describe('an authority of mail addresses', () => {
  it.each<[string, DistinguishedNameInput, boolean]>([
    ['of its host', { emailAddress: 'a@example.org' }, true],
    ['of another host', { emailAddress: 'a@evil.example' }, false],
    ['of which one is of another host', { emailAddress: ['a@example.org', 'a@evil.example'] }, false],
    ['that is none', { emailAddress: 'alice' }, false],
    ['with two hosts', { emailAddress: 'a@evil.example@example.org' }, false],
  ])('judges a mail address in the subject: one %s', async (_what, subject, isIn) => {
    const issuer = await constrained({ permitted: { email: ['example.org'] } });
    const names = { email: ['a@example.org'] };
    expect(await judged(issuer, { subject, names })).toBe(isIn ? 'in' : 'OPTION_CONFLICT subject');
  });

  it('judges those of an authority below it, too', async () => {
    const issuer = await constrained({ permitted: { email: ['example.org'] } });
    const named = (emailAddress: string): Promise<Authority> =>
      issuer.issueIntermediate({ subject: { CN: 'Intermediate', emailAddress } });
    await expect(named('ca@evil.example')).rejects.toMatchObject(conflict('subject'));
    expect(await judged(await named('ca@example.org'), { subject: 'alice.smith' })).toBe('in');
  });
});

describe('an authority with an excluded DNS name', () => {
  const trees = { permitted: { dns: ['example.org'] }, excluded: { dns: ['secret.example.org'] } };

  it.each(['*.example.org', '*.secret.example.org'])('issues no %s, which reaches it', async (wildcard) => {
    const issuer = await constrained(trees);
    await expect(issuer.issueServerCertificate({ names: [wildcard] })).rejects.toMatchObject(
      conflict('names'),
    );
  });

  it('issues a wildcard beside it, and what is above it', async () => {
    const issuer = await constrained(trees);
    const names = ['*.public.example.org', 'example.org'];
    const { key, chain, ca } = await issuer.issueServerCertificate({ names });
    const reached = await handshake({ key, cert: chain }, { ca, servername: 'a.public.example.org' });
    expect(reached.protocol).toBe('TLSv1.3');
  });
});

describe('an authority of many names', () => {
  it('issues no more of them at once than verifiers compare', async () => {
    const issuer = await constrained({
      permitted: { dns: Array.from({ length: 256 }, (_, at) => `a${at}.test`) },
    });
    const names = Array.from({ length: 255 }, (_, at) => `a${at}.test`);
    // The subject is one name more.
    expect(await judged(issuer, { subject: 'alice', names: { dns: names } })).toBe('in');
    const more = issuer.issueClientCertificate({ subject: 'alice', names: { dns: [...names, 'a255.test'] } });
    await expect(more).rejects.toMatchObject(conflict('names'));
  });
});

describe('an authority of URIs', () => {
  it.each<[string, boolean]>([
    ['spiffe://example.org/payments', true],
    ['https://example.org', true],
    ['https://EXAMPLE.org:443/a:b?c#d', true],
    ['https://example.org/?a', true],
    ['https://other.example/', false],
    ['https://alice@example.org/', false],
    ['https://alice:secret@example.org/', false],
    ['https://other.example@example.org/', false],
    ['https://example.org?a', false],
    ['https://example.org#a', false],
    ['https://example.org:/', false],
    ['https://example.org/a:b', false],
    ['https://10.0.0.7/', false],
    ['https://[::1]/', false],
    ['urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6', false],
  ])('judges %s as every verifier does', async (uri, isIn) => {
    const issuer = await constrained({ permitted: { uri: ['example.org'] } });
    expect(await judged(issuer, { names: { uri: [uri] } })).toBe(isIn ? 'in' : 'OPTION_CONFLICT names');
  });

  it('refuses one without a host where hosts are excluded', async () => {
    const issuer = await constrained({ excluded: { uri: ['example.org'] } });
    const issue = (uri: string): Promise<Handshake> => connect(issuer, { names: { uri: [uri] } });
    await expect(issue('urn:a:b')).rejects.toMatchObject(conflict('names'));
    await expect(issue('https://example.org:443/')).rejects.toMatchObject(conflict('names'));
    expect(await issue('spiffe://example.net/a')).toMatchObject({ authorized: true });
  });
});

describe('an authority of others with a subtree of directory names', () => {
  const organisation = name(attribute('O', 'Acme  Corp'));
  const odd = (how: 'excluded' | 'permitted'): Promise<Authority> => {
    const nameConstraints = extension.nameConstraints({ [how]: [generalName.directory(organisation)] });
    const { certificate, key } = oddAuthority({ extensions: { nameConstraints } });
    return loadAuthority({ certificate, key });
  };

  it('issues to subjects within, whatever their capital letters and spaces', async () => {
    const issuer = await odd('permitted');
    for (const subject of [
      { O: 'Acme  Corp', CN: 'alice' },
      { O: ' acme corp', CN: 'bob' },
    ])
      expect(await connect(issuer, { subject })).toMatchObject({ authorized: true });
    expect(await connect(issuer, { names: { uri: ['spiffe://example.org/a'] } })).toMatchObject({
      authorized: true,
    });
    for (const subject of ['alice', { CN: 'alice', O: 'Acme Corp' }, { O: 'Acme' }]) {
      await expect(issuer.issueClientCertificate({ subject })).rejects.toMatchObject(conflict('subject'));
      await expect(issuer.issueIntermediate({ subject })).rejects.toMatchObject(conflict('subject'));
    }
  });

  it('issues to no excluded subject', async () => {
    const issuer = await odd('excluded');
    await expect(issuer.issueClientCertificate({ subject: { O: 'Acme Corp' } })).rejects.toMatchObject(
      conflict('subject'),
    );
    expect(await connect(issuer, { subject: { O: 'Acme' } })).toMatchObject({ authorized: true });
  });
});
