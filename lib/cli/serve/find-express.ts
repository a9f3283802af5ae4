import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Express, RequestHandler } from 'express';
import { CliFailure } from '../failure.ts';
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
  const found = [resolve(io.directory, 'package.json'), import.meta.url].map(installedAt);
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

function installedAt(place: string): { readonly file: string; readonly version: string } | undefined {
  try {
    const require = createRequire(place);
    const { version } = require('express/package.json') as { version: unknown };
    return { file: require.resolve('express'), version: String(version) };
  } catch {
    return undefined;
  }
}
