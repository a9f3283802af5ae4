import type * as Undici from 'undici';
import { ConfigError } from '../errors.ts';

type Input = Parameters<typeof fetch>[0];
type Init = Parameters<typeof fetch>[1];
type Classes = Pick<typeof Undici, 'FormData' | 'Request'>;

/**
 * What fetch was given in terms of undici, which knows its own Request and FormData only: of Node's a Request would be
 * read as a URL, and a FormData sent as the text '[object FormData]'. Headers, Blob, File, URLSearchParams, streams and
 * signals are the same for both, or read by what they can do.
 */
export function toUndici(
  { FormData, Request }: Classes,
  input: Input,
  init: Init,
): [string | Undici.Request, Undici.RequestInit] {
  const given = membersOf(init);
  if (given.dispatcher !== undefined) throw ownDispatcher();
  if (isFormData(given.body) && !(given.body instanceof FormData))
    given.body = copyForm(given.body, FormData);
  // Here and once: what is checked is what is asked for, whatever it says the next time.
  return [isRequest(input) ? ownRequest(input, Request) : `${input}`, given];
}

const members = [
  'body',
  'cache',
  'credentials',
  'dispatcher',
  'duplex',
  'headers',
  'integrity',
  'keepalive',
  'method',
  'mode',
  'redirect',
  'referrer',
  'referrerPolicy',
  'signal',
  'window',
] as const satisfies ReadonlyArray<keyof Undici.RequestInit>;

/** By name, as the standard has it (Web IDL 3.2.17): a Request or another class's instance has no keys of its own. */
function membersOf(init: unknown): Undici.RequestInit {
  if (init === undefined || init === null) return {};
  if (typeof init !== 'object' && typeof init !== 'function')
    throw new TypeError('the second argument of fetch is no object');
  const given = members.map((name) => [name, Reflect.get(init, name)] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** Of this package's own undici, Node's, or another one's: they are told by their name, as there are many. */
const isFormData = (value: unknown): value is FormData =>
  tagOf(value) === 'FormData' && typeof (value as FormData).entries === 'function';

const tagOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, Symbol.toStringTag) : undefined;

function copyForm(form: FormData, FormData: Classes['FormData']): Undici.FormData {
  const copy = new FormData();
  for (const [name, value] of form as unknown as Iterable<[string, string | Blob]>) {
    if (typeof value === 'string') copy.append(name, value);
    else copy.append(name, value, (value as File).name);
  }
  return copy;
}

const isRequest = (value: unknown): value is Request => tagOf(value) === 'Request';

/** A Request has all that the second argument of another one takes. */
function ownRequest(request: Request, OwnRequest: Classes['Request']): Undici.Request {
  if (request instanceof OwnRequest) return request;
  return new OwnRequest(request.url, request as unknown as Undici.RequestInit);
}

const ownDispatcher = (): ConfigError =>
  new ConfigError(
    'OPTION_WEAKENS',
    'dispatcher',
    'another one would not verify',
    'Leave it out, or call the fetch that it belongs to.',
  );
