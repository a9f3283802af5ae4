import { isIP } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { describe } from '../../options.ts';
import { ruleError } from '../rule-error.ts';

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether a label that begins like one is an A-label (RFC 5890 2.3.2.1): others decode to nothing, or to ASCII. */
function isALabel(text: string): boolean {
  const unicode = domainToUnicode(text);
  // Node 20 gives '' for what is none, or decodes it to ASCII; later ones give it back as it is.
  return unicode !== '' && unicode !== text && domainToASCII(unicode) === text;
}

/** Letters, digits and hyphens in lower case, as RFC 5280 4.2.1.6 and RFC 1123 2.1 have a host's name. */
function isHost(name: string): boolean {
  if (name.length > 253) return false;
  const labels = name.split('.');
  return (
    labels.every((each) => label.test(each) && (!each.startsWith('xn--') || isALabel(each))) &&
    // RFC 3696 2: a top-level label is never all digits.
    !/^[0-9]+$/.test(labels.at(-1)!)
  );
}

/**
 * The name of a host that stands in a certificate, in lower case; undefined where it is none: with a wildcard, a dot at
 * the end (the preferred name syntax of RFC 1034 3.5 has none, and name constraints do not see such a name), an
 * underscore, a control character, anything beyond ASCII, or a broken A-label.
 */
export function hostInCertificate(text: string): string | undefined {
  // Of ASCII only: beyond it there are letters whose lower case is in ASCII.
  if (!/^[A-Za-z0-9.-]+$/.test(text)) return undefined;
  const name = text.toLowerCase();
  return isHost(name) ? name : undefined;
}

/**
 * The name of a host that stands in a rule, as certificates have it: U-labels become A-labels (RFC 5280 7.2), one dot
 * at the end goes. A ConfigError `RULE_INVALID` where it is none.
 */
export function hostInRule(text: string, path: string): string {
  const relative = text.endsWith('.') ? text.slice(0, -1) : text;
  const ascii = toAscii(relative);
  if (ascii !== undefined && isHost(ascii)) return ascii;
  throw ruleError(path, `${describe(text)} is no name of a host`, remedyFor(text));
}

function toAscii(text: string): string | undefined {
  if (/^[A-Za-z0-9.-]*$/.test(text)) return text.toLowerCase();
  // domainToASCII() decodes percents, and cuts off what is behind a slash.
  if (/[\0-,/:-@[-`{-\x7f]|\p{C}/u.test(text)) return undefined;
  return domainToASCII(text);
}

function remedyFor(text: string): string {
  if (isIP(text.replace(/^\[|\]$/g, '')) !== 0) return 'For an address there is san.ip().';
  if (text.includes('*'))
    return "A '*' stands for the whole first label, and there must be others: '*.example.org'.";
  if (/[/:@]/.test(text)) return 'Give the name alone, without scheme, port or path.';
  return "Give labels of letters, digits and inner hyphens: 'a.example.org'.";
}
