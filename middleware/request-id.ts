/** What ids consist of: UUID, ULID, base64, `Root=1-…;Parent=…`, and nothing that a log or a terminal would mind. */
const wellFormed = /^[\w.~:;,+/=@-]{1,200}$/;

/**
 * The id under which a request stands in the logs: `request.id`, as pino-http, express-request-id and their like set
 * it, from a header or of their own. Those that take a header do not look at it; this does. Undefined where it is
 * anything but a number or a short text of letters, digits and some signs.
 */
export function requestIdOf(request: object): string | undefined {
  try {
    const { id } = request as { id?: unknown };
    if (typeof id === 'number' || typeof id === 'bigint') return String(id);
    return typeof id === 'string' && wellFormed.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
