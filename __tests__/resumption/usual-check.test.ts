import { afterEach, describe, expect, it } from '@jest/globals';
import { closeEverything, open, listen, speaking, type Wire } from '../support/attacks.ts';
import { gatedApp } from '../support/attacks-gates.ts';
import { makeStage, plain, plainOptions, virtualHosts } from '../support/attacks-servers.ts';

const stage = await makeStage();
const { pki, a, b } = stage;
const app = gatedApp({ ca: a.ca, pins: a.pins });
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
/** Before 24.21 and 26.8 a session without a certificate was an authorized one. */
const authorizesNobody = major < 24 || (major === 24 && minor < 21) || (major === 26 && minor < 8);
/** OpenSSL 3.0 (Node 20) resumes a session under any SNI. */
const resumesUnderAnyName = process.versions.openssl.startsWith('3.0.');

afterEach(closeEverything);

const saysTheUsualCheck = async (wire: Wire): Promise<string> => (await wire.ask('/naive')).body;

/** The controls of this folder: what a check of `socket.authorized` lets in, as the README's table tells. */
describe('a check of socket.authorized', () => {
  it('lets in a client without a certificate that resumes, on Node 20 and 22', async () => {
    const port = await listen(plain(stage, app));
    const nobody = { ca: a.ca, ...speaking('TLSv1.3') };
    const first = await open(port, nobody);
    expect(await saysTheUsualCheck(first)).toBe('refused');
    const second = await open(port, { ...nobody, session: first.ticket });
    expect(await saysTheUsualCheck(second)).toBe(authorizesNobody ? 'in: nobody' : 'refused');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'lets a ticket of one virtual host in at another, over %s on Node 20',
    async (version) => {
      const port = await listen(virtualHosts.addContext(stage, app));
      const client = { ...a.client, ...speaking(version) };
      const first = await open(port, { ...client, servername: 'a.test' });
      expect(await saysTheUsualCheck(first)).toBe('in: good');
      const second = await open(port, { ...client, servername: 'b.test', session: first.ticket });
      expect(await saysTheUsualCheck(second)).toBe(resumesUnderAnyName ? 'in: good' : 'refused');
    },
  );

  it('lets a ticket in at a server that trusts another CA and has the same ticket keys', async () => {
    const client = { ...a.client, ...speaking('TLSv1.3') };
    const first = await open(await listen(plain(stage, app)), client);
    expect(await saysTheUsualCheck(first)).toBe('in: good');
    const other = await listen(plain(stage, app, { ca: b.ca }));
    expect(await saysTheUsualCheck(await open(other, { ...client, session: first.ticket }))).toBe('in: good');
  });

  it('lets a resumed session in after its certificate was revoked', async () => {
    const server = plain(stage, app);
    const port = await listen(server);
    const client = { ...pki.clients.revoked, ...speaking('TLSv1.3') };
    const first = await open(port, client);
    expect(await saysTheUsualCheck(first)).toBe('in: revoked');
    server.setSecureContext({ ...plainOptions(stage), crl: pki.crl });
    expect(await saysTheUsualCheck(await open(port, { ...client, session: first.ticket }))).toBe(
      'in: revoked',
    );
    expect(await saysTheUsualCheck(await open(port, client))).toBe('refused');
  });
});
