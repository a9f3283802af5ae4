import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express';
import { PolicyViolation } from '../lib/errors.ts';
import { checkArguments } from '../lib/options.ts';

/** RFC 9457. `code` is an extension member: the PolicyViolation's. */
interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code?: string;
  readonly detail?: string;
}

type Header = readonly [name: string, value: string | readonly string[]];

interface Answer {
  readonly problem: Problem;
  readonly headers: readonly Header[];
}

/**
 * An error handler that answers `application/problem+json`. A refusal shows its status, code and constant message; an
 * error of status 4xx that says `expose` (as http-errors do) its message; any other nothing but its status, or 500.
 * Headers that an error with a status brings along are set, as Express does it: WWW-Authenticate, Retry-After.
 * Where the answer has begun already, Express ends the connection.
 *
 * A fault of the program (5xx) is written to the console, as Express's own handler does, and as there not with
 * NODE_ENV=test. A refusal is not: it is published as a decision.
 */
export function problemDetails(): ErrorRequestHandler {
  checkArguments(arguments, 0, 'problemDetails', 'Write app.use(problemDetails()).');
  // Express knows an error handler by its four parameters.
  return function problemDetailsMiddleware(
    error: unknown,
    _request: Request,
    response: Response,
    next: NextFunction,
  ): void {
    if (response.headersSent) {
      next(error);
      return;
    }
    const { problem, headers } = answerTo(error);
    // oxlint-disable-next-line no-console -- as Express does
    if (problem.status >= 500 && process.env['NODE_ENV'] !== 'test') console.error(error);
    const body = JSON.stringify(problem);
    for (const name of aboutTheBody) response.removeHeader(name);
    for (const [name, value] of headers) setHeader(response, name, value);
    response.statusCode = problem.status;
    response.setHeader('Content-Type', 'application/problem+json');
    response.setHeader('Content-Length', Buffer.byteLength(body));
    response.setHeader('Cache-Control', 'no-store');
    response.end(body);
  };
}

/** What a route has said of a body that it did not come to send: with its length, a client would wait for the rest. */
const aboutTheBody = [
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Range',
  'ETag',
  'Last-Modified',
  'Trailer',
  'Transfer-Encoding',
];

/** Anything can be thrown, even what throws when it is looked at. */
function answerTo(error: unknown): Answer {
  try {
    return { problem: describeError(error), headers: headersOf(error) };
  } catch {
    return { problem: problemOf(500), headers: [] };
  }
}

function describeError(error: unknown): Problem {
  if (error instanceof PolicyViolation) {
    return { type: 'about:blank', title: error.message, status: error.status, code: error.code };
  }
  const status = statusOf(error) ?? 500;
  const { expose, message } = Object(error) as { expose?: unknown; message?: unknown };
  return expose === true && status < 500 && typeof message === 'string'
    ? { ...problemOf(status), detail: message }
    : problemOf(status);
}

const problemOf = (status: number): Problem => ({
  type: 'about:blank',
  title: STATUS_CODES[status] ?? 'Error',
  status,
});

function statusOf(error: unknown): number | undefined {
  const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown };
  return [status, statusCode].find(isErrorStatus);
}

const isErrorStatus = (status: unknown): status is number =>
  typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599;

/** An upstream's answer can be an error too: what it says of its own connection and body does not go on. */
const notPassedOn: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'upgrade',
  // Of a 416 it tells the whole's length (RFC 9110 14.4).
  ...aboutTheBody.filter((name) => name !== 'Content-Range').map((name) => name.toLowerCase()),
]);

function headersOf(error: unknown): readonly Header[] {
  const { headers } = Object(error) as { headers?: unknown };
  if (statusOf(error) === undefined || typeof headers !== 'object' || headers === null) return [];
  const entries: ReadonlyArray<[string, unknown]> = Object.entries(headers);
  return entries
    .filter(([name]) => !notPassedOn.has(name.toLowerCase()))
    .map(([name, value]): [string, unknown] => [name, typeof value === 'number' ? String(value) : value])
    .filter(
      (entry): entry is [string, string | string[]] => typeof entry[1] === 'string' || isTexts(entry[1]),
    );
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

function setHeader(response: Response, name: string, value: string | readonly string[]): void {
  try {
    response.setHeader(name, value);
  } catch {
    // ERR_INVALID_CHAR and the like: a header that is none is left out, and the answer goes out all the same.
  }
}
