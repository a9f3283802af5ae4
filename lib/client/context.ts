import { createSecureContext, type SecureContext } from 'node:tls';
import type { KeyPair } from '../credentials/key-pair.ts';
import { ConfigError } from '../errors.ts';
import type { ClientTrust } from '../trust/trust-store.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type ClientProtocol, contextOf } from './protocol.ts';

interface Made {
  readonly context: SecureContext;
  /** From when until when (ms) another one would be the same. */
  readonly from: number;
  readonly until: number;
}

/** OpenSSL's part, made once for all connections, as to read the public roots takes 7 to 28 ms, until a CA runs out. */
export class ClientContext {
  readonly #protocol: ClientProtocol;
  readonly #anchors: readonly Certificate[];
  readonly #pairs: readonly KeyPair[];
  #made: Made;

  constructor(protocol: ClientProtocol, { anchors }: ClientTrust, pairs: readonly KeyPair[]) {
    this.#protocol = protocol;
    this.#anchors = anchors;
    this.#pairs = pairs;
    this.#made = this.#make(Date.now());
  }

  /** For a handshake at the time `at` (ms). */
  at(at: number): SecureContext {
    if (at < this.#made.from || at >= this.#made.until) this.#made = this.#make(at);
    return this.#made.context;
  }

  #make(at: number): Made {
    const turns = this.#anchors
      .filter(({ isSelfIssued }) => !isSelfIssued)
      .flatMap(({ notBefore, notAfter }) => [notBefore, notAfter + 1]);
    return {
      context: makeContext(
        this.#protocol,
        this.#anchors.filter((anchor) => isOfUse(anchor, at)),
        this.#pairs,
      ),
      from: Math.max(...turns.filter((turn) => turn <= at)),
      until: Math.min(...turns.filter((turn) => turn > at)),
    };
  }
}

/** OpenSSL takes an intermediate of ours before the one that a server sends: an expired one would hide the renewed. */
const isOfUse = ({ isSelfIssued, notBefore, notAfter }: Certificate, at: number): boolean =>
  isSelfIssued || (notBefore <= at && at <= notAfter);

function makeContext(
  protocol: ClientProtocol,
  anchors: readonly Certificate[],
  pairs: readonly KeyPair[],
): SecureContext {
  try {
    return createSecureContext({
      ...contextOf(protocol),
      ca: anchors.map(({ pem }) => pem),
      ...(pairs.length > 0 && {
        key: pairs.map(({ key }) => key.export({ type: 'pkcs8', format: 'pem' }).toString()),
        cert: pairs.map(({ leaf, issuers }) =>
          // A root is left out, as no server believes one that is sent.
          [leaf, ...issuers.filter(({ isSelfIssued }) => !isSelfIssued)].map(({ pem }) => pem).join(''),
        ),
      }),
    });
  } catch (error) {
    throw new ConfigError(
      'OPTION_INVALID',
      'options',
      'OpenSSL does not accept them',
      'See the cause.',
      error,
    );
  }
}
