import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type DevelopmentFiles,
  developmentFiles,
  hasIssued,
  readKept,
} from '../../credentials/development/development-files.ts';
import { codeOf } from '../input/read-file.ts';
import { type Check, note, ok, wrong } from './check.ts';
import type { Machine } from './machine.ts';

const group = 'development certificate';

/** Whether it is there, until when, and whether others can read its keys; a note where this user may not look. */
export function developmentChecks({ environment, now }: Machine): Check[] {
  const files = developmentFiles(environment);
  try {
    return checksOf(files, now);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    const message = `${dirname(files.authority)} cannot be looked at (${code})`;
    return [note(group, 'DEVELOPMENT_CERTIFICATE', message, 'PORTCULLIS_HOME names another folder.')];
  }
}

function checksOf(files: DevelopmentFiles, now: number): Check[] {
  const open = [files.localhost, files.authorityKey]
    .filter(isReadableByOthers)
    .map((file) =>
      wrong(
        group,
        'DEVELOPMENT_KEY_OPEN',
        `others can read ${file}, which holds a private key`,
        `chmod 600 ${file}`,
      ),
    );
  if (!isThere(files.localhost)) {
    return [
      ...open,
      note(group, 'DEVELOPMENT_CERTIFICATE', 'none yet: the first server without a certificate makes it'),
    ];
  }
  const pair = readKept(files.localhost, now, 0);
  if (pair === undefined || !hasIssued(files.authority, pair.leaf)) {
    const message = 'it has ended, or is damaged: the next server makes another one';
    return [...open, note(group, 'DEVELOPMENT_CERTIFICATE', message)];
  }
  const until = new Date(pair.leaf.notAfter).toISOString().slice(0, 10);
  return [
    ...open,
    ok(group, 'DEVELOPMENT_CERTIFICATE', `good until ${until}; clients trust it by ${files.authority}`),
  ];
}

function isThere(file: string): boolean {
  try {
    return readFileSync(file).length > 0;
  } catch {
    return false;
  }
}

function isReadableByOthers(file: string): boolean {
  if (process.platform === 'win32') return false;
  const found = statSync(file, { throwIfNoEntry: false });
  return found !== undefined && (found.mode & 0o077) !== 0;
}
