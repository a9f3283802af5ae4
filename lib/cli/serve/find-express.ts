import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Express, RequestHandler } from 'express';
import { CliFailure } from '../failure.ts';
import { installedFrom } from '../input/installed.ts';
import type { Io } from '../io.ts';

type ServeStatic = (
  root: string,
  options: { readonly dotfiles: 'ignore'; readonly index: string },
) => RequestHandler;

/** What is used of Express. */
export interface ExpressModule {
  (): Express;
  readonly static: ServeStatic;
}

/** The Express 5 of the user's folder, or else the one beside Portcullis. A CliFailure where there is none. */
export async function findExpress(io: Io): Promise<ExpressModule> {
  const places = [resolve(io.directory, 'package.json'), import.meta.url];
  const found = places.map((place) => installedFrom(place, 'express'));
  const usable = found.find((one) => one?.version.startsWith('5.'));
  if (usable !== undefined) {
    const loaded = (await import(pathToFileURL(usable.file).href)) as { default: ExpressModule };
    return loaded.default;
  }
  const other = found.find((one) => one !== undefined);
  const seen = other === undefined ? '' : ` (but ${other.version} is)`;
  throw new CliFailure(
    `a folder is served by Express 5, which is not installed${seen}`,
    'npm install express@5',
  );
}
