/** The little of SVG that a plot needs. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What XML 1.0 cannot hold even as an entity (2.2), control characters, becomes a replacement character. */
export const escapeText = (text: string): string =>
  text
    // oxlint-disable-next-line no-control-regex -- that is what it looks for
    .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => entities[character]!);

export type Attributes = Readonly<Record<string, string | number>>;

/** `children` are elements already, or escaped text. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escapeText(typeof value === 'number' ? short(value) : value)}"`)
    .join('');
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join('')}</${name}>`;
}

/** A tenth of a pixel is enough, and the same on every machine. */
const short = (value: number): string => String(Math.round(value * 10) / 10);
