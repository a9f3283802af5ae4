import { ConfigError } from '../../errors.ts';
import { checkKeys, flag, oneOf } from '../../options.ts';
import { readChildren, readOid, readString, tags } from '../../x509/der.ts';
import { attributeName } from '../../x509/name.ts';
import { type DistinguishedNameInput, type NameAttribute, readAttributes } from '../distinguished-name.ts';
import { readClientContent } from '../issue-client.ts';
import { readServerContent } from '../issue-server.ts';
import type { Issuer } from '../issuer.ts';
import {
  type IssuedPublicCertificate,
  issueFor,
  type LeafContent,
  leafKeys,
  type LeafOptions,
} from '../leaf.ts';
import type { AltNamesInput } from '../names.ts';
import { statedNames } from '../stated-names.ts';
import { openRequest, type ReadRequest } from './read-request.ts';

/**
 * What to issue for a request. The names are yours to decide: `names` and `subject` here, or those of the request if you
 * say `namesFromRequest`, after you have seen them. Nothing else of a request is ever granted.
 */
export type SignRequestOptions = ServerRequestOptions | ClientRequestOptions;

interface RequestDecision extends Omit<LeafOptions, 'keyType'> {
  /** Default: for a server its first DNS name as common name, for a client empty; with `namesFromRequest` the request's. */
  readonly subject?: DistinguishedNameInput;
  /** Grants the subject and all alternative names that the request asks for. Default `false`. */
  readonly namesFromRequest?: boolean;
}

/** For a TLS server. */
export interface ServerRequestOptions extends RequestDecision {
  /** A server's certificate. */
  readonly purpose: 'server';
  /** DNS names and addresses; mandatory without `namesFromRequest`. */
  readonly names?: readonly string[];
}

/** For a TLS client. */
export interface ClientRequestOptions extends RequestDecision {
  /** A client's certificate. */
  readonly purpose: 'client';
  /** Its alternative names, by type. */
  readonly names?: AltNamesInput;
}

// oxlint-disable-next-line require-await -- a bad option shall be a rejection
export async function signRequest(
  pem: string,
  options: SignRequestOptions,
  issuer: Issuer,
): Promise<IssuedPublicCertificate> {
  checkKeys(options, ['purpose', 'namesFromRequest', ...leafKeys], 'options');
  oneOf(options.purpose, ['server', 'client'], 'purpose');
  const request = openRequest(pem, 'request');
  return issueFor(request.key, contentOf(request, options, issuer), issuer);
}

function contentOf(request: ReadRequest, options: SignRequestOptions, issuer: Issuer): LeafContent {
  if (!flag(options.namesFromRequest, 'namesFromRequest', false)) {
    return options.purpose === 'server'
      ? // Without names it is refused there.
        readServerContent({ ...options, names: options.names! }, issuer)
      : readClientContent(options, issuer);
  }
  if (options.names !== undefined) {
    throw new ConfigError(
      'OPTION_CONFLICT',
      'names',
      'given together with namesFromRequest',
      'Leave one of them out.',
    );
  }
  if (request.otherNames > 0) throw notGranted('it asks for a name of a kind that is not issued here');
  const subject = options.subject === undefined ? requestedSubject(request) : [];
  return options.purpose === 'server'
    ? readServerContent({ ...options, names: serverNames(request) }, issuer, subject)
    : readClientContent({ ...options, ...clientNames(request) }, issuer, subject);
}

/** A common name is no server's name for anybody (RFC 9525 2), so that a request without others asks for none. */
function serverNames({ names: { dns, ip, email, uri } }: ReadRequest): readonly string[] {
  if (email.length > 0 || uri.length > 0) throw notGranted("it asks for names that are no server's");
  if (dns.length === 0 && ip.length === 0) throw notGranted('it asks for no DNS name and no address');
  return [...dns, ...ip];
}

function clientNames(request: ReadRequest): { names?: AltNamesInput } {
  const names = statedNames(request.names);
  return names === undefined ? {} : { names };
}

const textTags: ReadonlySet<number> = new Set([
  tags.utf8String,
  tags.printableString,
  tags.ia5String,
  tags.teletexString,
  tags.bmpString,
]);

/** The subject, attribute by attribute, as one that is given here would be read. */
function requestedSubject({ subjectElement }: ReadRequest): readonly NameAttribute[] {
  const pairs = readChildren(subjectElement).map((rdn) => {
    const [attribute, ...others] = readChildren(rdn);
    const [type, value] = attribute === undefined ? [] : readChildren(attribute);
    if (others.length > 0 || value === undefined || !textTags.has(value.tag))
      throw notGranted('its subject has a part that is not issued here');
    const oid = readOid(type);
    const text = readString(value);
    if (text.includes('\ufffd')) throw notGranted('its subject has a text that is damaged');
    return [attributeName(oid) ?? oid, text] as const;
  });
  const read = readAttributes(pairs, 'request.subject');
  if (read === undefined) throw notGranted('its subject has a part that is not issued here');
  return read;
}

const notGranted = (problem: string): ConfigError =>
  new ConfigError(
    'REQUEST_INVALID',
    'request',
    problem,
    'Give `names` and `subject` yourself, without `namesFromRequest`.',
  );
