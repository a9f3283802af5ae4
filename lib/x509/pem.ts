/** One PEM block (RFC 7468): its label, and what stands between the lines. */
export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
  readonly text: string;
}

/** A block that has been found, and not decoded yet, as that takes some milliseconds for a long one. */
export interface FoundPem {
  readonly label: string;
  readonly text: string;
  /** Undefined where it is not base64. */
  readonly decode: () => Buffer | undefined;
}

/**
 * The blocks of a PEM text, in order; text around them is ignored, as CA bundles carry comments.
 * Undefined where one begins and does not end.
 */
export function findPem(text: string): readonly FoundPem[] | undefined {
  const blocks: FoundPem[] = [];
  const firstLine = /-----BEGIN ([A-Z0-9 #.]+)-----\r?\n/y;
  for (let at = text.indexOf(begin); at !== -1; at = text.indexOf(begin, at)) {
    firstLine.lastIndex = at;
    const [line, label] = firstLine.exec(text) ?? [];
    if (line === undefined || label === undefined) return undefined;
    // Up to the next block at most: what begins again and again, and never ends, is given up at the first.
    const next = text.indexOf(begin, at + line.length);
    const room = text.slice(at + line.length, next === -1 ? undefined : next);
    const end = room.indexOf(`-----END ${label}-----`);
    if (end === -1) return undefined;
    const body = room.slice(0, end);
    const whole = `${line}${body}-----END ${label}-----`;
    blocks.push({ label, text: whole, decode: () => decode(body) });
    at += whole.length;
  }
  return blocks;
}

const begin = '-----BEGIN ';

/** The same, decoded. Undefined where a block is damaged: one that begins and does not end, or that is not base64. */
export function readPem(text: string): readonly PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  for (const found of findPem(text) ?? [undefined]) {
    const der = found?.decode();
    if (found === undefined || der === undefined) return undefined;
    blocks.push({ label: found.label, der, text: found.text });
  }
  return blocks;
}

/** An encrypted key has header lines (RFC 1421), which are no base64. */
function decode(body: string): Buffer | undefined {
  const encrypted = /^\s*[A-Za-z0-9-]+: /.test(body);
  return encrypted || isBase64(body) ? Buffer.from(body, 'base64') : undefined;
}

/** By what it must not hold: a pattern of the whole takes seven times as long, 30 ms for a CRL of 100,000 entries. */
function isBase64(text: string): boolean {
  if (/[^A-Za-z0-9+/=\s]/.test(text)) return false;
  const end = text.indexOf('=');
  const [digits, padding] =
    end === -1 ? [text, '='] : [text.slice(0, end), text.slice(end).replace(/\s+/g, '')];
  return /\S/.test(digits) && /^={1,2}$/.test(padding);
}
