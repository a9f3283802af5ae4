import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Of this package: from its package.json, which lies above the sources and above what is built. */
export function packageVersion(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const read = JSON.parse(contentOf(join(folder, 'package.json')) ?? '{}') as Record<string, unknown>;
    if (read['name'] === 'portcullis') return String(read['version']);
  }
  return 'unknown';
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
