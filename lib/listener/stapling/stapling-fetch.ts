import { type Fetch, type FetchRequest, fetchBounded } from '../revocation/fetch.ts';
import { isNear } from '../revocation/near.ts';

/** How a responder is asked; rejects where it does not answer, or answers anything but 200. */
export type AskResponder = (question: ResponderQuestion) => Promise<Buffer>;

export interface ResponderQuestion {
  readonly url: string;
  /** DER of the OCSPRequest. */
  readonly body: Buffer;
  /** For the whole of it, in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /**
   * The operator has named the responder. One that only a certificate names is not asked on this machine or link,
   * where cloud metadata and administration listen: the CA that writes the URL is not to send us there.
   */
  readonly chosen: boolean;
}

/** Answers have one or two KiB, with a responder's certificate. */
const maxAnswer = 64 * 1024;

/** Asks by POST (RFC 6960 A.1), over a connection of its own. No redirect is followed. */
export const askResponder = ({ chosen, ...question }: ResponderQuestion): Promise<Buffer> =>
  postOcsp({ ...question, objection: chosen ? () => undefined : nearby });

/** The same, to whatever address `objection` does not object to. */
export async function postOcsp(
  question: Omit<ResponderQuestion, 'chosen'> & Pick<FetchRequest, 'objection'>,
  fetch: Fetch = fetchBounded,
): Promise<Buffer> {
  const headers = { 'Content-Type': 'application/ocsp-request' };
  const { status, body } = await fetch({ ...question, headers, maxBytes: maxAnswer });
  if (status !== 200) throw new Error(`the responder answers with the status ${status}`);
  return body;
}

const nearby = (host: string, address: string): string | undefined =>
  isNear(address)
    ? `${host} is on this machine or link: name it in ocspStapling.responder if it is meant`
    : undefined;
