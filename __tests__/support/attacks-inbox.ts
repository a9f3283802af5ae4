export interface Answer {
  /** `closed`: the server ended the connection instead of answering. */
  readonly status: number | 'closed';
  readonly body: string;
}

export interface Question {
  readonly host?: string;
  readonly method?: string;
  readonly body?: string;
}

/** Takes octets as they come, and gives whole answers of HTTP/1.1 with a Content-Length. */
export class Inbox {
  #received = '';

  put(octets: Buffer): void {
    this.#received += octets.toString('latin1');
  }

  take(): Answer | undefined {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const head = this.#received.slice(0, end);
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
    const start = end + 4;
    if (this.#received.length < start + length) return undefined;
    const body = this.#received.slice(start, start + length);
    this.#received = this.#received.slice(start + length);
    return { status: Number(head.split(' ')[1]), body };
  }
}

export function request(path: string, { host = 'localhost', method = 'GET', body }: Question = {}): string {
  const length = body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${length}\r\n${body ?? ''}`;
}
