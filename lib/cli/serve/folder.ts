import { resolve } from 'node:path';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Io } from '../io.ts';
import { findExpress } from './find-express.ts';
import { isServable } from './servable.ts';

/**
 * An Express app for the files of a folder, with Portcullis's security headers and problem+json. It shows no hidden
 * file, no list of a folder, nothing that a link leads to outside of it, and no private key.
 */
export async function folderApp(
  name: string,
  io: Io,
): Promise<ReturnType<Awaited<ReturnType<typeof findExpress>>>> {
  const root = resolve(io.directory, name);
  const [express, { problemDetails, securityHeaders }] = await Promise.all([
    findExpress(io),
    import('portcullis'),
  ]);
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders());
  app.use(onlyReading);
  app.use(onlyServable(root));
  app.use(express.static(root, { dotfiles: 'ignore', index: 'index.html' }));
  app.use((_request: Request, _response: Response, next: NextFunction) => next(notFound()));
  app.use(problemDetails());
  return app;
}

const problem = (status: number, title: string, headers?: Readonly<Record<string, string>>): Error =>
  Object.assign(new Error(title), { status, expose: false, ...(headers && { headers }) });

const notFound = (): Error => problem(404, 'not found');

function onlyReading(request: Request, _response: Response, next: NextFunction): void {
  if (request.method === 'GET' || request.method === 'HEAD') next();
  else next(problem(405, 'method not allowed', { Allow: 'GET, HEAD' }));
}

const onlyServable =
  (root: string): RequestHandler =>
  async (request, _response, next) => {
    next((await isServable(root, request.path)) ? undefined : notFound());
  };
