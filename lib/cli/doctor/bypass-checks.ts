import { type Check, note, ok } from './check.ts';
import type { Machine } from './machine.ts';

/** From which release on Node has mended it, by major version; lines that are not named have not. */
interface Bypass {
  readonly code: string;
  readonly what: string;
  readonly mended: Readonly<Record<string, string>>;
  readonly closed: string;
}

/** As reproduced over real connections; see __tests__/resumption. */
const bypasses: readonly Bypass[] = [
  {
    code: 'RESUMPTION_WITHOUT_CERTIFICATE',
    what: 'a client without a certificate is `authorized` once it resumes (TLS 1.3)',
    mended: { '24': '24.21.0', '26': '26.8.0' },
    closed: 'createServer resumes nothing where clientAuth is set',
  },
  {
    code: 'RENEGOTIATED_IDENTITY',
    what: 'a client changes its certificate by renegotiation and stays `authorized` (TLS 1.2)',
    mended: {},
    closed: 'createServer renegotiates nothing',
  },
  {
    code: 'RESUMPTION_ACROSS_HOSTS',
    what: 'a ticket of one virtual host is `authorized` at another',
    mended: {},
    closed: 'createServer resumes nothing where clientAuth is set',
  },
  {
    code: 'RESUMPTION_AFTER_REVOCATION',
    what: 'a resumed session stays `authorized` after its CA was removed or its certificate revoked or expired',
    mended: {},
    closed: 'createServer judges the certificate anew at each request',
  },
];

/** What this Node's own check of client certificates lets in, and what Portcullis does about it. */
export const bypassChecks = ({ node }: Pick<Machine, 'node'>): Check[] =>
  bypasses.map(({ code, what, mended, closed }) => {
    const since = mended[node.split('.')[0]!];
    return since !== undefined && isAtLeast(node, since)
      ? ok('client certificates', code, `mended since Node ${since}: ${what}`)
      : note('client certificates', code, `this Node's own check: ${what}. Closed: ${closed}`);
  });

function isAtLeast(version: string, least: string): boolean {
  const [given, wanted] = [version, least].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (const [index, part] of wanted!.entries()) {
    const difference = (given![index] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
