import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { capture } from './capture.ts';
import { serverName } from './certificates.ts';
import type { Target } from './targets.ts';

/** One line of testssl.sh's report. */
export interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** testssl.sh, and its version, which decides what it looks for. */
export interface Testssl {
  readonly version: string;
  /** With `checks` (its options) it does these only. */
  readonly scan: (target: Target, directory: string, checks?: readonly string[]) => Promise<Finding[]>;
}

/** 3.0 takes it for a fault that the client chooses the cipher, as Mozilla recommends, and knows no ML-KEM. */
const oldestVersion = [3, 2] as const;

/** `.tools/testssl` (an unpacked Debian package), or the system's. */
export async function findTestssl(): Promise<Testssl> {
  const unpacked = resolve('.tools/testssl');
  const own = existsSync(join(unpacked, 'usr/bin/testssl'));
  const program = own ? join(unpacked, 'usr/bin/testssl') : 'testssl';
  const environment: Record<string, string> = own
    ? { TESTSSL_INSTALL_DIR: join(unpacked, 'etc/testssl') }
    : {};
  const told = stripVTControlCharacters(await capture(program, ['--version'], { environment }));
  const version = /testssl(?:\.sh)?\s+(?:version\s+)?(\d+\.\d+\S*)/.exec(told)?.[1];
  const [major = 0, minor = 0] = (version ?? '').split('.').map((part) => Number.parseInt(part, 10));
  if (
    version === undefined ||
    major < oldestVersion[0] ||
    (major === oldestVersion[0] && minor < oldestVersion[1])
  ) {
    throw new Error(`testssl.sh ${version ?? 'of an unknown version'}: ${oldestVersion.join('.')} is needed`);
  }
  return {
    version,
    scan: async ({ name, port }, directory, checks = []) => {
      const report = join(directory, `testssl-${name}.json`);
      const args = ['--quiet', '--color', '0', '--warnings', 'batch', '--ip', '127.0.0.1', '--nodns', 'none'];
      const trust = ['--add-ca', join(directory, 'ca.pem')];
      const said = await capture(
        program,
        [...args, ...checks, ...trust, '--jsonfile', report, `${serverName}:${port}`],
        {
          environment,
        },
      );
      if (!existsSync(report)) throw new Error(`testssl.sh has left no report: ${said}`);
      const findings = JSON.parse(readFileSync(report, 'utf8')) as Finding[];
      if (!findings.some(({ id }) => id === (checks.length === 0 ? 'overall_grade' : 'scanTime')))
        throw new Error(`testssl.sh was cut off: ${said}`);
      return findings;
    },
  };
}
