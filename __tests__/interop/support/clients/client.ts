/** What the clients of the matrix have in common: what they are asked, and what they tell. */

export type Version = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
export type Http = 'h1' | 'h2';

/** Files of a client's certificate and key. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** One GET over a new connection that speaks one version of TLS and one of HTTP. */
export interface Ask {
  readonly port: number;
  readonly serverName: string;
  /** File of the CA to trust. */
  readonly ca: string;
  readonly version: Version;
  readonly http: Http;
  readonly path: string;
  readonly identity?: Identity;
  /** Only these for TLS 1.2 and below, by IANA's names; each client puts them into its own words. */
  readonly ciphers?: readonly string[];
  /** A second GET over a second connection, which offers the session of the first; `identity`: as whom, if not as the same. */
  readonly again?: { readonly identity?: Identity | null };
}

/** What came back over one connection, and what the client itself says of it; nothing where it does not tell. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly protocol?: string;
  /** OpenSSL's or IANA's name; of GnuTLS and NSS only the part for records. */
  readonly cipher?: string;
  /** Lower-case IANA name. */
  readonly group?: string;
  /** '' where the client says that none was negotiated. */
  readonly alpn?: string;
  /** Hexadecimal SHA-256 of the server's certificate, or of its key. */
  readonly serverFingerprint?: string;
  readonly serverKeyHash?: string;
  /** Upper-case hexadecimal. */
  readonly keyingMaterial?: string;
  readonly resumed?: boolean;
}

/** The answer over the last connection, or in its own words why none came. */
export type Result = { readonly answer: Answer } | { readonly refused: string };

export interface Client {
  readonly name: string;
  readonly https: readonly Http[];
  /** The versions below TLS 1.2 that it still can offer. */
  readonly old: readonly Version[];
  /** Whether it can be told to offer only weak ciphers. */
  readonly weak: boolean;
  /** As whom it can offer a session: as the same as before, or as somebody other, too. */
  readonly sessions: 'same' | 'other';
  /** Its sessions of TLS 1.2 are none that a server without a store can resume. */
  readonly noTicketsInTls12?: true;
  /** It offers X25519MLKEM768 in every version of it; of the others only a later one does. */
  readonly hybrid?: true;
  /** What it does not show to any server. */
  readonly withholds?: ReadonlyArray<'expired'>;
  /** Who chooses version and protocol; the client unless told otherwise. */
  readonly chooses?: 'server';
  /** All at once, as some are slow to start; the results stand in the order of the questions. */
  readonly ask: (asks: readonly Ask[]) => Promise<ReadonlyArray<Result | Error>>;
}

export const exporterLabel = 'EXPORTER-Channel-Binding';

export const requestText = ({ path, serverName, port }: Ask): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${serverName}:${port}\r\nConnection: close\r\n\r\n`;

/** The last answer in what a client wrote; undefined where there is none. */
export function readAnswer(text: string): Pick<Answer, 'status' | 'body'> | undefined {
  const [match] = [...text.matchAll(/HTTP\/[\d.]+ (\d{3})[^\r\n]*\r?\n[\s\S]*?\r?\n\r?\n(\{.*\})?/g)].slice(
    -1,
  );
  return match && { status: Number(match[1]), body: match[2] ?? '' };
}

/** Some at a time: each is a process, and there are few cores. */
export const eachAlone =
  (one: (ask: Ask) => Promise<Result>): Client['ask'] =>
  async (asks) => {
    const results: Array<Result | Error> = [];
    const left = asks.entries();
    const worker = async (): Promise<void> => {
      for (const [index, ask] of left) {
        // oxlint-disable-next-line no-await-in-loop -- as many as there are workers
        results[index] = await one(ask).catch((error: Error) => error);
      }
    };
    await Promise.all([worker(), worker()]);
    return results;
  };

/** IANA's name in lower case, for what each client calls a group. */
export function groupOf(name: string): string {
  const lower = name.toLowerCase();
  return { prime256v1: 'secp256r1', 'p-256': 'secp256r1', 'p-384': 'secp384r1' }[lower] ?? lower;
}

const opensslNames: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
};

export const isOld = (version: Version): boolean => version === 'TLSv1' || version === 'TLSv1.1';

/** OpenSSL's list, at a level of security that does not stop the client itself; undefined for its default. */
export function opensslCiphers({ ciphers, version }: Ask): string | undefined {
  if (ciphers === undefined) return isOld(version) ? 'ALL:@SECLEVEL=0' : undefined;
  return [...ciphers.map((name) => opensslNames[name] ?? name), '@SECLEVEL=0'].join(':');
}
