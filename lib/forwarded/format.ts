import { ConfigError } from '../errors.ts';
import { flag, oneOf, wholeNumber } from '../options.ts';
import type { Assertion } from './assertion.ts';
import { type CustomFormat, readCustomFormat } from './custom.ts';
import { type ChosenHeaders, choosable, formats, type LayoutName } from './formats.ts';
import { HeaderNames, readHeaderName } from './header-names.ts';
import { headersOf, type Layout, maxCertificates, readLayout } from './layout.ts';
import { malformed } from './malformed.ts';
import { requireReadable } from './readable.ts';
import { readXfccHeader, type XfccChoice, xfccHeader } from './xfcc-layout.ts';

/** The proxies whose way of writing is known. */
export type ForwardedFormatName = LayoutName | 'xfcc';

/** What a format of `forwardedClientCertificate` takes. */
export interface ForwardedFormatOptions {
  /** Who writes the headers, or a header of one's own. */
  readonly format: ForwardedFormatName | CustomFormat;
  /**
   * For `nginx`, `haproxy` and `gcp`: the header with the certificate, as it is named in the proxy's configuration; for
   * `aws-alb` that of its mode, which `verifiedByProxy` says.
   */
  readonly header?: string | undefined;
  /** For `nginx`, `haproxy` and `gcp`: the header with what the client has sent besides. */
  readonly chainHeader?: string | undefined;
  /** For the same: the header with the proxy's verdict. */
  readonly verifyHeader?: string | undefined;
  /** For `xfcc`: which element counts where several proxies have added theirs. Default `only`: more than one is refused. */
  readonly element?: XfccChoice | undefined;
  /** Whether the proxy verifies what it forwards. Default: as the format's headers say, and else as docs/ has it. */
  readonly verifiedByProxy?: boolean | undefined;
  /** Characters in all these headers together; 12,288 by default. Node's `maxHeaderSize` (16 KiB for all headers) comes first. */
  readonly maxLength?: number | undefined;
}

export const formatOptions = [
  'format',
  'header',
  'chainHeader',
  'verifyHeader',
  'element',
  'verifiedByProxy',
  'maxLength',
] as const;

/** A format, ready to read. */
export interface ForwardedFormat {
  /** All that it reads or might read: none of it may come from somebody else. */
  readonly names: HeaderNames;
  /** Those by which an answer differs (RFC 9440 2.4), in lower case. */
  readonly vary: readonly string[];
  /** What the headers say. Throws a MalformedError. */
  readonly read: (rawHeaders: readonly string[]) => Assertion;
}

/** Reads the options of a format. ConfigErrors: `OPTION_INVALID`, `OPTION_CONFLICT`, `OPTION_UNKNOWN`, `OPTION_WEAKENS`. */
export function readFormat(options: Readonly<Record<string, unknown>>, path: string): ForwardedFormat {
  const { format, verifiedByProxy, maxLength = 12_288, element } = options;
  const max = wholeNumber(maxLength, `${path}.maxLength`, 'characters', 1_024, 1_048_576);
  const believed =
    verifiedByProxy === undefined ? undefined : flag(verifiedByProxy, `${path}.verifiedByProxy`, false);
  const name = typeof format === 'object' && format !== null ? 'custom' : nameOf(format, path);
  const chosen = readChosen(options, name, path);
  if (name === 'aws-alb' && chosen.header !== undefined && believed === undefined)
    throw new ConfigError(
      'OPTION_CONFLICT',
      `${path}.header`,
      'given without the mode that it is of',
      'Add verifiedByProxy: true (verify) or false (passthrough).',
    );
  if (name !== 'xfcc' && element !== undefined) throw conflict(`${path}.element`, name, 'xfcc');
  if (name === 'azure' && believed === true)
    throw new ConfigError(
      'OPTION_WEAKENS',
      `${path}.verifiedByProxy`,
      'App Service forwards any certificate, verified by nobody',
      'Leave it out, and give ca here or at the routes.',
    );
  if (name === 'xfcc') {
    const choice =
      element === undefined ? 'only' : oneOf(element, ['only', 'first', 'last'], `${path}.element`);
    return ready([xfccHeader], [xfccHeader], max, (values) =>
      readXfccHeader(values.get(xfccHeader), choice, believed),
    );
  }
  const layout =
    name === 'custom' ? readCustomFormat(format, `${path}.format`) : formats[name](chosen, believed);
  return ofLayout(layout, believed, max, path);
}

function nameOf(format: unknown, path: string): ForwardedFormatName {
  const names = [...Object.keys(formats), 'xfcc'] as ForwardedFormatName[];
  return oneOf(format, names, `${path}.format`);
}

function ofLayout(layout: Layout, believed: boolean | undefined, max: number, path: string): ForwardedFormat {
  const headers = headersOf(layout);
  const read = [...layout.certificate, ...(layout.chain === undefined ? [] : [layout.chain])];
  const distinct = [...read.map(({ header }) => header), ...(layout.verifier?.headers ?? [])];
  if (new Set(distinct).size < distinct.length)
    throw new ConfigError('OPTION_CONFLICT', path, 'two of its headers have one name', 'Name them apart.');
  const verdict = believed === false ? [] : (layout.verifier?.headers ?? []);
  const vary = [...read.map(({ header }) => header), ...verdict];
  return ready(headers, vary, max, (values) => readLayout(layout, values, believed));
}

function ready(
  headers: readonly string[],
  vary: readonly string[],
  max: number,
  read: (values: ReadonlyMap<string, string>) => Assertion,
): ForwardedFormat {
  const names = new HeaderNames(headers);
  return Object.freeze({
    names,
    vary,
    read: (rawHeaders: readonly string[]): Assertion => {
      const assertion = read(names.valuesIn(rawHeaders, max));
      if (assertion.kind !== 'certificate') return assertion;
      const { leaf, chain } = assertion;
      if (chain.length >= maxCertificates) malformed(`more than ${maxCertificates} certificates`);
      requireReadable([leaf, ...chain]);
      return assertion;
    },
  });
}

function readChosen(
  options: Readonly<Record<string, unknown>>,
  name: ForwardedFormatName | 'custom',
  path: string,
): ChosenHeaders {
  const chosen: Record<string, string> = {};
  for (const option of ['header', 'chainHeader', 'verifyHeader']) {
    const value = options[option];
    if (value === undefined) continue;
    const formatsWith = choosable[option as keyof ChosenHeaders];
    if (!formatsWith.has(name)) throw conflict(`${path}.${option}`, name, [...formatsWith].join(', '));
    chosen[option] = readHeaderName(value, `${path}.${option}`);
  }
  return chosen;
}

const conflict = (path: string, name: string, meant: string): ConfigError =>
  new ConfigError(
    'OPTION_CONFLICT',
    path,
    `it is for ${meant}, and the format is ${name}`,
    'Leave it out, or give the format { header, encoding }.',
  );
