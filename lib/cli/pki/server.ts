import type { Authority, IssuedPublicCertificate } from '../../pki/index.ts';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { leafPeriod } from './days.ts';
import { issue, type IssueOptions } from './issue.ts';
import { authorityDates } from './authority-dates.ts';
import { type OpenedRequest, openRequestFile, undecided } from './request-file.ts';
import { parseSubject } from './subject.ts';

/** `pki server NAME…`: a certificate for a TLS server, for a new key or for that of a request. */
export async function issueServer(names: readonly string[], options: IssueOptions, io: Io): Promise<void> {
  const request = options.csr === undefined ? undefined : await openRequestFile(io, options.csr);
  requireNames(names, options, request);
  await issue(
    {
      purpose: 'server',
      calls: names[0],
      make: (authority) => make(authority, names, options, request, io.now()),
    },
    options,
    io,
  );
}

function requireNames(
  names: readonly string[],
  { namesFromCsr }: IssueOptions,
  request: OpenedRequest | undefined,
): void {
  if (names.length > 0 && namesFromCsr === true) {
    throw usage('names and --names-from-csr contradict each other', 'Give one of them.');
  }
  if (names.length > 0 || namesFromCsr === true) return;
  if (request !== undefined) throw undecided(request, 'give the names in the command');
  throw usage(
    'a server needs a name',
    'Give its DNS names and addresses: portcullis pki server localhost 127.0.0.1',
  );
}

function make(
  authority: Authority,
  names: readonly string[],
  options: IssueOptions,
  request: OpenedRequest | undefined,
  now: number,
): Promise<IssuedPublicCertificate> {
  const common = {
    ...leafPeriod(options.days, 'server', now, authorityDates(authority)),
    ...(options.subject !== undefined && { subject: parseSubject(options.subject) }),
    ...(options.crlUrl !== undefined && { crlDistributionPoints: options.crlUrl }),
  };
  if (request === undefined) {
    const keyType = options.keyType === undefined ? {} : { keyType: options.keyType };
    return authority.issueServerCertificate({ ...common, ...keyType, names });
  }
  return authority.signRequest(request.pem, {
    ...common,
    purpose: 'server',
    ...(options.namesFromCsr === true ? { namesFromRequest: true } : { names }),
  });
}
