import { createSecureContext, type SecureContext } from 'node:tls';
import type { KeyPair } from '../credentials/key-pair.ts';
import { ConfigError } from '../errors.ts';
import type { ClientTrust } from '../trust/trust-store.ts';
import { type ClientProtocol, contextOf } from './protocol.ts';

/** OpenSSL's part, made once for all connections: to read the public roots takes 7 to 28 ms. */
export function makeContext(
  protocol: ClientProtocol,
  { anchors }: ClientTrust,
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
