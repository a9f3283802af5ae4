import type {
  AltNamesInput,
  Authority,
  DistinguishedNameInput,
  IssuedPublicCertificate,
} from '../../pki/index.ts';
import { spiffe } from '../../policy/spiffe.ts';
import { CliFailure, exitCodes, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { authorityDates } from './authority-dates.ts';
import { leafPeriod } from './days.ts';
import { issue, type IssueOptions } from './issue.ts';
import { type OpenedRequest, openRequestFile, undecided } from './request-file.ts';
import { parseSubject } from './subject.ts';

export interface ClientOptions extends IssueOptions {
  readonly cn?: string;
  readonly email?: readonly string[];
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
  readonly uri?: readonly string[];
  readonly spiffe?: string;
}

interface Identity {
  readonly subject: DistinguishedNameInput | undefined;
  readonly names: AltNamesInput | undefined;
}

/** `pki client [NAME]`: a certificate for a TLS client, for a new key or for that of a request. */
export async function issueClient(name: string | undefined, options: ClientOptions, io: Io): Promise<void> {
  const identity = readIdentity(name, options);
  const request = options.csr === undefined ? undefined : await openRequestFile(io, options.csr);
  requireIdentity(identity, options, request);
  const { cn, email, spiffe: id, uri, dns, ip } = options;
  await issue(
    {
      purpose: 'client',
      calls: name ?? cn ?? email?.[0] ?? id ?? uri?.[0] ?? dns?.[0] ?? ip?.[0],
      make: (authority) => make(authority, identity, options, request, io.now()),
    },
    options,
    io,
  );
}

function readIdentity(name: string | undefined, options: ClientOptions): Identity {
  const given = [
    ['NAME', name],
    ['--cn', options.cn],
    ['--subject', options.subject],
  ].filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    throw usage(
      `${given.map(([option]) => option).join(' and ')} contradict each other`,
      'Each gives the subject: give one of them.',
    );
  }
  const cn = name ?? options.cn;
  const names = readNames(options);
  return {
    subject:
      options.subject !== undefined
        ? parseSubject(options.subject)
        : cn === undefined
          ? undefined
          : { CN: cn },
    names: Object.keys(names).length === 0 ? undefined : names,
  };
}

function readNames({ email, dns, ip, uri, spiffe: id }: ClientOptions): AltNamesInput {
  if (id !== undefined && uri !== undefined)
    throw usage('--spiffe and --uri do not go together', 'An SVID has its SPIFFE ID as its only URI.');
  if (id !== undefined) requireSpiffeId(id);
  const uris = id === undefined ? uri : [id];
  return {
    ...(email !== undefined && { email }),
    ...(dns !== undefined && { dns }),
    ...(ip !== undefined && { ip }),
    ...(uris !== undefined && { uri: uris }),
  };
}

/** By the same reader that judges clients at a route. */
function requireSpiffeId(id: string): void {
  try {
    spiffe.id(id);
  } catch (error) {
    throw new CliFailure(
      `--spiffe: '${plain(id)}' is no SPIFFE ID`,
      "Give one as 'spiffe://example.org/payments', its trust domain in lower case.",
      exitCodes.usage,
      error,
    );
  }
}

function requireIdentity(
  { subject, names }: Identity,
  { namesFromCsr }: ClientOptions,
  request: OpenedRequest | undefined,
): void {
  const given = subject !== undefined || names !== undefined;
  if (given && namesFromCsr === true)
    throw usage('names and --names-from-csr contradict each other', 'Give one of them.');
  if (given || namesFromCsr === true) return;
  if (request !== undefined) throw undecided(request, 'give --cn, --email, --dns, --ip, --uri or --spiffe');
  throw usage('a client needs a name', 'Give one: portcullis pki client alice, or --email, --spiffe …');
}

function make(
  authority: Authority,
  { subject, names }: Identity,
  options: ClientOptions,
  request: OpenedRequest | undefined,
  now: number,
): Promise<IssuedPublicCertificate> {
  const common = {
    ...leafPeriod(options.days, 'client', now, authorityDates(authority)),
    ...(options.crlUrl !== undefined && { crlDistributionPoints: options.crlUrl }),
    ...(subject !== undefined && { subject }),
    ...(names !== undefined && { names }),
  };
  if (request === undefined) {
    const keyType = options.keyType === undefined ? {} : { keyType: options.keyType };
    return authority.issueClientCertificate({ ...common, ...keyType });
  }
  return authority.signRequest(request.pem, {
    ...common,
    purpose: 'client',
    ...(options.namesFromCsr === true && { namesFromRequest: true }),
  });
}
