import type { RequestListener } from 'node:http';
import { describe } from '../../options.ts';
import { CliFailure } from '../failure.ts';
import {
  exportedNames,
  type Exports,
  kindOf,
  loadModule,
  nothingThere,
  settledCandidates,
} from '../input/load-module.ts';
import type { Io } from '../io.ts';
import { folderApp } from './folder.ts';

/** What `serve` was given, ready to answer. */
export interface Entry {
  readonly app: RequestListener;
  readonly kind: 'app' | 'folder';
}

/** The app that a module exports (or promises), or one that serves the files of a folder. CliFailures otherwise. */
export async function loadEntry(name: string, io: Io): Promise<Entry> {
  const kind = kindOf(io, name);
  if (kind === undefined) throw nothingThere(io, name);
  if (kind === 'other') throw new CliFailure(`${name} is neither a module nor a folder`);
  return kind === 'folder'
    ? { app: await folderApp(name, io), kind }
    : { app: await appOf(await loadModule(io, name), name), kind: 'app' };
}

async function appOf(exports: Exports, name: string): Promise<RequestListener> {
  const found = await settledCandidates(exports, ['app', 'handler'], name, 'an app');
  const app = found.find(isListener);
  if (app !== undefined) return app;
  throw nothingUsable(found[0], exports, name);
}

/** Express's app takes (request, response, next), any other listener (request, response). */
const isListener = (value: unknown): value is RequestListener =>
  typeof value === 'function' &&
  value.length >= 2 &&
  !/^class\b/.test(Function.prototype.toString.call(value));

function nothingUsable(first: unknown, exports: Exports, name: string): CliFailure {
  const [seen, hint] = explain(first);
  return new CliFailure(`${name} exports no app: ${seen ?? exportedNames(exports)}`, hint);
}

const usual = 'Write `export default app`, where app is express() or a function (request, response).';

function explain(value: unknown): readonly [seen: string | undefined, hint: string] {
  if (typeof value === 'function')
    return ['a function that takes no request and response', 'Export the app itself, not what makes it.'];
  if (typeof value !== 'object' || value === null)
    return [value === undefined ? undefined : describe(value), usual];
  const methods = value as Record<string, unknown>;
  if (typeof methods['listen'] === 'function' && typeof methods['close'] === 'function')
    return ['a server', 'Export the app, and leave out listen(): serve makes the server.'];
  if (typeof methods['callback'] === 'function')
    return ['an object with callback()', 'Export app.callback().'];
  return [undefined, usual];
}
