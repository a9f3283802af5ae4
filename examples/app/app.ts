import { STATUS_CODES } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { exposeTls, PolicyViolation, problemDetails, securityHeaders } from 'portcullis';
import { icon, style } from './assets.ts';
import { type Door, doorsOf, tryDoor } from './doors.ts';
import type { Html } from './html.ts';
import { errorPage, overviewPage, roomPage } from './pages.ts';

/** The example app; the clients whose keys have one of `pins` may enter its /payments. */
export function createApp(pins: readonly string[]): Express {
  const app = express();
  const doors = doorsOf(pins);
  app.set('json spaces', 2);
  app.use(
    securityHeaders({
      xFrameOptions: { action: 'deny' },
      contentSecurityPolicy: { useDefaults: false, directives },
    }),
  );
  app.get('/style.css', (_request, response) => void response.type('css').send(style));
  app.get('/icon.svg', (_request, response) => void response.type('svg').send(icon));

  app.use(exposeTls());
  for (const { path, policy } of doors) app.use(path, policy);
  const overview = async (request: Request, response: Response): Promise<void> => {
    const tls = request.tls!;
    const routes = await Promise.all(doors.map((door) => tryDoor(door, request, response)));
    answer(response, { routes, tls }, () => overviewPage(doors, routes, tls));
  };
  app.get('/', (request, response) => overview(request, response));
  for (const door of doors.slice(1)) {
    app.get(door.path, (request, response) => {
      const tls = request.tls!;
      answer(response, { route: door.path, tls }, () => roomPage(doors, door, tls));
    });
  }
  app.use((_request, _response, next) => next(Object.assign(new Error('Not Found'), { status: 404 })));
  app.use(answerError(doors));
  return app;
}

/** Nothing but this server's own style and pictures: the page has no script. */
const directives = {
  defaultSrc: ["'none'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** JSON, and a page to those who prefer one. What a connection may see is for nobody's cache. */
function answer(response: Response, data: unknown, page: () => Html): void {
  const json = (): unknown => response.json(data);
  response.set('Cache-Control', 'no-store');
  response.format({ json, html: () => response.send(page().text), default: json });
}

function answerError(doors: readonly Door[]): ErrorRequestHandler {
  const answerProblem = problemDetails();
  return function answerErrorMiddleware(error: unknown, request, response, next) {
    const { status, title, code } = describe(error);
    if (status >= 500) console.error(error);
    response.vary('Accept');
    if (response.headersSent || request.accepts(['json', 'html']) !== 'html') {
      void answerProblem(error, request, response, next);
      return;
    }
    response.status(status).set('Cache-Control', 'no-store');
    response.type('html').send(errorPage(doors, status, title, code).text);
  };
}

function describe(error: unknown): { status: number; title: string; code?: string } {
  if (error instanceof PolicyViolation)
    return { status: error.status, title: error.message, code: error.code };
  const given = typeof error === 'object' && error !== null && 'status' in error ? error.status : 500;
  const status = typeof given === 'number' && given in STATUS_CODES && given >= 400 ? given : 500;
  return { status, title: STATUS_CODES[status]! };
}
