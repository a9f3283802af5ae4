import { malformed } from './malformed.ts';

/** One hop: what a proxy says of the client that it spoke to. Keys in lower case, in no order. */
export type XfccElement = ReadonlyMap<string, string>;

/** What may stand several times: of the names in a certificate there can be more than one. */
const repeatable: ReadonlySet<string> = new Set(['by', 'uri', 'dns']);

/**
 * The elements of Envoy's `x-forwarded-client-cert`: `Key=value` pairs parted by `;`, elements by `,`. A value in double
 * quotes may hold both; a backslash in it stands before a character that means itself. A key that stands twice is
 * malformed: whoever can put a name into a certificate could else put a second `Cert` there.
 */
export function readXfcc(text: string, most: number): XfccElement[] {
  const reader = new Reader(text);
  const elements: XfccElement[] = [];
  do {
    if (elements.length === most) malformed(`more than ${most} elements`);
    elements.push(readElement(reader));
  } while (reader.take(','));
  return elements;
}

function readElement(reader: Reader): XfccElement {
  const element = new Map<string, string>();
  do {
    const key = reader.key();
    const value = reader.value();
    if (element.has(key) && !repeatable.has(key)) malformed(`a second '${key}' in one element`);
    element.set(key, value);
  } while (reader.take(';') && !reader.isAtEnd());
  return element;
}

/** Goes over the text once, from the left to the right. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether `sign` is next, which is then passed, with the blanks around it. */
  take(sign: ',' | ';'): boolean {
    this.#skipBlanks();
    if (this.#at === this.#text.length) return false;
    if (this.#text[this.#at] !== sign) {
      // What follows a value is one of the two signs.
      if (sign === ',') malformed('something after a value');
      return false;
    }
    this.#at++;
    return true;
  }

  /** Whether an element ends here: some proxies write a last `;`. */
  isAtEnd(): boolean {
    this.#skipBlanks();
    return this.#at === this.#text.length || this.#text[this.#at] === ',';
  }

  key(): string {
    this.#skipBlanks();
    const start = this.#at;
    while (isLetter(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === start || this.#text[this.#at] !== '=') malformed('no key before a value');
    return this.#text.slice(start, this.#at++).toLowerCase();
  }

  value(): string {
    return this.#text[this.#at] === '"' ? this.#quoted() : this.#bare();
  }

  #quoted(): string {
    const text = this.#text;
    const parts: string[] = [];
    let start = ++this.#at;
    for (; this.#at < text.length; this.#at++) {
      const sign = text[this.#at];
      if (sign === '"') {
        parts.push(text.slice(start, this.#at++));
        return parts.join('');
      }
      if (sign !== '\\') continue;
      parts.push(text.slice(start, this.#at++));
      start = this.#at;
    }
    return malformed('a quoted value that does not end');
  }

  #bare(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !',;"'.includes(this.#text[this.#at]!)) this.#at++;
    if (this.#text[this.#at] === '"') malformed('a quote within a value');
    return this.#text.slice(start, this.#at);
  }

  #skipBlanks(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }
}

/** a–z, letter case aside; NaN, at the end, is none. */
const isLetter = (code: number): boolean => (code | 32) >= 97 && (code | 32) <= 122;
