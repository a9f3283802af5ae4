import { ConfigError } from '../../errors.ts';
import { describe } from '../../options.ts';
import type { Certificate } from '../../x509/certificate.ts';

/** A BMPString has no room for characters beyond the Basic Multilingual Plane. */
export const isFriendly = (name: unknown): name is string =>
  typeof name === 'string' &&
  /^[^\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]{1,128}$/u.test(name) &&
  !/[\u{10000}-\u{10ffff}]/u.test(name);

export function readFriendlyName(name: unknown): string | undefined {
  if (name === undefined || isFriendly(name)) return name;
  throw new ConfigError(
    'OPTION_INVALID',
    'friendlyName',
    `${describe(name)} is no name to show`,
    'Give 1 to 128 characters, no control characters and no emoji.',
  );
}

/** Without a name NSS would call a certificate without a subject 'Unknown CA', and one more of them by the same name. */
export function nameOf({ subject, subjectAltNames: { email, dns, uri } }: Certificate): string | undefined {
  return [...(subject['CN'] ?? []), ...email, ...dns, ...uri].find(isFriendly);
}
