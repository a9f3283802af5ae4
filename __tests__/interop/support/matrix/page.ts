import type { Cell, Scenario } from './cells.ts';

interface Passed {
  readonly client: string;
  readonly cell: Cell;
}

const headings: Readonly<Record<Exclude<Scenario, 'control'>, readonly [string, string]>> = {
  certificate: [
    'With a client certificate',
    'The protected route answers 200 to the right name. What `req.tls` says of version, cipher, group, ALPN, server name and the certificate’s pin is what the client says, as far as it tells, and it got the right certificate of ours. Listed: the keys of the listener; both: it has a certificate of each.',
  ],
  nobody: [
    'Without one',
    'The protected route answers 403 `CLIENT_CERTIFICATE_REQUIRED`, and the open route of the same listener 200.',
  ],
  bad: [
    'With a bad one, where it is optional',
    '403 with the code of what is wrong: the certificate has expired, is on the CRL, or comes from a CA with the name of ours and another key.',
  ],
  required: [
    'Where a certificate is required',
    'A good one gets in. Who has none, or a bad one, gets no answer: over TLS 1.2 the handshake fails, over 1.3 the connection is closed after it.',
  ],
  weak: [
    'Old versions, weak ciphers',
    'Refused by an alert, by clients that get in with the same at a lax `https.Server`.',
  ],
  stranger: ['A listener that the client does not know', 'Clients refuse a listener of another CA.'],
  sessions: [
    'Offering an earlier session',
    'Two connections, the second with the session of the first. A listener without `clientAuth` resumes it (“resumed”). One with `clientAuth` does not: the second connection is who it proves to be and nobody else, be it the same with its certificate again (“as itself”), nobody twice (“as nobody”), or another than before.',
  ],
};

const columns = [
  ['TLSv1', 'h1', 'TLS 1.0'],
  ['TLSv1.1', 'h1', 'TLS 1.1'],
  ['TLSv1.2', 'h1', 'TLS 1.2'],
  ['TLSv1.2', 'h2', 'TLS 1.2, h2'],
  ['TLSv1.3', 'h1', 'TLS 1.3'],
  ['TLSv1.3', 'h2', 'TLS 1.3, h2'],
] as const;

/** docs/interop.md, of the cells that ran and passed. */
export function pageOf(passed: readonly Passed[]): string {
  const tables = (Object.keys(headings) as Array<keyof typeof headings>).map((scenario) =>
    section(
      scenario,
      passed.filter(({ cell }) => cell.scenario === scenario),
    ),
  );
  return `${introduction}\n${tables.join('\n')}`;
}

const introduction = `# Interoperability

What \`npm run test:interop\` tries with real clients: this page is the list of the cells that ran and passed, and a test holds it to be that (\`__tests__/interop/matrix.test.ts\`; \`INTEROP_PAGE=write\` writes it anew). Beside them, Node's own clients, axios, got and Fetch are tried elsewhere.

- curl, OpenSSL's \`s_client\`, GnuTLS's \`gnutls-cli\`, NSS's \`tstclnt\`, Python's \`http.client\` and \`ssl\`, Go's \`net/http\`, Java's \`HttpClient\`, Chromium.
- OpenSSL, GnuTLS and Python know no HTTP/2: over their TLS its frames are sent by the test. \`tstclnt\` offers no ALPN, so NSS has HTTP/1.1 only.
- Where the Node of the listener has X25519MLKEM768 (22 and later), Chromium and the listener agree on it over TLS 1.3.
- Java and Chromium send only certificates of a CA that the listener names; that is why the impostor's CA has the name of ours. Chromium shows no expired certificate at all.
- curl takes no tickets over TLS 1.2, so that it has no session to offer there.
`;

function section(scenario: keyof typeof headings, passed: readonly Passed[]): string {
  const [heading, text] = headings[scenario];
  const fieldOf = (name: string | undefined, [version, http]: (typeof columns)[number]): string =>
    passed
      .filter(
        ({ client, cell }) => client === (name ?? client) && cell.version === version && cell.http === http,
      )
      .map(({ cell }) => cell.entry)
      .join(', ');
  const used = columns.filter((column) => fieldOf(undefined, column) !== '');
  const clients = [...new Set(passed.map(({ client }) => client))];
  const rowOf = (client: string): string[] =>
    [client].concat(used.map((column) => fieldOf(client, column) || '–'));
  return `## ${heading}\n\n${text}\n\n${table([['client', ...used.map(([, , title]) => title)], ...clients.map(rowOf)])}`;
}

/** As oxfmt sets it. */
function table(rows: ReadonlyArray<readonly string[]>): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((field, column) => field.padEnd(widths[column]!)).join(' | ')} |\n`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |\n`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('');
}
