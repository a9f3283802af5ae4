import { support202611, type SupportDates } from '../../profiles/support-2026-11.ts';
import { type Check, note, ok, wrong } from './check.ts';
import type { Machine } from './machine.ts';

const day = 86_400_000;
/** This was written then: a clock that shows less is wrong. */
const earliest = Date.parse('2026-11-01');
const latest = Date.parse('2050-01-01');
/** Below that a listener of 20,000 connections runs out of files first. */
const files = 4_096;

const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Node and OpenSSL with their ends of life, the clock, the limit of open files. */
export function runtimeChecks(machine: Machine): Check[] {
  const { node, openssl, platform, fips, now, openFiles } = machine;
  const [major = '', minor = ''] = openssl.split('.');
  return [
    life(
      'NODE',
      `Node ${node} (${platform})`,
      support202611.node,
      node.split('.')[0]!,
      now,
      'Use Node 24 or 26.',
    ),
    life(
      'OPENSSL',
      `OpenSSL ${openssl}${fips ? ' in FIPS mode' : ''}`,
      support202611.openssl,
      `${major}.${minor}`,
      now,
      'It comes with Node: use Node 22, 24 or 26, which have 3.5.',
    ),
    clock(now),
    limit(openFiles),
  ];
}

function life(
  code: string,
  what: string,
  dates: SupportDates,
  line: string,
  now: number,
  remedy: string,
): Check {
  const last = Object.hasOwn(dates, line) ? dates[line] : undefined;
  if (last === undefined) return note('runtime', code, `${what}: when its support ends is not known here`);
  const end = Date.parse(last) + day - 1;
  if (now > end) return wrong('runtime', code, `${what}: its support ended on ${last}`, remedy);
  return now > end - 90 * day
    ? note('runtime', code, `${what}: its support ends on ${last}`, remedy)
    : ok('runtime', code, `${what}: supported until ${last}`);
}

function clock(now: number): Check {
  if (now >= earliest && now < latest) return ok('runtime', 'CLOCK', `the clock says ${date(now)}`);
  const shown = Number.isNaN(new Date(now).getTime()) ? 'no date' : date(now);
  return wrong(
    'runtime',
    'CLOCK',
    `the clock says ${shown}, which cannot be`,
    'Set it: certificates are judged by it.',
  );
}

function limit(openFiles: number | undefined): Check {
  if (openFiles === undefined)
    return note('runtime', 'OPEN_FILES', 'how many files may be open is not known here');
  if (openFiles >= files)
    return ok('runtime', 'OPEN_FILES', `${shownLimit(openFiles)} files and sockets may be open`);
  return note(
    'runtime',
    'OPEN_FILES',
    `only ${openFiles} files and sockets may be open, and each connection is one`,
    'Raise it (ulimit -n, LimitNOFILE= of systemd), or lower limits.maxConnections.',
  );
}

const shownLimit = (count: number): string => (count === Infinity ? 'any number of' : String(count));
