import {
  type Authority,
  type ClientCertificateOptions,
  createAuthority,
  type DistinguishedNameInput,
  type IssuedCertificate,
} from '../pki/index.ts';
import { issueSelfSignedClient } from '../pki/issue-client.ts';
import { ClientIdentity, type TestClient } from './identities.ts';

/** The clients that every policy should be tried with. */
export interface TestClients {
  /** Valid in every respect: `CN=good, O=Example`, `good@example.org`. */
  readonly good: TestClient;
  /** Its certificate was valid until yesterday. */
  readonly expired: TestClient;
  /** Its certificate is valid from tomorrow on. */
  readonly notYetValid: TestClient;
  /** Its certificate stands in the test's CRL. */
  readonly revoked: TestClient;
  /** It has a server's certificate: its extended key usage is serverAuth only. */
  readonly wrongPurpose: TestClient;
  /** Its certificate is in order, and from an authority that nobody here knows. */
  readonly unknownCa: TestClient;
  /** It has signed its certificate itself. */
  readonly selfSigned: TestClient;
  /** Valid, without a subject: an X.509-SVID of `spiffe://example.org/workload`. */
  readonly spiffe: TestClient;
}

const dayMs = 86_400_000;

export async function issueClients(authority: Authority): Promise<TestClients> {
  const now = Date.now();
  const issue = (name: string, notBefore?: Date, notAfter?: Date): Promise<IssuedCertificate> =>
    authority.issueClientCertificate({
      ...named(name),
      ...(notBefore && { notBefore }),
      ...(notAfter && { notAfter }),
    });
  const stranger = await createAuthority({ subject: { O: 'Elsewhere', CN: 'Unknown root' } });
  const [good, expired, notYetValid, revoked, wrongPurpose, unknownCa, selfSigned, spiffe] =
    await Promise.all([
      issue('good'),
      issue('expired', new Date(now - 30 * dayMs), new Date(now - dayMs)),
      issue('notYetValid', new Date(now + dayMs), new Date(now + 30 * dayMs)),
      issue('revoked'),
      authority.issueServerCertificate({ names: ['wrong-purpose.example.org'] }),
      stranger.issueClientCertificate(named('unknownCa')),
      issueSelfSignedClient(named('selfSigned')),
      authority.issueClientCertificate(workload),
    ]);
  const client = (issued: IssuedCertificate): TestClient => new ClientIdentity(issued, authority.root);
  return Object.freeze({
    good: client(good),
    expired: client(expired),
    notYetValid: client(notYetValid),
    revoked: client(revoked),
    wrongPurpose: client(wrongPurpose),
    unknownCa: client(unknownCa),
    selfSigned: client(selfSigned),
    spiffe: client(spiffe),
  });
}

/** The identities that can be feigned. */
export type Feigned = 'good' | 'spiffe';

/** Somebody else with the names of a client, by an authority with the name of the root, and neither's key. */
export async function feign(
  name: Feigned,
  rootSubject: DistinguishedNameInput,
  root: string,
): Promise<TestClient> {
  const stranger = await createAuthority({ subject: rootSubject });
  const issued = await stranger.issueClientCertificate(name === 'spiffe' ? workload : named(name));
  return new ClientIdentity(issued, root);
}

const workload: ClientCertificateOptions = { names: { uri: ['spiffe://example.org/workload'] } };

const named = (name: string): ClientCertificateOptions => ({
  subject: { O: 'Example', CN: name },
  names: { email: [`${name}@example.org`] },
});
