import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { connectionOf, forwardedClientOf } from '../lib/connection/index.ts';
import { checkArguments } from '../lib/options.ts';
import { tlsOf } from './guard.ts';

/**
 * Puts the facts of the connection on `req.tls`, where `createServer` has put them already and a plain `https.Server`
 * has not. It refuses nobody; a request over plain HTTP has no `req.tls`.
 * It trusts the socket alone: `req.secure` can be claimed by a header where `trust proxy` is set.
 */
export function exposeTls(): RequestHandler {
  checkArguments(arguments, 0, 'exposeTls', 'Write app.use(exposeTls()).');
  return function exposeTlsMiddleware(request: Request, _response: Response, next: NextFunction): void {
    const connection = forwardedClientOf(request) ?? connectionOf(request.socket);
    if (connection === undefined) delete request.tls;
    else request.tls = tlsOf(request, connection);
    next();
  };
}
