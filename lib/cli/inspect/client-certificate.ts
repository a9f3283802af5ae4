import { readElement, tags } from '../../x509/der.ts';
import { readName } from '../../x509/name.ts';
import { nameText } from './certificates/facts.ts';
import type { Inspection } from './inspection.ts';
import type { Negotiation } from './negotiated/negotiate.ts';
import type { Sightings } from './sightings.ts';

/** What the server wants of a client's certificate. `given`: whether it has got one. */
export function clientCertificateOf(
  sightings: Sightings,
  negotiation: Negotiation,
  given: boolean,
): Inspection['clientCertificate'] {
  const { request } = sightings;
  const requested = request !== undefined || (sightings.hasFlight ? false : null);
  const authorities = (request?.authorities ?? []).map((der) => nameOf(der));
  if (given || requested !== true)
    return { requested, required: requested === false ? false : null, given, authorities };
  return { requested, required: isRequired(negotiation, sightings.isBefore13), given, authorities };
}

/** nginx finishes the handshake, and says 400 by these words where error_page does not say otherwise. */
const nginxWords = /no required ssl certificate was sent/i;
/** nginx's own, which error_page can show. */
const certificateRequired = 496;

/** The alerts that are about a client's certificate, as OpenSSL calls them (RFC 8446 6.2). */
const aboutCertificate =
  /_ALERT_(?:NO_CERTIFICATE|(?:BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN_CA)$/;
/** Before TLS 1.3 the alert for none at all, where one was asked for (RFC 5246 7.4.6). */
const handshakeFailure = /_ALERT_HANDSHAKE_FAILURE$/;

/**
 * By what came of a connection without one. A handshake that has failed for another reason, or without a word, says
 * nothing of it, and an error of HTTP may be about the certificate or about anything else.
 */
function isRequired({ failure, outcome }: Negotiation, isBefore13: boolean): boolean | null {
  if (failure !== undefined) {
    const isMissed =
      aboutCertificate.test(failure.code) || (isBefore13 && handshakeFailure.test(failure.code));
    return isMissed ? true : null;
  }
  if (outcome === 'closed') return true;
  if (outcome === undefined || outcome === 'silent') return null;
  const { status, words } = outcome;
  if (status === certificateRequired || nginxWords.test(words)) return true;
  return status >= 200 && status < 400 ? false : null;
}

/** A distinguished name that cannot be read is shown as it came. */
function nameOf(der: Buffer): string {
  try {
    return nameText(readName(readElement(der, tags.sequence)));
  } catch {
    return `#${der.toString('hex')}`;
  }
}
