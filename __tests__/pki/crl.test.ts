import { verify, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Authority,
  createAuthority,
  type CrlOptions,
  type IssuedCertificate,
  type KeyType,
  loadAuthority,
} from 'portcullis/pki';
import { encodePem, readOneCertificate } from '../../lib/pki/pem.ts';
import {
  type DerElement,
  explicitTag,
  readBitString,
  readChildren,
  readElement,
  readOid,
  readTime,
  tags,
} from '../../lib/x509/der.ts';
import { readPem } from '../../lib/x509/pem.ts';
import { type Handshake, handshake } from '../support/handshake.ts';
import { oddAuthority } from '../support/odd-certificates.ts';
import { oddCrl } from '../support/odd-crls.ts';

let root: Authority;
let server: IssuedCertificate;
let good: IssuedCertificate;
let bad: IssuedCertificate;

beforeAll(async () => {
  root = await createAuthority();
  [server, good, bad] = await Promise.all([
    root.issueServerCertificate({ names: ['localhost'] }),
    root.issueClientCertificate({ subject: 'good' }),
    root.issueClientCertificate({ subject: 'bad' }),
  ]);
});

const connectAs = ({ key, chain }: IssuedCertificate, crl: string): Promise<Handshake> =>
  handshake(
    { key: server.key, cert: server.chain, ca: root.root, crl },
    { key, cert: chain, ca: root.root, servername: 'localhost' },
  );

/** The fields of a CRL, as they stand in its DER. */
function readCrl(pem: string): {
  body: DerElement;
  fields: DerElement[];
  signature: Buffer;
  extensions: Map<string, Buffer>;
} {
  const { label, der } = readPem(pem)![0]!;
  expect(label).toBe('X509 CRL');
  const [body, , signature] = readChildren(readElement(der));
  const fields = readChildren(body!);
  const list = fields.at(-1)!;
  expect(list.tag).toBe(explicitTag(0));
  const extensions = readChildren(readElement(list.content)).map((item) => readChildren(item));
  return {
    body: body!,
    fields,
    signature: readBitString(signature),
    extensions: new Map(extensions.map(([oid, value]) => [readOid(oid), value!.content])),
  };
}

const entriesOf = (pem: string): DerElement[][] => {
  const revoked = readCrl(pem).fields[5];
  return revoked?.tag === tags.sequence ? readChildren(revoked).map(readChildren) : [];
};

const numberOf = (pem: string): bigint => {
  const { content } = readElement(readCrl(pem).extensions.get('2.5.29.20')!, tags.integer);
  return BigInt(`0x${content.toString('hex')}`);
};

describe('a CRL', () => {
  it('revokes what is in it, and nothing else', async () => {
    const crl = await root.crl({ revoked: [{ certificate: bad.certificate, reason: 'keyCompromise' }] });
    expect(await connectAs(good, crl)).toMatchObject({ authorized: true, authorizationError: null });
    expect(await connectAs(bad, crl)).toMatchObject({
      authorized: false,
      authorizationError: 'CERT_REVOKED',
    });
  });

  it.each<[string, (serial: string) => string]>([
    ['as Node writes it', (serial) => serial],
    ['in lower case', (serial) => serial.toLowerCase()],
    ['with colons, as OpenSSL prints it', (serial) => serial.match(/../g)!.join(':')],
    ['with zeros in front', (serial) => `0000${serial}`],
  ])('revokes a serial number %s', async (_how, write) => {
    const crl = await root.crl({ revoked: [{ serialNumber: write(bad.serialNumber) }] });
    expect(await connectAs(bad, crl)).toMatchObject({
      authorized: false,
      authorizationError: 'CERT_REVOKED',
    });
  });

  it('that is empty lets everyone pass, and has no list of entries', async () => {
    const crl = await root.crl({ revoked: [] });
    expect(entriesOf(crl)).toEqual([]);
    expect(await connectAs(bad, crl)).toMatchObject({ authorized: true });
  });

  it('that has run out, or is not out yet, lets nobody pass', async () => {
    const past = await root.crl({
      revoked: [],
      thisUpdate: new Date(1e12),
      nextUpdate: new Date(2e11 + 1e12),
    });
    const future = await root.crl({
      revoked: [],
      thisUpdate: new Date(Date.now() + 1e8),
      nextUpdate: new Date(Date.now() + 1e9),
    });
    expect(await connectAs(good, past)).toMatchObject({
      authorized: false,
      authorizationError: 'CRL_HAS_EXPIRED',
    });
    expect(await connectAs(good, future)).toMatchObject({
      authorized: false,
      authorizationError: 'CRL_NOT_YET_VALID',
    });
  });

  it.each<[KeyType, string]>([
    ['ecdsa-p256', '1.2.840.10045.4.3.2'],
    ['ecdsa-p384', '1.2.840.10045.4.3.3'],
    ['ecdsa-p521', '1.2.840.10045.4.3.4'],
    ['rsa-2048', '1.2.840.113549.1.1.11'],
    ['rsa-pss-2048', '1.2.840.113549.1.1.10'],
    ['ed25519', '1.3.101.112'],
  ])(
    'of an authority with %s is signed as its certificates are, and accepted by OpenSSL',
    async (keyType, oid) => {
      const authority = await createAuthority({ keyType });
      const client = await authority.issueClientCertificate({ subject: 'alice' });
      const [empty, full] = await Promise.all([
        authority.crl({ revoked: [] }),
        authority.crl({ revoked: [{ certificate: client.certificate }] }),
      ]);
      const { signatureAlgorithm } = readOneCertificate(client.certificate, 'certificate');
      expect(readCrl(full).fields[1]!.raw).toEqual(signatureAlgorithm.raw);
      expect(readOid(readChildren(signatureAlgorithm)[0])).toBe(oid);
      const options = { key: server.key, cert: server.chain, ca: authority.root };
      const show = { key: client.key, cert: client.chain, ca: root.root, servername: 'localhost' };
      expect(await handshake({ ...options, crl: empty }, show)).toMatchObject({ authorized: true });
      expect(await handshake({ ...options, crl: full }, show)).toMatchObject({
        authorizationError: 'CERT_REVOKED',
      });
    },
  );

  it('names its issuer, its key and its number', async () => {
    const crl = await root.crl({ revoked: [], number: 2n ** 100n });
    const { fields, extensions, body, signature } = readCrl(crl);
    const issuer = readOneCertificate(root.certificate, 'root');
    expect(fields[0]!.raw.toString('hex')).toBe('020101');
    expect(fields[2]!.raw).toEqual(issuer.subjectRaw);
    expect([...extensions.keys()]).toEqual(['2.5.29.35', '2.5.29.20']);
    expect(extensions.get('2.5.29.35')!.toString('hex')).toBe(`30168014${issuer.subjectKeyId}`);
    expect(numberOf(crl)).toBe(2n ** 100n);
    expect(verify('sha256', body.raw, issuer.x509.publicKey, signature)).toBe(true);
  });

  it('is valid from five minutes ago for a week, unless told otherwise', async () => {
    const { fields } = readCrl(await root.crl({ revoked: [] }));
    expect(Math.abs(Date.now() - 300_000 - readTime(fields[3]))).toBeLessThan(60_000);
    expect(Math.abs(Date.now() + 604_800_000 - readTime(fields[4]))).toBeLessThan(60_000);
    const thisUpdate = new Date(Date.UTC(2049, 11, 31, 23, 59, 59));
    const nextUpdate = new Date(Date.UTC(2050, 0, 1));
    const { fields: later } = readCrl(await root.crl({ revoked: [], thisUpdate, nextUpdate }));
    expect([later[3]!.tag, later[4]!.tag]).toEqual([tags.utcTime, tags.generalizedTime]);
    expect([readTime(later[3]), readTime(later[4])]).toEqual([thisUpdate.getTime(), nextUpdate.getTime()]);
  });

  it('numbers each list of an authority higher than the one before', async () => {
    const lists = await Promise.all(Array.from({ length: 5 }, () => root.crl({ revoked: [] })));
    const numbers = lists.map(numberOf);
    expect(numbers).toEqual(numbers.toSorted((a, b) => Number(a - b)));
    expect(new Set(numbers).size).toBe(5);
  });

  it('is numbered higher than the one before, which another process may have made', async () => {
    const [authority, again] = await Promise.all([createAuthority(), createAuthority()]);
    const first = await authority.crl({ revoked: [], number: 2n ** 70n });
    const reloaded = await loadAuthority({ certificate: authority.certificate, key: authority.key });
    const next = await reloaded.crl({ revoked: [], after: first });
    expect(numberOf(next)).toBe(2n ** 70n + 1n);
    expect(numberOf(await reloaded.crl({ revoked: [] }))).toBe(2n ** 70n + 2n);
    expect(numberOf(await reloaded.crl({ revoked: [], after: 2n ** 80n }))).toBe(2n ** 80n + 1n);
    expect(numberOf(await again.crl({ revoked: [], after: 7 }))).toBeGreaterThan(10n ** 12n);
    expect(numberOf(await again.crl({ revoked: [], after: 7, number: 2n ** 60n }))).toBe(2n ** 60n);
  });

  it('has the number that its caller gives, who may know better, and goes on after the highest', async () => {
    const authority = await createAuthority();
    await authority.crl({ revoked: [], number: 2n ** 60n });
    expect(numberOf(await authority.crl({ revoked: [], number: 1 }))).toBe(1n);
    expect(numberOf(await authority.crl({ revoked: [] }))).toBe(2n ** 60n + 1n);
  });

  it('goes on after a list without a number', async () => {
    const foreign = oddAuthority();
    const { certificate, key } = foreign;
    const authority = await loadAuthority({ certificate, key });
    const after = encodePem('X509 CRL', oddCrl(authority, { extensions: [] }));
    expect(numberOf(await authority.crl({ revoked: [], after, number: 0 }))).toBe(0n);
  });

  it.each<[string, (authority: Authority) => object | Promise<object>, string, string]>([
    ['the same number', () => ({ after: 99, number: 99 }), 'OPTION_INVALID', 'number'],
    ['a smaller number', () => ({ after: 99, number: 3 }), 'OPTION_INVALID', 'number'],
    ['a last number that is none', () => ({ after: -1 }), 'OPTION_INVALID', 'after'],
    ['the last number that there is', () => ({ after: 2n ** 159n - 1n }), 'OPTION_INVALID', 'after'],
    ['garbage for the last list', () => ({ after: 'garbage' }), 'CRL_INVALID', 'after'],
    ['a certificate for the last list', () => ({ after: root.certificate }), 'CRL_INVALID', 'after'],
    [
      'a stranger’s last list',
      async () => ({ after: await root.crl({ revoked: [] }) }),
      'CRL_INVALID',
      'after',
    ],
    [
      'a damaged last list',
      async (authority) => ({
        after: (await authority.crl({ revoked: [], number: 8 })).replace(/\n[^\n]{64}\n/, '\n'),
      }),
      'CRL_INVALID',
      'after',
    ],
    [
      'a last list that somebody has changed',
      async (authority) => {
        const { der } = readPem(await authority.crl({ revoked: [], number: 8 }))![0]!;
        der[der.length - 1]! ^= 1;
        return { after: encodePem('X509 CRL', der) };
      },
      'CRL_INVALID',
      'after',
    ],
  ])('is not made with %s', async (_what, options, code, path) => {
    const authority = await createAuthority();
    await authority.crl({ revoked: [], number: 7 });
    const all = { revoked: [], ...(await options(authority)) };
    await expect(authority.crl(all)).rejects.toMatchObject({ name: 'ConfigError', code, path });
  });

  it('has for each entry its date, and its reason only where there is one', async () => {
    const date = new Date(Date.UTC(2024, 1, 29, 12, 0, 0, 999));
    const thisUpdate = new Date(Date.UTC(2026, 0, 1));
    const crl = await root.crl({
      thisUpdate,
      revoked: [
        { serialNumber: '0f', date, reason: 'caCompromise' },
        { serialNumber: 'ff' },
        { serialNumber: '0', reason: 'unspecified' },
        { serialNumber: 'f'.repeat(40), reason: 'aaCompromise' },
      ],
    });
    const entries = entriesOf(crl).map(([serial, time, extensions]) => [
      serial!.raw.toString('hex'),
      readTime(time),
      extensions?.raw.toString('hex'),
    ]);
    expect(entries).toEqual([
      ['02010f', Date.UTC(2024, 1, 29, 12), '300c300a0603551d1504030a0102'],
      ['020200ff', thisUpdate.getTime(), undefined],
      ['020100', thisUpdate.getTime(), undefined],
      [`021500${'f'.repeat(40)}`, thisUpdate.getTime(), '300c300a0603551d1504030a010a'],
    ]);
  });

  it('can have a hundred thousand entries', async () => {
    const revoked = Array.from({ length: 100_000 }, (_, index) => ({
      serialNumber: (2 ** 32 + index).toString(16),
    }));
    const crl = await root.crl({ revoked });
    expect(entriesOf(crl)).toHaveLength(100_000);
  });

  it('of an intermediate speaks of what the intermediate has issued', async () => {
    const intermediate = await root.issueIntermediate();
    const client = await intermediate.issueClientCertificate({ subject: 'alice' });
    const crls = [
      await root.crl({ revoked: [] }),
      await intermediate.crl({ revoked: [{ certificate: client.certificate }] }),
    ];
    const outcome = await handshake(
      { key: server.key, cert: server.chain, ca: root.root, crl: crls },
      { key: client.key, cert: client.chain, ca: root.root, servername: 'localhost' },
    );
    expect(outcome).toMatchObject({ authorized: false, authorizationError: 'CERT_REVOKED' });
    await expect(root.crl({ revoked: [{ certificate: client.certificate }] })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      path: 'revoked[0].certificate',
    });
  });
});

describe('a CRL is refused', () => {
  it.each<[string, () => unknown, string]>([
    ['without options', () => undefined, 'options'],
    ['without a list', () => ({}), 'revoked'],
    ['with a misspelt option', () => ({ revoked: [], nextupdate: new Date() }), 'nextupdate'],
    ['with an entry that is no object', () => ({ revoked: ['01'] }), 'revoked[0]'],
    ['with an entry that names nothing', () => ({ revoked: [{}] }), 'revoked[0]'],
    [
      'with an entry that names two',
      () => ({ revoked: [{ serialNumber: '01', certificate: bad.certificate }] }),
      'revoked[0]',
    ],
    ['with a misspelt key in an entry', () => ({ revoked: [{ serial: '01' }] }), 'revoked[0].serial'],
    [
      'with a serial number that is none',
      () => ({ revoked: [{ serialNumber: 'xyz' }] }),
      'revoked[0].serialNumber',
    ],
    ['with an empty serial number', () => ({ revoked: [{ serialNumber: '' }] }), 'revoked[0].serialNumber'],
    [
      'with a negative serial number',
      () => ({ revoked: [{ serialNumber: '-01' }] }),
      'revoked[0].serialNumber',
    ],
    [
      'with a serial number of 21 octets',
      () => ({ revoked: [{ serialNumber: '11'.repeat(21) }] }),
      'revoked[0].serialNumber',
    ],
    [
      'with a number for a serial number',
      () => ({ revoked: [{ serialNumber: 5 }] }),
      'revoked[0].serialNumber',
    ],
    [
      'with one certificate twice',
      () => ({ revoked: [{ serialNumber: '0a' }, { serialNumber: 'A' }] }),
      'revoked[1]',
    ],
    [
      'with garbage for a certificate',
      () => ({ revoked: [{ certificate: 'garbage' }] }),
      'revoked[0].certificate',
    ],
    [
      'with two certificates in one entry',
      () => ({ revoked: [{ certificate: bad.certificate + good.certificate }] }),
      'revoked[0].certificate',
    ],
    [
      'with a reason nobody knows',
      () => ({ revoked: [{ serialNumber: '01', reason: 'keycompromised' }] }),
      'revoked[0].reason',
    ],
    [
      'with a date that is none',
      () => ({ revoked: [{ serialNumber: '01', date: '2020-01-01' }] }),
      'revoked[0].date',
    ],
    ['with a negative number', () => ({ revoked: [], number: -1 }), 'number'],
    ['with half a number', () => ({ revoked: [], number: 1.5 }), 'number'],
    ['with a number of 21 octets', () => ({ revoked: [], number: 1n << 159n }), 'number'],
    [
      'with an end before its beginning',
      () => ({ revoked: [], thisUpdate: new Date(2e12), nextUpdate: new Date(1e12) }),
      'nextUpdate',
    ],
  ])('%s', async (_what, options, path) => {
    await expect(root.crl(options() as CrlOptions)).rejects.toMatchObject({ name: 'ConfigError', path });
  });

  it('with the certificate of an authority that has the same name', async () => {
    const { certificate } = root;
    const subject = new X509Certificate(certificate).subject.replace('CN=', '');
    const namesake = await createAuthority({ subject });
    const stranger = await namesake.issueClientCertificate({ subject: 'bad' });
    const own = await loadAuthority({ certificate, key: root.key });
    await expect(own.crl({ revoked: [{ certificate: stranger.certificate }] })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      path: 'revoked[0].certificate',
    });
  });
});
