import { type Stats, statSync } from 'node:fs';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../errors.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { codeOf, whyNot } from './read-file.ts';

/** What a module exports, CommonJS included. */
export type Exports = Readonly<Record<string, unknown>>;

const extensions = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];

/** Whether `name` is there, and what. A CliFailure where it cannot be looked at. */
export function kindOf(io: Io, name: string): 'file' | 'folder' | 'other' | undefined {
  const found = statOf(io, name);
  if (found === undefined) return undefined;
  return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other';
}

function statOf(io: Io, name: string): Stats | undefined {
  try {
    return statSync(resolve(io.directory, name), { throwIfNoEntry: false });
  } catch (error) {
    // No name of a file: that of a host, perhaps.
    if (codeOf(error) === 'ENAMETOOLONG') return undefined;
    throw new CliFailure(whyNot(name, error), undefined, undefined, error);
  }
}

/** Says what is missing, and what may have been meant: `app` for `app.js`. */
export function nothingThere(io: Io, name: string): CliFailure {
  const near = extensions
    .map((extension) => `${name}${extension}`)
    .find((file) => kindOf(io, file) === 'file');
  const other = name.replace(/\.[cm]?[jt]s$/, '');
  const sibling = extensions
    .map((extension) => `${other}${extension}`)
    .find((file) => other !== name && kindOf(io, file) === 'file');
  const guess = near ?? sibling;
  const hint =
    guess === undefined ? `Looked in ${dirname(resolve(io.directory, name))}.` : `Did you mean '${guess}'?`;
  return new CliFailure(`there is no ${name}`, hint);
}

/** Runs a module and gives its exports. CliFailures tell what has gone wrong in it, and where. */
export async function loadModule(io: Io, name: string): Promise<Exports> {
  const file = resolve(io.directory, name);
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } catch (error) {
    throw failureOf(error, name, file);
  }
}

function failureOf(error: unknown, name: string, file: string): CliFailure {
  const code = codeOf(error);
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && extname(file).endsWith('ts')) {
    const hint = `Node ${process.versions.node} runs no TypeScript: use 22.18 or later, or build it first.`;
    return new CliFailure(`${name} cannot be loaded`, hint, undefined, error);
  }
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return missing(error, name);
  const place = placeOf(error);
  const message = `${name} has failed while it was loaded: ${firstLine(messageOf(error))}${place}`;
  return new CliFailure(message, 'PORTCULLIS_DEBUG=1 shows the stack.', undefined, error);
}

/** `import 'x'` of what is not installed, or './x' that is not there. */
function missing(error: unknown, name: string): CliFailure {
  const message = firstLine(messageOf(error));
  const wanted = /Cannot find (?:package|module) '([^']+)'/.exec(message)?.[1];
  const hint =
    wanted === undefined
      ? undefined
      : /^[./]|^file:/.test(wanted)
        ? 'Its path must be complete, with the ending (.js).'
        : `npm install ${packageOf(wanted)}`;
  return new CliFailure(`${name} needs what is not there: ${message}`, hint, undefined, error);
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const firstLine = (text: string): string => text.split('\n', 1)[0]!;

/** ` (app.js:12:3)`: the first line of the stack outside Node and node_modules; a syntax error's is the first of all. */
function placeOf(error: unknown): string {
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? String(error.stack) : '';
  const line = stack
    .split('\n')
    .find((one) => /(?:file:\/\/|[/\\]).*:\d+/.test(one) && !/node:|node_modules|cli[/\\]input/.test(one));
  const place = line === undefined ? undefined : /([^/\\()]+:\d+(?::\d+)?)\)?$/.exec(line.trim())?.[1];
  return place === undefined ? '' : ` (${place})`;
}

/**
 * What a module may mean, the likeliest first. The default export of CommonJS is all that it exports (`exports.app = …`,
 * `exports.default = …`): what it holds comes before itself. Elsewhere the default export is what is meant, and what
 * it holds under such a name may be a mistake in it, which has to be told.
 */
function candidatesOf(exports: Exports, names: readonly string[]): unknown[] {
  const fallback: unknown = exports['default'];
  const inner = typeof fallback === 'object' && fallback !== null ? (fallback as Exports) : {};
  const held = ['default', ...names].map((name) => inner[name]);
  const named = names.map((name) => exports[name]);
  return isCommonJs(exports, inner) ? [...held, fallback, ...named] : [fallback, ...named, ...held];
}

/** Node 23 and later say so; before, what is exported by name is what the default export holds. */
function isCommonJs(exports: Exports, inner: Exports): boolean {
  if ('module.exports' in exports || '__esModule' in inner) return true;
  return Object.keys(exports).some(
    (name) => name !== 'default' && name in inner && exports[name] === inner[name],
  );
}

/** Those of them that are there, once they have come; `what` it is they may promise: 'an app'. */
export async function settledCandidates(
  exports: Exports,
  names: readonly string[],
  name: string,
  what: string,
): Promise<unknown[]> {
  const settled = candidatesOf(exports, names).map(async (candidate) => {
    try {
      return await candidate;
    } catch (error) {
      const message = `${name} promises ${what}, and fails: ${messageOf(error)}`;
      throw new CliFailure(message, undefined, undefined, error);
    }
  });
  return (await Promise.all(settled)).filter((one) => one !== undefined && one !== null);
}

/** The names that a module exports, for a message. */
export function exportedNames(exports: Exports): string {
  const names = Object.keys(exports).filter((name) => name !== '__esModule' && name !== 'module.exports');
  return names.length === 0 ? 'nothing' : names.slice(0, 8).join(', ');
}

/** A folder's module, as Node would take it. */
export const entriesOf = (io: Io, folder: string): string[] =>
  ['app', 'server', 'index', 'main', join('src', 'app'), join('src', 'server'), join('src', 'index')]
    .flatMap((name) => extensions.map((extension) => join(folder, `${name}${extension}`)))
    .filter((file) => kindOf(io, file) === 'file');
