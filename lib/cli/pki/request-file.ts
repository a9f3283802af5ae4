import { resolve } from 'node:path';
import type { CertificateRequest } from '../../pki/index.ts';
import { encodePem } from '../../pki/pem.ts';
import type { SubjectAltNames } from '../../x509/extensions.ts';
import { type CliFailure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { plain } from '../terminal/plain.ts';
import { readGivenFile } from './read-file.ts';
import { subjectText } from './subject.ts';

/** A request that proves that its owner has the key. */
export interface OpenedRequest {
  readonly pem: string;
  readonly content: CertificateRequest;
}

/** Reads `--csr FILE`, or standard input for `-`; a ConfigError `REQUEST_INVALID` where it is none or proves nothing. */
export async function openRequestFile(io: Io, file: string): Promise<OpenedRequest> {
  const content =
    file === '-' ? await io.readInput() : readGivenFile(io, resolve(io.directory, file)).content;
  const pem = isDer(content) ? encodePem('CERTIFICATE REQUEST', content) : content.toString('utf8');
  const { readRequest } = await import('../../pki/index.ts');
  return { pem, content: readRequest(pem) };
}

/** A request in DER is a SEQUENCE of 127 octets at least, and no text goes on with such a length. */
const isDer = (content: Buffer): boolean => content[0] === 0x30 && (content[1] ?? 0) >= 0x7f;

/** Names are never taken from a request without a word: anybody may ask for any. */
export const undecided = ({ content }: OpenedRequest, how: string): CliFailure =>
  usage(
    `the request asks for ${askedFor(content)}`,
    `To grant just that, add --names-from-csr. To decide yourself, ${how}.`,
  );

function askedFor({ subject, names }: CertificateRequest): string {
  const name = subjectText(subject);
  const asked = [...(name === '' ? [] : [`the subject ${name}`]), ...nameTexts(names)];
  return asked.length === 0 ? 'no name' : asked.join(', ');
}

/** Names by type, as `dns:example.org`, fit for a terminal. */
export const nameTexts = (names: SubjectAltNames): string[] =>
  (['dns', 'ip', 'email', 'uri'] as const).flatMap((type) =>
    names[type].map((name) => `${type}:${plain(name)}`),
  );
