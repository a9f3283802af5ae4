import { readBase64 } from './base64.ts';
import { malformed } from './malformed.ts';

/** An Item that is a Byte Sequence without parameters (RFC 9651 3.3.5, RFC 9440 2.1): `:MIIB…:`. */
export function readByteSequence(text: string): Buffer {
  const bare = trimmed(text, ' ');
  if (bare.length < 2 || !bare.startsWith(':') || !bare.endsWith(':')) malformed('no byte sequence');
  return readBase64(bare.slice(1, -1), 'a byte sequence');
}

/** A List of them (RFC 9651 3.1, RFC 9440 2.2): `:MIIB…:, :MIIC…:`. An empty one is a header without a value. */
export function readByteSequences(text: string, most: number): Buffer[] {
  const list = trimmed(text, ' ');
  if (list === '') return [];
  // One more than may be there, so that a flood of commas makes no list of its length.
  const members = list.split(',', most + 1);
  if (members.length > most) malformed(`more than ${most} certificates`);
  return members.map((member, index) => {
    const bare = trimmed(member, ' \t');
    if (bare === '') malformed(`nothing at place ${index + 1} of a list`);
    return readByteSequence(bare);
  });
}

/** Without these signs at both ends. A pattern would begin anew at each blank in the middle: 16 KB of them cost 0.1 s. */
function trimmed(text: string, signs: string): string {
  let [start, end] = [0, text.length];
  while (start < end && signs.includes(text[start]!)) start++;
  while (end > start && signs.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}
