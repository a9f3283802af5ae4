import type { ServerOptions } from 'node:https';
import { afterEach, describe, expect, it } from '@jest/globals';
import { closeEverything, listen, open, speaking, versions } from '../support/attacks.ts';
import { admitted, everywhere, gatedApp, knock } from '../support/attacks-gates.ts';
import { certificateOf, contextOf, makeStage, plain } from '../support/attacks-servers.ts';
import { oddAuthority } from '../support/odd-certificates.ts';
import { extension } from '../support/odd-extensions.ts';

const stage = await makeStage();
const { pki, a } = stage;
const intermediate = await pki.authority.issueIntermediate({ subject: 'Intermediate' });
const revoked = await intermediate.issueClientCertificate({ subject: 'revoked' });
const trusted = await intermediate.issueClientCertificate({ subject: 'trusted' });
const crl = [pki.crl, await intermediate.crl({ revoked: [{ certificate: revoked.certificate }] })];

// A route whose own anchor is below the listener's: what OpenSSL could not verify to the root it can verify itself.
const app = gatedApp({
  ca: intermediate.certificate,
  pins: [...a.pins, certificateOf(trusted.certificate).pin],
});

/** The intermediate's name, key and key identifier, signed by nobody who may. */
const lookalike = (notAfter?: Date): string => {
  const genuine = certificateOf(intermediate.certificate);
  const publicKey = genuine.x509.publicKey;
  const root = certificateOf(pki.ca);
  return oddAuthority({
    subject: genuine.subjectRaw,
    issuerName: root.subjectRaw,
    keys: { publicKey, privateKey: oddAuthority().keys.privateKey },
    ...(notAfter && { notBefore: new Date(notAfter.getTime() - 1000), notAfter }),
    extensions: {
      subjectKeyId: extension.subjectKeyId(Buffer.from(genuine.subjectKeyId!, 'hex')),
      authorityKeyId: extension.authorityKeyId(Buffer.from(root.subjectKeyId!, 'hex')),
    },
  }).certificate;
};

const whatIsSent = [
  ['the whole path', revoked.chain],
  ['no intermediate', revoked.certificate],
  ['an intermediate that it made up', revoked.certificate + lookalike()],
  ['an expired intermediate that it made up', revoked.certificate + lookalike(new Date(Date.now() - 1000))],
  ['both intermediates, its own first', revoked.certificate + lookalike() + intermediate.certificate],
  ['its root as well', revoked.chain + pki.ca],
] as const;

afterEach(closeEverything);

/** OpenSSL tells the last fault of a path only, which may be another one than the revocation. */
describe.each(versions)('a revoked client over %s', (version) => {
  it.each(whatIsSent)(
    'is let in nowhere by a plain server with CRLs when it sends %s',
    async (_what, cert) => {
      const port = await listen(plain(stage, app, { crl }));
      const wire = await open(port, { ...speaking(version), ca: pki.ca, key: revoked.key, cert });
      expect(admitted(await knock(wire))).toEqual([]);
    },
  );

  it.each(whatIsSent)(
    'is let in nowhere by a virtual host with CRLs when it sends %s',
    async (_what, cert) => {
      const server = plain(stage, app);
      server.addContext('b.test', { ...contextOf(stage, 'a'), crl });
      const wire = await open(await listen(server), {
        ...speaking(version),
        ca: pki.ca,
        key: revoked.key,
        cert,
        servername: 'b.test',
      });
      expect(admitted(await knock(wire, 'b.test'))).toEqual([]);
    },
  );

  it('is told apart from one whose revocation is not known', async () => {
    const port = await listen(plain(stage, app, { crl }));
    const honest = await open(port, {
      ...speaking(version),
      ca: pki.ca,
      key: revoked.key,
      cert: revoked.chain,
    });
    expect(await knock(honest)).toEqual(everywhere('CLIENT_CERTIFICATE_REVOKED'));
    const { key, certificate: cert } = revoked;
    const hiding = await open(port, { ...speaking(version), ca: pki.ca, key, cert });
    expect(await knock(hiding)).toEqual({
      ...everywhere('CLIENT_CERTIFICATE_UNTRUSTED'),
      own: 'REVOCATION_STATUS_UNKNOWN',
    });
  });

  it('leaves the others of its authority alone', async () => {
    const servers: ServerOptions[] = [{}, { crl }];
    for (const options of servers) {
      // oxlint-disable-next-line no-await-in-loop -- one server after another
      const port = await listen(plain(stage, app, options));
      // oxlint-disable-next-line no-await-in-loop
      const wire = await open(port, {
        ...speaking(version),
        ca: pki.ca,
        key: trusted.key,
        cert: trusted.chain,
      });
      // oxlint-disable-next-line no-await-in-loop
      expect(await knock(wire)).toEqual(everywhere('in: trusted'));
    }
  });
});
