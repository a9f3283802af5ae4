import type { DistinguishedNameInput } from '../../pki/index.ts';
import type { DistinguishedName } from '../../x509/name.ts';
import { usage } from '../failure.ts';
import { plain } from '../terminal/plain.ts';

/**
 * Reads `--subject`: `O=Example, OU=Ops, CN=alice`, or a common name alone. A comma, an equals sign or a backslash in a
 * value stands after a backslash (RFC 4514 2.4).
 */
export function parseSubject(text: string): DistinguishedNameInput {
  if (!text.replace(/\\[\s\S]/g, '').includes('=')) return { CN: unescape(text.trim()) };
  const subject: Record<string, string[]> = {};
  for (const part of partsOf(text)) {
    const [, name = '', value = ''] = /^\s*([A-Za-z]+)\s*=\s*([\s\S]*?)\s*$/.exec(part) ?? [];
    if (name === '' || value === '' || Object.hasOwn(Object.prototype, name)) {
      throw usage(
        `--subject: '${plain(part)}' is no attribute`,
        "Give it as 'O=Example, CN=alice'; a comma in a value stands after a backslash.",
      );
    }
    (subject[name] ??= []).push(unescape(value));
  }
  return subject;
}

/** At the commas that part: two backslashes before one are a backslash, and the comma is none of the value. */
function partsOf(text: string): readonly string[] {
  const parts = [''];
  for (const [piece] of text.matchAll(/\\[\s\S]|[\s\S]/g))
    if (piece === ',') parts.push('');
    else parts.push(parts.pop()! + piece);
  return parts;
}

const unescape = (text: string): string => text.replace(/\\([\s\S])/g, '$1');

/** A distinguished name on one line, fit for a terminal. */
export const subjectText = (name: DistinguishedName): string =>
  Object.entries(name)
    .flatMap(([attribute, values]) =>
      values.map((value) => `${attribute}=${plain(value.replace(/[\\,]/g, '\\$&'))}`),
    )
    .join(', ');
