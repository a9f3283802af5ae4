import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';
import { parseAllDocuments } from 'yaml';
import { run } from '../../interop/support/program.ts';
import type { Block } from './blocks.ts';

/** Says what is wrong with the text, or nothing. `folder` is the page's. */
type Parser = (text: string, folder: string) => Promise<string | undefined> | string | undefined;

/** By an external program that has to end with 0. */
async function program(name: string, args: readonly string[], input = ''): Promise<string | undefined> {
  const { status, stdout, stderr } = await run(name, args, { input });
  return status === 0 ? undefined : `${name}: ${stdout}${stderr}`;
}

/** Whatever throws. */
const attempt = (parse: () => unknown): string | undefined => {
  try {
    parse();
    return undefined;
  } catch (error) {
    return String(error);
  }
};

const module =
  (syntax: 'ecmascript' | 'typescript'): Parser =>
  (text) =>
    // A part may return, and await.
    attempt(() => parseSync(`async () => {${movedImports(text)}\n}`, { syntax, target: 'es2022' }));

/** Imports stand at the top of a module only. */
const movedImports = (text: string): string =>
  text.replaceAll(/^(?:import\b(?!\s*\()[^;]*;|export )/gm, (found) => ' '.repeat(found.length));

/** The forms in which a part of nginx's configuration stands: whole, in http, in a server, in a location. */
const nginxFrames: ReadonlyArray<(text: string) => string> = [
  (text) => text,
  (text) => `events {} http {\n${text}\n}`,
  (text) => `events {} http { server { listen 127.0.0.1:1; \n${text}\n} }`,
  (text) => `events {} http { server { listen 127.0.0.1:1; location / {\n${text}\n} } }`,
];

async function nginx(text: string, folder: string): Promise<string | undefined> {
  let complaint: string | undefined;
  const local = text
    .replaceAll(/[\w./-]+\.key\b/g, join(folder, 'server.key'))
    .replaceAll(/[\w./-]+\.(?:pem|crt|cer)\b/g, join(folder, 'server.pem'))
    .replaceAll(/[\w./-]+\.crl\b/g, join(folder, 'clients.crl'))
    // Their names are nobody's here.
    .replaceAll(/(proxy_pass\s+https?:\/\/)[\w.-]+/g, '$1127.0.0.1');
  for (const frame of nginxFrames) {
    const file = join(folder, 'nginx-check.conf');
    writeFileSync(file, `pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;\n${frame(local)}`);
    complaint = await program('nginx', ['-t', '-q', '-c', file]);
    if (complaint === undefined) return undefined;
  }
  return complaint;
}

async function haproxy(text: string, folder: string): Promise<string | undefined> {
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  writeFileSync(join(folder, 'both.pem'), read('server.pem') + read('server.key'));
  const local = text.replaceAll(/\/[\w./-]+\.pem\b/g, join(folder, 'both.pem'));
  const file = join(folder, 'haproxy-check.cfg');
  writeFileSync(file, local);
  return program('haproxy', ['-c', '-f', file]);
}

async function caddy(text: string, folder: string): Promise<string | undefined> {
  const file = join(folder, 'Caddyfile');
  // A CA is read already here.
  writeFileSync(file, text.replaceAll(/[\w./-]+\.pem\b/g, join(folder, 'server.pem')));
  return program('caddy', ['adapt', '--adapter', 'caddyfile', '--config', file]);
}

/** A language that is parsed rather than run. */
const parsers: Readonly<Record<string, Parser>> = {
  json: (text) => attempt(() => JSON.parse(text)),
  jsonc: (text) => attempt(() => JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, ''))),
  yaml: (text) =>
    parseAllDocuments(text)
      .flatMap(({ errors }) => errors)
      .map(String)[0],
  nginx,
  haproxy,
  caddyfile: caddy,
  python: (text) => program('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], text),
  js: module('ecmascript'),
  ts: module('typescript'),
  sh: (text) => program('bash', ['-n'], text),
  console: () => undefined,
  text: (text) =>
    /^(?:\$ )?(?:npm|npx|node|curl|openssl|portcullis|import|const) /m.test(text)
      ? 'this is code: name its language'
      : undefined,
};

/** Of a block that is not run. A language without a parser is left to its reader, if its marker says why. */
export async function complaintAbout(block: Block, folder: string): Promise<string | undefined> {
  const parse = parsers[block.language];
  if (parse === undefined)
    return block.marker === undefined ? `nobody here knows the language "${block.language}"` : undefined;
  return parse(block.text, folder);
}
