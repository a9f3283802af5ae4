import type { SecureContext } from 'node:tls';

type Done = (error: Error | null, context?: SecureContext) => void;
export type SniCallback = (serverName: string, done: Done) => void;

/**
 * A user's `SNICallback`, made harmless: one that throws or whose promise rejects fails the handshake instead of the
 * process, one that answers twice is heard once, and what is no context fails the handshake, where Node would silently
 * serve the default certificate. No context at all means the default one, as documented.
 */
export function guardedSniCallback(callback: SniCallback): SniCallback {
  return (serverName, done) => {
    let answered = false;
    const once: Done = (error, context) => {
      if (answered) return;
      answered = true;
      if (error) done(error);
      else if (isContext(context)) done(null, context);
      else done(new TypeError('SNICallback gave something that is no SecureContext'));
    };
    try {
      const outcome: unknown = callback(serverName, once);
      if (outcome instanceof Promise) outcome.catch((error: unknown) => once(asError(error)));
    } catch (error) {
      once(asError(error));
    }
  };
}

function isContext(context: unknown): context is SecureContext {
  if (context === undefined || context === null) return true;
  return typeof context === 'object' && 'context' in context && typeof context.context === 'object';
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error('SNICallback has failed', { cause: error });
