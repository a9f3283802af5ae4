import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A package that is installed. */
export interface Installed {
  /** What `require` loads of it. */
  readonly file: string;
  readonly version: string;
}

/** Found by Node's own way from `place`, a file or its URL; undefined where it is not there. */
export function installedFrom(place: string, name: string): Installed | undefined {
  try {
    const file = createRequire(place).resolve(name);
    const version = versionAbove(dirname(file), name);
    return version === undefined ? undefined : { file, version };
  } catch {
    return undefined;
  }
}

/** Not by `name/package.json`, which a package need not export. */
function versionAbove(folder: string, name: string): string | undefined {
  const own = parsed(join(folder, 'package.json'));
  if (own?.['name'] === name) return String(own['version']);
  return folder === dirname(folder) ? undefined : versionAbove(dirname(folder), name);
}

function parsed(file: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
