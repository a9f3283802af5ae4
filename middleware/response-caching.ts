import type { ServerResponse } from 'node:http';

/** What an answer tells caches of a certificate in the request's headers. */
export type Caching = 'vary' | 'no-store' | 'none';

/** RFC 9440 2.4: what is for one certificate must not be given to another. `headers` are in lower case. */
export function markResponse(response: ServerResponse, caching: Caching, headers: readonly string[]): void {
  if (caching === 'none' || response.headersSent) return;
  if (caching === 'no-store') response.setHeader('Cache-Control', 'no-store');
  else appendVary(response, headers);
}

/** What others have put there stays, as what is to be kept apart by both is kept apart by neither alone. */
function appendVary(response: ServerResponse, headers: readonly string[]): void {
  const present = String(response.getHeader('Vary') ?? '');
  const names = new Set(present.split(',').map((name) => name.trim().toLowerCase()));
  if (names.has('*')) return;
  const missing = headers.filter((name) => !names.has(name)).map(capitalized);
  if (missing.length === 0) return;
  response.setHeader('Vary', (present === '' ? missing : [present, ...missing]).join(', '));
}

const capitalized = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
