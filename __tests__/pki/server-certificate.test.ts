import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Authority, createAuthority, type KeyType, type ServerCertificateOptions } from 'portcullis/pki';
import { readOneCertificate } from '../../lib/pki/pem.ts';
import type { Certificate } from '../../lib/x509/certificate.ts';
import { oids } from '../../lib/x509/extensions.ts';
import { handshake } from '../support/handshake.ts';

const read = (pem: string): Certificate => readOneCertificate(pem, 'certificate');
const dayMs = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * dayMs);

let root: Authority;

beforeAll(async () => {
  root = await createAuthority();
});

describe('a server certificate', () => {
  it.each(['localhost', 'api.example.org', '127.0.0.1', '::1'])(
    'lets a client that trusts the root reach %s',
    async (host) => {
      const { key, chain, ca } = await root.issueServerCertificate({
        names: ['localhost', '*.example.org', '127.0.0.1', '::1'],
      });
      // The connection goes to 127.0.0.1, and Node 22's own check finds no IPv6 address in any certificate.
      const checkServerIdentity = (_host: string, { raw }: { raw: Buffer }): Error | undefined => {
        const x509 = new X509Certificate(raw);
        const found = isIP(host) === 0 ? x509.checkHost(host) : x509.checkIP(host);
        return found === undefined ? new Error(`it is not ${host}`) : undefined;
      };
      const servername = isIP(host) === 0 ? host : '';
      const reached = await handshake({ key, cert: chain }, { ca, servername, checkServerIdentity });
      expect(reached.serverCertificate).toEqual(new X509Certificate(chain).raw);
    },
  );

  it('is refused for a name that it does not have', async () => {
    const { key, chain, ca } = await root.issueServerCertificate({ names: ['*.example.org'] });
    await expect(handshake({ key, cert: chain }, { ca, servername: 'example.org' })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('is refused by a client that trusts another root of the same name', async () => {
    const subject = 'Example root';
    const [one, other] = await Promise.all([createAuthority({ subject }), createAuthority({ subject })]);
    const { key, chain } = await one.issueServerCertificate({ names: ['localhost'] });
    await expect(
      handshake({ key, cert: chain }, { ca: other.root, servername: 'localhost' }),
    ).rejects.toMatchObject({
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
  });

  it('is verified through the intermediates in its chain, and not without them', async () => {
    const above = await root.issueIntermediate({ pathLength: 1 });
    const below = await above.issueIntermediate({ keyType: 'ecdsa-p384' });
    const { key, certificate, chain, ca } = await below.issueServerCertificate({ names: ['localhost'] });
    expect(chain).toBe(certificate + below.certificate + above.certificate);
    expect(ca).toBe(root.certificate);
    const client = { ca, servername: 'localhost' };
    expect((await handshake({ key, cert: chain }, client)).protocol).toBe('TLSv1.3');
    await expect(handshake({ key, cert: certificate }, client)).rejects.toMatchObject({
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
  });

  it.each<KeyType>(['ecdsa-p384', 'ecdsa-p521', 'rsa-2048', 'ed25519'])(
    'serves with a key of the type %s',
    async (keyType) => {
      const { key, chain, ca } = await root.issueServerCertificate({ names: ['localhost'], keyType });
      const reached = await handshake({ key, cert: chain }, { ca, servername: 'localhost' });
      expect(reached.serverCertificate).toEqual(new X509Certificate(chain).raw);
    },
  );

  it('has names of the right type each, in lower case, none of them twice', async () => {
    const { certificate } = await root.issueServerCertificate({
      names: [
        'LOCALHOST',
        'localhost',
        '*.Example.org',
        '10.0.0.1',
        '::FFFF',
        '0:0:0:0:0:0:0:ffff',
        '::ffff:1.2.3.4',
        'xn--bcher-kva.example',
      ],
    });
    expect(read(certificate).subjectAltNames).toEqual({
      dns: ['localhost', '*.example.org', 'xn--bcher-kva.example'],
      ip: ['10.0.0.1', '::ffff', '::ffff:102:304'],
      email: [],
      uri: [],
    });
  });

  it('is for servers only, and its key for signatures only', async () => {
    const { certificate, key } = await root.issueServerCertificate({ names: ['localhost'] });
    const { basicConstraints, keyUsage, extendedKeyUsage, extensions, authorityKeyId, subjectKeyId } =
      read(certificate);
    expect(basicConstraints).toEqual({ ca: false, pathLength: undefined });
    expect(extensions.get(oids.keyUsage)?.value.toString('hex')).toBe('03020780');
    expect(keyUsage).toEqual(new Set(['digitalSignature']));
    expect(extendedKeyUsage).toEqual([oids.serverAuth]);
    expect(authorityKeyId).toBe(read(root.certificate).subjectKeyId);
    expect(subjectKeyId).not.toBe(authorityKeyId);
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n[^]+\n-----END PRIVATE KEY-----\n$/);
  });

  it('has its first name as common name, or an empty subject and critical names where that is too long', async () => {
    const long = `${'a'.repeat(60)}.example`;
    const [short, empty] = await Promise.all([
      root.issueServerCertificate({ names: ['api.example.org', 'localhost'] }),
      root.issueServerCertificate({ names: [long, 'localhost'] }),
    ]);
    expect(read(short.certificate).subject).toEqual({ CN: ['api.example.org'] });
    expect(read(short.certificate).extensions.get(oids.subjectAltName)?.critical).toBe(false);
    expect(read(empty.certificate).subject).toEqual({});
    expect(read(empty.certificate).extensions.get(oids.subjectAltName)?.critical).toBe(true);
  });

  it('is valid for 90 days, or as long as its issuer', async () => {
    const short = await createAuthority({ notAfter: inDays(10) });
    const [usual, cut] = await Promise.all([
      root.issueServerCertificate({ names: ['localhost'] }),
      short.issueServerCertificate({ names: ['localhost'] }),
    ]);
    expect(Math.round((read(usual.certificate).notAfter - Date.now()) / dayMs)).toBe(90);
    expect(read(cut.certificate).notAfter).toBe(read(short.certificate).notAfter);
  });

  it('has a serial number of 16 octets that is positive and never the same', async () => {
    const issued = await Promise.all(
      Array.from({ length: 20 }, () => root.issueServerCertificate({ names: ['localhost'] })),
    );
    const serials = issued.map(({ serialNumber }) => serialNumber);
    expect(new Set(serials).size).toBe(20);
    for (const [index, serial] of serials.entries()) {
      expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
      expect(new X509Certificate(issued[index]!.certificate).serialNumber).toBe(serial);
    }
  });

  it('may last 398 days to the second, and no longer', async () => {
    const notBefore = new Date(Date.UTC(2030, 0, 1));
    const limit = notBefore.getTime() + 398 * dayMs;
    const names = ['localhost'];
    await expect(
      root.issueServerCertificate({ names, notBefore, notAfter: new Date(limit) }),
    ).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      path: 'notAfter',
    });
    const { certificate } = await root.issueServerCertificate({
      names,
      notBefore,
      notAfter: new Date(limit - 1000),
    });
    expect(read(certificate).notAfter).toBe(limit - 1000);
  });

  it('has no name that the constraints above it rule out', async () => {
    const inner = await root.issueIntermediate({
      pathLength: 0,
      nameConstraints: {
        permitted: { dns: ['example.org'], ip: ['10.0.0.0/9', '2001:db8::/33'] },
        excluded: { dns: ['secret.example.org'], ip: ['10.1.0.0/16'] },
      },
    });
    const { key, chain, ca } = await inner.issueServerCertificate({
      names: ['api.example.org', '10.0.0.1', '2001:db8::1'],
    });
    expect((await handshake({ key, cert: chain }, { ca, servername: 'api.example.org' })).protocol).toBe(
      'TLSv1.3',
    );
    const refused = [
      'example.com',
      'notexample.org',
      'a.secret.example.org',
      '10.128.0.1',
      '10.1.2.3',
      '2001:db8:8000::',
      '::1',
    ];
    await Promise.all(
      refused.map((name) =>
        expect(inner.issueServerCertificate({ names: [name] })).rejects.toMatchObject({
          code: 'OPTION_CONFLICT',
          path: 'names',
        }),
      ),
    );
  });

  it('inherits the constraints of an authority further up', async () => {
    const top = await createAuthority({ nameConstraints: { permitted: { dns: ['example.org'] } } });
    const inner = await top.issueIntermediate();
    await expect(inner.issueServerCertificate({ names: ['localhost'] })).rejects.toMatchObject({
      code: 'OPTION_CONFLICT',
    });
    await expect(
      inner.issueClientCertificate({ names: { dns: ['localhost'], email: ['a@elsewhere.example'] } }),
    ).rejects.toMatchObject({ code: 'OPTION_CONFLICT' });
    const { certificate } = await inner.issueServerCertificate({ names: ['example.org', '10.0.0.1'] });
    expect(read(certificate).subjectAltNames.ip).toEqual(['10.0.0.1']);
  });
});

describe('a server certificate is refused', () => {
  it.each<[string, unknown, string]>([
    ['without options', undefined, 'options'],
    ['without names', {}, 'names'],
    ['with no names', { names: [] }, 'names'],
    ['with one text for names', { names: 'localhost' }, 'names'],
    ['with an empty name', { names: ['localhost', ''] }, 'names[1]'],
    ['with a name that is no text', { names: [7] }, 'names[0]'],
    ['with a space', { names: ['local host'] }, 'names[0]'],
    ['with a line break', { names: ['localhost\n'] }, 'names[0]'],
    ['with NUL', { names: ['localhost\0.evil.example'] }, 'names[0]'],
    ['with a comma', { names: ['a,DNS:b'] }, 'names[0]'],
    ['with an underscore', { names: ['a_b.example'] }, 'names[0]'],
    ['with an empty label', { names: ['a..example'] }, 'names[0]'],
    ['with a dot at the end', { names: ['example.org.'] }, 'names[0]'],
    ['with a hyphen at a label’s end', { names: ['a-.example'] }, 'names[0]'],
    ['with a label of 64 letters', { names: [`${'a'.repeat(64)}.example`] }, 'names[0]'],
    ['with 254 characters', { names: [`${'abcdefg.'.repeat(31)}abcdef`] }, 'names[0]'],
    ['with a star inside', { names: ['a.*.example'] }, 'names[0]'],
    ['with a partial star', { names: ['a*.example'] }, 'names[0]'],
    ['with a star alone', { names: ['*'] }, 'names[0]'],
    ['with two stars', { names: ['*.*.example'] }, 'names[0]'],
    ['with an address of three numbers', { names: ['127.0.1'] }, 'names[0]'],
    ['with an address out of range', { names: ['127.0.0.256'] }, 'names[0]'],
    ['with an address and a port', { names: ['127.0.0.1:443'] }, 'names[0]'],
    ['with an address and a zone', { names: ['fe80::1%eth0'] }, 'names[0]'],
    ['with an address in brackets', { names: ['[::1]'] }, 'names[0]'],
    ['with a range', { names: ['10.0.0.0/8'] }, 'names[0]'],
    ['with a URL', { names: ['https://localhost'] }, 'names[0]'],
    ['with a public key, which is for clients', { names: ['localhost'], publicKey: 'x' }, 'publicKey'],
    ['after its issuer has ended', { names: ['localhost'], notBefore: inDays(4000) }, 'notAfter'],
    [
      'beyond its issuer',
      { names: ['localhost'], notBefore: inDays(3600), notAfter: inDays(3700) },
      'notAfter',
    ],
  ])('%s', async (_what, options, path) => {
    await expect(root.issueServerCertificate(options as ServerCertificateOptions)).rejects.toMatchObject({
      name: 'ConfigError',
      path,
    });
  });

  it('with a name in Unicode, and told how to write it', async () => {
    await expect(root.issueServerCertificate({ names: ['bücher.example'] })).rejects.toMatchObject({
      path: 'names[0]',
      remedy: "Give 'xn--bcher-kva.example'.",
    });
  });
});
