import { createServer as createPlainServer } from 'node:https';
import { afterAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, exposeTls, requireClientCertificate } from 'portcullis';
import { createAuthority } from 'portcullis/pki';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { oddAuthority, oddCertificate, type Overrides } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';
import { attribute, commonName, generalName, name } from '../support/odd-names.ts';

const authority = await createAuthority();
const { key, chain: cert } = await authority.issueServerCertificate({ names: ['localhost'] });
const root = oddAuthority();
const app = express();
// Some are refused as a rule (docs/path-checks.md); here they are let in, to be looked at.
const dangerouslyAllow = ['malformed-name', 'serial-number'] as const;
const strangers = requireClientCertificate({ ca: root.certificate, dangerouslyAllow });
app.get('/', strangers, exposeTls(), (request, response) => void response.json(request.tls));
const options = { key, cert, ca: root.certificate, requestCert: true, rejectUnauthorized: false };
const clientAuth = { mode: 'required', ca: root.certificate, dangerouslyAllow } as const;
const ports = [
  ['a PortcullisServer', await listen(createServer({ key, cert, clientAuth, logger: false }, app))],
  ['a plain server', await listen(createPlainServer(options, app))],
] as const;

const altNames = (...names: Buffer[]): Overrides => ({
  extensions: { subjectAltName: extension.subjectAltName(names) },
});

interface Shown {
  readonly clientCertificate: {
    readonly subject: Readonly<Record<string, readonly string[]>>;
    readonly subjectAltNames: Readonly<Record<string, readonly string[]>>;
    readonly serialNumber: string;
    readonly spiffeId?: string;
    readonly notAfter: string;
    readonly pem: string;
  };
}

afterAll(closeEverything);

describe.each(ports)('a client with strange names at %s', (_name, port) => {
  describe.each(versions)('over %s', (version) => {
    /** What req.tls is after it has gone through JSON. */
    const shown = async (overrides: Overrides): Promise<Shown['clientCertificate']> => {
      const client = oddCertificate({ issuer: root, ...overrides });
      const wire = await open(port, {
        ...speaking(version),
        ca: authority.root,
        key: client.key,
        cert: client.certificate,
      });
      const { status, body } = await wire.ask('/');
      expect(status).toBe(200);
      wire.close();
      return (JSON.parse(Buffer.from(body, 'latin1').toString('utf8')) as Shown).clientCertificate;
    };

    it('shows both of two common names', async () => {
      const { subject } = await shown({ subject: name(attribute('CN', 'a'), attribute('CN', 'b')) });
      expect(subject).toEqual({ CN: ['a', 'b'] });
    });

    it.each([
      'a\nCN=admin',
      'a\0.example',
      'a"b\\',
      'a, CN=b',
      '\u202enimda',
      '__proto__',
      '<script>',
      '\u{1f512}',
    ])('shows the common name %j as it is', async (text) => {
      const { subject } = await shown({ subject: commonName(text) });
      expect(subject).toEqual({ CN: [text] });
    });

    it('shows an empty subject as an empty one', async () => {
      expect((await shown({ subject: name() })).subject).toEqual({});
    });

    it('shows names with commas, quotes, newlines and NUL apart', async () => {
      const strange = ['a, DNS:admin', '"quoted"', 'a\nb', 'a\0b', ''];
      const { subjectAltNames } = await shown(
        altNames(
          ...strange.map(generalName.dns),
          ...strange.map(generalName.email),
          ...strange.map(generalName.uri),
        ),
      );
      expect(subjectAltNames).toEqual({ dns: strange, email: strange, uri: strange, ip: [] });
    });

    it('shows names of other kinds not at all', async () => {
      const { subjectAltNames } = await shown(
        altNames(
          generalName.directory(commonName('x')),
          generalName.other('1.2.3', Buffer.of(5, 0)),
          generalName.registeredId('1.2.3'),
          generalName.dns('a.example'),
        ),
      );
      expect(subjectAltNames).toEqual({ dns: ['a.example'], email: [], uri: [], ip: [] });
    });

    it('shows a serial number below zero, and one of more than 20 octets', async () => {
      expect((await shown({ serialNumber: Buffer.of(0x80) })).serialNumber).toBe('-80');
      expect((await shown({ serialNumber: Buffer.alloc(30, 0x11) })).serialNumber).toBe('11'.repeat(30));
    });

    it('shows no SPIFFE ID where two names claim to be one', async () => {
      const [one, two] = ['spiffe://example.org/a', 'spiffe://example.org/b'].map(generalName.uri);
      expect((await shown(altNames(one!))).spiffeId).toBe('spiffe://example.org/a');
      expect((await shown(altNames(one!, two!))).spiffeId).toBeUndefined();
    });

    it('shows a date after 2050', async () => {
      const year2060 = new Date(Date.UTC(2060, 0, 1));
      expect((await shown({ notAfter: year2060 })).notAfter).toBe(year2060.toISOString());
    });
  });
});
