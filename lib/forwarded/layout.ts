import { isProblem } from '../trust/problem.ts';
import { type Assertion, nobody, refusedByProxy } from './assertion.ts';
import type { Decoder } from './encodings.ts';
import type { HeaderValues } from './header-names.ts';
import { malformed } from './malformed.ts';
import type { Verification, Verifier } from './verification.ts';

/** The most that one request may bring, the client's own among them. */
export const maxCertificates = 10;

/** Where certificates stand. */
export interface Place {
  /** In lower case. */
  readonly header: string;
  readonly decode: Decoder;
}

/** How one kind of proxy writes a client's certificate. */
export interface Layout {
  /** The client's certificate, and what it has sent with it behind it. Of several headers one only may be there. */
  readonly certificate: ReadonlyArray<Place & { readonly verified: boolean }>;
  /** The rest of what it has sent. */
  readonly chain?: Place | undefined;
  readonly verifier?: Verifier | undefined;
  /** What else the proxy writes of the certificate: nobody reads it here, and nobody shall behind us. */
  readonly beside?: readonly string[];
  /** Whether a header without a value is an error, where others write one for a client without a certificate. */
  readonly strict?: boolean;
  /** What stands for an empty value. */
  readonly blank?: string | undefined;
}

export const headersOf = ({ certificate, chain, verifier, beside = [] }: Layout): readonly string[] => [
  ...certificate.map(({ header }) => header),
  ...(chain === undefined ? [] : [chain.header]),
  ...(verifier?.headers ?? []),
  ...beside,
];

/**
 * What the headers say. `believed`: true, the proxy verifies whatever it forwards, unless it says otherwise; false, it
 * verifies nothing, whatever it says. Throws a MalformedError.
 */
export function readLayout(layout: Layout, sent: HeaderValues, believed: boolean | undefined): Assertion {
  const values = layout.blank === undefined ? sent : withBlanks(sent, layout.blank);
  const found = layout.certificate.filter((place) => isThere(layout, values.get(place.header)));
  const [place, another] = found;
  if (another !== undefined) malformed('a certificate in two headers');
  const verifier = believed === false ? undefined : layout.verifier;
  const verification = verifier?.judge(values, place !== undefined);
  if (place === undefined) return withoutCertificate(layout, values, verification);
  if (typeof verification === 'object') return refusedByProxy(verification);
  const [leaf, ...rest] = place.decode(values.get(place.header)!, maxCertificates);
  const chain = [...rest, ...chainIn(layout, values)];
  const says = verification === 'verified' || (layout.verifier === undefined && place.verified);
  return { kind: 'certificate', leaf: leaf!, chain, verified: believed ?? says };
}

const withBlanks = (values: HeaderValues, blank: string): HeaderValues =>
  new Map([...values].map(([name, value]) => [name, value === blank ? '' : value]));

function withoutCertificate(layout: Layout, values: HeaderValues, verification: Verification): Assertion {
  if (layout.chain !== undefined && (values.get(layout.chain.header) ?? '') !== '')
    malformed('a chain without a certificate');
  return verification !== undefined && verification !== 'verified' && isProblem(verification)
    ? refusedByProxy(verification)
    : nobody;
}

function chainIn({ chain }: Layout, values: HeaderValues): readonly Buffer[] {
  const value = chain && values.get(chain.header);
  return value === undefined || value === '' ? [] : chain!.decode(value, maxCertificates);
}

const isThere = ({ strict }: Layout, value: string | undefined): boolean =>
  value !== undefined && (strict === true || value !== '');
