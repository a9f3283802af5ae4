/** Markup. Only `html` makes it, so that a plain string is always escaped. */
class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type { Html };
/** What may stand in a template; nothing is written for undefined. */
export type Content = string | number | Html | readonly Content[] | undefined;

/** A template whose values are escaped, in text and in quoted attributes alike. */
export const html = (literals: TemplateStringsArray, ...values: readonly Content[]): Html =>
  new Html(String.raw({ raw: literals }, ...values.map(markup)));

function markup(value: Content): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escape(value);
  return typeof value === 'number' ? String(value) : value.map(markup).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A certificate's name may hold line breaks, NUL, or marks that turn the direction of the text: those are shown as
 * what they are, or one name could pose as another.
 */
const escape = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`)
    .replace(/[&<>"']/g, (mark) => entities[mark]!);
