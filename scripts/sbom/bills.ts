import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The two formats, with the endings of their files. */
export const formats = { cyclonedx: 'cdx.json', spdx: 'spdx.json' } as const;
export type Format = keyof typeof formats;

interface Locked {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly [field: string]: unknown;
}

export interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
  readonly [field: string]: unknown;
}

type Manifest = Readonly<Record<string, unknown>>;

/**
 * The bills of materials of what an installation of this package brings along, as the lock file has it: a peer is the
 * application's own. Made of a manifest and a lock without the development's packages, as `npm sbom --omit=dev` leaves
 * out what a development dependency needs too (npm 11: commander, @types/node).
 */
export async function makeBills(root: string): Promise<Record<Format, string>> {
  const manifest = readJson(root, 'package.json') as Manifest;
  const folder = mkdtempSync(join(tmpdir(), 'sbom-'));
  try {
    // npm names the package after its folder.
    const project = join(folder, String(manifest['name']));
    mkdirSync(project);
    const own = ownDependencies(manifest);
    writeFileSync(join(project, 'package.json'), JSON.stringify(own));
    const lock = productionLock(readJson(root, 'package-lock.json') as Lock);
    writeFileSync(join(project, 'package-lock.json'), JSON.stringify(lock));
    const [cyclonedx, spdx] = await Promise.all([runNpm(project, 'cyclonedx'), runNpm(project, 'spdx')]);
    return { cyclonedx, spdx };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const readJson = (root: string, name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));

const left = new Set(['devDependencies', 'peerDependencies', 'peerDependenciesMeta', 'scripts']);
const ownDependencies = (manifest: Manifest): Manifest =>
  Object.fromEntries(Object.entries(manifest).filter(([field]) => !left.has(field)));

/** The lock without what only the development needs. */
export function productionLock({ packages, ...lock }: Lock): Lock {
  const kept = Object.entries(packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true,
  );
  return { ...lock, packages: { '': ownDependencies(packages['']!), ...Object.fromEntries(kept) } };
}

async function runNpm(cwd: string, format: Format): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['sbom', '--package-lock-only', '--sbom-type=library', `--sbom-format=${format}`],
    { cwd, shell: process.platform === 'win32' },
  );
  return stdout;
}
