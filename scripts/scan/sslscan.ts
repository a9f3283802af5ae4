import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { capture } from './capture.ts';
import { serverName } from './certificates.ts';
import type { Target } from './targets.ts';

/** What sslscan has seen, in its own words. */
export interface Sslscan {
  readonly protocols: readonly string[];
  readonly ciphers: ReadonlyArray<{
    readonly protocol: string;
    readonly name: string;
    readonly preferred: boolean;
  }>;
  readonly groups: readonly string[];
  /** All that it reports of the protocol, a line for each element: name and attributes. */
  readonly findings: readonly string[];
  readonly renegotiation: boolean;
  readonly heartbleed: boolean;
  readonly certificate: {
    readonly signature: string;
    readonly keyType: string;
    readonly curve: string | undefined;
    readonly bits: number;
    readonly notBefore: Date;
    readonly notAfter: Date;
  };
}

export async function sslscan({ name, port }: Target, directory: string): Promise<Sslscan> {
  const report = join(directory, `sslscan-${name}.xml`);
  const said = await capture('sslscan', [
    '--no-colour',
    '--show-sigs',
    `--sni-name=${serverName}`,
    `--xml=${report}`,
    `127.0.0.1:${port}`,
  ]);
  try {
    return read(readFileSync(report, 'utf8'));
  } catch (error) {
    throw new Error(`sslscan has left no report that can be read: ${said}`, { cause: error });
  }
}

/** What it reports on, and the attributes that say nothing more than the others or differ by its version. */
const reported = [
  'protocol',
  'fallback',
  'renegotiation',
  'compression',
  'heartbleed',
  'cipher',
  'group',
  'connection-signature-algorithm',
];
const left = new Set(['id', 'bits', 'ecdhebits', 'dhebits', 'status', 'http']);

const findingsIn = (xml: string): string[] =>
  reported
    .flatMap((name) =>
      elements(xml, name).map((attributes) =>
        [
          name,
          ...Object.entries(attributes).flatMap(([key, value]) => (left.has(key) ? [] : `${key}=${value}`)),
        ].join(' '),
      ),
    )
    .toSorted();

type Attributes = Readonly<Record<string, string>>;

/** Attributes of every element of that name: sslscan writes one to a line. */
const elements = (xml: string, name: string): Attributes[] =>
  [...xml.matchAll(new RegExp(`<${name} ([^>]*?)/?>`, 'g'))].map((match) =>
    Object.fromEntries(
      [...match[1]!.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]),
    ),
  );

function text(xml: string, name: string): string {
  const value = new RegExp(`<${name}>(?:<!\\[CDATA\\[)?([^<\\]]*)`).exec(xml)?.[1];
  if (value === undefined) throw new Error(`no ${name}`);
  return value;
}

function read(xml: string): Sslscan {
  const key = elements(xml, 'pk')[0]!;
  return {
    findings: findingsIn(xml),
    protocols: elements(xml, 'protocol')
      .filter(({ enabled }) => enabled === '1')
      .map(({ type, version }) => `${type!.toUpperCase()}v${version}`),
    ciphers: elements(xml, 'cipher').map(({ sslversion, cipher, status }) => ({
      protocol: sslversion!,
      name: cipher!,
      preferred: status === 'preferred',
    })),
    groups: [...new Set(elements(xml, 'group').map(({ name }) => name!.split(' ')[0]!.toLowerCase()))],
    renegotiation: elements(xml, 'renegotiation').some(({ supported }) => supported !== '0'),
    heartbleed: elements(xml, 'heartbleed').some(({ vulnerable }) => vulnerable !== '0'),
    certificate: {
      signature: text(xml, 'signature-algorithm'),
      keyType: key['type']!,
      curve: key['curve_name'],
      bits: Number(key['bits']),
      notBefore: new Date(text(xml, 'not-valid-before')),
      notAfter: new Date(text(xml, 'not-valid-after')),
    },
  };
}
