import { resolve } from 'node:path';
import { developmentFiles } from '../../credentials/development/development-files.ts';
import { entriesOf, kindOf } from '../input/load-module.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { style } from '../terminal/style.ts';
import type { ServeFlags } from './flags.ts';
import { privateKeysIn } from './servable.ts';

/** What a server that listens is. JSON-safe, as a worker sends it to its primary. */
export interface Served {
  readonly name: string;
  readonly kind: 'app' | 'folder';
  /** What it is bound to, in figures. */
  readonly address: string;
  readonly port: number;
  readonly redirect: number | undefined;
}

const everywhere: ReadonlySet<string> = new Set(['0.0.0.0', '::']);
/** Addresses that lead to this machine under the name that its development certificate has. */
const local: ReadonlySet<string> = new Set(['127.0.0.1', '::1', ...everywhere]);

/** By the address that it is bound to: `--host 0` is all of them. */
const hostIn = ({ address }: Served, { host }: ServeFlags): string =>
  local.has(address) ? 'localhost' : host.includes(':') ? `[${host}]` : host;

const withPort = (scheme: 'http' | 'https', host: string, port: number): string =>
  `${scheme}://${host}${port === (scheme === 'https' ? 443 : 80) ? '' : `:${port}`}/`;

/** The URL on standard output, and beside it how to use it. */
export async function announce(served: Served, flags: ServeFlags, io: Io): Promise<void> {
  const host = hostIn(served, flags);
  const url = withPort('https', host, served.port);
  if (served.kind === 'folder') await warnOfFolder(served.name, io);
  io.out(`${url}\n`);
  const { bold } = style(io.colours);
  const lines: (readonly [what: string, text: string])[] = [
    ['serving', whatIsServed(served, flags)],
    ['clients', whatClientsNeed(served, flags)],
    ...howToTrust(url, flags, io),
    ...(served.redirect === undefined
      ? []
      : [['redirect', `${withPort('http', host, served.redirect)} leads there`] as const]),
    ['stop', `Ctrl-C; reload certificates and lists: kill -HUP ${process.pid}`],
  ];
  for (const [what, text] of lines) io.err(`${bold(what.padEnd(9))}${plain(text)}\n`);
}

function whatIsServed({ name, kind, address }: Served, { profile, http2, workers }: ServeFlags): string {
  const versions = profile === 'modern' ? 'TLS 1.3' : 'TLS 1.2 and 1.3';
  const protocols = http2 === true ? 'HTTP/2 and HTTP/1.1' : 'HTTP/1.1';
  const parts = [
    kind === 'folder' ? `the files of ${name}` : name,
    `${versions}, ${protocols}`,
    ...(everywhere.has(address) ? ['on all addresses of this machine'] : []),
    ...(workers > 1 ? [`${workers} workers`] : []),
  ];
  return parts.join('; ');
}

function whatClientsNeed({ kind }: Served, { clientAuth, ca = [] }: ServeFlags): string {
  if (clientAuth === undefined) return 'are asked for no certificate';
  const of = `a certificate of ${ca.join(' or ')}`;
  if (clientAuth === 'required') return `need ${of}`;
  return kind === 'app'
    ? `may show ${of}; the app decides by req.tls`
    : `may show ${of}, and get everything without`;
}

function howToTrust(url: string, { cert, pfx }: ServeFlags, io: Io): (readonly [string, string])[] {
  if (cert !== undefined || pfx !== undefined) return [];
  const { authority: file } = developmentFiles(io.environment);
  return [
    ['trust', `a development certificate, good on this machine only, of ${file}`],
    ['try', `curl --cacert ${quoted(file)} ${url}`],
  ];
}

const quoted = (text: string): string =>
  /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

async function warnOfFolder(name: string, io: Io): Promise<void> {
  const { yellow, dim } = style(io.colours);
  const keys = await privateKeysIn(resolve(io.directory, name));
  if (keys.length > 0) {
    const files = plain(keys.join(', '));
    io.err(
      `${yellow('warning:')} private keys lie in this folder (${files}): they are not served, nor safe here\n`,
    );
  }
  const [entry] = kindOf(io, `${name}/index.html`) === undefined ? entriesOf(io, name) : [];
  if (entry !== undefined) io.err(`${dim('hint:')} to serve the app: portcullis serve ${plain(entry)}\n`);
}
