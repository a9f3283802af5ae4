import { getFips } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What a doctor looks at; tests give their own. */
export interface Machine {
  /** '24.21.0'. */
  readonly node: string;
  /** '3.5.8'. */
  readonly openssl: string;
  readonly platform: string;
  readonly fips: boolean;
  readonly execArgv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Files and sockets that a process may have open; undefined where that is not known. */
  readonly openFiles: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly directory: string;
}

export const thisMachine = (
  environment: Machine['environment'],
  now: number,
  directory: string,
): Machine => ({
  node: process.versions.node,
  // Builds append a name: '3.5.8+quic'.
  openssl: /^[\d.]+/.exec(process.versions.openssl)?.[0] ?? process.versions.openssl,
  platform: `${process.platform} ${process.arch}`,
  fips: getFips() === 1,
  execArgv: process.execArgv,
  environment,
  openFiles: openFiles(),
  now,
  directory,
});

/** The soft limit, which Node raises to the hard one at its start where the system lets it. */
function openFiles(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : soft === 'unlimited' ? Infinity : Number(soft);
  } catch {
    return undefined;
  }
}
