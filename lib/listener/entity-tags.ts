import { hash } from 'node:crypto';
import type { ExpressApp } from './prototypes.ts';

/** What Express asks for the ETag of a body: its setting `etag fn`. */
type EntityTag = (body: string | Buffer, encoding?: BufferEncoding) => unknown;

/**
 * Lets an Express app make its own ETags, octet for octet the same, in fewer steps: for the hash of a small body Express
 * makes an object of OpenSSL's, by which a whole request costs 1.04 to 1.08 times the CPU on Node 24
 * (docs/decisions/prototypes.md). A function of the app's own stays, and so does what is set later.
 */
export function quickenEntityTags(app: ExpressApp): void {
  const { settings } = app;
  const kind = settings?.['etag'];
  if (settings === undefined || (kind !== 'weak' && kind !== 'strong')) return;
  const quick = kind === 'weak' ? weakTag : strongTag;
  const theirs = settings[place] as EntityTag;
  if (theirs !== usualTag(app, kind) || !agree(quick, theirs)) return;
  const tag: EntityTag = (body, encoding) =>
    mayPassForFile(body) ? theirs(body, encoding) : quick(body, encoding);
  Reflect.set(settings, place, tag);
}

/** To Express a body with what a file's `Stats` has is a file, and its times are hashed. */
const mayPassForFile = (body: string | Buffer): boolean => typeof body !== 'string' && 'ctime' in body;

const place = 'etag fn';

/** Express's own function for `kind`, from its own `app.set`, asked for a setting of nobody's. */
function usualTag(app: ExpressApp, kind: string): unknown {
  const { settings, set } = app;
  const before = settings![place];
  const nobodys: Record<string, unknown> = {};
  try {
    Reflect.apply(set as () => void, Object.create(app, { settings: { value: nobodys } }), ['etag', kind]);
  } catch {
    return undefined;
  }
  // An `app.set` that is bound to the app has set it there.
  if (settings![place] === before) return typeof nobodys[place] === 'function' ? nobodys[place] : undefined;
  Reflect.set(settings!, place, before);
  return undefined;
}

/** An Express that makes its ETags in another way keeps it. */
function agree(quick: EntityTag, theirs: EntityTag): boolean {
  try {
    return samples.every(
      ([body, encoding]) =>
        quick(body, encoding) === theirs(body, encoding) &&
        quick(Buffer.from(body, encoding)) === theirs(Buffer.from(body, encoding)),
    );
  } catch {
    return false;
  }
}

const samples: ReadonlyArray<readonly [string, BufferEncoding]> = [
  ['', 'utf8'],
  ['{"hello":"world"}', 'utf8'],
  ['ÄÖÜ ✓', 'utf8'],
  ['ÄÖÜ', 'latin1'],
  ['x'.repeat(5_000), 'utf8'],
];

function strongTag(body: string | Buffer, encoding?: BufferEncoding): string {
  const octets = Buffer.isBuffer(body) ? body : Buffer.from(body, encoding);
  return `"${octets.length.toString(16)}-${hash('sha1', octets, 'base64').slice(0, 27)}"`;
}

const weakTag = (body: string | Buffer, encoding?: BufferEncoding): string =>
  `W/${strongTag(body, encoding)}`;
