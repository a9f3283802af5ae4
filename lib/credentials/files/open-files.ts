import { readdirSync, readFileSync } from 'node:fs';

/**
 * How many files this process may have open, sockets among them; Node has raised it as far as it may (RLIMIT_NOFILE).
 * Infinity where the system does not say (it is Linux that does), or there is no limit.
 */
export function openFilesLimit(): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? Infinity : Number(limit);
  } catch {
    return Infinity;
  }
}

/**
 * How many it has open, where `openFilesLimit` is known: some milliseconds for 20,000. Infinity where not one is left
 * to count with; 0 where the system does not say.
 */
export function countOpenFiles(): number {
  try {
    // Without the one that reads.
    return readdirSync('/proc/self/fd').length - 1;
  } catch (error) {
    return ['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '') ? Infinity : 0;
  }
}
