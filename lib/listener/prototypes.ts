import { IncomingMessage, ServerResponse, type RequestListener, type ServerOptions } from 'node:http';
import { sendTogether } from './send-together.ts';

type Classes = Pick<ServerOptions, 'IncomingMessage' | 'ServerResponse'>;

/**
 * Request and response classes whose objects have an Express app's prototypes from birth.
 * Express sets `req.__proto__ = app.request` on every request, by which V8 forgets what it learned of the object: with
 * it an Express hello costs 3.7 times the CPU on Node 20, and 1.1 times on 24 (docs/decisions/prototypes.md).
 * An object that has the prototype already is left alone. Everything else stays as Express does it: a sub-app has
 * prototypes of its own and sets them, and an app whose `request` is replaced later sets the new one.
 */
export function classesFor(app: RequestListener | undefined): Classes {
  if (!isExpressApp(app) || !canBeCalled(IncomingMessage) || !canBeCalled(ServerResponse)) return {};
  return {
    IncomingMessage: classWith(IncomingMessage, app.request),
    ServerResponse: classWith(ServerResponse, app.response, sendTogether(app.response)),
  };
}

/** What is looked at of an Express app. */
export interface ExpressApp {
  readonly request: object;
  readonly response: object;
  readonly settings?: Record<string, unknown>;
  readonly set?: unknown;
}

export function isExpressApp(app: unknown): app is ExpressApp {
  if (typeof app !== 'function' || !('handle' in app) || typeof app.handle !== 'function') return false;
  const { request, response } = app as Partial<ExpressApp>;
  return request instanceof IncomingMessage && response instanceof ServerResponse;
}

/** Functions in every Node so far. A class can only be constructed, and then Express sets the prototypes as always. */
const canBeCalled = (base: typeof IncomingMessage | typeof ServerResponse): boolean =>
  !Function.prototype.toString.call(base).startsWith('class');

/** What nobody constructs a request or response with. */
const never = {};

/**
 * A class that makes what `base` makes, with `prototype`, which inherits from that of `base`, instead of its own.
 * `send` becomes the objects' own `_send`. It calls `base` as Node's own subclasses do: by `Reflect.construct` V8 makes
 * up the shape anew for every object, and nothing is won (1.5 times the CPU of Express as it is, on Node 20).
 */
function classWith<Base extends typeof IncomingMessage | typeof ServerResponse>(
  base: Base,
  prototype: object,
  send?: unknown,
): Base {
  function Born(this: { _?: object; _send?: unknown }, first: unknown, second: unknown): void {
    Reflect.apply(base, this, [first, second]);
    if (send !== undefined) this._send = send;
    // V8 makes room in an object for as many properties as its constructor assigns, reached or not, and takes back what
    // stays empty. Node and Express add 35 to 50 properties; without the room V8 turns the object into a hash table,
    // by which a whole request costs 1.2 times the CPU on Node 20 and 1.4 times on 24.
    if (first === never) {
      // prettier-ignore
      this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ =
      this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ =
      this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ =
      this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ =
      this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = this._ = never;
    }
  }
  Born.prototype = prototype;
  return Born as unknown as Base;
}
