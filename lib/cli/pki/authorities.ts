import type { Certificate } from '../../x509/certificate.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { type Folder, readText } from './folder.ts';
import { parseCertificate } from './parse-certificate.ts';
import { shown } from './paths.ts';
import type { AuthorityRecord } from './record.ts';

/** The authority's own certificates: the one that issues, and the root. */
export interface Authorities {
  readonly issuer: Certificate;
  readonly root: Certificate;
}

export function readAuthorities(
  io: Io,
  folder: Folder,
  { issuer }: Pick<AuthorityRecord, 'issuer'>,
): Authorities {
  const root = readCertificateFile(io, folder.root);
  return { root, issuer: issuer === 'root' ? root : readCertificateFile(io, folder.intermediate) };
}

function readCertificateFile(io: Io, file: string): Certificate {
  const text = readText(io, file);
  try {
    return parseCertificate(text);
  } catch (error) {
    throw new CliFailure(
      `${shown(io, file)} is no certificate in PEM`,
      'Put back a copy of it.',
      undefined,
      error,
    );
  }
}
