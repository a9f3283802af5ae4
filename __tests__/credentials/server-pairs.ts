import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyPair, readKeyPairs } from '../../lib/credentials/key-pair.ts';
import { type OddCertificate, oddCertificate, type Overrides } from '../support/odd-certificates.ts';
import { extension, purposes } from '../support/odd-extensions.ts';
import { type OddKeyType, sharedKeys } from '../support/odd-keys.ts';
import { generalName } from '../support/odd-names.ts';

/** A server's certificate for these names, signed by itself unless there is an issuer. */
export function serverCertificate(
  names: readonly string[],
  type: OddKeyType = 'ec-p256',
  overrides: Overrides = {},
): OddCertificate {
  const altNames = names.map((name) =>
    /^[\d.]+$/.test(name) ? generalName.ip(name) : generalName.dns(name),
  );
  return oddCertificate({
    keys: sharedKeys(type),
    ...overrides,
    extensions: {
      extendedKeyUsage: extension.extendedKeyUsage([purposes.serverAuth]),
      ...(altNames.length > 0 && { subjectAltName: extension.subjectAltName(altNames) }),
    },
  });
}

/** As a listener would have read it. */
export function serverPair(...given: Parameters<typeof serverCertificate>): KeyPair {
  const { key, certificate } = serverCertificate(...given);
  return readKeyPairs({ key, cert: certificate })[0]!;
}

const folders: string[] = [];

/** A new folder, until `removeFolders`. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-'));
  folders.push(folder);
  return folder;
}

/** For `afterEach`. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
