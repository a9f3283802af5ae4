import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Authority } from '../../pki/index.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import type { Folder } from './folder.ts';
import { shown } from './paths.ts';
import { loadFrom, type StoreOptions } from './store.ts';

export interface RootOptions extends StoreOptions {
  readonly rootKey?: string;
}

/** The root above an intermediate. Its key may be elsewhere: on a stick, in a safe. */
export function openRoot(io: Io, folder: Folder, options: RootOptions): Promise<Authority> {
  const file = options.rootKey === undefined ? folder.rootKey : resolve(io.directory, options.rootKey);
  if (options.rootKey !== undefined || existsSync(file)) return loadFrom(io, options, folder.root, file);
  throw new CliFailure(
    `the root key is not at ${shown(io, file)}`,
    'This needs the root itself: name its key with --root-key FILE.',
  );
}
