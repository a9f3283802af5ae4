const longest = 300;

/**
 * What a server has written, for an error and so for logs and terminals: controls, NUL, escape sequences, line ends and
 * what turns the direction of writing are spelt out, and long text is cut.
 */
export function printable(text: string): string {
  const safe = text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (found) => `\\u{${found.codePointAt(0)!.toString(16)}}`,
  );
  // The cut leaves no half of a surrogate pair.
  return safe.length <= longest ? safe : `${safe.slice(0, longest).replace(/[\ud800-\udbff]$/, '')}…`;
}
