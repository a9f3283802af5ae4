import { type IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import type { Request, Response } from 'express';

/** The two ends of an upgrade, as any Express middleware expects them. */
export interface UpgradeExchange {
  readonly request: Request;
  readonly response: Response;
}

/**
 * A response for a request that has none, as it is to leave HTTP: on its socket, with what Express gives to both. The
 * app's own settings hold where the listener knows the app, elsewhere Express's defaults. Undefined where an earlier
 * response of the connection is not out yet: what is written now would come in the middle of it.
 */
export function exchangeOf(incoming: IncomingMessage, socket: Duplex): UpgradeExchange | undefined {
  const raw = new ServerResponse(incoming);
  raw.shouldKeepAlive = false;
  try {
    // Of a socket it asks nothing but what every Duplex has.
    raw.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0]);
  } catch {
    return undefined;
  }
  const [request, response] = [incoming as Request, raw as Response];
  dress(request, response);
  request.originalUrl ??= request.url;
  request.res = response;
  response.req = request;
  response.locals ??= Object.create(null);
  return { request, response };
}

/** Takes the response off the socket of an upgrade that goes on: whatever is written to it now goes nowhere. */
export function releaseSocket({ response }: UpgradeExchange, socket: Duplex): void {
  response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0]);
}

/** As Express does it at the head of an app. */
function dress(request: Request, response: Response): void {
  const app = (request.app as unknown as App | undefined) ?? bareApp();
  if (app === undefined) return;
  if (request.app === undefined) Object.setPrototypeOf(request, app.request);
  Object.setPrototypeOf(response, app.response);
}

/** Express's types leave them out. */
interface App {
  readonly request: object;
  readonly response: object;
}

let bare: { readonly app: App | undefined } | undefined;

/** An app without anything, for what its requests and responses inherit; undefined where Express is not installed. */
function bareApp(): App | undefined {
  if (bare === undefined) {
    try {
      const express = createRequire(import.meta.url)('express') as () => App;
      bare = { app: express() };
    } catch {
      bare = { app: undefined };
    }
  }
  return bare.app;
}
