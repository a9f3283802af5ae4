import type { Dispatcher } from 'undici';

/**
 * A handler that sends its request only where `isAllowed` says so at the last moment: undici asks its handlers right
 * before it writes, however long the request has waited for a connection. Where it is not, nothing of it has left, its
 * body is untouched, and `again` is called in place of an error; what that throws is the error of the request.
 */
export function sendingIf(
  isAllowed: () => boolean,
  handler: Dispatcher.DispatchHandler,
  again: () => unknown,
): Dispatcher.DispatchHandler {
  const unsent = new Error('not sent');
  const before =
    (call: Call): Call =>
    (...given) => {
      // Thrown, as to abort would end the connection, on which others may be under way over HTTP/2.
      if (!isAllowed()) throw unsent;
      return call(...given);
    };
  const failed =
    (call: Call): Call =>
    (...given) => {
      if (given.at(-1) !== unsent) return call(...given);
      try {
        return again();
      } catch (error) {
        return call(...given.slice(0, -1), error);
      }
    };
  return new Proxy(handler, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name);
      if (typeof own !== 'function') return own;
      const call: Call = (...given) => Reflect.apply(own, target, given);
      // Of undici's handlers there are an older and a newer kind.
      if (name === 'onConnect' || name === 'onRequestStart') return before(call);
      return name === 'onError' || name === 'onResponseError' ? failed(call) : call;
    },
  });
}

type Call = (...given: unknown[]) => unknown;
