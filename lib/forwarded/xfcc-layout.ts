import { createHash } from 'node:crypto';
import { untrusted } from '../trust/problem.ts';
import { type Assertion, nobody, refusedByProxy } from './assertion.ts';
import { encodings } from './encodings.ts';
import { maxCertificates } from './layout.ts';
import { malformed } from './malformed.ts';
import { readXfcc, type XfccElement } from './xfcc.ts';

/** Which element counts where there are several: one for each proxy on the way, the nearest last. */
export type XfccChoice = 'only' | 'first' | 'last';

export const xfccHeader = 'x-forwarded-client-cert';

/** More proxies stand in no row. */
const maxElements = 10;

/** What the header says. Throws a MalformedError. */
export function readXfccHeader(
  value: string | undefined,
  choice: XfccChoice,
  believed: boolean | undefined,
): Assertion {
  if (value === undefined || value === '') return nobody;
  const elements = readXfcc(value, maxElements);
  if (choice === 'only' && elements.length > 1)
    malformed(`${elements.length} elements, and nobody has said which of them counts (element)`);
  return readElement(elements.at(choice === 'last' ? -1 : 0)!, believed ?? true);
}

function readElement(element: XfccElement, verified: boolean): Assertion {
  const { one, several } = encodings['pem-url'];
  const [cert, chain] = [element.get('cert') ?? '', element.get('chain') ?? ''];
  if (cert === '' && chain === '') return refusedByProxy(withoutCertificate);
  const path = chain === '' ? [] : several(chain, maxCertificates);
  const leaf = cert === '' ? path[0]! : one(cert, 1)[0]!;
  // Envoy's Chain begins with the certificate itself.
  if (path.length > 0 && !path[0]!.equals(leaf)) malformed('a Chain that does not begin with Cert');
  const hash = element.get('hash');
  if (hash !== undefined && hash.toLowerCase() !== createHash('sha256').update(leaf).digest('hex'))
    malformed('a Hash of another certificate');
  return { kind: 'certificate', leaf, chain: path.slice(1), verified };
}

const withoutCertificate = untrusted(
  'x-forwarded-client-cert has no Cert and no Chain: a name or a hash is no certificate (set_current_client_cert_details)',
);
