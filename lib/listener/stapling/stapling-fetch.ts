import { lookup } from 'node:dns';
import { type IncomingMessage, request } from 'node:http';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';

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
// Where clouds answer their machines with credentials, beside 169.254.169.254.
nearby.addSubnet('fd00:ec2::', 32, 'ipv6'); // AWS
nearby.addAddress('fd20:ce::254', 'ipv6'); // Google
nearby.addAddress('100.100.100.200', 'ipv4'); // Alibaba
nearby.addAddress('168.63.129.16', 'ipv4'); // Azure
nearby.addSubnet('192.0.0.0', 24, 'ipv4'); // Oracle (.192), and the protocol assignments of RFC 6890

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

/**
 * Whether an address is on this machine, by whichever of its interfaces, on its link, or the cloud's that it runs in.
 * The interfaces are read each time, as addresses come and go.
 */
export function isNear(address: string, interfaces: Interfaces = networkInterfaces()): boolean {
  if (nearby.check(address, familyOf(address))) return true;
  const own = new BlockList();
  for (const { address: one } of Object.values(interfaces).flatMap((all) => all ?? [])) {
    const [bare = one] = one.split('%'); // A zone (RFC 4007 11) is no part of it.
    own.addAddress(bare, familyOf(bare));
  }
  return own.check(address, familyOf(address));
}

type Interfaces = NodeJS.Dict<ReadonlyArray<{ readonly address: string }>>;

const near = (host: string): Error =>
  new Error(`${host} is on this machine or link: name it in ocspStapling.responder if it is meant`);

/** Looks at the address that is connected to, so that a name cannot mean another one a moment later. */
const lookupFar: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, options, (error, found: unknown, family) => {
    const refused = error ?? refusalOf(hostname, found);
    (callback as (error: Error | null, found: unknown, family: number) => void)(refused, found, family);
  });
};

/** Never throws, as nobody would catch it: an address that cannot be judged is refused as well. */
function refusalOf(hostname: string, found: unknown): Error | null {
  const addresses = Array.isArray(found)
    ? (found as Array<{ address: string }>)
    : [{ address: String(found) }];
  try {
    return addresses.some(({ address }) => isNear(address)) ? near(hostname) : null;
  } catch (error) {
    return new Error(`where ${hostname} is cannot be told`, { cause: error });
  }
}
