import { lookup } from 'node:dns';
import { type IncomingMessage, request } from 'node:http';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';

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
export function askResponder({ url, body, timeout, signal, chosen }: ResponderQuestion): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const { hostname } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    if (!chosen && isIP(host) !== 0 && isNear(host)) throw near(host);
    const asked = request(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/ocsp-request',
        'Content-Length': body.length,
        Connection: 'close',
      },
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      ...(!chosen && { lookup: lookupFar }),
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      const { statusCode } = response;
      if (statusCode === 200) read(response).then(resolve, reject);
      else reject(new Error(`the responder answers with the status ${statusCode}`));
      if (statusCode !== 200) asked.destroy();
    });
    asked.end(body);
  });
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving the loop destroys the response, and its connection with it.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxAnswer) throw new Error('the answer is larger than 64 KiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const nearby = new BlockList();
nearby.addSubnet('0.0.0.0', 8, 'ipv4');
nearby.addSubnet('127.0.0.0', 8, 'ipv4');
nearby.addSubnet('169.254.0.0', 16, 'ipv4');
nearby.addAddress('::', 'ipv6');
nearby.addAddress('::1', 'ipv6');
nearby.addSubnet('fe80::', 10, 'ipv6');

const isNear = (address: string): boolean => nearby.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

const near = (host: string): Error =>
  new Error(`${host} is on this machine or link: name it in ocspStapling.responder if it is meant`);

/** Looks at the address that is connected to, so that a name cannot mean another one a moment later. */
const lookupFar: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, options, (error, found: unknown, family) => {
    const addresses = Array.isArray(found)
      ? (found as Array<{ address: string }>)
      : [{ address: String(found) }];
    const refused =
      error === null && addresses.some(({ address }) => isNear(address)) ? near(hostname) : error;
    (callback as (error: Error | null, found: unknown, family: number) => void)(refused, found, family);
  });
};
