import { found, inspectCodes } from '../../lib/cli/inspect/findings/codes.ts';
import { exitMeanings } from '../../lib/cli/failure.ts';
import { PolicyViolation, type PolicyViolationCode } from '../../lib/errors.ts';
import { auditCodes, finding } from '../../lib/profiles/audit-finding.ts';
import { cell } from './doc-text.ts';
import { table } from './render.ts';
import { readUnion } from './unions.ts';

interface CodeTable {
  readonly title: string;
  readonly intro: string;
  readonly head: readonly string[];
  /** Code, and what else there is to say. */
  readonly rows: ReadonlyArray<readonly string[]>;
}

const union = (root: string, file: string, type: string): string[][] =>
  [...readUnion(root, file, type)].map(([code, meaning]) => [code, meaning]);

function policyRows(root: string): string[][] {
  return union(root, 'lib/errors.ts', 'PolicyViolationCode').map(([code, meaning]) => {
    const { status, message } = new PolicyViolation(code as PolicyViolationCode, '');
    return [code!, String(status), message, meaning!];
  });
}

const auditRows = (): string[][] =>
  auditCodes.map((code) => {
    const { severity, remedy } = finding(code, '');
    return [code, severity, cell(remedy)];
  });

const inspectRows = (): string[][] =>
  inspectCodes.map((code) => {
    const { severity, remedy } = found(code, '', '');
    return [code, severity, cell(remedy)];
  });

/** All tables of codes. */
const codeTables = (root: string): readonly CodeTable[] => [
  {
    title: 'ConfigError',
    intro:
      'Thrown where an option is read, with `path` and `remedy`; a reload, or a file that is read later, rejects with it (`reload()`, the event `reloadError`), and what served before serves on.',
    head: ['code', 'meaning'],
    rows: union(root, 'lib/errors.ts', 'ConfigErrorCode'),
  },
  {
    title: 'PolicyViolation',
    intro: 'Given to `next`. The message is all that a client reads; `detail` and the event say the rest.',
    head: ['code', 'status', 'message', 'meaning'],
    rows: policyRows(root),
  },
  {
    title: 'TlsClientError',
    intro: 'What an agent or a `fetch` of `portcullis/client` fails with.',
    head: ['code', 'meaning'],
    rows: union(root, 'lib/client/errors.ts', 'TlsClientErrorCode'),
  },
  {
    title: 'CertificateVerificationError: reason',
    intro: 'Why the certificate of a server is not accepted.',
    head: ['reason', 'meaning'],
    rows: union(root, 'lib/client/errors.ts', 'CertificateFailure'),
  },
  {
    title: 'HandshakeError: reason',
    intro: 'Why a handshake came to nothing: one of these, or OpenSSL’s code as Node gives it (`ERR_SSL_…`).',
    head: ['reason', 'meaning'],
    rows: union(root, 'lib/client/errors.ts', 'HandshakeFailure'),
  },
  {
    title: 'Drops',
    intro: 'Why the listener has cut a connection: `reason` in `portcullis:drop`.',
    head: ['reason', 'meaning'],
    rows: union(root, 'lib/events.ts', 'DropReason'),
  },
  {
    title: 'Audit',
    intro: 'What `server.audit()` and `portcullis audit` find; a paragraph for each: [audit](../audit.md).',
    head: ['code', 'severity', 'remedy'],
    rows: auditRows(),
  },
  {
    title: 'Inspection',
    intro: 'What `portcullis inspect` and `audit HOST` find besides; see [inspect](../inspect.md).',
    head: ['code', 'severity', 'remedy'],
    rows: inspectRows(),
  },
  {
    title: 'Warnings of the process',
    intro: "What `process.on('warning')` gets as `code`, where nobody waits for an answer.",
    head: ['code', 'meaning'],
    rows: union(root, 'lib/warnings.ts', 'WarningCode'),
  },
  {
    title: 'Exit codes of the command',
    intro: 'Of `portcullis`, whatever the command.',
    head: ['exit code', 'meaning'],
    rows: Object.entries(exitMeanings).map(([code, meaning]) => [code, meaning]),
  },
];

export const codesPage = (root: string): string =>
  `${[
    '# Codes',
    'Every code is stable: switch on it.',
    ...codeTables(root).flatMap(({ title, intro, head, rows }) => [
      `## ${title}`,
      intro,
      table(
        head,
        rows.map(([code, ...rest]) => [`\`${code}\``, ...rest]),
      ),
    ]),
  ].join('\n\n')}\n`;

/** Codes of which nothing is said. */
export const silentCodes = (root: string): string[] =>
  codeTables(root).flatMap(({ title, rows }) =>
    rows.filter((row) => row.some((text) => text.trim() === '')).map(([code]) => `${title}: ${code}`),
  );
