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

/** The Express of the user's folder, or else the one beside Portcullis. A CliFailure where there is none. */
export async function findExpress(io: Io): Promise<ExpressModule> {
  const places = [resolve(io.directory, 'package.json'), import.meta.url];
  for (const place of places) {
    const file = resolved(place);
    if (file === undefined) continue;
    // oxlint-disable-next-line no-await-in-loop -- the first that is there
    const loaded = (await import(pathToFileURL(file).href)) as { default: ExpressModule };
    return loaded.default;
  }
  throw new CliFailure('a folder is served by Express, which is not installed', 'npm install express');
}

function resolved(place: string): string | undefined {
  try {
    return createRequire(place).resolve('express');
  } catch {
    return undefined;
  }
}
