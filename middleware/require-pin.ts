import type { RequestHandler } from 'express';
import { checkArguments, checkKeys, flag, oneOf } from '../lib/options.ts';
import type { ClientCertificate } from '../lib/connection/index.ts';
import { allow, type Decision, refuse } from '../lib/policy/decision.ts';
import { type PinSet, readPins } from '../lib/policy/pins.ts';
import { guard, type Seen } from './guard.ts';
import { missing } from './require-client-certificate.ts';
import { whenKnown } from './when-known.ts';

/** Where the pins are looked for. */
export interface RequirePinOptions {
  /** `leaf` (the default): the client's own certificate; `chain`: that or any issuer of its verified path. */
  readonly on?: 'leaf' | 'chain' | undefined;
  /** Accepts a client whose certificate a trusted proxy has passed on, too (`forwardedClientCertificate`). */
  readonly acceptForwarded?: boolean | undefined;
  /** Publishes the refusal and lets the request pass. */
  readonly reportOnly?: boolean | undefined;
}

/**
 * Lets verified clients pass whose public key or certificate is one of `pins`: `sha256/…=` of the SPKI (RFC 7469), or
 * the certificate's SHA-256 fingerprint in hexadecimal. A pin narrows trust and never widens it: the certificate must
 * be verified all the same. Warns where there is no second pin, as a lost key would then lock everyone out.
 *
 * Refuses with 403: `PIN_MISMATCH`, or as `requireClientCertificate` does where there is no verified certificate.
 */
export function requirePin(
  pins: string | readonly string[],
  options: RequirePinOptions = {},
): RequestHandler {
  checkArguments(arguments, 2, 'requirePin', 'Give several pins in a list.');
  const accepted = readPins(pins, 'requirePin.pins');
  checkKeys(options, ['on', 'acceptForwarded', 'reportOnly'], 'requirePin');
  const onChain =
    options.on !== undefined && oneOf(options.on, ['leaf', 'chain'], 'requirePin.on') === 'chain';
  if (accepted.size < 2) {
    process.emitWarning(
      'requirePin() has no backup pin: if that key is lost, nobody can enter. Add the pin of a key kept offline.',
      {
        code: 'PORTCULLIS_NO_BACKUP_PIN',
      },
    );
  }
  const decide = ({ state }: Seen): Decision => {
    const { clientCertificate } = state;
    if (clientCertificate === undefined) return missing(state);
    const leafMatches = matches(clientCertificate, accepted);
    if (leafMatches || (onChain && clientCertificate.chain.some((issuer) => matches(issuer, accepted)))) {
      return allow;
    }
    const seen = onChain ? [clientCertificate, ...clientCertificate.chain] : [clientCertificate];
    return refuse(
      'PIN_MISMATCH',
      `none of ${accepted.size} pins is that of ${seen.map(({ pin }) => pin).join(', ')}`,
    );
  };
  const acceptForwarded = flag(options.acceptForwarded, 'requirePin.acceptForwarded', false);
  const reportOnly = flag(options.reportOnly, 'requirePin.reportOnly', false);
  return guard({
    name: 'requirePin',
    acceptForwarded,
    reportOnly,
    failure: 'PIN_MISMATCH',
    decide: (seen) => whenKnown(seen, undefined, decide),
  });
}

const matches = ({ pin, fingerprint256 }: ClientCertificate, pins: PinSet): boolean =>
  pins.has(pin) || pins.has(fingerprint256);
